"""Clips of any length: how they are cut, and that segments continue each other."""

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from common.cli.main import main
from common.media.images import read_picture, write_picture
from common.media.video_read import read_clip
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.stopped_runs import stopped_at
from video.config import VideoExport
from video.export import clip_files
from video.long_video import LongVideo
from video.timeline.config import Timeline
from video.timeline.curve import PromptCurve


def at_once(keys):
    return Timeline(prompts=PromptCurve(keys=keys, interpolation="hold"))


@given(
    num_frames=st.integers(2, 400), segment_frames=st.integers(2, 32),
    changes=st.sets(st.integers(1, 399), max_size=4),
)  # fmt: skip
@settings(deadline=None)
def test_segments_are_the_whole_clip(num_frames, segment_frames, changes):
    at = sorted(frame for frame in changes if frame < num_frames)
    told = at_once({frame: f"from {frame}" for frame in at}) if at else None
    method = LongVideo(num_frames=num_frames, segment_frames=segment_frames, timeline=told)

    found = method.segments("a duck")

    assert sum(one.num_new for one in found) == num_frames
    assert [one.begin for one in found] == [
        sum(earlier.num_new for earlier in found[:index]) for index in range(len(found))
    ]
    longest = min(segment_frames, num_frames)
    assert found[0].num_new <= longest
    assert all(1 <= one.num_new <= longest - 1 for one in found[1:])
    prompts = [one.prompt for one in found for _ in range(one.num_new)]
    wanted = ["a duck"] * num_frames
    for frame in at:
        wanted[frame:] = [f"from {frame}"] * (num_frames - frame)
    assert prompts == wanted
    for number, one in enumerate(found):
        begun = found[one.told_by]
        assert begun.prompt == one.prompt
        assert one.told_by == 0 or found[one.told_by - 1].prompt != one.prompt
        assert one.anchor == (0 if one.told_by == 0 else begun.begin - 1)
        assert one.told_by <= number


def test_prompts_of_no_frame_are_refused():
    with pytest.raises(ValidationError, match="prompts has a key at frame 64, and the clip has 64"):
        LongVideo(timeline=at_once({5: "a duck", 64: "a cat"}))


@pytest.fixture
def draw(tmp_path, monkeypatch, capsys, lifting_models):  # noqa: F811
    """Run ``video/long_video`` of 9 frames in segments of 4: exit code, paths and messages."""
    monkeypatch.chdir(tmp_path)

    def draw(*changes, method=None):
        keys = {"name": "long_video", "num_frames": 9, "segment_frames": 4, "height": 64,
                "width": 64} | (method or {})  # fmt: skip
        arguments = [
            "video/long_video", f"prior={{name: embedded, models_dir: {lifting_models}}}",
            "prompt=a red car slides to the left", "sampler.num_steps=2",
            "export.formats=[mp4,png]", f"method={json.dumps(keys)}", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return draw


def frames(paths, sample=0):
    """The frames of a sample, from its folder of pictures."""
    first = next(p for p in paths if p.parent.name == f"{sample:03d}_frames")
    return np.stack([read_picture(path) for path in sorted(first.parent.glob("*.png"))]).astype(int)


def test_long_clip_begins_like_its_first_segment(draw):
    code, paths, said = draw()
    assert code == 0, said
    made = frames(paths)
    assert made.shape == (9, 64, 64, 4)
    assert read_clip(paths[0]).frames.shape == (9, 64, 64, 3)
    short = frames(draw("name=short", method={"num_frames": 4})[1])
    # Equal latents, decoded in another batch.
    assert np.abs(made[:4] - short)[short[..., 3] > 25].max() <= 1
    assert len({frame.tobytes() for frame in made}) == 9, "every frame is another"


def test_segments_continue_the_last_frame(draw):
    """Another prompt from frame 4 on changes what follows, not what was."""
    plain = frames(draw("name=plain")[1])
    told = {"prompts": {"keys": {4: "a blue duck grows"}, "interpolation": "hold"}}
    code, paths, said = draw("name=other", method={"timeline": told})
    assert code == 0, said
    made = frames(paths)
    assert np.array_equal(made[:4], plain[:4])
    assert np.abs(made[4:] - plain[4:]).max() > 0


def test_long_clip_may_begin_with_a_picture(draw, tmp_path):
    pixels = np.full((64, 64, 4), 255, np.uint8)
    pixels[:32] = 60
    write_picture(tmp_path / "a.png", pixels)
    code, paths, said = draw(method={"input": "a.png"})
    assert code == 0, said
    assert np.abs(frames(paths) - frames(draw("name=free")[1])).max() > 0


@pytest.mark.parametrize("step", [1, 3, 4])
def test_long_clip_that_is_stopped_ends_in_the_same_frames(draw, tmp_path, step):
    whole = frames(draw("name=whole", "num_samples=2")[1], 1)
    with stopped_at(step):
        assert draw("name=stopped", "num_samples=2")[0] == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")

    assert main(["resume", str(folder)], APPS) == 0

    resumed = frames(sorted((folder / "samples").glob("001_frames/*.png")), 1)
    assert np.array_equal(resumed, whole)


def test_segments_beyond_the_layers_and_unknown_prompts_end_with_code_2(draw, tmp_path):
    code, paths, said = draw(method={"num_frames": 40, "segment_frames": 20})
    assert (code, paths) == (2, [])
    assert "num_frames is 20; the embedded motion layers" in said


def test_dry_run_says_how_many_segments(draw):
    code, lines, _ = draw("--dry-run")
    assert code == 0
    # 4 frames, then 3 and 2 new ones.
    assert any("3 of 4 frames" in str(line) for line in lines)


def test_streamed_files_hold_no_frames_in_memory(tmp_path):
    export = VideoExport(formats=("mp4",))
    part = np.zeros((16, 64, 64, 4), np.uint8)
    peaks = []
    for count in (2, 20):
        tracemalloc.start()
        with clip_files(tmp_path, f"{count}", export, None) as files:
            for _ in range(count):
                files.write(part)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert read_clip(tmp_path / "20.mp4").frames.shape[0] == 320
    # Eighteen parts more are 4.7 MB; encoders may round.
    assert peaks[1] - peaks[0] < 1e6
