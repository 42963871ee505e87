import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from common.embedded.upscaler import Upscaler, doubled
from common.errors import InputError
from common.upscaling.upscaled import upscaled
from tests.common.upscaling.small_upscaler import SIZES, small_upscaler


def pictures(count, height, width, seed=0):
    """Premultiplied RGBA in [-1, 1] of uncorrelated pixels."""
    generator = torch.Generator().manual_seed(seed)
    parts = torch.rand(count, 4, height, width, generator=generator)
    return torch.cat([parts[:, :3] * parts[:, 3:], parts[:, 3:]], 1) * 2 - 1


def keys_kernel(distance):
    """Keys 1981, equation 15, a = -1/2."""
    x = np.abs(distance)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def slowly_doubled(values):
    """One axis, in float64, edges going on: for each output its four nearest inputs."""
    places = (np.arange(2 * len(values)) + 0.5) / 2 - 0.5
    first = np.floor(places).astype(int) - 1
    made = 0.0
    for step in range(4):
        index = first + step
        weights = keys_kernel(places - index)[:, None]
        made = made + weights * values[np.clip(index, 0, len(values) - 1)]
    return made


def test_untrained_upscaler_is_bicubic_interpolation():
    picture = pictures(1, 11, 14)
    # Far inside of the range nothing is clamped, so that the interpolation is seen alone.
    gentle = torch.cat([picture[:, :3] * 0.1 - 0.4, picture[:, 3:] * 0.1 + 0.4], 1)
    made = upscaled(Upscaler(SIZES), gentle, 2)[0].numpy()
    for channel, values in enumerate(gentle[0].double().numpy()):
        expected = slowly_doubled(slowly_doubled(values).T).T
        np.testing.assert_allclose(made[channel], expected, atol=1e-6)


def test_doubling_is_that_of_pillow():
    values = pictures(1, 9, 12)[0, 0]
    image = Image.fromarray(values.numpy())
    expected = np.asarray(image.resize((24, 18), Image.Resampling.BICUBIC))
    made = doubled(values[None, None])[0, 0].numpy()
    np.testing.assert_allclose(made, expected, atol=1e-6)


@settings(max_examples=25)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 20).map(lambda n: 2 * n))
def test_tiles_make_what_one_pass_makes(height, width, tile_px):
    picture = pictures(1, height, width)
    whole = upscaled(small_upscaler(), picture, 2, tile_px=256)
    assert whole.shape == (1, 4, 2 * height, 2 * width)
    # Convolutions of other shapes add up in another order: rounding of values about 1.
    tiled = upscaled(small_upscaler(), picture, 2, tile_px)
    torch.testing.assert_close(tiled, whole, rtol=0, atol=2e-6)


def test_nothing_beyond_the_halo_reaches_a_pixel_and_what_is_at_its_edge_does():
    model, at = small_upscaler(), 40
    base = pictures(1, 81, 81)

    def centre(moved_by):
        changed = base.clone()
        changed[:, :, at, at + moved_by] = 1
        return upscaled(model, changed, 2)[:, :, 2 * at : 2 * at + 2, 2 * at : 2 * at + 2]

    plain = upscaled(model, base, 2)[:, :, 2 * at : 2 * at + 2, 2 * at : 2 * at + 2]
    torch.testing.assert_close(centre(model.halo_px + 2), plain, rtol=0, atol=0)
    assert float((centre(model.halo_px - 2) - plain).abs().max()) > 0


def test_frames_are_treated_alone_and_alike():
    clip = pictures(3, 16, 22)
    together = upscaled(small_upscaler(), clip, 2)
    for frame, made in zip(clip, together, strict=True):
        assert torch.equal(upscaled(small_upscaler(), frame[None], 2)[0], made)
    moved = torch.zeros(1, 4, 64, 64) - 1
    moved[:, :, 20:36, 20:36] = pictures(1, 16, 16)
    shifted = moved.roll((4, 6), (2, 3))
    made = upscaled(small_upscaler(), moved, 2).roll((8, 12), (2, 3))
    torch.testing.assert_close(
        upscaled(small_upscaler(), shifted, 2)[..., 24:104, 24:104], made[..., 24:104, 24:104],
        rtol=0, atol=1e-6,
    )  # fmt: skip


def test_four_times_is_twice_times_twice_and_in_range():
    model, picture = small_upscaler(), pictures(1, 10, 13) * 1.3
    made = upscaled(model, picture, 4)
    assert torch.equal(made, upscaled(model, upscaled(model, picture, 2), 2))
    assert float(made.abs().max()) <= 1
    assert bool((made[:, :3] <= made[:, 3:]).all()), "no colour is brighter than its alpha"
    assert upscaled(model, picture, 1) is not None
    assert torch.equal(upscaled(model, picture, 1), picture)


def test_pictures_without_transparency_are_opaque_ones():
    colors = pictures(1, 12, 12)[:, :3]
    opaque = torch.cat([colors, torch.ones(1, 1, 12, 12)], 1)
    made = upscaled(small_upscaler(), colors, 2)
    assert torch.equal(made, upscaled(small_upscaler(), opaque, 2)[:, :3])


@pytest.mark.parametrize(("factor", "tile_px", "channels", "message"), [
    (3, 64, 4, "by 3"), (2, 65, 4, "tiles of 65"), (2, 64, 2, "not 2 channels"),
])  # fmt: skip
def test_what_cannot_be_upscaled_is_refused(factor, tile_px, channels, message):
    with pytest.raises(InputError, match=message):
        upscaled(small_upscaler(), torch.zeros(1, channels, 8, 8), factor, tile_px)
