import numpy as np
import pytest
import torch

from common.embedded.judge import Judge, on_backgrounds
from common.training.emoji_stills import EmojiStills
from common.training.judge_trainer import JudgeTraining, TrainJudge
from common.training.loop import train
from common.training.loop_config import LearningRate, LoopConfig
from tests.common.training.small_training import same_bits

KEYS = ("1f34e", "1f34b", "1f438", "1f433")  # red apple, lemon, frog, whale
COLOURS = ("red", "yellow", "green", "blue")
RGB = ((220, 30, 40), (250, 210, 40), (60, 170, 60), (40, 90, 230))


def small_judge(num_steps: int = 4) -> tuple[TrainJudge, JudgeTraining]:
    """A judge of four one-coloured squares under the names of four emoji."""
    pixels = np.zeros((4, 64, 64, 4), np.uint8)
    for picture, rgb in zip(pixels, RGB, strict=True):
        picture[12:52, 12:52] = [*rgb, 255]
    loop = LoopConfig(
        num_steps=num_steps, batch_size=4, precision="float32", ema_decay=0.5,
        learning_rate=LearningRate(peak=2e-3, warmup_steps=2),
    )  # fmt: skip
    method = TrainJudge(channels=(16, 16, 16), joint_channels=32, loop=loop)
    colours = dict(zip(KEYS, COLOURS, strict=True))
    return method, JudgeTraining(method, EmojiStills(KEYS, pixels), colours, 0, "cpu")


def test_training_is_repeatable_to_the_bit():
    (method, one), (_, two) = small_judge(), small_judge()
    *_, first = train(method.loop, one, "cpu")
    *_, second = train(method.loop, two, "cpu")
    assert same_bits(first.state["averaged"], second.state["averaged"])


def test_trained_judge_matches_pictures_to_names_on_unseen_augmentations():
    method, judge = small_judge(num_steps=60)
    for _ in train(method.loop, judge, "cpu"):
        pass
    with torch.no_grad():
        unseen = [float(judge.losses(judge.model, 1000 + n)["loss"]) for n in range(8)]
    # Guessing among four has a loss of log 4 = 1.39.
    assert sum(unseen) / len(unseen) < 0.9


def test_backgrounds_show_only_where_the_picture_is_clear():
    pictures = torch.full((1, 4, 2, 2), -1.0)
    pictures[0, :, 0, 0] = torch.tensor([1.0, -1.0, -1.0, 1.0])  # opaque red
    pictures[0, :, 1, 1] = torch.tensor([0.0, 0.0, 0.0, 0.0])  # half-clear white
    made = (on_backgrounds(pictures, torch.tensor([[0.0, 0.0, 1.0]])) + 1) / 2
    assert made[0, :, 0, 0].tolist() == [1.0, 0.0, 0.0]
    assert made[0, :, 0, 1].tolist() == [0.0, 0.0, 1.0]
    assert made[0, :, 1, 1].tolist() == pytest.approx([0.5, 0.5, 1.0])


def test_stored_judge_fits_the_zoo_budget():
    count = sum(w.numel() for w in Judge(TrainJudge().architecture).parameters())
    assert count < 4.8e6  # bytes in int8, scales aside
