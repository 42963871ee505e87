"""What the frozen text encoder makes of captions, kept: the states that pictures learn to say."""

import torch
from einops import repeat
from jaxtyping import Bool, Float
from torch import Tensor

from common.embedded.prior import EmbeddedPrior

_BATCH = 64


class CaptionStates:
    """Pooled states and last token states of captions.

    State: those that were asked for before.
    """

    def __init__(self, prior: EmbeddedPrior, num_words: int):
        self._prior, self._num_words = prior, num_words
        self._known: dict[str, tuple[Tensor, Tensor]] = {}

    @torch.no_grad()
    def of(self, captions: tuple[str, ...]) -> tuple[Float[Tensor, "b d"], Float[Tensor, "b w d"]]:
        """The pooled state of each caption, and its last ``num_words`` token states."""
        new = [one for one in dict.fromkeys(captions) if one not in self._known]
        for start in range(0, len(new), _BATCH):
            some = new[start : start + _BATCH]
            cond = self._prior.embed_negative(some)
            words = last_states(cond.states, cond.mask, self._num_words).float()
            pooled = cond.vector[:, : words.shape[2]].float()
            self._known |= dict(zip(some, zip(pooled, words, strict=True), strict=True))
        rows = [self._known[one] for one in captions]
        return torch.stack([one for one, _ in rows]), torch.stack([one for _, one in rows])


def last_states(
    states: Float[Tensor, "b l d"], mask: Bool[Tensor, "b l"], count: int
) -> Float[Tensor, "b w d"]:
    """The last ``count`` token states of each text; shorter ones repeat their first."""
    first = mask.sum(1, keepdim=True) - count
    index = (first + torch.arange(count, device=mask.device)).clamp(min=0)
    return states.gather(1, repeat(index, "b w -> b w d", d=states.shape[2]))
