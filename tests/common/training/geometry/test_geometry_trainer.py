from itertools import islice

import numpy as np
import pytest
import torch

from common.control.estimated_maps import SIZE_PX, THING_PX
from common.control.geometry_maps import FARTHEST
from common.embedded.geometry_estimator import GeometryArchitecture
from common.runs.state import Checkpoint, load_newest, save
from common.training.geometry.geometry_scores import BASELINES, geometry_scores
from common.training.geometry.geometry_source import GeometrySource
from common.training.geometry.geometry_table import geometry_table
from common.training.geometry.geometry_trainer import GeometryTraining, TrainGeometryEstimator
from common.training.loop import train
from common.training.loop_config import LearningRate, LoopConfig
from common.training.pictures.thing_frames import painted
from tests.common.training.small_training import same_bits


def balls(count, size=SIZE_PX):
    """Balls lit from the right, with a hat of another colour, with their depth and normals."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size]
    pixels = np.zeros((count, size, size, 4), np.uint8)
    truths = np.zeros((count, size, size, 5), np.uint8)
    for row in range(count):
        radius, (top, left) = rng.uniform(24, 50), rng.uniform(54, 74, 2)
        right, up = (x + 0.5 - left) / radius, -(y + 0.5 - top) / radius
        there = right**2 + up**2 < 1
        front = np.sqrt(np.clip(1 - right**2 - up**2, 0, 1))
        light = np.clip(0.4 + 0.4 * right + 0.2 * front, 0, 1)
        colour = rng.uniform(0.3, 1, 3)
        pixels[row, ..., :3] = (light[..., None] * colour * 255).round()
        pixels[row, ..., 3] = 255
        normals = np.stack([right, up, front], -1)
        truths[row, ..., 1:4] = np.clip((normals + 1) * 127.5, 0, 255).round()
        truths[row, ..., 0] = ((FARTHEST + (1 - FARTHEST) * front) * 255).round()
        truths[row, ..., 4] = 1
        pixels[row, ~there] = 0
        truths[row, ~there] = 0
    return GeometrySource((pixels[:3], pixels[3:]), (truths[:3], truths[3:]))


def small_training(num_steps=6, rate=5e-3):
    loop = LoopConfig(
        num_steps=num_steps, batch_size=6, ema_decay=0.9, precision="float32",
        learning_rate=LearningRate(peak=rate, warmup_steps=2),
    )  # fmt: skip
    sizes = GeometryArchitecture(widths=(12, 16), num_blocks=(1, 1))
    method = TrainGeometryEstimator(architecture=sizes, loop=loop)
    picture = balls(1).pixels[0][0]
    return method, GeometryTraining(method, balls(8), balls(5), [picture], 0, "cpu")


def test_killed_and_resumed_training_ends_in_the_same_bits(tmp_path):
    method, whole = small_training()
    *_, expected = train(method.loop, whole, "cpu")
    _, first = small_training()
    for step in islice(train(method.loop, first, "cpu"), 3):
        save(tmp_path, Checkpoint(step.step, step.state), keep=1)
    _, second = small_training()
    *_, resumed = train(method.loop, second, "cpu", load_newest(tmp_path).state)
    assert same_bits(resumed.state["averaged"], expected.state["averaged"])
    assert whole.preview(expected.averaged).shape[2] == 3
    package = whole.package(expected.averaged)
    assert (package.kind, package.requires) == ("geometry_estimator", {})


def test_balls_are_learnt():
    method, training = small_training(num_steps=60, rate=1e-2)
    truths = training.held_out_pictures(5)
    flat = geometry_scores([BASELINES["best constant"](one) for one in truths], truths)
    assert flat["normals/mean_deg"] == pytest.approx(45, abs=3), "of a disk's normals"
    *_, last = train(method.loop, training, "cpu")
    found = training.evaluate(last.averaged)
    assert found["normals/mean_deg"] < 0.6 * flat["normals/mean_deg"]
    assert found["depth/l1"] < 0.8 * flat["depth/l1"]


def test_samples_are_framed_and_mirrored_with_their_normals():
    source = balls(8)
    sample = source.draw(
        64, np.random.default_rng(0), torch.Generator().manual_seed(0)
    )  # fmt: skip
    half = SIZE_PX // 2
    assert sample.pictures.shape == (64, 4, SIZE_PX, SIZE_PX)
    assert sample.nearness.shape == sample.there.shape == (64, half, half)
    assert sample.normals.shape == (64, 3, half, half)
    sides = sample.there.any(1).sum(1)
    assert int(sides.min()) >= 0.7 * THING_PX / 2
    assert int(sides.max()) <= half
    # A mirrored ball is a ball: what lies right of its middle still looks to the right.
    for there, normals, nearness in zip(
        sample.there, sample.normals, sample.nearness, strict=True
    ):  # fmt: skip
        places = torch.nonzero(there)
        right = places[:, 1].float() - places[:, 1].float().mean()
        up = places[:, 0].float().mean() - places[:, 0].float()
        told = normals[:, there]
        assert float((right * told[0]).mean()) > 0
        assert float((up * told[1]).mean()) > 0
        assert float(told.norm(dim=0).sub(1).abs().max()) < 1e-3
        assert float(nearness[there].min()) > FARTHEST - 0.02


def test_painting_keeps_transparency_and_range():
    source = balls(4)
    pixels = np.concatenate(source.pixels)
    pictures = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    made = painted(pictures.clone(), torch.Generator().manual_seed(1))
    assert float(made.min()) >= 0
    assert bool((made[:, :3] <= made[:, 3:] + 1e-6).all()), "premultiplied"
    assert float((made[:, :3] - pictures[:, :3]).abs().mean()) > 0.02
    empty = pictures[:, 3] == 0
    far = torch.nn.functional.max_pool2d((~empty).float(), 9, 1, 4) == 0
    assert float(made[:, 3][far].max()) < 0.02, "blurred by a few pixels at most"


def test_rows_beyond_the_end_are_refused():
    source = balls(5)
    assert len(source) == 5
    assert source.row(4)[0].shape == (SIZE_PX, SIZE_PX, 4)
    with pytest.raises(IndexError):
        source.row(5)


def test_table_has_the_estimator_and_what_it_is_held_against():
    table = dict(geometry_table(balls(5), 3))
    assert list(table) == ["estimator", *BASELINES]
    assert all("normals/mean_deg" in figures for figures in table.values())
    # Balls are what a balloon is; the estimator was trained on other things and knows them too.
    assert table["estimator"]["normals/mean_deg"] < table["constant"]["normals/mean_deg"]
