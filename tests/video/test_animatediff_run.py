"""The video app on a checkpoint with a motion module, end to end."""

import numpy as np
import pytest

from common.cli.main import main
from common.media.video_probe import probe
from common.media.video_read import read_clip
from run import APPS
from tests.common.pretrained.tiny_pipelines import SIZE
from tests.video.animatediff.conftest import checkpoint, modules, pipeline  # noqa: F401

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")


@pytest.fixture
def film(tmp_path, monkeypatch, capsys, checkpoint, modules):  # noqa: F811
    """Run ``video/animatediff_sd15``: exit code, paths and messages."""
    monkeypatch.chdir(tmp_path)

    def film(*changes):
        code = main([
            "video/animatediff_sd15", f"prior.path={checkpoint}", "method.num_frames=5",
            f"method.motion.path={modules['v3'][1]}", f"method.height={SIZE[0]}",
            f"method.width={SIZE[1]}", "sampler={name: dpm_solver_pp_2m, num_steps: 2}", *changes,
        ], APPS)  # fmt: skip
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return film


def test_run_writes_clips_and_says_whose_schedule_it_is(film):
    code, paths, said = film()
    assert code == 0, said
    assert [path.suffix for path in paths] == [".mp4", ".webp", ".html"]
    found = probe(paths[0])
    assert (found.height, found.width) == SIZE
    assert found.duration_s == pytest.approx(5 / 8, abs=0.01)
    assert "takes the place of the checkpoint's scaled_linear" in said


def test_dry_run_says_sizes(film):
    code, lines, said = film("--dry-run")
    assert code == 0, said
    assert any("latents: 4 x 5 x 8 x 10" in line.name for line in lines)


@pytest.mark.parametrize(("change", "message"), [
    ("method.motion=null", "clips need a motion module"),
    ("method.num_frames=40", "up to 32 frames"),
    ("method.motion.path=none.ckpt", "none.ckpt"),
    ("method.view={}", "knows no views"),
    ("prior={name: gaussian}", "method.motion has no use for the gaussian prior"),
])  # fmt: skip
def test_wrong_settings_end_with_code_2(film, tmp_path, change, message):
    code, paths, said = film(change)
    assert (code, paths) == (2, [])
    assert message in said
    assert "Traceback" not in said
    assert not any(tmp_path.iterdir())


def test_timeline_changes_clips_of_a_checkpoint(film):
    def drawn(*changes):
        code, paths, said = film("export.formats=[mp4]", *changes)
        assert code == 0, said
        return read_clip(paths[0]).frames

    told = "method.timeline={motion_scale: {keys: {0: 0.5}}, guidance_scale: {keys: {2: 4.0}}}"
    half = drawn("method.motion.scale=0.5", "guidance.guidance_scale=4.0")
    assert np.array_equal(drawn(told), half)
    changing = "{prompts: {keys: {4: a blue dog}}, motion_scale: {keys: {0: 0.5, 4: 1.0}}}"
    windows = "method.windows={frames: 3, overlap: 1}"
    assert not np.array_equal(drawn(windows, f"method.timeline={changing}"), drawn(windows))
