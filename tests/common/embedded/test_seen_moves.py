"""Moves that are read off clips: what is followed, and what is given, says how a new one moves."""

import pytest
import torch
from einops import rearrange
from torch import Tensor

from common.control.followed import Followed
from common.control.kinds import ControlKind
from common.embedded.clip_plan import ClipPlan
from common.embedded.controls import EmbeddedControl
from common.embedded.framing import Framing, FramingArchitecture
from common.embedded.seen_moves import before_plain_ground, moves_followed, plan_following
from tests.common.embedded.test_controls import untrained

SIDE, FRAMES = 64, 5


def sliding(step: int, outlines: bool = False) -> Tensor:
    """White squares on black, each ``step`` pixels further to the right; or only their edges."""
    pictures = torch.zeros(FRAMES, 3, SIDE, SIDE)
    for frame in range(FRAMES):
        left = 8 + step * frame
        pictures[frame, :, 20:36, left : left + 16] = 1
        if outlines:
            pictures[frame, :, 21:35, left + 1 : left + 15] = 0
    return pictures


def control(
    pictures: Tensor, weight: float = 1.0, kind: ControlKind = "segmentation"
) -> EmbeddedControl:
    net, _ = untrained()
    followed = Followed(pictures, torch.full((len(pictures),), weight), (0.0, 1.0))
    return EmbeddedControl(net, kind, followed)


@pytest.mark.parametrize("outlines", [False, True])
def test_a_square_that_slides_is_seen_to_slide(outlines: bool) -> None:
    kind: ControlKind = "canny" if outlines else "segmentation"
    told = moves_followed([control(sliding(4, outlines), kind=kind)])
    assert told is not None
    # Registration sees 32 pixels a side: a tenth of one of these is 0.003 of the picture.
    wanted = torch.arange(FRAMES) * 4 / SIDE
    torch.testing.assert_close(told.tracks[0, :, 0], wanted, atol=0.004, rtol=0)
    torch.testing.assert_close(told.tracks[0, :, 1:], torch.zeros(FRAMES, 4), atol=0.02, rtol=0)
    assert float(told.unexplained[0]) < 0.02


def test_the_control_that_moves_explain_best_is_taken() -> None:
    generator = torch.Generator().manual_seed(0)
    restless = torch.rand((FRAMES, 3, SIDE, SIDE), generator=generator)
    one, other = moves_followed([control(sliding(4))]), moves_followed([
        control(restless), control(sliding(4))
    ])  # fmt: skip
    assert one is not None
    assert other is not None
    assert torch.equal(one.tracks, other.tracks)


def test_one_picture_for_all_frames_and_what_weighs_nothing_tell_no_moves() -> None:
    assert moves_followed([control(sliding(4)[:1])]) is None
    assert moves_followed([control(sliding(0))]) is None, "as of one picture"
    assert moves_followed([control(sliding(4), 0.0)]) is None
    assert moves_followed([]) is None


def test_clips_that_follow_are_placed_and_moved_by_what_they_follow() -> None:
    framing = Framing(FramingArchitecture(features=4))
    plan = ClipPlan(framing=framing, noise=1.0)
    assert plan_following(plan, []) == plan
    told = plan_following(plan, [control(sliding(4))])
    assert told.framing is None
    assert told.tracks is not None
    assert told.unexplained is not None
    still = plan_following(plan, [control(sliding(4)[:1])])
    assert still.framing is None
    assert still.tracks is None


def test_frames_of_a_plan_keep_what_its_moves_explain() -> None:
    told = plan_following(ClipPlan(noise=1.0), [control(sliding(4))])
    part = told.of_frames(torch.arange(2, FRAMES))
    assert part.unexplained == told.unexplained
    assert part.tracks is not None
    assert told.tracks is not None
    torch.testing.assert_close(part.tracks, told.tracks[:, 2:] - told.tracks[:, 2:3])
    assert rearrange(part.tracks, "1 f m -> f m").shape == (FRAMES - 2, 5)


def test_a_plain_ground_is_taken_away() -> None:
    alpha = rearrange(sliding(4)[:, :1], "f c h w -> 1 c f h w")
    thing = torch.tensor([0.9, 0.2, 0.1]).view(1, 3, 1, 1, 1)
    ground = torch.tensor([0.3, 0.6, 0.5]).view(1, 3, 1, 1, 1)
    opaque = 2 * torch.cat([thing * alpha + ground * (1 - alpha), torch.ones_like(alpha)], 1) - 1
    wanted = 2 * torch.cat([thing * alpha, alpha], 1) - 1
    torch.testing.assert_close(before_plain_ground(opaque), wanted)


def test_what_is_transparent_or_has_no_plain_ground_stays() -> None:
    alpha = rearrange(sliding(4)[:, :1], "f c h w -> 1 c f h w")
    cut_out = torch.cat([alpha.expand(-1, 3, -1, -1, -1), alpha], 1) * 2 - 1
    assert torch.equal(before_plain_ground(cut_out), cut_out)
    noise = torch.rand(1, 3, FRAMES, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    scene = torch.cat([noise, torch.ones_like(alpha)], 1) * 2 - 1
    scene[:, 3] = 1
    assert torch.equal(before_plain_ground(scene), scene)
