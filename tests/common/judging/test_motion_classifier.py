import jaxtyping
import numpy as np
import pytest
import torch

from common.errors import InputError
from common.judging.motion_classifier import (
    NONE,
    MotionArchitecture,
    MotionClassifier,
    MotionMeasure,
    is_mostly_empty,
    load_motion_measure,
    motion_share,
    told_motions,
)
from common.judging.motion_features import feature_names, motion_features
from common.kit.catalogue import category_named
from common.kit.clips import render_clip
from common.kit.instances import instance
from common.kit.motions import MOTIONS, motion_named
from common.kit.split import is_instance_held_out
from common.kit.views import FRONT
from common.zoo.storage import save_model
from tests.common.judging.drawn_clips import clip, figure

SHOWN = (
    ("car", "slide left"), ("mug", "grow"), ("guitar", "spin"), ("cat face", "talk"),
    ("chair", "hop"), ("house", "turntable"),
)  # fmt: skip


@pytest.fixture(scope="module")
def measure():
    return load_motion_measure()


@pytest.fixture(scope="module")
def rendered():
    """A held-out object in each of some motions, 64 px, premultiplied in [-1, 1].

    The kit's builders are written with whole numbers where floats are annotated.
    """
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    clips = []
    for number, (category, motion) in enumerate(SHOWN):
        seed = next(s for s in range(999) if is_instance_held_out(category, s))
        rng = np.random.default_rng(number)
        made = render_clip(
            instance(category_named(category), seed), motion_named(motion), FRONT, 16, rng, 64
        )
        clips.append(made.frames.rgba.permute(3, 0, 1, 2) * 2 - 1)
    jaxtyping.config.update("jaxtyping_disable", before)
    return torch.stack(clips)


def test_stored_measure_knows_the_motions_of_the_kit_and_none(measure):
    assert measure.names == (*(motion.name for motion in MOTIONS), NONE)
    assert sum(weight.numel() for weight in measure.classifier.parameters()) < 10_000


def test_stored_measure_met_its_bars_when_it_was_fitted(measure):
    figures = measure.figures
    for part in ("instances", "pairs"):
        assert figures[f"{part}/true/right"] >= 0.95
        assert figures[f"{part}/blurred/right"] >= 0.9
        assert figures[f"{part}/autoencoded/right"] >= 0.9
        for still_or_shuffled in ("stills", "noisy stills", "shuffled", "noisy shuffled"):
            assert figures[f"{part}/{still_or_shuffled}/right"] <= 0.15


def test_stored_measure_tells_freshly_rendered_clips(measure, rendered):
    told = told_motions(measure, rendered)
    assert [one.name for one in told] == [motion for _, motion in SHOWN]
    for one in told:
        assert sum(one.probabilities.values()) == pytest.approx(1.0)
        assert one.probabilities[one.name] == max(one.probabilities.values())
    assert motion_share(measure, rendered, [motion for _, motion in SHOWN]).value == 1.0


def test_stored_measure_tells_clips_played_backwards_and_mirrored(measure, rendered):
    backwards = [one.name for one in told_motions(measure, rendered.flip(2))]
    assert backwards[:2] == ["slide right", "shrink"]
    assert told_motions(measure, rendered[:1].flip(4))[0].name == "slide right"


def test_stored_measure_names_no_motion_of_stills_and_shuffled_frames(measure, rendered):
    stills = rendered[:, :, 5:6].expand(-1, -1, 16, -1, -1)
    assert [one.name for one in told_motions(measure, stills)] == [NONE] * len(SHOWN)
    order = [7, 2, 12, 0, 9, 15, 4, 10, 1, 13, 6, 3, 14, 8, 11, 5]
    shuffled = told_motions(measure, rendered[:, :, order])
    right = [one.name == motion for one, (_, motion) in zip(shuffled, SHOWN, strict=True)]
    assert sum(right) <= 1


def test_stored_measure_does_not_see_brightness_or_the_order_of_colours(measure, rendered):
    names = [motion for _, motion in SHOWN]
    dimmed = torch.cat([(rendered[:, :3] + 1) * 0.7 - 1, rendered[:, 3:]], 1)
    assert [one.name for one in told_motions(measure, dimmed)] == names
    exchanged = rendered[:, [2, 0, 1, 3]]
    assert [one.name for one in told_motions(measure, exchanged)] == names


def test_empty_clips_show_no_motion(measure):
    nothing = torch.full((4, 16, 64, 64), -1.0)
    told = told_motions(measure, nothing[None])[0]
    assert told.name == NONE
    assert told.probabilities[NONE] == 1.0
    assert sum(told.probabilities.values()) == 1.0


def test_clip_with_anything_in_half_of_its_frames_is_looked_at():
    nothing = torch.full((4, 64, 64), -1.0)
    half = clip([figure()] * 8 + [nothing] * 8)
    assert not is_mostly_empty(half)
    assert is_mostly_empty(clip([figure()] * 7 + [nothing] * 9))
    assert bool(motion_features(half).isfinite().all())


def test_what_cannot_be_told_is_refused(measure):
    clips = clip([figure()] * 16)[None]
    with pytest.raises(InputError, match="not from 3 channels"):
        told_motions(measure, clips[:, :3])
    with pytest.raises(InputError, match="this clip has 8"):
        told_motions(measure, clips[:, :, :8])
    with pytest.raises(InputError, match="no motion 'fly' can be told; known: turntable, hop"):
        motion_share(measure, clips, ["fly"])
    with pytest.raises(InputError, match="no motion 'none'"):
        motion_share(measure, clips, ["none"])
    with pytest.raises(InputError, match="1 clips, and motions asked of 2"):
        motion_share(measure, clips, ["hop", "hop"])


def test_share_counts_the_clips_that_show_what_was_asked():
    """A classifier made by hand: whatever ends further right than it began slides right."""
    architecture = MotionArchitecture(
        features=feature_names(), names=("slide left", "slide right", NONE), hidden=2
    )
    classifier = MotionClassifier(architecture)
    with torch.no_grad():
        for parameter in classifier.parameters():
            parameter.zero_()
        wave = feature_names().index("right: wave 1")
        classifier.inner.weight[0, wave], classifier.inner.weight[1, wave] = 1.0, -1.0
        classifier.outer.weight[0, 0], classifier.outer.weight[1, 1] = 1.0, 1.0
        classifier.outer.bias[2] = 0.5
    measure = MotionMeasure(classifier, "by hand", {})
    share = [t / 15 for t in range(16)]
    right = clip([figure(-12 + 24 * s) for s in share])
    clips = torch.stack([right, right.flip(1), right[:, :1].expand(-1, 16, -1, -1)])
    assert [one.name for one in told_motions(measure, clips)] == ["slide right", "slide left", NONE]
    counted = motion_share(measure, clips, ["slide right", "slide right", "slide left"])
    assert (counted.num_right, counted.num_asked) == (1, 3)


def test_measure_of_other_features_is_refused(tmp_path):
    architecture = MotionArchitecture(features=("speed",), names=("hop", NONE))
    classifier = MotionClassifier(architecture)
    save_model(
        tmp_path, "motion_measure", classifier.state_dict(), "float32", kind="motion_measure",
        architecture=architecture.model_dump(mode="json"), requires={}, figures={},
    )  # fmt: skip
    with pytest.raises(InputError, match="other features than are measured now"):
        load_motion_measure(tmp_path)
    with pytest.raises(InputError, match="there is no model motion_measure"):
        load_motion_measure(tmp_path / "elsewhere")
