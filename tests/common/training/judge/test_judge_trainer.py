from itertools import islice

import pytest
import torch

from common.runs.state import Checkpoint, load_newest, save
from common.training.judge.judge_trainer import TrainJudge
from common.training.judge.judge_truth import FALSE, TRUE
from common.training.loop import train
from common.training.loop_config import LearningRate, LoopConfig
from tests.common.training.small_judge import KEYS, small_judge
from tests.common.training.small_training import same_bits


def test_killed_and_resumed_training_ends_in_the_same_bits(tmp_path):
    method, whole = small_judge()
    *_, expected = train(method.loop, whole, "cpu")

    _, first = small_judge()
    for step in islice(train(method.loop, first, "cpu"), 2):
        save(tmp_path, Checkpoint(step.step, {"training": step.state}), keep=1)
    _, second = small_judge()
    state = load_newest(tmp_path).state["training"]
    *_, resumed = train(method.loop, second, "cpu", state)

    assert resumed.losses == expected.losses
    assert same_bits(resumed.state["model"], expected.state["model"])
    assert same_bits(resumed.state["averaged"], expected.state["averaged"])
    # A run that did not learn would pass the above.
    assert not same_bits(expected.state["model"], small_judge()[1].model.state_dict())


def test_batches_depend_on_their_number_alone():
    _, one = small_judge()
    _, two = small_judge()
    two.batch(3)
    assert one.batch(7).texts == two.batch(7).texts
    assert torch.equal(one.batch(7).pictures, two.batch(7).pictures)
    assert one.batch(7).texts != one.batch(8).texts


def test_every_picture_of_a_batch_has_a_true_and_false_captions():
    _, judge = small_judge()
    batch = judge.batch(0)
    assert batch.truth.shape == (10, len(batch.texts)) == (len(batch.pictures), len(batch.texts))
    assert len(batch.azimuths_deg) == 6
    assert (batch.truth == TRUE).any(1).all()
    assert (batch.truth == FALSE).any(1).all()


def test_training_teaches_colours_and_their_order_on_unseen_squares():
    loop = LoopConfig(
        num_steps=120, batch_size=10, precision="float32", ema_decay=0.8,
        learning_rate=LearningRate(peak=3e-3, warmup_steps=10),
    )  # fmt: skip
    _, judge = small_judge(loop=loop)
    before = judge.evaluate(judge.model.eval())
    judge.model.train()
    *_, last = train(loop, judge, "cpu")
    after = judge.evaluate(last.averaged)
    # Of 18 renders of 6 objects. By guessing, 1 of 12 and a half.
    assert after["ceiling/objects/colour"] > max(0.3, before["ceiling/objects/colour"])
    assert after["ceiling/objects/order"] > 0.7
    assert after["ceiling/objects/colour"] > after["floor/objects/colour"]


def test_figures_have_a_ceiling_and_a_floor_of_each_score():
    _, judge = small_judge()
    figures = judge.evaluate(judge.model.eval())
    for part in (
        "emoji", "emoji_zh", "objects", "objects_front", "objects_zh", "objects_pairs",
        "objects_turned",
    ):  # fmt: skip
        assert 0 <= figures[f"ceiling/{part}/top1"] <= 1
        assert 0 <= figures[f"floor/{part}/top5"] <= 1
    for score in ("colour", "accent", "order", "view", "top1_and_colour"):
        assert {f"ceiling/objects/{score}", f"floor/objects/{score}"} <= figures.keys()
    assert {name for name in figures if name.startswith("ceiling/view/")} == {
        "ceiling/view/car", "ceiling/view/house", "ceiling/view/mug",
    }  # fmt: skip
    assert "transfer/front_top5" in figures


def test_judge_of_emoji_alone_sees_no_render_in_training_and_is_measured_on_them():
    _, judge = small_judge(sources="emoji")
    batch = judge.batch(0)
    assert len(batch.pictures) == len(KEYS)
    assert len(batch.azimuths_deg) == 0
    assert set(judge.losses(judge.model, 0)) == {"loss", "contrast"}
    assert "transfer/front_top5" in judge.evaluate(judge.model.eval())


def test_preview_is_a_page_of_pictures():
    _, judge = small_judge()
    page = judge.preview(judge.model.eval())
    assert page.ndim == 3
    assert page.std() > 10


def test_more_kit_than_the_batch_holds_is_refused():
    with pytest.raises(
        ValueError, match=r"= 56 kit pictures leave no room for emoji in loop\.batch_size 50"
    ):
        TrainJudge(loop={"batch_size": 50})
