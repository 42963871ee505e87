from itertools import islice

import numpy as np
import pytest
import torch

from common.control.estimated_maps import SIZE_PX
from common.control.thing_pose import JOINTS, MIRRORED, NUM_JOINTS
from common.embedded.pose_estimator import PoseArchitecture
from common.runs.state import Checkpoint, load_newest, save
from common.training.loop import train
from common.training.loop_config import LearningRate, LoopConfig
from common.training.pose.pose_scores import floor_of, pose_scores, true_pose
from common.training.pose.pose_source import PoseSource
from common.training.pose.pose_trainer import (
    PoseTraining,
    TrainPoseEstimator,
    found_poses,
    true_poses,
)
from tests.common.training.small_training import same_bits

NOSE, LEFT, RIGHT, TAIL = (JOINTS.index(n) for n in ("nose", "left eye", "right eye", "tail"))


def faces(count, size=SIZE_PX):
    """Grey squares with a dark dot for a nose, and half of them with a light one for a tail."""
    rng = np.random.default_rng(0)
    pixels = np.zeros((count, size, size, 4), np.uint8)
    joints = np.full((count, NUM_JOINTS, 2), np.nan)
    for row in range(count):
        left, top = rng.integers(10, 40, 2)
        side = int(rng.integers(56, 80))
        pixels[row, top : top + side, left : left + side] = (120, 120, 120, 255)
        for joint, shade in ((NOSE, 0), (TAIL, 255)):
            x, y = left + rng.integers(8, side - 8), top + rng.integers(8, side - 8)
            if joint == NOSE or row % 2:
                pixels[row, y - 5 : y + 5, x - 5 : x + 5, :3] = shade
                joints[row, joint] = x, y
    return PoseSource((pixels[:3], pixels[3:]), joints)


def small_training(num_steps=6, rate=5e-3):
    loop = LoopConfig(
        num_steps=num_steps, batch_size=8, ema_decay=0.9, precision="float32",
        learning_rate=LearningRate(peak=rate, warmup_steps=2),
    )  # fmt: skip
    sizes = PoseArchitecture(widths=(12, 16), num_blocks=(1, 1))
    method = TrainPoseEstimator(architecture=sizes, loop=loop)
    picture = faces(1).pixels[0][0]
    return method, PoseTraining(method, faces(24), faces(20), [picture] * 16, 0, "cpu")


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
    assert (package.kind, package.requires) == ("pose_estimator", {})


def test_dots_are_found():
    method, training = small_training(num_steps=120, rate=1e-2)
    *_, last = train(method.loop, training, "cpu")
    found = training.evaluate(last.averaged)
    _, truths = true_poses(faces(20))
    floor = floor_of(truths)
    without = pose_scores([floor.told(one) for one in truths], truths)
    assert found["pose/error"] < 0.5 * without["pose/error"]
    assert found["pose/pck"] > without["pose/pck"] + 0.3


def test_samples_are_framed_and_mirrored_with_their_joints():
    source = faces(24)
    source.joints[:, LEFT] = source.joints[:, NOSE]
    sample = source.draw(64, np.random.default_rng(0), torch.Generator().manual_seed(0))
    assert sample.pictures.shape == (64, 4, SIZE_PX, SIZE_PX)
    assert not sample.there[:, JOINTS.index("crown")].any()
    assert sample.there[:, NOSE].all()
    assert torch.equal(sample.there[:, LEFT], ~sample.there[:, RIGHT]), "one or the other"
    assert 16 < int(sample.there[:, RIGHT].sum()) < 48, "half of them are mirrored"
    for picture, place, mirrored in zip(
        sample.pictures, sample.places, sample.there[:, RIGHT], strict=True
    ):
        x, y = place[NOSE].tolist()
        eye = RIGHT if mirrored else LEFT
        assert place[eye].tolist() == pytest.approx([x, y])
        assert MIRRORED[LEFT] == RIGHT
        # The dot differs from the square around it, however they are painted.
        dot, away = picture[:3, int(y), int(x)], picture[:3, :, int(x)]
        inside = picture[3, :, int(x)] > 0
        assert float((away[:, inside].median(1).values - dot).abs().max()) > 0.01


def test_scores_are_in_shares_of_the_thing():
    seen = np.zeros((64, 64), bool)
    seen[10:50, 20:40] = True
    joints = np.full((NUM_JOINTS, 2), np.nan)
    joints[NOSE], joints[TAIL] = (30, 20), (25, 45)
    truth = true_pose(seen, joints)
    assert truth.corner.tolist() == [20, 10]
    assert truth.sides.tolist() == [20, 40]
    floor = floor_of([truth])
    assert floor.places[NOSE].tolist() == [0.5, 0.25]
    own = floor.told(truth)
    perfect = pose_scores([own], [truth])
    assert perfect["pose/error"] == pytest.approx(0, abs=1e-12)
    assert perfect["pose/pck"] == perfect["presence/precision"] == 1.0
    moved = own.joints.copy()
    moved[TAIL] += (6, 8)  # 10 pixels of a thing of 40
    found = pose_scores([type(own)(moved, own.chances)], [truth])
    assert found["pose/error"] == pytest.approx(0.125)
    assert found["pose/pck"] == 0.5
    nothing = type(own)(np.full((NUM_JOINTS, 2), np.nan), np.zeros(NUM_JOINTS))
    assert pose_scores([nothing], [truth])["pose/error"] == 1.0


def test_rows_beyond_the_end_are_refused():
    source = faces(5)
    assert source.row(4)[0].shape == (SIZE_PX, SIZE_PX, 4)
    with pytest.raises(IndexError):
        source.row(5)


def test_pictures_without_a_thing_are_told_nothing():
    _, training = small_training()
    (found,) = found_poses(training.model.eval(), [torch.zeros(4, 32, 32)])
    assert np.isnan(found.joints).all()
