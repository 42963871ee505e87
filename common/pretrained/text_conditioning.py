"""From prompts to what the U-Net is told: token states, and for SDXL a pooled state.

Weights: with ``e`` the state that the empty prompt has at the same place, a token of weight ``w``
has the state ``e + w (state - e)`` (as in ComfyUI). Weight 1 changes nothing, 0 leaves the place of
an empty prompt. The pooled state is the first chunk's and knows no weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor

from common.adapters.learnt_words import NO_WORDS, LearntWords
from common.pretrained.model_index import Family
from common.pretrained.prompt_chunks import chunks_of


@dataclass(frozen=True)
class TextEncoder:
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


@dataclass(frozen=True)
class Text:
    """What the text encoders make of prompts."""

    states: Float[Tensor, "b l d"]
    mask: Bool[Tensor, "b l"] | None
    """Where there are states; None where they all are as long."""
    pooled: Float[Tensor, "b k"] | None
    """SDXL's second way of hearing the prompt."""


@dataclass(frozen=True)
class TextConditioner:
    """The text encoders of a checkpoint and how their states are used."""

    encoders: tuple[TextEncoder, ...]
    family: Family
    clip_skip: int
    zero_empty_prompt: bool

    def text_of(self, prompts: Sequence[str]) -> Text:
        """Encode prompts, each by itself: none depends on those beside it.

        Learnt words that have gradients keep them.
        """
        made = {prompt: self._encoded(prompt) for prompt in dict.fromkeys(prompts)}
        rows = [made[prompt] for prompt in prompts]
        lengths = torch.tensor([len(row.states[0]) for row in rows])
        longest = int(lengths.max())
        states = torch.cat(
            [F.pad(row.states, (0, 0, 0, longest - row.states.shape[1])) for row in rows]
        )
        mask = None
        if int(lengths.min()) < longest:
            mask = (torch.arange(longest) < lengths[:, None]).to(states.device)
        pooled = [row.pooled for row in rows if row.pooled is not None]
        return Text(states, mask, torch.cat(pooled) if pooled else None)

    def _encoded(self, prompt: str) -> Text:
        """One prompt; the encoders' states side by side, the last encoder's pooled state."""
        count = max(
            len(chunks_of(one.tokenizer, prompt, one.num_tokens, words=one.words).ids)
            for one in self.encoders
        )
        parts, pooled = [], None
        for encoder in self.encoders:
            states, first = self._states(encoder, prompt, count)
            parts.append(rearrange(states, "n l d -> 1 (n l) d"))
            pooled = first[:1] if first is not None else pooled
        together = torch.cat(parts, 2)
        if self.zero_empty_prompt and not prompt.strip():
            together = torch.zeros_like(together)
            pooled = None if pooled is None else torch.zeros_like(pooled)
        return Text(together, None, pooled if self.family == "sdxl" else None)

    def _states(
        self, encoder: TextEncoder, prompt: str, count: int
    ) -> tuple[Float[Tensor, "n l d"], Float[Tensor, "n k"] | None]:
        chunks = chunks_of(encoder.tokenizer, prompt, encoder.num_tokens, count, encoder.words)
        states, pooled = self._run(encoder, chunks.ids)
        if bool((chunks.weights == 1).all()):
            return states, pooled
        empty, _ = self._run(encoder, chunks_of(encoder.tokenizer, "", encoder.num_tokens).ids)
        weights = rearrange(chunks.weights, "n l -> n l 1").to(states)
        return torch.where(weights == 1, states, empty + weights * (states - empty)), pooled

    def _run(
        self, encoder: TextEncoder, ids: Int[Tensor, "n l"]
    ) -> tuple[Float[Tensor, "n l d"], Float[Tensor, "n k"] | None]:
        """States after the layer that is asked for, and the pooled state if there is one.

        Stable Diffusion 1 and 2 take the last layer's with the final norm, SDXL the last but one's
        without it; ``clip_skip`` counts back from there.
        """
        model = encoder.model
        tokens = ids.to(model.device)
        with encoder.words.applied(model.get_input_embeddings(), tokens) as known:
            made = model(known, output_hidden_states=True)
        if self.family == "sdxl":
            return made.hidden_states[-2 - self.clip_skip], getattr(made, "text_embeds", None)
        # Before transformers 5 the encoder proper was inside.
        norm = getattr(model, "text_model", model).final_layer_norm
        return norm(made.hidden_states[-1 - self.clip_skip]), None
