"""Frames between frames: exact where they are known, along the motion elsewhere."""

from fractions import Fraction

import numpy as np
import pytest

from video.interpolation import Resampling, resampled

SIDE = 64


def ball(x, y=32.0, radius=9.0):
    """A flat disc with a soft edge, as straight RGBA."""
    rows, columns = np.indices((SIDE, SIDE))
    away = np.hypot(rows - y, columns - x)
    picture = np.zeros((SIDE, SIDE, 4), np.uint8)
    picture[..., :3] = (220, 60, 40)
    picture[..., 3] = np.rint(255 * np.clip(radius + 0.5 - away, 0, 1))
    return picture


def clip(step, count=4):
    return np.stack([ball(18 + step * frame) for frame in range(count)])


def rates(fps, target, looped=False):
    return Resampling(float(fps), float(target), looped)


def made(frames, resampling, cut=100):
    chunks = iter([frames[at : at + cut] for at in range(0, len(frames), cut)])
    return np.concatenate(list(resampled(chunks, len(frames), resampling)))


def psnr(a, b):
    """Of premultiplied colours, in dB."""
    values = [p[..., :3] / 255 * (p[..., 3:] / 255) for p in (a, b)]
    return -10 * np.log10(np.mean((values[0] - values[1]) ** 2) + 1e-12)


@pytest.mark.parametrize(("fps", "target", "count", "wanted"), [
    (8, 24, 16, 48), (8, 12, 16, 24), (8, 30, 16, 60), (24, 8, 48, 16), (8, 29.97, 16, 60),
])  # fmt: skip
def test_clips_last_as_long_as_before(fps, target, count, wanted):
    resampling = rates(fps, target)
    places = resampling.places(count)
    assert len(places) == resampling.num_frames(count) == wanted
    assert places[0] == 0
    assert max(places) < count
    assert isinstance(places[-1], Fraction)


@pytest.mark.parametrize(("target", "every"), [(24, 3), (12, None), (8, 1)])
def test_drawn_frames_stay_to_the_byte(target, every):
    frames, resampling = clip(4), rates(8, target)
    found = made(frames, resampling)
    for number, place in enumerate(resampling.places(len(frames))):
        if place.denominator == 1:
            assert np.array_equal(found[number], frames[int(place)])
    if every:
        assert np.array_equal(found[::every], frames)


@pytest.mark.parametrize("step", [1.5, 3, 6, 12])
def test_a_disc_is_where_it_is_on_its_way(step):
    frames = clip(step, 3)
    found = made(frames, rates(8, 24))
    for number in (1, 2, 4):
        place = number / 3
        truth = ball(18 + step * place)
        low, high = frames[int(place)], frames[int(place) + 1]
        share = place % 1
        faded = ((1 - share) * low + share * high).astype(np.uint8)
        assert psnr(found[number], truth) > psnr(faded, truth) + 3
        assert psnr(found[number], truth) > 27
        opaque = found[number][..., 3]
        columns = np.indices(opaque.shape)[1]
        centre = (columns * opaque).sum() / opaque.sum()
        # A quarter of a pixel: found on pictures of half the size, edges are one pixel wide.
        assert centre == pytest.approx(18 + step * place, abs=0.25)


def bar(degrees):
    """A flat bar, turned about the middle."""
    rows, columns = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    turn = np.radians(degrees)
    along = columns * np.cos(turn) + rows * np.sin(turn)
    across = -columns * np.sin(turn) + rows * np.cos(turn)
    inside = np.clip(22.5 - np.abs(along), 0, 1) * np.clip(6.5 - np.abs(across), 0, 1)
    picture = np.zeros((SIDE, SIDE, 4), np.uint8)
    picture[..., :3] = (30, 90, 220)
    picture[..., 3] = np.rint(255 * inside)
    return picture


def test_what_turns_stays_as_long_as_it_is():
    """Half-way of a turn, where a mixture is a cross and straight flows shorten the bar."""
    found = made(np.stack([bar(0), bar(24)]), rates(8, 16))[1]
    truth = bar(12)
    faded = ((bar(0).astype(float) + bar(24)) / 2).astype(np.uint8)
    assert psnr(found, truth) > psnr(faded, truth) + 5
    assert found[..., 3].sum() == pytest.approx(truth[..., 3].sum(), rel=0.03)


def test_colours_stay_flat():
    """Nothing but the disc's own colour is seen, however transparent."""
    found = made(clip(4), rates(8, 24)).astype(int)
    seen = found[found[..., 3] > 25]
    # Straight colours of edge pixels divide numbers rounded to 1 / 255 by alpha, at least 0.1.
    assert np.abs(seen[:, :3] - (220, 60, 40)).max() <= 6


def test_chunks_do_not_matter_and_stills_stay():
    frames, resampling = clip(3, 5), rates(8, 20)
    whole = made(frames, resampling)
    assert np.array_equal(made(frames, resampling, cut=2), whole)
    still = np.repeat(frames[:1], 4, 0)
    assert np.array_equal(made(still, resampling)[3], frames[0])


def test_the_end_is_held_or_goes_round():
    frames = clip(3)
    held = made(frames, rates(8, 16))
    assert np.array_equal(held[-1], frames[-1])
    round_trip = np.concatenate([frames, frames[-2:0:-1]])
    found = made(round_trip, rates(8, 16, looped=True))
    assert len(found) == 12
    truth = ball(18 + 3 * 0.5)
    assert psnr(found[-1], truth) > 27


def test_rgb_clips_are_resampled_too():
    frames = clip(3)[..., :3].copy()
    frames[..., 0] = np.linspace(0, 255, SIDE).astype(np.uint8)
    assert made(frames, rates(8, 16)).shape == (8, SIDE, SIDE, 3)
