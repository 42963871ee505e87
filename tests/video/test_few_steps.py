"""Clips in few steps, as a user draws them, on untrained models."""

import shutil

import numpy as np
import pytest

from common.cli.main import main
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.common.zoo.small_zoo import store_few_step, store_few_step_frames
from tests.video.test_windows import frames

TWO = ("prior.few_steps=2", "sampler={name: ddim, num_steps: 2}", "guidance.guidance_scale=1")


@pytest.fixture(scope="module")
def students(tmp_path_factory, lifting_models):  # noqa: F811
    folder = tmp_path_factory.mktemp("students") / "models"
    shutil.copytree(lifting_models, folder)
    store_few_step(folder)
    store_few_step_frames(folder, "motion_layers")
    return folder


@pytest.fixture
def draw(tmp_path, monkeypatch, capsys, students):
    monkeypatch.chdir(tmp_path)

    def draw(*changes):
        arguments = [
            "video/text_to_video", f"prior={{name: embedded, models_dir: {students}}}",
            "prompt=a red mug slides to the left", "export.formats=[mp4,png]",
            "method.num_frames=3", "method.height=64", "method.width=64", "sampler.num_steps=2",
            *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return draw


def test_a_student_draws_other_clips_than_the_layers_alone(draw):
    found = []
    for few in (TWO, TWO[1:]):
        code, paths, said = draw(*few)
        assert code == 0, said
        found.append(frames(paths))
    assert np.abs(found[0] - found[1]).max() > 2


@pytest.mark.parametrize(("changes", "message"), [
    (("guidance.guidance_scale=3",), "set sampler.name=ddim sampler.num_steps=2"),
    (("sampler.num_steps=4",), "set sampler.name=ddim sampler.num_steps=2"),
    (("method.timeline.guidance_scale={keys: {0: 1, 2: 4}}",), "where guidance is folded in"),
])  # fmt: skip
def test_wrong_combinations_are_refused(draw, changes, message):
    code, paths, said = draw(*TWO, *changes)
    assert (code, paths) == (2, [])
    assert message in said
    assert "Traceback" not in said
