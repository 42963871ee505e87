"""Text to video with the embedded prior, end to end, on untrained models."""

import numpy as np
import pytest

from common.cli.main import main
from common.media.images import read_picture
from common.media.video_read import read_clip
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.stopped_runs import stopped_at


@pytest.fixture
def draw(tmp_path, monkeypatch, capsys, lifting_models):  # noqa: F811
    """Run ``video/text_to_video``: exit code, paths and messages."""
    monkeypatch.chdir(tmp_path)

    def draw(*changes, models_dir=lifting_models):
        arguments = [
            "video/text_to_video", f"prior={{name: embedded, models_dir: {models_dir}}}",
            "prompt=a red car slides to the left", "method.height=64", "method.width=72",
            "method.num_frames=3", "sampler.num_steps=2", "num_samples=2", "batch_size=2",
            "export.formats=[mp4,png]", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return draw


def frames(paths, sample=0):
    """The frames of a sample, from its folder of pictures."""
    first = next(p for p in paths if p.parent.name == f"{sample:03d}_frames")
    return np.stack([read_picture(path) for path in sorted(first.parent.glob("*.png"))]).astype(int)


def test_run_writes_clips_with_transparency_and_a_report(draw):
    code, paths, said = draw()

    assert code == 0, said
    assert read_clip(paths[0]).frames.shape == (3, 64, 72, 3)
    made = frames(paths)
    assert made.shape == (3, 64, 72, 4)
    assert len(np.unique(made[..., 3])) > 2, "soft edges"
    assert np.abs(made[0] - made[1]).max() > 0, "frames differ"
    assert np.abs(made - frames(paths, 1)).max() > 0, "samples differ"
    assert paths[-1].name == "report.html"


def test_prompt_and_view_change_the_clip(draw):
    plain = frames(draw("name=plain")[1])
    for change in ("method.view.azimuth_deg=90", "prompt=一辆红色汽车向右滑动"):
        code, paths, said = draw("name=changed", change)
        assert code == 0, said
        assert np.abs(frames(paths) - plain).max() > 0, change


def test_clips_do_not_depend_on_the_batch(draw):
    together = frames(draw("name=two")[1], 1)
    alone = frames(draw("name=one", "batch_size=1")[1], 1)
    # Latents agree to 1e-4; straight colours of nearly transparent pixels divide by alpha.
    solid = np.minimum(together[..., 3], alone[..., 3]) > 25
    assert np.abs(together - alone)[solid].max() <= 1


@pytest.mark.parametrize("changes", [
    (), ("guidance={name: perp_neg, guidance_scale: 3.0}", "negative_prompt=blue"),
])  # fmt: skip
def test_run_that_is_stopped_within_a_clip_ends_in_the_same_frames(draw, tmp_path, changes):
    whole = frames(draw("name=whole", "sampler.num_steps=4", *changes)[1])
    with stopped_at(2):
        assert draw("name=stopped", "sampler.num_steps=4", *changes)[0] == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")

    assert main(["resume", str(folder)], APPS) == 0

    resumed = frames(sorted((folder / "samples").glob("000_frames/*.png")))
    assert np.array_equal(resumed, whole)


@pytest.mark.parametrize(("change", "message"), [
    ("method.num_frames=17", "num_frames is 17; the embedded motion layers were trained on"),
    ("method.width=48", "not 64 x 48; the nearest are 64 x 64"),
])  # fmt: skip
def test_lengths_and_sizes_of_nobody_end_with_code_2(draw, tmp_path, change, message):
    code, paths, said = draw(change)

    assert (code, paths) == (2, [])
    assert message in said
    assert not any(tmp_path.iterdir())


def test_missing_motion_layers_end_with_code_2(draw, tmp_path, models):  # noqa: F811
    code, paths, said = draw(models_dir=models)

    assert (code, paths) == (2, [])
    assert "has no motion_layers" in said
    assert not any(tmp_path.iterdir())
