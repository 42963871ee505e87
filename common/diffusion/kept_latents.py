"""What samples keep of given latents while the rest is drawn: inpainting with any prior.

After every step the kept part is replaced by the given latents, noised to the level that the step
has reached with noise that stays the same all the way (Lugmayr et al. 2022, RePaint, arXiv
2201.09865, Eq. 8, without resampling; what diffusers does with a U-Net of four channels).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.samplers import Scheduler
from common.errors import InputError
from common.shapes import Latents


@dataclass(frozen=True, eq=False)
class Kept:
    """Given latents, and where they stay."""

    clean: Latents
    """Without noise."""
    noise: Latents
    """Standard normal."""
    drawn: Float[Tensor, "b 1 *axes h w"]
    """In [0, 1]: 1 where the sample is drawn, 0 where the given latents stay."""

    def check(self, latents: Latents) -> None:
        """Refuse parts of other shapes than the latents to be drawn."""
        shape = tuple(latents.shape)
        mask = (shape[0], 1, *shape[2:])
        found = tuple(self.clean.shape), tuple(self.noise.shape), tuple(self.drawn.shape)
        if found != (shape, shape, mask):
            raise InputError(
                f"latents of {shape} are kept with clean latents and noise of {shape} and a mask "
                f"of {mask}, not with {found[0]}, {found[1]} and {found[2]}"
            )

    def within(self, drawn: Latents, given: Latents) -> Latents:
        """``m drawn + (1 - m) given``."""
        return self.drawn * drawn + (1 - self.drawn) * given


def kept_at(kept: Kept, own: Latents, scheduler: Scheduler, index: int) -> Latents:
    """Latents before evaluation ``index``, or after the last, with the kept part in place.

    Args:
        kept: What stays.
        own: Latents in the scheduler's own space.
        scheduler: Knows the level of each evaluation.
        index: The evaluation that comes next.
    """
    given = kept.clean
    if index < len(scheduler.timesteps):
        timestep = scheduler.timesteps[index].to(own.device, torch.float32)
        given = scheduler.schedule.add_noise(given, kept.noise, timestep.expand(len(own)))
    return kept.within(own, given.to(own) * scheduler.scale(index))
