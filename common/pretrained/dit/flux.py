"""FLUX.1 dev and schnell (Black Forest Labs 2024): a rectified flow.

Tokens are squares of 2 x 2 latent cells; they and T5's states attend to each other, CLIP's pooled
state modulates all layers. The dev model was distilled from guided predictions and is told their
scale; that is another number than ``guidance.guidance_scale``, which combines two predictions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor

from common.pretrained.checkpoint import TRANSFORMER_PATCH
from common.pretrained.clip_encoding import ClipEncoder, clip_states
from common.pretrained.t5_encoding import T5Encoder, t5_states
from common.pretrained.text_conditioning import Text, joined_texts
from common.shapes import Images, Timesteps

_TIMESTEPS = 1000
"""Of pure noise; the transformer itself counts from 0 to 1."""


@dataclass(frozen=True)
class FluxText:
    """How FLUX is told prompts."""

    clip: ClipEncoder
    t5: T5Encoder

    @torch.no_grad()
    def text_of(self, prompts: Sequence[str]) -> Text:
        """T5's states and CLIP's pooled state of prompts, each by itself."""
        made = {prompt: self._encoded(prompt) for prompt in dict.fromkeys(prompts)}
        return joined_texts([made[prompt] for prompt in prompts])

    def _encoded(self, prompt: str) -> Text:
        count = self.clip.num_chunks(prompt)
        pooled = clip_states(self.clip, prompt, count, "last_normed", 0).pooled
        return Text(t5_states(self.t5, prompt).states, None, pooled)


@dataclass(frozen=True)
class Flux:
    """The transformer at work."""

    model: Any
    embedded_guidance: float
    """The scale that the dev model is told."""

    def predict(self, latents: Images, timesteps: Timesteps, text: Text) -> Images:
        """The velocity at each sample's timestep."""
        side = TRANSFORMER_PATCH
        height, width = (cells // side for cells in latents.shape[-2:])
        packed = rearrange(latents, "b c (h p) (w q) -> b (h w) (c p q)", p=side, q=side)
        guidance = None
        if self.model.config.guidance_embeds:
            guidance = torch.full(
                (len(latents),), self.embedded_guidance, dtype=torch.float32, device=latents.device
            )
        made = self.model(
            hidden_states=packed,
            timestep=timesteps.to(latents.dtype) / _TIMESTEPS,
            guidance=guidance,
            pooled_projections=text.pooled,
            encoder_hidden_states=text.states,
            txt_ids=torch.zeros(
                text.states.shape[1], 3, dtype=latents.dtype, device=latents.device
            ),
            img_ids=places(height, width).to(latents),
            return_dict=False,
        )[0]
        return rearrange(made, "b (h w) (c p q) -> b c (h p) (w q)", h=height, p=side, q=side)


def places(height: int, width: int) -> Float[Tensor, "n 3"]:
    """What FLUX's rotary embedding is told of each picture token: 0, row and column."""
    rows = repeat(torch.arange(height), "h -> (h w)", w=width)
    columns = repeat(torch.arange(width), "w -> (h w)", h=height)
    return torch.stack([torch.zeros_like(rows), rows, columns], 1).float()
