from dataclasses import replace

import pytest
import torch

from common.training.pictures.augmentation import Augmentation, augment

NOTHING = Augmentation(affine=0.0, flip=0.0, recolor=0.0, opaque=0.0)


def pictures(count: int = 8, side: int = 32) -> torch.Tensor:
    """Premultiplied random colours in a box, [0, 1]."""
    generator = torch.Generator().manual_seed(3)
    alpha = torch.zeros(count, 1, side, side)
    alpha[..., 8:24, 8:24] = torch.rand(count, 1, 16, 16, generator=generator)
    return torch.cat([torch.rand(count, 3, side, side, generator=generator) * alpha, alpha], 1)


def changed(settings: Augmentation, seed: int = 0) -> torch.Tensor:
    return augment(pictures(), settings, torch.Generator().manual_seed(seed))


def test_no_change_keeps_the_pixels():
    assert torch.equal(changed(NOTHING), pictures())


@pytest.mark.parametrize("part", ["affine", "flip", "recolor", "opaque"])
def test_changed_pictures_stay_premultiplied(part):
    made = changed(replace(NOTHING, **{part: 1.0}))
    assert not torch.equal(made, pictures())
    assert float(made.min()) >= 0
    # 1e-6: rounding of the interpolation's weights.
    assert float((made[:, :3] - made[:, 3:]).max()) <= 1e-6
    assert float(made[:, 3:].max()) <= 1 + 1e-6


def test_flip_mirrors_left_to_right():
    made = changed(Augmentation(affine=0.0, flip=1.0, recolor=0.0, opaque=0.0))
    assert torch.equal(made, pictures().flip(-1))


def test_opaque_pictures_show_the_original_where_it_was_opaque():
    solid = pictures()
    solid[:, 3:] = (solid[:, 3:] > 0.5).float()
    solid[:, :3] *= solid[:, 3:]
    settings = Augmentation(affine=0.0, flip=0.0, recolor=0.0, opaque=1.0)
    made = augment(solid, settings, torch.Generator().manual_seed(0))
    assert bool((made[:, 3] == 1).all())
    covered = solid[:, 3:].expand_as(solid) == 1
    torch.testing.assert_close(made[covered], solid[covered])


def test_still_affine_map_moves_nothing():
    settings = Augmentation(
        affine=1.0, max_zoom=1.0, max_shift=0.0, max_turn_deg=0.0, flip=0.0, recolor=0.0, opaque=0.0
    )
    # Sampling at pixel centres: float32 rounding of the grid only.
    torch.testing.assert_close(changed(settings), pictures(), rtol=0, atol=1e-4)


def test_the_same_seed_changes_alike_and_another_does_not():
    assert torch.equal(changed(Augmentation(), 1), changed(Augmentation(), 1))
    assert not torch.equal(changed(Augmentation(), 1), changed(Augmentation(), 2))
