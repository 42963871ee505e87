from itertools import islice

import numpy as np
import pytest
import torch

from common.embedded.autoencoder import Autoencoder
from common.embedded.upscaler import UpscalerArchitecture
from common.errors import InputError
from common.runs.state import Checkpoint, load_newest, save
from common.training.autoencoder.autoencoder_trainer import to_unit_range
from common.training.loop import train
from common.training.loop_config import LearningRate, LoopConfig
from common.training.pictures.picture_pools import WeightedPool, pool_of_rows
from common.training.upscaler.last_layer import fit_last_layer
from common.training.upscaler.picture_patches import draw_patches
from common.training.upscaler.upscaler_trainer import (
    HeldOut,
    TrainUpscaler,
    UpscalerTraining,
    mean_psnr,
)
from common.training.upscaler.upscaling_pairs import draw_pairs, reduced, round_trips
from tests.common.training.small_training import ARCHITECTURE, disks, same_bits

SEEDS = (1, 2)


def small_training(num_steps=6, encoded=None):
    pixels = disks(12)
    loop = LoopConfig(
        num_steps=num_steps, batch_size=8, ema_decay=0.9, precision="float32",
        learning_rate=LearningRate(peak=5e-3, warmup_steps=2),
    )  # fmt: skip
    method = TrainUpscaler(
        architecture=UpscalerArchitecture(channels=8, num_blocks=1), patch_px=32, loop=loop
    )
    large = to_unit_range(pixels[8:], "cpu") * 2 - 1
    held_out = {"disks": HeldOut(large, reduced(large, "area"))}
    pool = WeightedPool(pool_of_rows(pixels, range(8)), 1.0)
    return method, UpscalerTraining(method, (pool,), encoded, held_out, 0, "cpu")


def test_training_begins_as_bicubic_interpolation_and_its_package_is_better():
    method, training = small_training(num_steps=10)
    assert training.evaluate(training.model)["gain/disks"] == pytest.approx(0, abs=1e-6)
    *_, last = train(method.loop, training, "cpu")
    assert training.preview(last.averaged).shape[2] == 3
    package = training.package(last.averaged)
    assert (package.kind, package.requires) == ("upscaler", {})
    assert training.evaluate(package.model)["gain/disks"] > 0.1


def test_killed_and_resumed_training_ends_in_the_same_bits(tmp_path):
    method, whole = small_training()
    *_, expected = train(method.loop, whole, "cpu")
    _, first = small_training()
    for step in islice(train(method.loop, first, "cpu"), 3):
        save(tmp_path, Checkpoint(step.step, step.state), keep=1)
    _, second = small_training()
    *_, resumed = train(method.loop, second, "cpu", load_newest(tmp_path).state)
    assert same_bits(resumed.state["averaged"], expected.state["averaged"])


@pytest.mark.parametrize("bicubic", [0.0, 1.0])
def test_small_patches_are_the_large_ones_made_smaller(bicubic):
    pool = WeightedPool(pool_of_rows(disks(6), range(6)), 1.0)
    small, large = draw_pairs((pool,), None, (16, 32), (0.5, bicubic), SEEDS, "cpu")
    assert small.shape == (16, 4, 16, 16)
    how = "bicubic" if bicubic else "area"
    # Mirroring, colours and backgrounds are linear and commute with both filters.
    torch.testing.assert_close(reduced((large + 1) / 2, how) * 2 - 1, small, rtol=0, atol=1e-5)
    assert not torch.equal(small, -torch.ones_like(small)), "patches show something"


def test_patches_through_the_autoencoder_lie_where_the_large_ones_lie():
    class Whole(Autoencoder):
        """What comes back is the picture itself."""

        def encode(self, pictures):
            return pictures

        def decode(self, latents):
            return latents

    pixels = disks(6)
    encoded = round_trips(Whole(ARCHITECTURE), pixels, "cpu")
    assert encoded.small.shape == (6, 32, 32, 4)
    pool = WeightedPool(pool_of_rows(pixels, range(6)), 1.0)
    small, large = draw_pairs((pool,), encoded, (16, 32), (0.999, 0.0), SEEDS, "cpu")
    # Rounded to 8 bits once; where a colour is laid behind, that of alpha adds to its own.
    torch.testing.assert_close(reduced(large, "area"), small, rtol=0, atol=2 / 255 + 1e-6)


def test_patches_come_from_even_places_of_pictures_of_any_size():
    rng = np.random.default_rng(0)
    rows = np.zeros((3, 40, 40, 4), np.uint8)
    rows[...] = np.arange(40, dtype=np.uint8)[:, None, None]
    large = WeightedPool(pool_of_rows(disks(3), range(3)), 1.0)
    patches = draw_patches((WeightedPool(pool_of_rows(rows, range(3)), 1e9), large), 16, 20, rng)
    starts = patches[:, 0, 0, 0]
    assert set(starts % 2) == {0}
    assert len(set(starts)) > 3
    assert (np.diff(patches[..., 0].astype(int), axis=1) == 1).all()
    with pytest.raises(InputError, match="48 px cannot be cut from pictures of 40 px"):
        draw_patches((WeightedPool(pool_of_rows(rows, range(3)), 1.0), large), 48, 1, rng)


def test_psnr_is_over_all_four_channels():
    made = torch.zeros(2, 4, 3, 3)
    wanted = made.clone()
    wanted[0, 3] = 0.2  # 0.1 of the range in one of four channels: 20 + 6.02 dB
    wanted[1] = 0.02  # 40 dB
    assert mean_psnr(made, wanted) == pytest.approx((26.0206 + 40) / 2, abs=1e-3)


def test_last_layer_is_where_the_squared_error_is_smallest():
    _, training = small_training()
    model = training.model
    torch.nn.init.normal_(model.correction[-1][0].weight, std=0.01)
    pairs = [training.pairs(draw, "test") for draw in range(4)]

    def error():
        with torch.no_grad():
            return sum(float(((model(small) - large) ** 2).mean()) for small, large in pairs)

    before = error()
    fit_last_layer(model, pairs)
    best, convolution = error(), model.correction[-1][0]
    assert best < before
    generator = torch.Generator().manual_seed(0)
    for weight in (convolution.weight, convolution.bias):
        kept = weight.detach().clone()
        for step in (-1e-2, 1e-2):
            with torch.no_grad():
                weight.copy_(kept + step * torch.randn(kept.shape, generator=generator))
            assert error() > best
        with torch.no_grad():
            weight.copy_(kept)
