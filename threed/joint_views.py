"""Views of one object, drawn together by the view-aware prior."""

from collections.abc import Iterator

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.diffusion.sample import SampleStep, sample
from common.diffusion.samplers import build_scheduler
from common.embedded.frame_prior import FramePrior
from common.runs.state import State
from common.seeding import generators_for, randn
from threed.text_to_3d import TextTo3D


def view_steps(
    method: TextTo3D, prior: FramePrior, prompt: str, seed: int, start: State = None
) -> Iterator[SampleStep]:
    """The steps that draw ``method.views`` of what the prompt says; the last holds the views."""
    scheduler = build_scheduler(method.sampler, prior.spec.schedule, prior.spec.prediction)
    noise = randn(
        prior.spec.latent_shape, generators_for(seed, [0], "latents"), device=prior.device
    )
    yield from sample(
        prior, scheduler, prior.embed([prompt], [method.views]), prior.embed([""]),
        method.guidance, noise, generators_for(seed, [0], "sampler"), start,
    )  # fmt: skip


@torch.no_grad()
def view_pictures(prior: FramePrior, latents: Tensor) -> Float[Tensor, "v h w 4"]:
    """Decoded views of the first sample, premultiplied in [0, 1]: no colour is above alpha."""
    drawn = prior.decode(latents)[0].clamp(-1, 1)
    rgba = (rearrange(drawn, "c v h w -> v h w c").cpu() + 1) / 2
    return torch.cat([torch.minimum(rgba[..., :3], rgba[..., 3:]), rgba[..., 3:]], -1).contiguous()
