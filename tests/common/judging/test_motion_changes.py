import math

import torch

from common.judging.motion_changes import body_changes, cut_outs, dct_matrix
from common.judging.motion_tracks import body_tracks, looked_at
from tests.common.judging.drawn_clips import BLUE, GREY, RED, box, clip, disk, figure, frame


def changes_of(frames):
    pictures = looked_at(clip(frames))
    body = body_tracks(pictures)
    return body_changes(pictures, body.centroid, body.size)


def blinking(levels):
    """A grey disk whose brightness takes these values; its silhouette stands still."""
    return [frame((disk(18.0), (level, level, level))) for level in levels]


def test_transform_over_time_is_orthonormal_and_starts_with_the_mean():
    for num in (2, 7, 16):
        matrix = dct_matrix(num)
        torch.testing.assert_close(matrix @ matrix.T, torch.eye(num), atol=1e-6, rtol=0)
        torch.testing.assert_close(matrix[0], torch.full((num,), num**-0.5))


def test_energy_is_where_the_frequency_is_and_sums_to_the_variance():
    time = (torch.arange(16) + 0.5) / 16
    levels = 0.5 + 0.2 * torch.cos(math.pi * 3 * time)
    changes = changes_of(blinking(levels.tolist()))
    variance = 0.2**2 / 2
    # Edges are half covered and the middle is all there: a few percent of the body's energy.
    assert math.isclose(float(changes.colour_power.sum()), variance, rel_tol=0.08)
    assert float(changes.colour_power[3] / changes.colour_power.sum()) > 0.99
    assert float(changes.alpha_power.sum()) < 1e-5


def test_moving_and_growing_is_no_change():
    moving = changes_of([figure(-8.0 + 2 * t, 3.0, 0.8 + 0.05 * t) for t in range(8)])
    # What is left is resampling at the edges; a mirrored thing changes fifty times more.
    turning = changes_of([figure() if t % 2 else figure().flip(2) for t in range(8)])
    assert float(moving.colour_power.sum()) < 0.02 * float(turning.colour_power.sum())


def test_change_is_found_where_it_is():
    frames = [frame((disk(20.0), GREY), (box(8, 8, -10, 0), RED if t % 2 else BLUE))
              for t in range(4)]  # fmt: skip
    where = changes_of(frames).where
    places = torch.nonzero(where > 0.5 * where.max()).float().mean(0)
    size = math.sqrt(math.pi) * 20
    expected_column = 24 + (-10 / size) / 1.25 * 24 - 0.5
    assert abs(float(places[1]) - expected_column) < 1.0
    assert abs(float(places[0]) - 23.5) < 1.0


def test_foremost_change_outweighs_the_rest():
    """A strong blinking spot and a weak drift of the whole: foremost, only the spot is left."""
    spot = torch.tensor([1.0, -1.0] * 4)
    frames = [
        frame(
            (disk(20.0), (0.5 + 0.004 * t,) * 3),
            (disk(3.0, 5, 5), (0.5 + 0.4 * float(spot[t]),) * 3),
        )
        for t in range(8)
    ]
    changes = changes_of(frames)
    first = spot / spot.norm()

    def share(matrix):
        return float(first @ matrix @ first / matrix.trace())

    assert share(changes.foremost) > 0.99
    assert share(changes.foremost) > share(changes.together)


def test_cut_outs_are_turned_back_by_the_given_angle():
    turned = clip(
        [frame((box(30, 10, 5, 3), RED)), frame((box(30, 10, 3, -5, turn_deg=-90.0), RED))]
    )
    pictures = looked_at(turned)
    body = body_tracks(pictures)
    cut = cut_outs(pictures, body.centroid, body.size, torch.tensor([0.0, -90.0]))
    # Both boxes lie on the same grid of pixels up to a quarter turn; only edges are resampled.
    assert float((cut[0] - cut[1]).abs().mean()) < 0.01
    upright = cut_outs(pictures, body.centroid, body.size)
    assert float((upright[0] - upright[1]).abs().mean()) > 0.05
