"""How a denoiser computes an evaluation: what is used again, and in which precision."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from common.diffusion.reuse import WHOLE, Reuse
from common.shapes import Timesteps


@dataclass(frozen=True)
class Computing:
    """Of one denoiser."""

    reuse: Reuse = WHOLE
    """Which evaluations are whole."""
    bfloat16: bool = False
    """Whether products and convolutions are in bfloat16 (autocast); weights stay as they are."""

    @contextmanager
    def evaluating(self, cond: object, latents: Tensor, timesteps: Timesteps) -> Iterator[float]:
        """One evaluation; gives the timestep of the last whole one, as `Reuse.evaluating`."""
        with ExitStack() as stack:
            if self.bfloat16:
                stack.enter_context(torch.autocast(latents.device.type, torch.bfloat16))
            yield stack.enter_context(self.reuse.evaluating(cond, latents, timesteps))


AS_IT_IS = Computing()
"""Every evaluation whole, in the weights' own precision."""
