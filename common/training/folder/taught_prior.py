"""A prior that is taught something: opened, changed by what is learnt, drawn from."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

import torch
from torch import nn

from common.adapters.low_rank import LowRank
from common.diffusion.guidance_config import Guidance
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DPMSolverPP2M
from common.diffusion.samplers import build_scheduler
from common.embedded.prior import EmbeddedPrior
from common.errors import InputError
from common.generation.priors import build_prior
from common.pretrained.prior import PretrainedPrior
from common.seeding import generators_for, randn
from common.shapes import Images
from common.training.folder.folder_config import FolderTraining

Taught = EmbeddedPrior | PretrainedPrior
"""Priors whose denoiser is a U-Net of diffusers."""

_BATCH = 8


def open_taught(config: FolderTraining, device: str) -> Taught:
    """The prior of a training, for pictures of its size.

    Raises:
        InputError: models are missing or wrong.
    """
    prior = build_prior(config.prior, config.size, device)
    if not isinstance(prior, EmbeddedPrior | PretrainedPrior):
        raise InputError(
            "trainings on a folder are for U-Nets, and this checkpoint has a transformer: use "
            "Stable Diffusion 1.x, 2.x or XL"
        )
    return prior


@contextmanager
def changed(prior: Taught, learnt: nn.Module) -> Iterator[Taught]:
    """The prior with what was learnt: a low-rank change, or another U-Net in place of its own."""
    if isinstance(learnt, LowRank):
        with learnt.applied(prior.unet):
            yield prior
    else:
        other: Any = copy(prior)
        other.unet = learnt
        yield other


@torch.no_grad()
def drawn(
    prior: Taught,
    prompts: Sequence[str],
    guidance: Guidance,
    num_steps: int,
    seed: int,
    stream: str = "",
) -> Images:
    """Latents for prompts; each has noise of its own, by its place, and ``stream`` chooses it."""
    found: list[Images] = []
    any_prior: Any = prior
    scheduler = build_scheduler(
        DPMSolverPP2M(num_steps=num_steps), prior.spec.schedule, prior.spec.prediction
    )
    for start in range(0, len(prompts), _BATCH):
        some = prompts[start : start + _BATCH]
        places = range(start, start + len(some))
        noise = randn(
            prior.spec.latent_shape, generators_for(seed, places, f"latents{stream}"),
            device=prior.device,
        )  # fmt: skip
        *_, last = sample(
            any_prior, scheduler, prior.embed(some), prior.embed([""] * len(some)), guidance,
            noise, generators_for(seed, places, f"sampler{stream}"),
        )  # fmt: skip
        found.append(last.latents)
    return torch.cat(found)
