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
from threed.front import given_front
from threed.lifted_views import LiftedViews


def view_steps(
    method: LiftedViews, prior: FramePrior, prompt: str, seed: int, start: State = None
) -> Iterator[SampleStep]:
    """The steps that draw ``method.views`` of what the prompt says; the last holds the views.

    Where the front is given, guidance leads towards prompt and front alike: what it moves away from
    sees neither. A front is drawn again when a run continues, to the same bits.
    """
    first = given_front(method, prior, prompt, seed)
    scheduler = build_scheduler(method.sampler, prior.spec.schedule, prior.spec.prediction)
    noise = randn(
        prior.spec.latent_shape, generators_for(seed, [0], "latents"), device=prior.device
    )
    yield from sample(
        prior, scheduler, prior.embed([prompt], [method.views], first),
        prior.embed([""], first=first, hidden=True), method.guidance, noise,
        generators_for(seed, [0], "sampler"), start,
    )  # fmt: skip


@torch.no_grad()
def view_pictures(prior: FramePrior, latents: Tensor) -> Float[Tensor, "v h w 4"]:
    """Decoded views of the first sample, premultiplied in [0, 1]: no colour is above alpha."""
    drawn = prior.decode(latents)[0].clamp(-1, 1)
    rgba = (rearrange(drawn, "c v h w -> v h w c").cpu() + 1) / 2
    return torch.cat([torch.minimum(rgba[..., :3], rgba[..., 3:]), rgba[..., 3:]], -1).contiguous()
