"""Where the drawing of a clip begins: its first frame, moved as the prompt tells, under noise.

As much noise as hides what the move cannot show. A prompt that says nothing of an affine move, or
of one that leaves much to draw, begins with noise alone.
"""

import math
from collections.abc import Sequence

import torch
from einops import einsum, rearrange, repeat
from jaxtyping import Float
from torch import Tensor

from common.diffusion.frame_curves import FrameNumbers
from common.diffusion.given import Beginning
from common.diffusion.sampler_config import Heun
from common.diffusion.samplers import Scheduler
from common.embedded.clip_plan import ClipPlan
from common.embedded.longer_tracks import longer_tracks
from common.embedded.mouth import Talk
from common.embedded.moves import NUM_MOVES, Tracks, centres_of, frames_moved, moved
from common.embedded.planned_clips import PlannedClips, decoded_frame
from common.embedded.temporal_filter import Lead
from common.shapes import Clips, Images

_AT_ONCE = 16
"""Frames of each sample that are moved together: it bounds memory."""
_UNEXPLAINED = 0.05
"""Of moves that are not told from the prompt: the median share of training clips."""


def begun(plan: ClipPlan, vectors: Float[Tensor, "k d"], scheduler: Scheduler) -> int:
    """The evaluation that clips begin with; 0 begins with noise alone.

    The same for all samples, as it is told from the expectation of the unexplained share: of one
    prompt, or of the least explained of those that clips are led through.
    """
    if plan.noise is None:
        return 0
    if plan.tracks is not None and plan.unexplained is not None:
        unexplained = plan.unexplained
    elif plan.tracks is not None or plan.mouths is not None:
        unexplained = _UNEXPLAINED  # where things go and what faces say is known
    elif plan.trajectories is not None:
        unexplained = float(plan.trajectories.expected_unexplained(vectors).max())
    else:
        return 0
    wanted = plan.noise * math.sqrt(unexplained)
    alpha, sigma = scheduler.schedule.alpha_sigma(scheduler.timesteps.float())
    hiding = (sigma >= wanted * alpha).nonzero()[:, 0]
    last = int(hiding[-1]) if len(hiding) else 0
    # Heun has two evaluations a step, and cannot begin inside one.
    return last - last % 2 if isinstance(scheduler.config, Heun) else last


@torch.no_grad()
def moved_start(
    prior: PlannedClips,
    vectors: Float[Tensor, "k d"],
    first: Images,
    scheduler: Scheduler,
    noise: Clips,
    generators: Sequence[torch.Generator],
    shares: Float[Tensor, "f k"] | None = None,
    looks: Sequence[Images] = (),
) -> tuple[Beginning, Lead | None]:
    """Where samples begin, and what they are led by if it is not noise alone.

    Args:
        prior: of the clips, with their plan.
        vectors: the image prior's of the prompt, one a sample; with shares, of each prompt.
        first: clean latents of the first frames.
        scheduler: knows the noise level of each evaluation.
        noise: of each sample, standard normal.
        generators: choose the trajectories.
        shares: how much each prompt counts in each frame, where clips are led through several.
        looks: first frames as each of those prompts has them; empty: all as the first.
    """
    evaluation = begun(prior.plan, vectors[:1] if shares is None else vectors, scheduler)
    if evaluation == 0:
        return Beginning(noise, 0, None), None
    tracks = _tracks(prior, vectors, generators, shares)
    part = prior.plan.part
    if part is not None and part.anchor is not None:
        first = part.anchor.to(first).expand_as(first)
    looped = prior.windows is not None and prior.windows.looped
    lead = Lead(first, tracks, looped, prior.plan.talks(first), part is not None)
    shown = [decoded_frame(prior, one) for one in (looks or [first])]
    told = torch.ones(prior.num_frames, 1) if shares is None or not looks else shares
    frames = torch.arange(prior.num_frames).split(_AT_ONCE)
    clean = torch.cat([
        prior.encode(_mixed(shown, tracks[:, at], told[at], lead.talk, at)) for at in frames
    ], 2)  # fmt: skip
    at = scheduler.timesteps[evaluation].to(noise.device, torch.float32)
    start = scheduler.schedule.add_noise(clean, noise, at.expand(len(noise)))
    return Beginning(start.to(noise), evaluation, None), lead


def _tracks(
    prior: PlannedClips,
    vectors: Float[Tensor, "k d"],
    generators: Sequence[torch.Generator],
    shares: Float[Tensor, "f k"] | None,
) -> Tracks:
    plan = prior.plan
    if plan.tracks is not None:
        return repeat(plan.tracks, "1 g m -> b g m", b=len(generators))[:, : prior.num_frames]
    if shares is None:
        return _told(prior, vectors, generators)
    # One after the other: the first prompt's are those that it has alone.
    every = [_told(prior, one.expand(len(generators), -1), generators) for one in vectors.split(1)]
    return travelled(torch.stack(every), shares)


def travelled(
    tracks: Float[Tensor, "k b f m"], shares: Float[Tensor, "f k"]
) -> Float[Tensor, "b f m"]:
    """A track whose steps are mixed: things go on from where they are as the next prompt tells."""
    steps = tracks.diff(dim=2, prepend=tracks[:, :, :1])
    return einsum(steps, shares.to(steps), "k b f m, f k -> b f m").cumsum(1)


def _mixed(
    shown: Sequence[Images],
    tracks: Float[Tensor, "b f 5"],
    shares: Float[Tensor, "f k"],
    talk: Talk | None,
    frames: FrameNumbers,
) -> Clips:
    """Pictures of one thing, moved and talking alike, that fade into each other."""

    def moving(one: Images) -> Clips:
        if talk is None:
            return moved(one, tracks)
        return frames_moved(talk.frames(one, frames.tolist()), tracks, centres_of(one))

    if len(shown) == 1:
        return moving(shown[0])
    parts = [
        moving(one) * rearrange(share.to(one), "f -> f 1 1")
        for one, share in zip(shown, shares.unbind(1), strict=True)
        if bool((share > 0).any())
    ]
    return torch.stack(parts).sum(0)


def _told(
    prior: PlannedClips, vectors: Float[Tensor, "b d"], generators: Sequence[torch.Generator]
) -> Tracks:
    """What one prompt tells: of a part of a clip, as it goes on from before."""
    plan, windows = prior.plan, prior.windows
    if plan.trajectories is None or plan.mouths is not None:  # faces talk where they are
        return torch.zeros(len(generators), prior.num_frames, NUM_MOVES).to(vectors)
    told = plan.trajectories.told(vectors, generators).tracks
    if plan.part is not None:
        begin = plan.part.begin
        longer = longer_tracks(told, begin + prior.num_frames, looped=False)[:, begin:]
        return longer if plan.part.anchor is not None else longer - longer[:, :1]
    if windows is None:
        return told[:, : prior.num_frames]
    return longer_tracks(told, prior.num_frames, windows.looped)
