from itertools import islice

import numpy as np
import pytest
import torch

from common.runs.state import Checkpoint, load_newest, save
from common.training.loop import train
from common.training.loop_config import LearningRate, LoopConfig
from common.training.text.text_encoder_trainer import TextEncoderTraining, TrainTextEncoder
from common.training.text.text_targets import Targets, principal_basis, reduced
from tests.common.training.small_training import same_bits


def unit_rows(count: int, channels: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, channels)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def small_encoder(num_steps: int = 4) -> tuple[TrainTextEncoder, TextEncoderTraining]:
    """A text encoder taught four words and four phrases."""
    loop = LoopConfig(
        num_steps=num_steps, batch_size=8, precision="float32", ema_decay=0.5,
        learning_rate=LearningRate(peak=3e-3, warmup_steps=2),
    )  # fmt: skip
    method = TrainTextEncoder(
        embedding_channels=16, channels=16, num_layers=1, num_heads=2, num_distilled=8, loop=loop
    )
    words = Targets(("dog", "mug", "tree", "car"), unit_rows(4, 16, 0))
    captions = Targets(("a dog", "a mug", "杯子", "red car"), unit_rows(4, 16, 1))
    return method, TextEncoderTraining(method, words, captions, 0, "cpu")


def test_killed_and_resumed_training_ends_in_the_same_bits(tmp_path):
    method, whole = small_encoder()
    *_, expected = train(method.loop, whole, "cpu")
    _, first = small_encoder()
    for step in islice(train(method.loop, first, "cpu"), 2):
        save(tmp_path, Checkpoint(step.step, step.state), keep=1)
    _, second = small_encoder()
    *_, resumed = train(method.loop, second, "cpu", load_newest(tmp_path).state)
    assert same_bits(resumed.state["averaged"], expected.state["averaged"])


def test_training_comes_near_the_teacher():
    method, training = small_encoder(num_steps=150)
    with torch.no_grad():
        before = float(training.losses(training.model, 999)["distance"])
    for _ in train(method.loop, training, "cpu"):
        pass
    with torch.no_grad():
        after = float(training.losses(training.model, 999)["distance"])
    assert before > 0.7
    assert after < 0.5 * before


def test_package_is_the_encoder_alone():
    _, training = small_encoder()
    names = training.package(training.model).model.state_dict()
    assert "log_scale" not in names
    assert "embedding.weight" in names


def test_basis_keeps_cosines_of_rows_within_it():
    inside = unit_rows(50, 4, 2) @ np.linalg.qr(unit_rows(12, 12, 3))[0][:4]
    basis = principal_basis(inside, 4)
    np.testing.assert_allclose(basis.T @ basis, np.eye(4), atol=1e-5)
    found = reduced(Targets(tuple(map(str, range(50))), inside), basis).embeddings
    # Float32 rounding.
    np.testing.assert_allclose(found @ found.T, inside @ inside.T, atol=1e-5)
    assert (basis[np.abs(basis).argmax(0), range(4)] > 0).all()


def test_too_many_channels_for_the_teacher_are_refused():
    with pytest.raises(ValueError, match="384"):
        TrainTextEncoder(channels=512)
