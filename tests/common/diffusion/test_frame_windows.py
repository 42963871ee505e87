"""Windows of frames: what they cover, how they are fused, and noise that repeats in them."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.diffusion.frame_windows import FrameWindows, Fusion, repeated_order
from common.errors import InputError

SCHEDULES = ("uniform", "looped", "straight")


@st.composite
def any_windows(draw):
    first = draw(st.integers(0, 2))
    covered = draw(st.integers(1, 60))
    length = draw(st.integers(1, min(covered, 20)))
    # Built in the tests: what checks hints draws random numbers, which a strategy may not.
    return (
        covered + first, length, draw(st.integers(0, length - 1)), draw(st.sampled_from(SCHEDULES)),
        draw(st.sampled_from(("pyramid", "flat"))), draw(st.sampled_from(((1,), (1, 2), (1, 3)))),
        first, draw(st.integers(0, 5)),
    )  # fmt: skip


def fused(windows, values):
    """What comes of predictions that are ``values`` of each frame, whatever the window."""
    latents = torch.zeros(1, 1, windows.num_frames, 1, 1, dtype=torch.float64)
    fusion = Fusion(windows, latents)
    for window in windows.at(500.0):
        fusion.add(window, values[window][None, None, :, None, None].double())
    return fusion.mean()[0, 0, :, 0, 0]


@given(windows=any_windows(), timestep=st.floats(0, 999))
@settings(deadline=None)
def test_every_frame_is_in_windows_that_are_whole(windows, timestep):
    windows = FrameWindows(*windows)
    found = windows.at(timestep)
    assert {len(window) for window in found} == {windows.length}
    seen = torch.cat(found)
    assert set(seen.tolist()) == set(range(windows.first, windows.num_frames))
    for window in found:
        steps = torch.diff(window)
        if windows.looped:
            steps = steps % (windows.num_frames - windows.first)
        if windows.length > 1 and windows.num_frames - windows.first > 1:
            assert len(set(steps.tolist())) == 1, "evenly spaced"
            assert int(steps[0]) in windows.dilations
        assert len(set(window.tolist())) == windows.length, "no frame twice"


@given(windows=any_windows())
@settings(deadline=None)
def test_predictions_that_agree_come_out_as_they_are(windows):
    """A partition of unity: frames are what all windows say they are."""
    windows = FrameWindows(*windows)
    values = torch.arange(windows.num_frames) ** 2 + 1.0
    found = fused(windows, values)[windows.first :]
    # Sums of a few float64 products, divided.
    torch.testing.assert_close(found, values[windows.first :].double(), rtol=1e-12, atol=0)


def test_windows_that_disagree_are_mixed_by_their_weights():
    windows = FrameWindows(6, 4, 2, "straight")
    assert [window.tolist() for window in windows.at(3.0)] == [[0, 1, 2, 3], [2, 3, 4, 5]]
    fusion = Fusion(windows, torch.zeros(1, 1, 6, 1, 1))
    for window, value in zip(windows.at(3.0), (0.0, 1.0), strict=True):
        fusion.add(window, torch.full((1, 1, 4, 1, 1), value))
    # Pyramids 1 2 2 1: frame 2 has 2 of the first and 1 of the second, frame 3 the reverse.
    expected = torch.tensor([0, 0, 1 / 3, 2 / 3, 1, 1])
    torch.testing.assert_close(fusion.mean()[0, 0, :, 0, 0], expected)


@given(
    num_frames=st.integers(3, 60), length=st.integers(2, 20), shift=st.integers(0, 1000),
    further=st.integers(0, 100), dilation=st.sampled_from((1, 2)), data=st.data(),
)  # fmt: skip
@settings(deadline=None)
def test_looped_windows_turn_with_their_shift(num_frames, length, shift, further, dilation, data):
    """No frame of a loop is special: windows shifted by n frames are the windows n frames on."""
    length = min(length, num_frames)
    overlap = data.draw(st.integers(0, length - 1))
    windows = FrameWindows(num_frames, length, overlap, "looped")
    plain = list(windows._windows(dilation, shift))
    turned = [[(frame + further) % num_frames for frame in window] for window in plain]
    assert list(windows._windows(dilation, shift + further)) == turned


def test_last_window_is_shifted_back_and_straight_ones_stay():
    windows = FrameWindows(11, 4, 0, "straight", first=1)
    expected = [[1, 2, 3, 4], [5, 6, 7, 8], [7, 8, 9, 10]]
    for timestep in (999.0, 3.0):
        assert [window.tolist() for window in windows.at(timestep)] == expected


@pytest.mark.parametrize("schedule", ["uniform", "looped"])
def test_windows_are_shifted_by_step_and_seed_and_repeat(schedule):
    def cuts(seed):
        windows = FrameWindows(40, 10, 2, schedule, seed=seed)
        return [
            tuple(map(tuple, (w.tolist() for w in windows.at(float(t))))) for t in range(0, 999, 37)
        ]

    assert cuts(1) == cuts(1)
    assert len(set(cuts(1))) > 4
    assert cuts(1) != cuts(2)


def test_borders_lie_everywhere_over_a_run():
    """With shifted windows each inner frame is a window's first at some step."""
    windows = FrameWindows(64, 8, 0, "uniform")
    begins = {int(window[0]) for step in range(200) for window in windows.at(float(step))}
    assert begins == set(range(57))


@pytest.mark.parametrize(("length", "overlap", "num_frames", "looped"), [
    (8, 4, 40, False), (8, 0, 37, False), (12, 8, 50, False), (8, 4, 40, True), (6, 4, 24, True),
])  # fmt: skip
def test_noise_repeats_in_every_window_in_another_order(length, overlap, num_frames, looped):
    windows = FrameWindows(num_frames, length, overlap, "looped" if looped else "straight")
    order = repeated_order(windows, torch.Generator().manual_seed(3))
    noise = torch.randn(num_frames, generator=torch.Generator().manual_seed(0))[order]
    wanted = sorted(noise[:length].tolist())
    ends = num_frames if looped else num_frames - length + 1
    for begin in range(0, ends, windows.step):
        own = [float(noise[(begin + place) % num_frames]) for place in range(length)]
        assert sorted(own) == wanted, begin
    assert order[:length].tolist() == list(range(length))
    assert set(order.tolist()) == set(range(length)), "noise of the first window, and no other"
    assert (order[length : 2 * length] != order[:length]).any()
    again = repeated_order(windows, torch.Generator().manual_seed(3))
    other = repeated_order(windows, torch.Generator().manual_seed(4))
    assert torch.equal(order, again)
    assert not torch.equal(order, other)


@pytest.mark.parametrize(("numbers", "message"), [
    ((10, 12, 2), "windows of 12 frames do not fit into the 10"),
    ((10, 4, 4), "cannot share 4: use an overlap of 0 to 3"),
    ((10, 4, 2, "uniform", "flat", (2,)), "of which one is 1"),
])  # fmt: skip
def test_windows_that_cannot_be_are_refused(numbers, message):
    with pytest.raises(InputError, match=message):
        FrameWindows(*numbers)


def test_noise_that_cannot_repeat_is_refused():
    generator = torch.Generator().manual_seed(0)
    with pytest.raises(InputError, match="use an overlap of one of 0, 4, 6, 7"):
        repeated_order(FrameWindows(40, 8, 3), generator)
    with pytest.raises(InputError, match="40 frames are no multiple of 16; use 32 or 48"):
        repeated_order(FrameWindows(40, 16, 8, "looped"), generator)
