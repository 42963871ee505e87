"""A whole untrained zoo with view layers and a judge."""

import shutil

import pytest

from common.cli.main import main
from run import APPS
from tests.common.evaluation.conftest import zoo  # noqa: F401
from tests.common.zoo.small_zoo import store_frame_layers, store_ip_adapter

SMALL = (
    "method.asset.size_px=64", "method.asset.sampler.num_steps=2", "method.asset.num_cells=16",
    "method.asset.fit_steps=4", "num_threads=1",
)  # fmt: skip


@pytest.fixture(scope="session")
def view_zoo(tmp_path_factory, zoo):  # noqa: F811
    folder = tmp_path_factory.mktemp("view_zoo")
    for path in zoo.iterdir():
        shutil.copy(path, folder)
    store_frame_layers(folder, "view_layers")
    store_ip_adapter(folder)
    return folder


@pytest.fixture
def evaluate(view_zoo, tmp_path, monkeypatch, capsys):
    """Run a preset small: exit code, paths and messages."""
    monkeypatch.chdir(tmp_path)

    def evaluate(preset, *changes):
        arguments = [preset, f"prior.models_dir={view_zoo}", f"judge_dir={view_zoo}",
                     "max_prompts=2", *SMALL, *changes]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return evaluate
