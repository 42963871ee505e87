"""Faces that talk: mouths drawn as they are told, where they are found, and what is refused."""

import pytest
import torch

from common.embedded.clip_plan import ClipPlan
from common.embedded.mouth import (
    AT_REST,
    MouthFinder,
    MouthFinderArchitecture,
    Talk,
    check_mouths,
    with_mouths,
)
from common.embedded.moves import centres_of, frames_moved, moved
from common.errors import InputError

SIDE = 64
PLACES = torch.tensor([[0.5, 0.6, 0.4]])


def face():
    """A grey disc without a mouth."""
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    inside = ((rows - 31.5) ** 2 + (columns - 31.5) ** 2 < 30**2).float()
    return torch.stack([0.6 * inside] * 3 + [inside])[None] * 2 - 1


def heights(mouths, picture=None):
    """Of the mouth in the middle column, in widths of the mouth at rest."""
    given = face() if picture is None else picture
    clip = with_mouths(given, PLACES, torch.tensor(mouths))
    off = (clip - given[:, :, None]).abs().amax(1)[0, :, :, SIDE // 2] > 0.3
    return off.sum(1) / (0.4 * SIDE)


def test_mouths_are_as_far_open_as_they_are_told():
    found = heights([[opening, 0.5, 0.0] for opening in (0.2, 0.5, 0.8, 1.0)])
    # The gap of the lens, and lips of 0.03 widths above and below.
    wanted = 0.02 + 0.62 * torch.tensor([0.2, 0.5, 0.8, 1.0]) + 0.06
    torch.testing.assert_close(found, wanted, atol=1.5 / (0.4 * SIDE), rtol=0)


def test_wide_mouths_are_wider_and_round_ones_narrower():
    mouths = torch.tensor([[0.5, 0.0, 0.0], [0.5, 1.0, 0.0], [0.5, 0.0, 1.0]])
    clip = with_mouths(face(), PLACES, mouths)
    off = (clip - face()[:, :, None]).abs().amax(1)[0] > 0.3
    narrow, wide, round_ = (int(one.any(0).sum()) / (0.4 * SIDE) for one in off)
    assert narrow == pytest.approx(0.55, abs=0.15)
    assert wide == pytest.approx(1.45, abs=0.2)
    assert round_ < 0.7 * narrow


def test_a_closed_mouth_and_what_is_no_face_stay_as_they_are():
    given = face()
    clip = with_mouths(given, PLACES, torch.tensor([AT_REST, (1.0, 0.5, 0.0)]))
    torch.testing.assert_close(clip[:, :, 0], given, atol=1e-6, rtol=0)
    assert torch.equal(clip[:, 3:], given[:, 3:, None].expand(-1, -1, 2, -1, -1))
    above = clip[:, :, 1, :20]
    torch.testing.assert_close(above, given[:, :, :20], atol=1e-6, rtol=0)
    assert (clip[:, :3, 1][:, :, given[0, 3] < 0] == -1).all()


def test_the_own_line_of_a_face_does_not_show_beside_a_round_mouth():
    given = face()
    row = round(0.6 * SIDE)
    given[:, :3, row, 24:40] = -1.0  # a line, black
    clip = with_mouths(given, PLACES, torch.tensor([[0.6, 0.0, 1.0]]))
    torch.testing.assert_close(
        clip[0, :, 0, row, 24:27], face()[0, :, row, 24:27], atol=0.1, rtol=0
    )


def rows_of(clip):
    """First and last row of the mouth in the middle column of each frame."""
    off = (clip - face()[:, :, None]).abs().amax(1)[0, :, :, SIDE // 2] > 0.3
    return [(int(rows.nonzero()[0]), int(rows.nonzero()[-1])) for rows in off]


@pytest.mark.parametrize("down", [0.86, 0.95, 1.0])
def test_a_mouth_at_the_chin_opens_upwards_and_is_whole(down):
    """The face ends at row 61; mouths of 0.3 of the side's 64 pixels."""
    mouths = torch.tensor([[opening, 0.5, 0.0] for opening in (0.2, 0.5, 0.8, 1.0)])
    places = torch.tensor([[0.5, down, 0.3]])
    found = rows_of(with_mouths(face(), places, mouths))
    assert all(57 <= last <= 61 for _, last in found)
    tall = torch.tensor([last - first + 1.0 for first, last in found]) / (0.3 * SIDE)
    wanted = 0.02 + 0.62 * mouths[:, 0] + 0.06
    torch.testing.assert_close(tall, wanted, atol=2 / (0.3 * SIDE), rtol=0)


def test_a_mouth_with_room_stays_where_it_is():
    high = torch.tensor([[0.5, 0.5, 0.3]])
    clip = with_mouths(face(), high, torch.tensor([[0.5, 0.5, 0.0]]))
    ((first, last),) = rows_of(clip)
    # Of the gap seven tenths are below the middle of the mouth; lips, and the line's own bend.
    low = 0.5 + 0.3 * (0.7 * 0.33 + 0.03 + 0.036)
    high_ = 0.5 - 0.3 * (0.3 * 0.33 + 0.03 - 0.036)
    assert abs(last + 1 - low * SIDE) <= 1.5
    assert abs(first - high_ * SIDE) <= 1.5


def test_reach_has_every_mouth_and_little_else():
    mouths = torch.tensor([[0.9, 0.2, 0.8], [0.1, 1.0, 0.0], AT_REST, (0.5, 0.5, 0.3)])
    talk = Talk(PLACES, mouths)
    off = (talk.frames(face(), range(4)) - face()[:, :, None]).abs().amax((1, 2)) > 0.3
    reach = talk.reach(face())[:, 0]
    assert bool((reach[off] > 0.7).all())
    assert float((reach > -1).float().mean()) < 0.35
    assert float(talk.reach(face())[0, 0, :20].max()) == -1


def test_finder_is_told_by_its_map():
    sizes = MouthFinderArchitecture(channels=8, num_blocks=1)
    finder = MouthFinder(sizes).eval()
    finder.leave.weight.data.zero_()
    finder.leave.bias.data.zero_()
    with torch.no_grad():
        found = finder(torch.randn(2, 8, 6, 12))
    # Alike everywhere: the middle of a picture twice as wide as it is high, half a side wide.
    torch.testing.assert_close(found, torch.tensor([[1.0, 0.5, 0.5]] * 2))


def test_a_plan_talks_where_mouths_are_told():
    finder = MouthFinder(MouthFinderArchitecture(channels=8, num_blocks=1)).eval()
    first = torch.randn(2, 8, 6, 6)
    for plan in (ClipPlan(), ClipPlan(finder=finder), ClipPlan(mouths=torch.zeros(3, 3))):
        assert plan.talks(first) is None
    talk = ClipPlan(finder=finder, mouths=torch.rand(3, 3)).talks(first)
    assert talk is not None
    assert talk.places.shape == (2, 3)
    assert torch.equal(talk.of(1).places, talk.places[1:])
    pictures = face().expand(2, -1, -1, -1)
    whole = talk.frames(pictures, [0, 1, 2])
    assert torch.equal(whole[:, :, 2:], talk.frames(pictures, [2]))


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
