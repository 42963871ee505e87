"""From prompts to what a U-Net is told: token states, and for SDXL a pooled state."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from common.pretrained.clip_encoding import ClipEncoder, ClipLayer, clip_states
from common.pretrained.families import Family


@dataclass(frozen=True)
class Text:
    """What the text encoders make of prompts."""

    states: Float[Tensor, "b l d"]
    mask: Bool[Tensor, "b l"] | None
    """Where there are states; None where they all are as long."""
    pooled: Float[Tensor, "b k"] | None
    """The prompt as one vector, where a family has that."""


def joined_texts(rows: Sequence[Text]) -> Text:
    """Texts of one prompt each as one of many; shorter ones are filled up with zeros."""
    lengths = torch.tensor([row.states.shape[1] for row in rows])
    longest = int(lengths.max())
    states = rows[0].states.new_zeros(len(rows), longest, rows[0].states.shape[2])
    mask = torch.zeros(len(rows), longest, dtype=torch.bool, device=states.device)
    for number, row in enumerate(rows):
        length = row.states.shape[1]
        states[number, :length] = row.states[0]
        mask[number, :length] = True if row.mask is None else row.mask[0]
    pooled = [row.pooled for row in rows if row.pooled is not None]
    return Text(states, None if bool(mask.all()) else mask, torch.cat(pooled) if pooled else None)


@dataclass(frozen=True)
class TextConditioner:
    """The CLIP text encoders of a Stable Diffusion checkpoint and how their states are used."""

    encoders: tuple[ClipEncoder, ...]
    family: Family
    clip_skip: int
    zero_empty_prompt: bool

    def text_of(self, prompts: Sequence[str]) -> Text:
        """Encode prompts, each by itself: none depends on those beside it.

        Learnt words that have gradients keep them.
        """
        made = {prompt: self._encoded(prompt) for prompt in dict.fromkeys(prompts)}
        return joined_texts([made[prompt] for prompt in prompts])

    def _encoded(self, prompt: str) -> Text:
        """One prompt; the encoders' states side by side, the last encoder's pooled state."""
        of_xl = self.family == "sdxl"
        count = max(encoder.num_chunks(prompt) for encoder in self.encoders)
        layer: ClipLayer = "last_but_one" if of_xl else "last_normed"
        made = [
            clip_states(encoder, prompt, count, layer, self.clip_skip) for encoder in self.encoders
        ]
        together, pooled = torch.cat([one.states for one in made], 2), made[-1].pooled
        if self.zero_empty_prompt and not prompt.strip():
            together, pooled = torch.zeros_like(together), torch.zeros_like(pooled)
        return Text(together, None, pooled if of_xl else None)
