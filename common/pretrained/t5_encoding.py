"""A prompt as a T5 encoder's states: always as many as the checkpoint was trained with.

Emphasis weights move a state from that of the empty prompt, as in ``clip_encoding``. A prompt that
is too long is refused: diffusers cuts it off with a warning.
"""

from dataclasses import dataclass
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from common.errors import InputError
from common.pretrained.clip_encoding import weighted_states
from common.pretrained.offload import running_device
from common.pretrained.prompt_chunks import weighted_tokens


@dataclass(frozen=True)
class T5Encoder:
    """A T5 encoder with its tokenizer."""

    tokenizer: Any
    model: Any
    """transformers' ``T5EncoderModel``."""
    num_tokens: int
    """That a prompt is filled up to, its end mark included."""
    hides_padding: bool
    """Whether tokens that fill up are hidden from the others (PixArt), or seen (the others)."""


@dataclass(frozen=True)
class T5States:
    """What the encoder makes of a prompt."""

    states: Float[Tensor, "1 l d"]
    mask: Bool[Tensor, "1 l"]
    """Words and the end mark."""


def t5_states(encoder: T5Encoder, prompt: str) -> T5States:
    """Encode a prompt.

    Raises:
        InputError: the brackets do not match, or the prompt is too long.
    """
    tokens = t5_tokens(encoder.tokenizer, prompt, encoder.num_tokens)
    made = _run(encoder, [token for token, _ in tokens])
    if all(weight == 1 for _, weight in tokens):
        return made
    weights = torch.ones(1, encoder.num_tokens)
    weights[0, : len(tokens)] = torch.tensor([weight for _, weight in tokens])
    empty = _run(encoder, [])
    return T5States(weighted_states(made.states, empty.states, weights), made.mask)


def t5_tokens(tokenizer: Any, prompt: str, num_tokens: int) -> list[tuple[int, float]]:
    """The tokens of a prompt and their weights, marks not included.

    Raises:
        InputError: the brackets do not match, or the prompt is too long.
    """
    tokens, room = weighted_tokens(tokenizer, prompt), num_tokens - 1
    if len(tokens) > room:
        raise InputError(
            f"the prompt has {len(tokens)} tokens, and the checkpoint's T5 reads {room}: shorten it"
        )
    return tokens


def _run(encoder: T5Encoder, ids: list[int]) -> T5States:
    words = [*ids, encoder.tokenizer.eos_token_id]
    padding = [encoder.tokenizer.pad_token_id] * (encoder.num_tokens - len(words))
    device = running_device(encoder.model)
    read = rearrange(torch.tensor(words + padding, device=device), "l -> 1 l")
    mask = rearrange(torch.arange(encoder.num_tokens, device=device) < len(words), "l -> 1 l")
    hidden = {"attention_mask": mask.long()} if encoder.hides_padding else {}
    return T5States(encoder.model(read, **hidden)[0], mask)
