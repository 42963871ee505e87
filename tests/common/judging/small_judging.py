"""An untrained judge, and pictures as features that are made by hand: those of a text."""

from collections.abc import Sequence

import torch

from common.embedded.judge import Judge, JudgeArchitecture
from common.embedded.text_encoder import TextEncoderArchitecture
from common.embedded.tokenizer import load_tokenizer
from common.judging.judging import Seen
from common.judging.names import load_names
from common.judging.read_texts import ReadTexts
from common.training.initial_weights import initial_weights


def untrained_judge() -> Judge:
    """A small judge with fixed weights: different texts have different features."""
    text = TextEncoderArchitecture(
        num_tokens=load_tokenizer().num_tokens, embedding_channels=16, channels=32, num_layers=1,
        num_heads=2,
    )  # fmt: skip
    sizes = JudgeArchitecture(channels=(8, 8, 8), blocks=(1, 1, 1), joint_channels=32, text=text)
    with initial_weights(0, "test"):
        return Judge(sizes).eval().requires_grad_(False)


def read_texts() -> ReadTexts:
    """The untrained judge's reading."""
    return ReadTexts(untrained_judge(), load_names())


def showing(texts: ReadTexts, captions: Sequence[str], azimuths_deg: Sequence[float]) -> Seen:
    """Pictures that fit these captions better than any other text."""
    return Seen(texts.features(captions), torch.tensor(azimuths_deg))
