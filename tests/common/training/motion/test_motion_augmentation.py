import pytest
import torch

from common.kit.motions import MOTIONS
from common.training.motion.motion_augmentation import (
    MIRRORED,
    REVERSED,
    becoming,
    blurred,
    decoded,
    drifting,
    melting,
    mirrored,
    reversed_clip,
    shuffled,
    spotted,
    still,
    warped,
)
from tests.common.judging.drawn_clips import clip, figure

MOVING = (clip([figure(-10 + 1.3 * t, 0.5 * t) for t in range(16)]) + 1) / 2


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("change", [mirrored, reversed_clip])
@pytest.mark.parametrize("name", [m.name for m in MOTIONS if m.name != "tip over"])
def test_changing_twice_changes_nothing(change, name):
    back, shown = change(*change(MOVING, name))
    assert torch.equal(back, MOVING)
    assert shown == name


def test_labels_follow_what_is_seen():
    assert mirrored(MOVING, "slide left")[1] == "slide right"
    assert mirrored(MOVING, "grow")[1] == "grow"
    assert reversed_clip(MOVING, "slide left")[1] == "slide right"
    assert reversed_clip(MOVING, "grow")[1] == "shrink"
    assert reversed_clip(MOVING, "tip over")[1] == "none"
    assert {*MIRRORED, *REVERSED} <= {motion.name for motion in MOTIONS}


def test_still_is_one_of_the_frames_again_and_again():
    made = still(MOVING, generator())
    assert bool((made == made[:, :1]).all())
    assert any(torch.equal(made[:, 0], MOVING[:, t]) for t in range(16))


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_clip_has_the_same_frames_and_few_neighbours(seed):
    made = shuffled(MOVING, generator(seed))
    order = [next(s for s in range(16) if torch.equal(made[:, t], MOVING[:, s])) for t in range(16)]
    assert sorted(order) == list(range(16))
    assert int((torch.tensor(order).diff().abs() == 1).sum()) <= 3


@pytest.mark.parametrize("change", [decoded, drifting, melting, spotted, shuffled])
def test_changes_keep_the_form_and_follow_from_the_generator(change):
    first, again = change(MOVING, generator(3)), change(MOVING, generator(3))
    assert torch.equal(first, again)
    assert first.shape == MOVING.shape
    assert float(first.min()) >= 0.0
    assert float(first.max()) <= 1.0 + 1e-6
    assert not torch.equal(first, change(MOVING, generator(4)))


def test_decoded_clip_is_still_the_same_clip():
    """Framed anew and spoilt a little: frames stay far more alike to their own than to others."""
    made = decoded(MOVING, generator(1))
    alpha = made[3].mean((1, 2)) / MOVING[3].mean((1, 2))
    assert float(alpha.std() / alpha.mean()) < 0.05


def test_warp_moves_right_and_down_by_shares_of_the_side():
    moved = warped(MOVING, torch.ones(16), torch.tensor([[4 / 64, 2 / 64]]).expand(16, 2))
    torch.testing.assert_close(moved[:, :, 2:, 4:], MOVING[:, :, :-2, :-4], atol=1e-4, rtol=0)


def test_warp_zooms_areas_by_the_square():
    made = warped(MOVING[:, 7:9], torch.tensor([1.2, 0.5]), torch.zeros(2, 2))
    ratio = made[3].sum((1, 2)) / MOVING[3, 7:9].sum((1, 2))
    torch.testing.assert_close(ratio, torch.tensor([1.44, 0.25]), rtol=0.02, atol=0)


def test_blur_keeps_sums_and_spreads_a_point_by_its_sigma():
    point = torch.zeros(4, 2, 33, 33)
    point[:, :, 16, 16] = 1.0
    made = blurred(point, 1.0)
    torch.testing.assert_close(made.sum((2, 3)), torch.ones(4, 2))
    offsets = torch.arange(33.0) - 16
    variance = (made[0, 0].sum(0) * offsets**2).sum()
    assert float(variance) == pytest.approx(1.0, rel=0.03)  # cut off at three pixels
    torch.testing.assert_close(blurred(point, 0.0), point)


def test_dissolving_clip_starts_as_one_thing_and_ends_as_another_or_nothing():
    other = (clip([figure(0, 0, 1.6)] * 16) + 1) / 2
    for seed in range(6):
        made = becoming(MOVING, other, generator(seed))
        sums = made[3].sum((1, 2))
        ends = (float(other[3, 0].sum()), 0.0)
        assert min(abs(float(sums[-1]) - end) for end in ends) < 0.25 * ends[0]
        assert abs(float(sums[0] - MOVING[3, 0].sum())) < 0.25 * ends[0]


def test_spot_changes_colours_only_inside():
    made = spotted(MOVING, generator(2))
    assert bool((made[3] == made[3, :1]).all())
    changed = (made[:3] - made[:3, :1]).abs().amax((0, 1)) > 1e-6
    assert bool(changed.any())
    assert not bool(changed[made[3, 0] == 0].any())


def test_melting_thing_stays_where_it_is():
    made = melting(MOVING, generator(5))
    columns = (torch.arange(64) + 0.5) / 64
    centre = (made[3].sum(1) * columns).sum(1) / made[3].sum((1, 2))
    assert float(centre.max() - centre.min()) < 0.06
    assert float((made[:, 0] - made[:, -1]).abs().mean()) > 1e-3
