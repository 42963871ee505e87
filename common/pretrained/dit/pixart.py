"""PixArt-alpha and -sigma (Chen et al. 2023, 2310.00426; 2024, 2403.04692).

A transformer that predicts the noise; the prompt's T5 states come in by cross-attention. It also
predicts a variance, which no sampler here asks for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from einops import repeat

from common.pretrained.t5_encoding import T5Encoder, t5_states
from common.pretrained.text_conditioning import Text, joined_texts
from common.shapes import Images, Timesteps


@dataclass(frozen=True)
class PixArtText:
    """How PixArt is told prompts: in lower case, as its captions were."""

    t5: T5Encoder

    @torch.no_grad()
    def text_of(self, prompts: Sequence[str]) -> Text:
        """The states of prompts, and where they are words."""
        return joined_texts([self._encoded(prompt) for prompt in prompts])

    def _encoded(self, prompt: str) -> Text:
        made = t5_states(self.t5, prompt.lower().strip())
        return Text(made.states, made.mask, None)


@dataclass(frozen=True)
class PixArt:
    """The transformer at work."""

    model: Any
    downsampling: int
    """Pixels along a side of a latent cell; some models are told the size in pixels."""

    def predict(self, latents: Images, timesteps: Timesteps, text: Text) -> Images:
        """The noise at each sample's timestep."""
        made = self.model(
            latents,
            encoder_hidden_states=text.states,
            encoder_attention_mask=None if text.mask is None else text.mask.to(latents.dtype),
            timestep=timesteps,
            added_cond_kwargs=self._size(latents),
            return_dict=False,
        )[0]
        return made[:, : latents.shape[1]]

    def _size(self, latents: Images) -> dict[str, Any]:
        if not self.model.use_additional_conditions:
            return {"resolution": None, "aspect_ratio": None}
        height, width = (side * self.downsampling for side in latents.shape[-2:])
        size, ratio = latents.new_tensor([height, width]), latents.new_tensor([height / width])
        return {
            "resolution": repeat(size, "k -> b k", b=len(latents)),
            "aspect_ratio": repeat(ratio, "k -> b k", b=len(latents)),
        }
