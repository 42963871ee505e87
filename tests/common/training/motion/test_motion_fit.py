from dataclasses import replace

import numpy as np
import pytest
import torch

from common.embedded.autoencoder import Autoencoder, AutoencoderArchitecture
from common.judging.motion_classifier import NONE, MotionMeasure, load_motion_measure
from common.judging.motion_features import feature_names
from common.training.motion import motion_samples
from common.training.motion.motion_clips import MotionClips, planned_clips
from common.training.motion.motion_fit import NAMES, fit_classifier, store_measure, table
from common.training.motion.motion_references import steadiness_figures
from common.training.motion.motion_samples import MotionSamples, float_clip, training_samples
from common.training.motion.motion_trials import (
    beginning,
    coded_changes,
    counted,
    plain_changes,
    trial,
    trial_figures,
)
from tests.common.judging.drawn_clips import clip, figure

NUM_FEATURES = len(feature_names())


def clouds(num_each=30):
    """Samples of each name about a centre of their own, far apart; none is the most frequent."""
    generator = torch.Generator().manual_seed(0)
    centres = 3 * torch.randn(len(NAMES), NUM_FEATURES, generator=generator)
    counts = [num_each * (4 if name == NONE else 1) for name in NAMES]
    names = [name for name, count in zip(NAMES, counts, strict=True) for _ in range(count)]
    numbers = torch.tensor([NAMES.index(name) for name in names])
    noise = torch.randn(len(names), NUM_FEATURES, generator=generator)
    return MotionSamples(centres[numbers] + noise, tuple(names))


def sliding_clips():
    """Two clips that slide and two that grow, as 8-bit frames."""
    share = [t / 15 for t in range(16)]
    shown = {
        "slide right": [figure(-14 + 28 * s) for s in share],
        "slide left": [figure(14 - 28 * s) for s in share],
        "grow": [figure(0, 0, 0.5 + 0.6 * s) for s in share],
        "shrink": [figure(0, 0, 1.1 - 0.6 * s) for s in share],
    }
    some = planned_clips("instances", 1)[0]
    planned = tuple(replace(some, motion=name, number=n) for n, name in enumerate(shown))
    frames = torch.stack([(clip(frames) + 1) / 2 for frames in shown.values()])
    eight_bit = (frames.permute(0, 2, 3, 4, 1) * 255).round().to(torch.uint8).numpy()
    return MotionClips(planned, eight_bit)


def test_fit_tells_what_can_be_told_and_repeats_itself():
    samples = clouds()
    classifier = fit_classifier(samples, num_steps=60)
    labels = torch.tensor([NAMES.index(name) for name in samples.names])
    assert float((classifier(samples.features).argmax(1) == labels).float().mean()) == 1.0
    again = fit_classifier(samples, num_steps=60)
    for one, other in zip(classifier.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(
        classifier.inner.weight, fit_classifier(samples, num_steps=60, seed=1).inner.weight
    )


def test_stored_measure_is_read_back_to_the_bit(tmp_path):
    classifier = fit_classifier(clouds(), num_steps=20)
    manifest = store_measure(classifier, {"pairs/true/right": 0.5}, tmp_path)
    assert manifest.num_bytes < 300_000
    measure = load_motion_measure(tmp_path)
    features = clouds().features
    assert torch.equal(measure.classifier(features), classifier(features))
    assert measure.names == NAMES
    assert measure.figures == {"pairs/true/right": 0.5}
    assert measure.identity == manifest.identity


def test_samples_have_every_version_and_are_measured_once(tmp_path):
    clips = sliding_clips()
    samples = training_samples(tmp_path, clips)
    named = [name for name in samples.names if name != NONE]
    assert len(named) == 4 * (1 + motion_samples.NUM_DECODED)
    assert set(named) == {"slide left", "slide right", "grow", "shrink"}
    assert 3 * 4 <= samples.names.count(NONE) <= 4 * 4
    assert bool(samples.features.isfinite().all())
    stored = list(tmp_path.iterdir())
    times = [path.stat().st_mtime_ns for path in stored]
    again = training_samples(tmp_path, clips)
    assert torch.equal(again.features, samples.features)
    assert [path.stat().st_mtime_ns for path in stored] == times


def test_labels_of_changed_samples_are_what_is_seen(tmp_path):
    """The first wave of the track to the right is negative of all that slides right."""
    samples = training_samples(tmp_path, sliding_clips())
    wave = samples.features[:, feature_names().index("right: wave 1")]
    for value, name in zip(wave.tolist(), samples.names, strict=True):
        if name == "slide right":
            assert value < -2
        elif name == "slide left":
            assert value > 2
        elif name in ("grow", "shrink"):
            assert abs(value) < 1.5


class Told(torch.nn.Module):
    """Says what it is given: the logits are the features' first numbers."""

    def forward(self, features):
        return features[:, : len(NAMES)]


@pytest.fixture
def hand_made():
    classifier = fit_classifier(clouds(1), num_steps=1)
    classifier.forward = Told().forward
    return MotionMeasure(classifier, "by hand", {})


def test_counts_are_of_true_and_told_names(hand_made):
    truth = torch.tensor([0, 0, 1, 2])
    logits = torch.zeros(4, NUM_FEATURES)
    none = NAMES.index(NONE)
    for row, (told, second) in enumerate([(0, 3), (1, 0), (none, 1), (none, 0)]):
        logits[row, told], logits[row, second] = 2.0, 1.0
    found = counted(hand_made, logits, truth)
    assert found.right == 0.25
    assert found.rejected == 0.5
    assert found.guessed_right == 0.5
    assert found.right_of(NAMES[0]) == 0.5
    figures = trial_figures({"pairs/shuffled": found})
    assert figures == {
        "pairs/shuffled/right": 0.25,
        "pairs/shuffled/rejected": 0.5,
        "pairs/shuffled/guessed_right": 0.5,
    }
    lines = table(found.confusion, found.names).splitlines()
    assert len(lines) == 1 + 3
    assert lines[1].split()[0] == NAMES[0]
    assert lines[1].split()[1:3] == ["1", "1"]


def test_trials_ask_about_changed_clips():
    clips = beginning(sliding_clips(), 2)
    classifier = fit_classifier(clouds(1), num_steps=1)
    measure = MotionMeasure(classifier, "untaught", {})
    untrained = Autoencoder(
        AutoencoderArchitecture(coarse_channels=8, middle_channels=8, fine_channels=0)
    )
    for name, change in {**plain_changes(), **coded_changes(untrained)}.items():
        found = trial(measure, clips, change, name)
        assert int(found.confusion.sum()) == int(found.forced.sum()) == len(clips.planned), name
        assert int(found.forced[:, NAMES.index(NONE)].sum()) == 0
        clip_ = float_clip(clips.frames[0])
        assert change(clip_, torch.Generator().manual_seed(0)).shape == clip_.shape


def test_references_are_means_over_each_motion():
    clips = sliding_clips()
    twice = MotionClips(clips.planned * 2, np.concatenate([clips.frames, clips.frames[:, ::-1]]))
    found = steadiness_figures(twice, None)
    assert len(found) == 3 * 4
    right, left = found["steadiness/path/slide right"], found["steadiness/path/slide left"]
    size = (float_clip(clips.frames[0])[3].sum((1, 2)).mean().item()) ** 0.5
    # 28 px from left to right; faint alpha counts as nothing, so sizes differ by a percent.
    assert right == pytest.approx(28 / size, rel=0.03)
    assert left == pytest.approx(right, rel=0.01)
    assert found["steadiness/flicker/grow"] < 0.01


def test_beginning_keeps_clips_and_their_plans_together():
    clips = sliding_clips()
    first = beginning(clips, 2)
    assert first.planned == clips.planned[:2]
    assert np.array_equal(first.frames, clips.frames[:2])


def test_float_clip_has_its_axes_in_order():
    frames = np.zeros((16, 6, 5, 4), np.uint8)
    frames[3, 2, 1] = (255, 0, 51, 255)
    made = float_clip(frames)
    assert made.shape == (4, 16, 6, 5)
    torch.testing.assert_close(made[:, 3, 2, 1], torch.tensor([1.0, 0.0, 0.2, 1.0]))
    assert float(made.sum()) == pytest.approx(2.2)
