"""Stable Diffusion 3 and 3.5 (Esser et al. 2024, 2403.03206): a rectified flow.

Tokens of the picture and of the prompt attend to each other. The prompt is the states of two CLIPs
side by side, filled up with zeros to T5's width, and after them T5's (zeros without a T5); the two
pooled states modulate all layers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from common.pretrained.clip_encoding import ClipEncoder, clip_states
from common.pretrained.t5_encoding import T5Encoder, t5_states
from common.pretrained.text_conditioning import Text, joined_texts
from common.shapes import Images, Timesteps


@dataclass(frozen=True)
class SD3Text:
    """How Stable Diffusion 3 is told prompts."""

    clips: tuple[ClipEncoder, ...]
    t5: T5Encoder | None
    num_t5_tokens: int
    width: int
    """Of a token's state."""
    clip_skip: int

    @torch.no_grad()
    def text_of(self, prompts: Sequence[str]) -> Text:
        """States and pooled states of prompts, each by itself."""
        made = {prompt: self._encoded(prompt) for prompt in dict.fromkeys(prompts)}
        return joined_texts([made[prompt] for prompt in prompts])

    def _encoded(self, prompt: str) -> Text:
        count = max(clip.num_chunks(prompt) for clip in self.clips)
        made = [
            clip_states(clip, prompt, count, "last_but_one", self.clip_skip) for clip in self.clips
        ]
        seen = torch.cat([one.states for one in made], 2)
        seen = F.pad(seen, (0, self.width - seen.shape[2]))
        if self.t5 is None:
            read = seen.new_zeros(1, self.num_t5_tokens, self.width)
        else:
            read = t5_states(self.t5, prompt).states.to(seen.dtype)
        pooled = torch.cat([one.pooled for one in made], 1)
        return Text(torch.cat([seen, read], 1), None, pooled)


@dataclass(frozen=True)
class SD3:
    """The transformer at work."""

    model: Any

    def predict(self, latents: Images, timesteps: Timesteps, text: Text) -> Images:
        """The velocity at each sample's timestep.

        Prompts of different lengths are told apart by being drawn one after the other, as tokens
        that fill up would be attended to.
        """
        if text.mask is None:
            return self._predicted(latents, timesteps, text)
        made = torch.empty_like(latents)
        lengths = text.mask.sum(1)
        for length in sorted(set(lengths.tolist())):
            rows = lengths == length
            pooled = None if text.pooled is None else text.pooled[rows]
            part = Text(text.states[rows, :length], None, pooled)
            made[rows] = self._predicted(latents[rows], timesteps[rows], part)
        return made

    def _predicted(self, latents: Images, timesteps: Timesteps, text: Text) -> Images:
        made: Images = self.model(
            hidden_states=latents,
            timestep=timesteps,
            encoder_hidden_states=text.states,
            pooled_projections=text.pooled,
            return_dict=False,
        )[0]
        return made
