"""Faces with other mouths: shapes, frames alike, and what is refused."""

import pytest
import torch

from common.embedded.clip_plan import ClipPlan
from common.embedded.mouth import MouthShaper, MouthShaperArchitecture, check_mouths
from common.embedded.moves import centres_of, frames_moved, moved
from common.errors import InputError


@pytest.fixture(scope="module")
def shaper():
    torch.manual_seed(0)
    return MouthShaper(MouthShaperArchitecture(channels=8, num_finding=1, num_shaping=1)).eval()


def latents(count=2, side=6):
    return torch.randn(count, 8, side, side + 2, generator=torch.Generator().manual_seed(1))


def test_each_frame_has_the_mouth_of_its_own(shaper):
    mouths = torch.tensor([[0.0, 0.5, 0.0], [0.9, 0.6, 0.1], [0.4, 0.1, 1.0]])
    first = latents()
    clips = shaper.clips(first, mouths)
    assert clips.shape == (2, 8, 3, 6, 8)
    for frame, mouth in enumerate(mouths):
        with torch.no_grad():
            own = shaper(first, mouth.expand(2, -1))
        torch.testing.assert_close(clips[:, :, frame], own, atol=1e-5, rtol=0)
    assert (clips[:, :, 0] - clips[:, :, 1]).abs().max() > 1e-3


def test_many_frames_are_as_few(shaper):
    mouths = torch.rand(70, 3, generator=torch.Generator().manual_seed(2))
    whole, part = shaper.clips(latents(1), mouths), shaper.clips(latents(1), mouths[66:])
    torch.testing.assert_close(whole[:, :, 66:], part, atol=1e-5, rtol=0)


def test_a_plan_without_mouths_leaves_faces_as_they_are(shaper):
    first = latents()
    for plan in (ClipPlan(), ClipPlan(shaper=shaper), ClipPlan(mouths=torch.zeros(3, 3))):
        assert plan.with_first_mouth(first) is first
        assert plan.with_mouths(first) is None
    told = ClipPlan(shaper=shaper, mouths=torch.rand(3, 3))
    clips = told.with_mouths(first)
    assert clips is not None
    torch.testing.assert_close(told.with_first_mouth(first), clips[:, :, 0], atol=1e-5, rtol=0)


def test_frames_of_one_picture_move_as_it_does():
    picture = torch.rand(2, 4, 12, 12, generator=torch.Generator().manual_seed(3)) * 2 - 1
    tracks = torch.zeros(2, 3, 5)
    tracks[:, 1:, 0], tracks[:, 2, 4] = 0.2, 0.5
    same = picture[:, :, None].expand(-1, -1, 3, -1, -1)
    assert torch.equal(frames_moved(same, tracks, centres_of(picture)), moved(picture, tracks))


@pytest.mark.parametrize(("mouths", "message"), [
    (torch.zeros(5, 3), "a clip of 4 frames has 5 mouths"),
    (torch.full((4, 3), 1.5), "are from 0 to 1"),
    (torch.full((4, 3), float("nan")), "are from 0 to 1"),
])  # fmt: skip
def test_wrong_mouths_are_refused(mouths, message):
    with pytest.raises(InputError, match=message):
        check_mouths(mouths, 4)
