"""Tiny checkpoints, made once, and the pipelines they were saved from."""

import warnings

import pytest

from tests.common.pretrained import tiny_pipelines


@pytest.fixture(scope="session")
def pipelines():
    """By the name of the family they are shaped like."""
    with warnings.catch_warnings():
        # diffusers' own loading code, and NumPy 2 on its schedulers.
        warnings.simplefilter("ignore")
        made = {name: getattr(tiny_pipelines, name)() for name in ("sd15", "sd21", "sdxl")}
    for pipeline in made.values():
        pipeline.set_progress_bar_config(disable=True)
    return made


@pytest.fixture(scope="session")
def checkpoints(pipelines, tmp_path_factory):
    """Their folders."""
    return {
        name: tiny_pipelines.store(pipeline, tmp_path_factory.mktemp("checkpoint") / name)
        for name, pipeline in pipelines.items()
    }
