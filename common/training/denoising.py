"""How far a prior's prediction is from the truth, at a noise level for each sample."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.noise_schedule import NoiseSchedule, per_sample
from common.diffusion.prediction import mix_of
from common.seeding import generators_for, randn
from common.shapes import Images
from common.training.noise_times import NoiseTimes, draw_timesteps

_PRIME = 7919


class Noised(NamedTuple):
    """Clean latents, and the noise that is laid over them."""

    clean: Images
    noise: Images
    timesteps: Float[Tensor, " b"]


def noised_at_random(
    clean: Images, times: NoiseTimes, schedule: NoiseSchedule, seed: int
) -> Noised:
    """Noise and levels as training draws them; all of it follows from ``seed``."""
    generator = torch.Generator(clean.device)
    generator.manual_seed(seed)
    timesteps = draw_timesteps(times, len(clean), schedule, generator)
    noise = torch.randn(clean.shape, generator=generator, device=clean.device)
    return Noised(clean, noise, timesteps)


def noised_evenly(clean: Images, schedule: NoiseSchedule) -> Noised:
    """The same noise and evenly spread levels every time, to measure on."""
    count = len(clean)
    noise = randn(tuple(clean.shape[1:]), generators_for(0, range(count), "evaluation noise"))
    last = schedule.max_timestep
    spread = torch.arange(count, device=clean.device) * _PRIME % (int(last) + 1)
    return Noised(clean, noise.to(clean), spread.float().clamp(max=last))


def squared_errors(prior: Any, noised: Noised, cond: Any) -> Float[Tensor, " b"]:
    """Mean squared error of each sample in what the prior predicts (``spec.prediction``)."""
    spec, (clean, noise, timesteps) = prior.spec, noised
    of_clean, of_noise = mix_of(spec.prediction, *spec.schedule.alpha_sigma(timesteps))
    target = per_sample(of_clean, clean) * clean + per_sample(of_noise, clean) * noise
    latents = spec.schedule.add_noise(clean, noise, timesteps)
    made = prior.predict(latents, timesteps, cond).float()
    return ((made - target) ** 2).mean((1, 2, 3))
