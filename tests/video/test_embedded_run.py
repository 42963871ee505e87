"""Text to video with the embedded prior, end to end, on untrained models."""

import json

import numpy as np
import pytest
import torch

from common.cli.main import main
from common.diffusion.frame_curves import PromptTravel
from common.media.clips import write_clip
from common.media.images import read_picture, write_picture
from common.media.pixels import composite, from_picture, to_picture
from common.media.video_read import read_clip
from common.zoo.models import load_embedded_prior
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.stopped_runs import stopped_at
from video.judged_metrics import background_consistency, judged_metrics, load_clip_judge
from video.metrics import clip_metrics


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


def test_figures_are_in_the_report(draw):
    code, paths, said = draw("metrics=[temporal_flickering, seam]")

    assert code == 0, said
    report = json.loads((paths[-1].parent / "report.json").read_text())
    rows = report["samples"]
    shown = composite(frames(paths).astype(np.uint8), "#ffffff")
    assert rows[0]["metrics"] == pytest.approx(clip_metrics(["temporal_flickering", "seam"], shown))


def test_figures_by_the_judge_are_those_of_the_drawn_clip(draw):
    names = ["judge_text_alignment", "seam", "judge_subject_consistency"]
    travel = 'method.timeline={prompts: {keys: {2: "a blue duck"}}}'
    code, paths, said = draw(f"metrics=[{', '.join(names)}]", travel)

    assert code == 0, said
    report = json.loads((paths[-1].parent / "report.json").read_text())
    found = report["samples"][0]["metrics"]
    made = frames(paths).astype(np.uint8)
    shares = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    told = PromptTravel(("a red car slides to the left", "a blue duck"), shares)
    judged = judged_metrics([names[0], names[2]], load_clip_judge(), made, told)
    assert list(found) == names
    assert found == pytest.approx(judged | clip_metrics(["seam"], composite(made, "#ffffff")))


def test_figures_by_the_judge_are_of_the_frames_that_are_shown(draw):
    """Twice as many frames as are drawn: those between are of the prompts of both sides."""
    changes = (
        "metrics=[judge_text_alignment]", "export.target_fps=16", "num_samples=1",
        'method.timeline={prompts: {keys: {2: "a blue duck"}}}',
    )  # fmt: skip
    code, paths, said = draw(*changes)

    assert code == 0, said
    report = json.loads((paths[-1].parent / "report.json").read_text())
    made = frames(paths).astype(np.uint8)
    rows = [[1.0, 0.0], [0.75, 0.25], [0.5, 0.5], [0.25, 0.75], [0.0, 1.0], [0.0, 1.0]]
    told = PromptTravel(("a red car slides to the left", "a blue duck"), torch.tensor(rows))
    judged = judged_metrics(["judge_text_alignment"], load_clip_judge(), made, told)
    assert report["samples"][0]["metrics"] == pytest.approx(judged)


@pytest.mark.parametrize(("changes", "message"), [
    (("metrics=[judge_background_consistency]",), "draws things on nothing"),
    (("metrics=[smoothness]", "method.num_frames=2"), "3 frames or more, and the clip has 2"),
    (("metrics=[judge_subject]",), "judge_subject_consistency"),
])  # fmt: skip
def test_figures_without_a_meaning_are_refused_before_anything_is_drawn(
    draw, tmp_path, changes, message
):
    code, paths, said = draw(*changes)

    assert (code, paths) == (2, [])
    assert message in said
    assert not any(tmp_path.iterdir())


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
    ("guidance={name: composed, guidance_scale: 2.0, conditions: [{prompt: blue, weight: -0.5}]}",),
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


@pytest.fixture
def given(tmp_path):
    """A picture and a clip of two colours."""
    frames = np.full((4, 64, 72, 4), 255, np.uint8)
    frames[:, :, 36:, :2] = 40
    frames[3, :8] = 0  # equal frames would be merged into a still
    write_picture(tmp_path / "given.png", frames[0])
    write_clip(tmp_path / "given.webp", frames, 8.0)
    mask = np.zeros((64, 72, 3), np.uint8)
    mask[:, :24] = 255
    write_picture(tmp_path / "mask.png", mask)
    return tmp_path


def of(name, **others):
    values = {"name": name, "num_frames": 3, "height": 64, "width": 72} | others
    return "method=" + json.dumps(values)


def decoded(picture, models_dir):
    """What the autoencoder makes of a picture."""
    prior = load_embedded_prior((64, 72), models_dir, "cpu", ())
    with torch.inference_mode():
        latents = prior.encode(from_picture(picture)[None])
        return to_picture(prior.decode(latents)[0]).astype(int)


def test_given_first_frame_is_the_clips_first(draw, given, lifting_models):  # noqa: F811
    code, paths, said = draw(of("image_to_video", input="given.png"))

    assert code == 0, said
    made = frames(paths)
    expected = decoded(read_picture(given / "given.png"), lifting_models)
    assert np.abs(made[0] - expected)[expected[..., 3] > 25].max() <= 1
    plain = frames(draw("name=plain")[1])
    assert np.abs(made[1:] - plain[1:]).max() > 0, "later frames hear of it"


def test_key_frames_are_where_they_belong(draw, given, lifting_models):  # noqa: F811
    keys = [{"frame": 2, "input": "given.png"}]
    code, paths, said = draw(of("image_to_video", input="given.png", key_frames=keys))

    assert code == 0, said
    made, expected = frames(paths), decoded(read_picture(given / "given.png"), lifting_models)
    assert np.abs(made[2] - expected)[expected[..., 3] > 25].max() <= 1
    assert np.abs(made[1] - expected).max() > 1


def test_strength_says_how_much_of_a_clip_stays(draw, given):
    expected = read_picture(given / "given.png").astype(int)
    away = []
    for strength in (0.25, 1.0):
        code, paths, said = draw(
            f"name=at{strength}", of("video_to_video", input="given.webp", strength=strength),
            "sampler.num_steps=4", "prior.trajectory_noise=null",
        )  # fmt: skip
        assert code == 0, said
        away.append(np.abs(frames(paths) - expected).mean())
    assert away[0] < away[1]


def test_background_is_measured_where_what_is_given_has_one(draw, given):
    code, paths, said = draw(
        of("video_inpaint", input="given.webp", mask="mask.png", num_frames=4),
        "metrics=[judge_background_consistency]", "num_samples=1",
    )  # fmt: skip
    assert (code, paths) == (2, [])
    assert "is given things on nothing" in said  # its last frame has a hole

    write_clip(given / "opaque.mp4", np.roll(ramps(), 9, axis=2), 8.0)
    code, paths, said = draw(
        of("video_inpaint", input="opaque.mp4", mask="mask.png"),
        "metrics=[judge_background_consistency]", "num_samples=1",
    )  # fmt: skip
    assert code == 0, said
    report = json.loads((paths[-1].parent / "report.json").read_text())
    shown = composite(frames(paths).astype(np.uint8), "#ffffff")
    expected = background_consistency(load_clip_judge(), shown)
    assert report["samples"][0]["metrics"]["judge_background_consistency"] == pytest.approx(
        expected
    )


def ramps():
    """Four opaque frames, each another brightness from the left to the right."""
    ramp = np.linspace(40, 200, 72).astype(np.uint8)
    return np.stack([np.tile(ramp + 12 * n, (64, 1)) for n in range(4)])[..., None].repeat(3, -1)


def test_unmasked_pixels_of_a_clip_stay_to_the_byte(draw, given):
    code, paths, said = draw(of("video_inpaint", input="given.webp", mask="mask.png"))

    assert code == 0, said
    made, expected = frames(paths), read_picture(given / "given.png")
    assert (made[:, :, 24:] == expected[:, 24:]).all()
    assert np.abs(made[:, :, :12] - expected[:, :12].astype(int)).max() > 1


def test_stopped_clip_from_a_clip_ends_in_the_same_frames(draw, given, tmp_path):
    changes = (of("video_to_video", input="given.webp", strength=0.75), "sampler.num_steps=4")
    whole = frames(draw("name=whole", *changes)[1])
    with stopped_at(2):
        assert draw("name=stopped", *changes)[0] == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")

    assert main(["resume", str(folder)], APPS) == 0

    resumed = frames(sorted((folder / "samples").glob("000_frames/*.png")))
    assert np.array_equal(resumed, whole)


@pytest.mark.parametrize(("method", "message"), [
    (of("image_to_video", input="none.png"), "none.png: there is no such file"),
    (of("video_to_video", input="given.webp", num_frames=5), "4 frames from 0 s on"),
    (of("video_to_video", input="given.webp", strength=0.1), "use at least 0.5"),
    (of("video_inpaint", input="given.png", mask="mask.png"), "given.png"),
])  # fmt: skip
def test_what_cannot_be_given_ends_with_code_2(draw, given, method, message):
    code, paths, said = draw(method)

    assert (code, paths) == (2, [])
    assert message in said
    assert not (given / "outputs").exists()
