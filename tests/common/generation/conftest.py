"""Untrained models of the embedded prior in a folder."""

import pytest

from tests.common.zoo.small_zoo import store_domain, store_prior


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    store_prior(folder)
    store_domain(folder)
    return folder


@pytest.fixture(scope="session")
def without_domain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("without_domain")
    store_prior(folder)
    return folder
