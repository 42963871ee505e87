"""How things move in clips that are given or followed: what a new clip is then led by.

The moves that registration finds take the place of those that a prompt tells (`moved_start`), with
what they leave unexplained of that clip.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch
from einops import rearrange

from common.control.kinds import EDGE_KINDS
from common.embedded.clip_plan import ClipPlan
from common.embedded.controls import EmbeddedControl
from common.embedded.planned_clips import PlannedClips
from common.embedded.registration import registered
from common.embedded.trajectory import Told
from common.shapes import Clips

_NOTHING = 0.99
"""Share that moves leave unexplained where they explain nothing, or there is nothing to explain."""
_ALIKE = 0.15
"""Difference of colours in [-1, 1] up to which they are one: of codecs' errors."""
_MOST_OF_EDGES = 0.3
"""Share of the edges of frames that things may cover."""

P = TypeVar("P", bound=PlannedClips)


def moves_followed(controls: Sequence[EmbeddedControl]) -> Told | None:
    """Moves of the pictures that controls follow, of the control in which they explain most.

    None: none of them has pictures of its own for the frames, or all weigh nothing, or show a thing
    that stands still.
    """
    found = [
        registered(_cut_out(one)) for one in controls
        if len(one.followed.pictures) > 1 and bool(one.followed.weights.any())
    ]  # fmt: skip
    found = [told for told in found if float(told.unexplained[0]) < _NOTHING]
    return min(found, key=lambda told: float(told.unexplained[0]), default=None)


def plan_following(plan: ClipPlan, controls: Sequence[EmbeddedControl]) -> ClipPlan:
    """The plan of clips that follow controls, which say where things are and how they move."""
    if not controls:
        return plan
    free = replace(plan, framing=None, trajectories=None)
    if plan.noise is None:  # they begin with noise alone
        return free
    told = moves_followed(controls)
    return free if told is None else moving_so(free, told, controls[0].followed.pictures.device)


def moving_so(plan: ClipPlan, told: Told, device: torch.device) -> ClipPlan:
    """The plan of clips whose things move as in one that was seen."""
    return replace(plan, tracks=told.tracks.to(device), unexplained=float(told.unexplained[0]))


def moving_as(prior: P, clip: Clips) -> P:
    """The prior of clips whose things move as in this one, or as in what they follow.

    Args:
        prior: of clips; moves of what is followed stay if they explain more than the clip's do.
        clip: premultiplied RGBA in [-1, 1], with a batch axis of 1 and as many frames. What is
            opaque everywhere is cut out before a plain ground.
    """
    told, followed = registered(before_plain_ground(clip.cpu().float())), prior.plan.unexplained
    same = copy(prior)
    if followed is None or float(told.unexplained[0]) < followed:
        same.plan = moving_so(prior.plan, told, clip.device)
    return same


def before_plain_ground(clip: Clips) -> Clips:
    """An opaque clip without its ground, if the edges of its frames have one colour.

    Clips with any transparency, and those without such a ground, stay as they are.
    """
    if bool((clip[:, 3] < 1 - _ALIKE).any()):
        return clip
    rgb = clip[:, :3]
    edges = torch.cat([
        rgb[..., 0, :], rgb[..., -1, :], rgb[..., :, 0], rgb[..., :, -1]
    ], -1)  # fmt: skip
    ground = rearrange(edges, "b c f n -> b c (f n)").median(2).values
    ground = rearrange(ground, "b c -> b c 1 1 1")
    alpha = ((rgb - ground).abs().amax(1, keepdim=True) > _ALIKE).to(rgb)
    on_edges = torch.cat([
        alpha[..., 0, :], alpha[..., -1, :], alpha[..., :, 0], alpha[..., :, -1]
    ], -1)  # fmt: skip
    if float(on_edges.mean()) > _MOST_OF_EDGES:
        return clip
    return torch.cat([(rgb + 1) * alpha - 1, 2 * alpha - 1], 1)


def _cut_out(control: EmbeddedControl) -> Clips:
    """What is followed, as RGBA that is seen where it is not black.

    Edges and limbs have gaps: what lies in their convex hull is seen, which turns and grows as they
    do.
    """
    pictures = control.followed.pictures.cpu().float()
    lit = control.followed.lit().cpu()
    if control.kind in (*EDGE_KINDS, "pose"):
        from skimage.morphology import convex_hull_image

        hulls = [convex_hull_image(frame.numpy()) if frame.any() else frame for frame in lit]
        lit = torch.from_numpy(np.stack(hulls))
    alpha = rearrange(lit.to(pictures), "f h w -> f 1 h w")
    shown = torch.cat([pictures * alpha, alpha], 1)
    return rearrange(2 * shown - 1, "f c h w -> 1 c f h w")
