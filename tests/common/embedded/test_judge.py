import pytest
import torch

from common.embedded.judge import Judge, JudgeArchitecture, on_backgrounds
from common.embedded.text_encoder import TextEncoderArchitecture, token_batch
from common.embedded.tokenizer import load_tokenizer
from common.training.judge.judge_trainer import TrainJudge

TEXT = TextEncoderArchitecture(
    num_tokens=load_tokenizer().num_tokens, embedding_channels=8, channels=16, num_layers=1,
    num_heads=2,
)  # fmt: skip


def small_judge() -> Judge:
    sizes = JudgeArchitecture(
        channels=(8, 8, 8), blocks=(1, 1, 1), joint_channels=12, azimuth_bins=24, text=TEXT
    )
    return Judge(sizes).eval().requires_grad_(False)


def test_features_of_both_sides_have_length_one():
    judge = small_judge()
    texts = ["a car", "a red car with white wheels", "红色汽车"]
    made = judge(torch.rand(2, 3, 64, 64) * 2 - 1, *token_batch(load_tokenizer(), texts))
    assert made.pictures.shape == (2, 12)
    assert made.texts.shape == (3, 12)
    assert made.azimuths.shape == (2, 24)
    for features in (made.pictures, made.texts):
        torch.testing.assert_close(features.norm(dim=1), torch.ones(len(features)))


def test_text_read_among_others_has_the_features_it_has_alone():
    judge = small_judge()
    texts = ["cat", "a red car with white wheels and blue stripes", "a dog", "房子", "a mug"]
    together = judge.embed_texts(*token_batch(load_tokenizer(), texts))
    alone = torch.cat([judge.embed_texts(*token_batch(load_tokenizer(), [t])) for t in texts])
    # Groups have other shapes, so that sums may be taken in another order.
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_word_order_matters():
    judge = small_judge()
    texts = ["a red car with a blue roof", "a blue car with a red roof"]
    one, two = judge.embed_texts(*token_batch(load_tokenizer(), texts))
    assert float((one - two).abs().max()) > 1e-4


def test_larger_pictures_are_averaged_down():
    judge = small_judge()
    small = torch.rand(1, 3, 64, 64) * 2 - 1
    large = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(judge.look_at(large).features, judge.look_at(small).features)


def test_backgrounds_show_only_where_the_picture_is_clear():
    pictures = torch.full((1, 4, 2, 2), -1.0)
    pictures[0, :, 0, 0] = torch.tensor([1.0, -1.0, -1.0, 1.0])  # opaque red
    pictures[0, :, 1, 1] = torch.tensor([0.0, 0.0, 0.0, 0.0])  # half-clear white
    made = (on_backgrounds(pictures, torch.tensor([[0.0, 0.0, 1.0]])) + 1) / 2
    assert made[0, :, 0, 0].tolist() == [1.0, 0.0, 0.0]
    assert made[0, :, 0, 1].tolist() == [0.0, 0.0, 1.0]
    assert made[0, :, 1, 1].tolist() == pytest.approx([0.5, 0.5, 1.0])


def test_stored_judge_fits_the_zoo_budget():
    count = sum(weight.numel() for weight in Judge(TrainJudge().architecture).parameters())
    assert count < 4.8e6  # bytes in int8, scales aside
