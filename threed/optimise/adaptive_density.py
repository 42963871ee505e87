"""Densification by gradients in the picture (Kerbl et al. 2023, section 5; "ADC").

Where splats' centres are pulled hard, on average over the views that show them, geometry is
missing: small Gaussians are doubled, large ones cut in two. Transparent and oversized ones are
removed, and now and then all opacities are lowered so that only the needed ones come back.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from common.errors import InputError
from threed.optimise.live_cloud import LiveCloud, rearranged

_SHRINK = 1.6
"""By how much the halves of a cut Gaussian are smaller."""


@dataclass(frozen=True)
class Adaptive:
    """The thresholds of gsplat's default strategy."""

    grow_gradient: float = 2e-4
    """Mean pull on a centre, in units of half the picture, from which a Gaussian is refined."""
    grow_scale: float = 0.01
    """Deviation, as a share of the scene's extent, up to which it is doubled rather than cut."""
    prune_opacity: float = 0.005
    prune_scale: float = 0.1
    """Deviation, as a share of the extent, from which it is removed, after the first reset."""
    reset_every: int = 3000
    """Steps between two lowerings of all opacities to twice the threshold of removal."""

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        if min(self.grow_gradient, self.grow_scale, self.prune_scale) <= 0 or self.reset_every < 1:
            raise InputError("thresholds must be above 0 and reset_every from 1")
        if not 0 < self.prune_opacity < 0.5:
            raise InputError(f"prune_opacity must be in (0, 0.5), got {self.prune_opacity}")


@dataclass(frozen=True, eq=False)
class Pulls:
    """What was seen of each Gaussian since the last refinement."""

    sums: Float[Tensor, " n"]
    """Lengths of the gradients of its centre, in units of half the picture."""
    counts: Float[Tensor, " n"]
    """Views that showed it."""

    @classmethod
    def none(cls, count: int) -> "Pulls":
        """Before the first view."""
        return cls(torch.zeros(count), torch.zeros(count))

    def with_views(
        self,
        gradients: Float[Tensor, "v n 2"],
        radii: Float[Tensor, "v n"],
        height: int,
        width: int,
    ) -> "Pulls":
        """With the views of one step, whose loss is a mean over them."""
        half = gradients.new_tensor([width, height]) / 2 * len(gradients)
        seen = radii > 0
        lengths = torch.where(seen, (gradients * half).norm(dim=-1), 0.0)
        return Pulls(self.sums + lengths.sum(0), self.counts + seen.sum(0))


def adapted(
    live: LiveCloud,
    pulls: Pulls,
    options: Adaptive,
    extent: float,
    max_gaussians: int,
    step: int,
    generator: torch.Generator,
) -> LiveCloud:
    """Double, cut and remove Gaussians after a step; at most ``max_gaussians`` remain.

    If not all that should grow may, those that are pulled hardest do. A cloud of which nothing
    would be left stays as it is.
    """
    with torch.no_grad():
        sizes = live.leaves["log_scales"].exp().amax(1)
        opacities = torch.sigmoid(live.leaves["opacity_logits"])
    mean = pulls.sums / pulls.counts.clamp_min(1)
    dropped = opacities < options.prune_opacity
    if step > options.reset_every:
        dropped |= sizes > options.prune_scale * extent
    if bool(dropped.all()):
        return live
    room = max_gaussians - int((~dropped).sum())
    growing = _strongest((mean > options.grow_gradient) & ~dropped, mean, max(room, 0))
    cut = growing & (sizes > options.grow_scale * extent)
    everything = torch.arange(len(live))
    rows = torch.cat([everything[~dropped & ~cut], everything[growing & ~cut],
                      everything[cut].repeat(2)])  # fmt: skip
    halves = 2 * int(cut.sum())
    fresh = torch.zeros(len(rows), dtype=torch.bool)
    fresh[int((~dropped & ~cut).sum()) :] = True
    moved = _halved(live, rows, halves, generator)
    if step % options.reset_every == 0:
        highest = math.log(2 * options.prune_opacity / (1 - 2 * options.prune_opacity))
        logits = live.leaves["opacity_logits"].detach()[rows]
        moved["opacity_logits"] = logits.clamp(max=highest)
        fresh[:] = True
    return rearranged(live, rows, fresh, moved)


def _strongest(
    wanted: Bool[Tensor, " n"], strength: Float[Tensor, " n"], room: int
) -> Bool[Tensor, " n"]:
    if int(wanted.sum()) <= room:
        return wanted
    order = torch.argsort(torch.where(wanted, strength, -1.0), descending=True, stable=True)
    chosen = torch.zeros_like(wanted)
    chosen[order[:room]] = True
    return chosen


@torch.no_grad()
def _halved(
    live: LiveCloud, rows: Tensor, halves: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """Means and log scales of the rows; the last ``halves`` are drawn from what they are cut of."""
    means, log_scales = (live.leaves[name].detach()[rows] for name in ("means", "log_scales"))
    eta = torch.randn(halves, 3, generator=generator, dtype=means.dtype)
    if halves:
        q = torch.nn.functional.normalize(live.leaves["quaternions"][rows[-halves:]], dim=-1)
        moved = eta * log_scales[-halves:].exp()
        # v + 2 w (u x v) + 2 u x (u x v) turns v by the quaternion (w, u)
        across = torch.linalg.cross(q[:, 1:], moved)
        means[-halves:] += moved + 2 * q[:, :1] * across + 2 * torch.linalg.cross(q[:, 1:], across)
        log_scales[-halves:] -= math.log(_SHRINK)
    return {"means": means, "log_scales": log_scales}
