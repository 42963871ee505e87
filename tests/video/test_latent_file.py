import pytest
import torch

from common.errors import InputError
from video.latent_file import LatentFile

SHAPE = (3, 2, 4)


def some(count, seed):
    return torch.randn(3, count, 2, 4, generator=torch.Generator().manual_seed(seed))


def test_frames_come_back_to_the_bit_and_in_order(tmp_path):
    file = LatentFile(tmp_path / "new" / "clip.f32", SHAPE)
    parts = [some(4, 0), some(1, 1), some(3, 2).transpose(2, 3).contiguous().transpose(2, 3)]
    for part in parts:
        file.append(part)
    whole = torch.cat(parts, 1)
    assert file.num_frames == 8
    assert torch.equal(file.frames(0, 8), whole)
    assert torch.equal(file.frames(3, 6), whole[:, 3:6])
    assert torch.equal(file.frames(6, 20), whole[:, 6:]), "only what there is"
    assert (tmp_path / "new" / "clip.f32").stat().st_size == 8 * 4 * 3 * 2 * 4


def test_a_continued_file_forgets_what_came_after(tmp_path):
    first = LatentFile(tmp_path / "clip.f32", SHAPE)
    first.append(some(5, 0))
    again = LatentFile(tmp_path / "clip.f32", SHAPE, num_frames=2)
    again.append(some(1, 7))
    expected = torch.cat([some(5, 0)[:, :2], some(1, 7)], 1)
    assert torch.equal(again.frames(0, 3), expected)


def test_a_file_that_lost_frames_is_refused_with_the_numbers(tmp_path):
    LatentFile(tmp_path / "clip.f32", SHAPE).append(some(1, 0))
    with pytest.raises(InputError, match="has 96 bytes and should have 192"):
        LatentFile(tmp_path / "clip.f32", SHAPE, num_frames=2)
