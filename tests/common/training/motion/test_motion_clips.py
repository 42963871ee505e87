from collections import Counter
from dataclasses import replace

import jaxtyping
import numpy as np
import pytest

from common.errors import InputError
from common.kit.motions import MOTIONS
from common.kit.split import (
    is_azimuth_held_out,
    is_colour_held_out,
    is_instance_held_out,
    is_motion_held_out,
)
from common.kit.views import FRONT
from common.training.motion import motion_clips
from common.training.motion.motion_clips import (
    MOTION_PARTS,
    load_motion_clips,
    planned_clips,
    prepare_motion_clips,
    rendered_clip,
    shown_object,
)


@pytest.fixture
def unchecked_builders():
    """The kit's builders are written with whole numbers where floats are annotated."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


@pytest.mark.parametrize("part", MOTION_PARTS)
def test_every_beginning_has_all_motions_alike(part):
    planned = planned_clips(part, 12)
    assert set(Counter(one.motion for one in planned).values()) == {12}
    assert {one.motion for one in planned[:10]} == {motion.name for motion in MOTIONS}
    assert planned_clips(part, 4) == planned[:40]


@pytest.mark.usefixtures("unchecked_builders")
def test_trained_clips_have_nothing_that_is_held_out():
    for one in planned_clips("trained", 30):
        assert not is_motion_held_out(one.category, one.motion)
        assert one.view == FRONT or not is_azimuth_held_out(one.view.azimuth_deg)
    for one in planned_clips("trained", 2):
        shown = shown_object(one)
        assert not is_instance_held_out(one.category, shown.seed)
        assert not is_colour_held_out(one.category, shown.facts.main)


@pytest.mark.usefixtures("unchecked_builders")
def test_held_out_clips_are_held_out_by_their_own_rule():
    for one in planned_clips("instances", 3):
        assert not is_motion_held_out(one.category, one.motion)
    for one in planned_clips("instances", 1):
        assert is_instance_held_out(one.category, shown_object(one).seed)
    for one in planned_clips("pairs", 3):
        assert is_motion_held_out(one.category, one.motion)


def test_half_of_the_clips_are_seen_from_the_front_and_faces_that_talk_never_from_behind():
    planned = planned_clips("trained", 60)
    fronts = sum(one.view == FRONT for one in planned) / len(planned)
    assert 0.42 < fronts < 0.58  # 600 draws: a deviation of 0.02
    for one in planned:
        if one.motion == "talk":
            assert min(one.view.azimuth_deg, 360 - one.view.azimuth_deg) <= 50


@pytest.mark.usefixtures("unchecked_builders")
def test_clips_are_prepared_once_and_read_back(tmp_path, monkeypatch):
    monkeypatch.setattr(motion_clips, "CLIPS_PER_FILE", 2)
    monkeypatch.setattr(motion_clips, "MOTIONS", MOTIONS[2:4])
    monkeypatch.setattr(motion_clips, "SIZES_PX", {"trained": 16, "instances": 16, "pairs": 16})
    with pytest.raises(InputError, match="no clips of the present kit"):
        load_motion_clips(tmp_path, "trained", 2)
    paths = list(prepare_motion_clips(tmp_path, "trained", 2))
    assert len(set(paths)) == 2
    clips = load_motion_clips(tmp_path, "trained", 2)
    assert clips.frames.shape == (4, 16, 16, 16, 4)
    assert clips.frames.dtype == np.uint8
    assert [one.motion for one in clips.planned] == ["slide left", "slide right"] * 2
    np.testing.assert_array_equal(clips.frames[3], rendered_clip(clips.planned[3], 16))
    times = [path.stat().st_mtime_ns for path in paths]
    assert list(prepare_motion_clips(tmp_path, "trained", 2)) == paths
    assert [path.stat().st_mtime_ns for path in paths] == times


def test_other_clips_have_another_file(tmp_path, monkeypatch):
    group = planned_clips("pairs", 2)
    other = (replace(group[0], first_seed=group[0].first_seed + 1), *group[1:])
    path = motion_clips._file(tmp_path, group)
    assert motion_clips._file(tmp_path, other) != path
    monkeypatch.setattr(motion_clips, "NUM_FRAMES", 8)
    assert motion_clips._file(tmp_path, group) != path
