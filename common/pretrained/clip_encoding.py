"""A prompt as a CLIP text encoder's states: any length, with emphasis.

Weights: with ``e`` the state that the empty prompt has at the same place, a token of weight ``w``
has the state ``e + w (state - e)`` (as in ComfyUI). Weight 1 changes nothing, 0 leaves the place of
an empty prompt. The pooled state is the first chunk's and knows no weights.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor

from common.adapters.learnt_words import NO_WORDS, LearntWords
from common.pretrained.offload import running_device
from common.pretrained.prompt_chunks import chunks_of

ClipLayer = Literal["last_normed", "last_but_one"]
"""Stable Diffusion 1 and 2 take the last layer's states with the final norm; SDXL and Stable
Diffusion 3 the last but one's without it."""


@dataclass(frozen=True)
class ClipEncoder:
    """One CLIP text encoder with its tokenizer."""

    tokenizer: Any
    model: Any
    """transformers' ``CLIPTextModel``, or the one with a projection."""
    words: LearntWords = NO_WORDS
    """That it has vectors for, beside its vocabulary."""

    @property
    def num_tokens(self) -> int:
        """That it reads at once."""
        return int(self.model.config.max_position_embeddings)

    def num_chunks(self, prompt: str) -> int:
        """In which it reads a prompt."""
        return len(chunks_of(self.tokenizer, prompt, self.num_tokens, words=self.words).ids)


@dataclass(frozen=True)
class ClipStates:
    """What an encoder makes of a prompt."""

    states: Float[Tensor, "1 l d"]
    """Of all chunks, one after the other."""
    pooled: Float[Tensor, "1 k"]
    """Of the first chunk; projected where the encoder has a projection."""


def clip_states(
    encoder: ClipEncoder, prompt: str, num_chunks: int, layer: ClipLayer, clip_skip: int
) -> ClipStates:
    """Encode a prompt.

    Args:
        encoder: with weights.
        prompt: with emphasis brackets, or without.
        num_chunks: at least as many as the prompt needs; missing ones are those of the empty
            prompt.
        layer: whose states are taken.
        clip_skip: layers further back.

    Raises:
        InputError: the brackets do not match.
    """
    chunks = chunks_of(encoder.tokenizer, prompt, encoder.num_tokens, num_chunks, encoder.words)
    states, pooled = _run(encoder, chunks.ids, layer, clip_skip)
    if not bool((chunks.weights == 1).all()):
        unsaid = chunks_of(encoder.tokenizer, "", encoder.num_tokens)
        empty, _ = _run(encoder, unsaid.ids, layer, clip_skip)
        states = weighted_states(states, empty, chunks.weights)
    return ClipStates(rearrange(states, "n l d -> 1 (n l) d"), pooled[:1])


def weighted_states(
    states: Float[Tensor, "n l d"], empty: Float[Tensor, "1 l d"], weights: Float[Tensor, "n l"]
) -> Float[Tensor, "n l d"]:
    """Each state moved from the empty prompt's at its place: ``e + w (state - e)``."""
    by_token = rearrange(weights, "n l -> n l 1").to(states)
    return torch.where(by_token == 1, states, empty + by_token * (states - empty))


def _run(
    encoder: ClipEncoder, ids: Int[Tensor, "n l"], layer: ClipLayer, clip_skip: int
) -> tuple[Float[Tensor, "n l d"], Float[Tensor, "n k"]]:
    model = encoder.model
    tokens = ids.to(running_device(model))
    with encoder.words.applied(model.get_input_embeddings(), tokens) as known:
        made = model(known, output_hidden_states=True)
    pooled = getattr(made, "text_embeds", None)
    pooled = made.pooler_output if pooled is None else pooled
    if layer == "last_but_one":
        return made.hidden_states[-2 - clip_skip], pooled
    # Before transformers 5 the encoder proper was inside.
    norm = getattr(model, "text_model", model).final_layer_norm
    return norm(made.hidden_states[-1 - clip_skip]), pooled
