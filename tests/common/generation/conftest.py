"""Untrained models of the embedded prior in a folder."""

import shutil

import pytest

from tests.common.zoo.small_zoo import (
    store_domain,
    store_frame_layers,
    store_ip_adapter,
    store_prior,
)


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


@pytest.fixture(scope="session")
def lifting_models(tmp_path_factory, models):
    """The same models, layers that make clips and views of them, and what reads pictures."""
    folder = tmp_path_factory.mktemp("lifting")
    for path in models.iterdir():
        shutil.copy(path, folder)
    store_frame_layers(folder, "motion_layers")
    store_frame_layers(folder, "view_layers")
    store_ip_adapter(folder)
    return folder
