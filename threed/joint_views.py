"""Views of one object, drawn together by the view-aware prior."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.diffusion.sample import sample
from common.diffusion.samplers import build_scheduler
from common.embedded.frame_prior import FramePrior
from common.runs.state import State
from common.seeding import generators_for, randn
from common.shapes import Clips
from threed.candidates import Candidates, candidates_of
from threed.front import given_front
from threed.lifted_views import LiftedViews
from threed.text_to_3d import TextTo3D


@dataclass(frozen=True, eq=False)
class ViewStep:
    """What one evaluation of the prior made of the views."""

    index: int
    """Counted from 0."""
    num_steps: int
    latents: Clips
    """Noised, of every set that is drawn; after the last step, the views of the chosen one."""
    state: State
    """Pass it as ``start`` to continue from here to the same bits."""
    front: Float[Tensor, "4 height width"] | None
    """The picture that was given, premultiplied in [0, 1], if one was."""
    candidates: Candidates | None
    """The fronts that were chosen from, as soon as they are there."""


def view_steps(
    method: LiftedViews, prior: FramePrior, prompt: str, seed: int, start: State = None
) -> Iterator[ViewStep]:
    """The steps that draw ``method.views`` of what the prompt says; the last holds the views.

    Where the front is given, guidance leads towards prompt and front alike: what it moves away from
    sees neither. A front is drawn again when a run continues, to the same bits. Where it is not,
    several sets of views may be drawn, and that whose front fits the prompt best is kept.
    """
    front = given_front(method, prior, prompt, seed)
    first, picture, chosen = None, None, None
    if front is not None:
        first, picture, chosen = front.latents, front.picture, front.candidates
    count = method.num_view_sets if front is None and isinstance(method, TextTo3D) else 1
    scheduler = build_scheduler(method.sampler, prior.spec.schedule, prior.spec.prediction)
    noise = randn(
        prior.spec.latent_shape, generators_for(seed, range(count), "latents"), device=prior.device
    )
    steps = sample(
        prior, scheduler, prior.embed([prompt] * count, [method.views] * count, first),
        prior.embed([""] * count, first=first, hidden=True), method.guidance, noise,
        generators_for(seed, range(count), "sampler"), start,
    )  # fmt: skip
    for step in steps:
        latents = step.latents
        if front is None and step.index + 1 == step.num_steps:
            chosen = _candidates(prior, prompt, latents)
            latents = latents if chosen is None else latents[[chosen.best]]
        yield ViewStep(step.index, step.num_steps, latents, step.state, picture, chosen)


@torch.no_grad()
def _candidates(prior: FramePrior, prompt: str, latents: Clips) -> Candidates | None:
    """The fronts of the sets."""
    return candidates_of(prior.pictures, prompt, prior.pictures.decode(latents[:, :, 0]))


@torch.no_grad()
def view_pictures(prior: FramePrior, latents: Tensor) -> Float[Tensor, "v h w 4"]:
    """Decoded views of the first sample, premultiplied in [0, 1]: no colour is above alpha."""
    drawn = prior.decode(latents)[0].clamp(-1, 1)
    rgba = (rearrange(drawn, "c v h w -> v h w c").cpu() + 1) / 2
    return torch.cat([torch.minimum(rgba[..., :3], rgba[..., 3:]), rgba[..., 3:]], -1).contiguous()
