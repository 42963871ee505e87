import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.judging.azimuth import circular_mode_deg, degrees_apart
from common.training.judge.judge_losses import azimuth_labels

ANGLES = st.floats(-720, 720, width=32)


@given(ANGLES, ANGLES)
def test_degrees_apart_is_the_arc_between_directions(first, second):
    apart = float(degrees_apart(torch.tensor([first]), torch.tensor([second]))[0])
    a, b = math.radians(first), math.radians(second)
    cosine = math.cos(a) * math.cos(b) + math.sin(a) * math.sin(b)
    sine = math.sin(a) * math.cos(b) - math.cos(a) * math.sin(b)
    expected = abs(math.degrees(math.atan2(sine, cosine)))
    assert apart == pytest.approx(expected, abs=2e-4)  # float32 angles of up to 720 degrees


def test_degrees_apart_crosses_zero():
    assert degrees_apart(torch.tensor([359.0, 10.0]), torch.tensor([1.0, 190.0])).tolist() == [
        pytest.approx(2.0), pytest.approx(180.0),
    ]  # fmt: skip


@given(st.floats(0, 360, width=32))
def test_mode_of_a_label_is_its_azimuth(azimuth):
    logits = azimuth_labels(torch.tensor([azimuth]), 24).log()
    mode = circular_mode_deg(logits)
    assert 0 <= float(mode[0]) < 360
    # Three bins of a bell 10 degrees wide: their mean is drawn to the middle bin.
    assert float(degrees_apart(mode, torch.tensor([azimuth]))[0]) < 2.0


def test_mode_is_the_higher_of_two_peaks_not_their_mean():
    both = 0.6 * azimuth_labels(torch.tensor([30.0]), 24)
    both = both + 0.4 * azimuth_labels(torch.tensor([210.0]), 24)
    assert float(circular_mode_deg(both.log())[0]) == pytest.approx(30.0, abs=1e-3)
