"""Painting a mesh: groups of views drawn one after the other, each given what the surface has."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.diffusion.given import Given, beginning
from common.diffusion.guidance_config import CFG
from common.diffusion.sample import SampleStep, sample
from common.diffusion.samplers import build_scheduler
from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from common.raster.mesh import TriangleMesh
from common.runs.state import State
from common.seeding import generators_for, randn
from threed.painting.kept_texture import KeptTexture
from threed.painting.paint_options import Round
from threed.painting.projected_texture import spread_colours, surface_fill
from threed.painting.shown_colours import shown_colours
from threed.painting.sides import Sides, sides_of
from threed.painting.surface_blend import Known, SurfaceBlend
from threed.painting.synchronised import SynchronisedViews
from threed.painting.view_painter import ViewPainter
from threed.texturing.bake import Pictures
from threed.texturing.view_colours import ViewWeights

KEEP = 20.0
"""What painted views weigh beside one that is being painted: where they saw the surface well they
decide, where they saw it at a grazing angle they give way (the trimap of TEXTure, arXiv 2302.01721,
without its steps)."""

_FAINT = 0.25
"""Drawn alpha below which a pixel has no colour."""


@dataclass(frozen=True)
class PaintOptions:
    """How views are painted."""

    rounds: tuple[Round, ...]
    """Which views, in which order."""
    sampler: Any
    guidance: Any
    until: float
    """Diffusion time from which on, from noise, views of a group agree; above 1 never."""
    size_px: int
    weights: ViewWeights
    """How well a view sees a point."""
    is_lit: bool = False
    """Whether views show the mesh in the prior's light, so that a kept texture is lit for them."""


@dataclass(frozen=True, eq=False)
class PaintStep:
    """Where painting is after one evaluation."""

    step: int
    """Evaluations done, from 1."""
    views: tuple[View, ...]
    """All that are painted."""
    rgba: Float[Tensor, "v h w 4"]
    """Their pictures."""
    state: State
    """To continue from here."""


def paint_steps(
    mesh: TriangleMesh,
    kept: KeptTexture | None,
    painter: ViewPainter,
    prompt: str,
    options: PaintOptions,
    seed: int,
    state: State = None,
) -> Iterator[PaintStep]:
    """Paint group after group; the last step has all views.

    Args:
        mesh: from `placed_mesh.placed`.
        kept: what it has already and keeps.
        painter: draws.
        prompt: what the mesh is.
        options: how.
        seed: of the noise of each group.
        state: of an earlier step.
    """
    size = options.size_px
    start: Any = state or {
        "round": 0, "step": 0, "rgba": torch.zeros(0, size, size, 4), "inner": None,
    }  # fmt: skip
    rgba, step, inner = start["rgba"], int(start["step"]), start["inner"]
    kept = replace(kept, is_lit=options.is_lit) if kept is not None else None
    views = [view for one in options.rounds[: start["round"]] for view in one.views]
    for number in range(start["round"], len(options.rounds)):
        now = options.rounds[number]
        painted = Pictures(rgba, cameras_on_orbit(views, size)) if views else None
        drawing = Drawing(mesh, kept, painter, prompt, options, now, painted)
        last = None
        for evaluation in drawing.steps(seed, number, inner):
            step, last = step + 1, evaluation.latents
            if evaluation.index + 1 < evaluation.num_steps:
                here = {"round": number, "step": step, "rgba": rgba, "inner": evaluation.state}
                yield PaintStep(step, tuple(views), rgba, here)
        assert last is not None
        rgba, inner = torch.cat([rgba, drawing.pictures(last)]), None
        views += now.views
        here = {"round": number + 1, "step": step, "rgba": rgba, "inner": None}
        yield PaintStep(step, tuple(views), rgba, here)


class Drawing:
    """One round at work.

    State: the prior, the surface that its views share, and the pictures that they begin from.
    """

    def __init__(
        self, mesh: TriangleMesh, kept: KeptTexture | None, painter: ViewPainter, prompt: str,
        options: PaintOptions, now: Round, painted: Pictures | None,
    ):  # fmt: skip
        front, views = None, now.views
        if painted is not None and painter.sees_front:
            front = rearrange(painted.rgba[0], "h w c -> c h w")
            views = (options.rounds[0].views[0], *now.views)
        self._sides = sides_of(mesh, views, options.size_px)
        self._options, self._device, self._num_new = options, painter.device, len(now.views)
        told = painter.told(prompt, self._sides, front)
        known = known_colours(mesh, kept, self._sides, painted, options.weights)
        blend = SurfaceBlend(mesh, self._sides, options.weights, known)
        self._prior = SynchronisedViews(
            told.prior, told.cond, told.uncond, options.guidance, blend, options.until
        )
        self._strength, self._begun = now.strength, None
        if now.strength < 1 and painted is not None:
            fill = surface_fill(mesh)
            spread = spread_colours(mesh, fill, painted, options.weights, kept)
            positions, normals = self._sides.points()
            self._begun = self._sides.painted(fill.at(spread, positions, normals))

    def steps(self, seed: int, number: int, state: State) -> Iterator[SampleStep]:
        """The evaluations that draw the views."""
        spec = self._prior.spec
        scheduler = build_scheduler(self._options.sampler, spec.schedule, spec.prediction)
        noise = randn(
            spec.latent_shape, generators_for(seed, [number], "latents"), device=self._device
        )
        given = None
        if self._begun is not None:
            shown = rearrange(self._begun, "v h w c -> 1 c v h w")
            if spec.image_channels == 3:  # on white
                shown = shown[:, :3] + 1 - shown[:, 3:]
            with torch.no_grad():
                latents = self._prior.encode((shown * 2 - 1).to(self._device))
            given = Given(latents[0], self._strength)
        begun = beginning(given, scheduler, noise)
        yield from sample(
            self._prior, scheduler, None, None, CFG(guidance_scale=1.0), begun.latents,
            generators_for(seed, [number], "sampler"), state, begin=begun.evaluation,
        )  # fmt: skip

    @torch.no_grad()
    def pictures(self, latents: Tensor) -> Float[Tensor, "v h w 4"]:
        """The new views inside the mesh's outlines, premultiplied in [0, 1].

        What is drawn almost clear has no colour: it stays clear, and says nothing.
        """
        drawn = self._prior.decode(latents)[0].clamp(-1, 1).cpu().float()
        drawn = rearrange(drawn, "c v h w -> v h w c")[-self._num_new :] / 2 + 0.5
        alpha = self._sides.alpha[-self._num_new :, ..., None]
        if drawn.shape[-1] == 3:
            return torch.cat([drawn * alpha, alpha], -1)
        own = drawn[..., 3:]
        straight = (drawn[..., :3] / own.clamp_min(_FAINT)).clamp(0, 1)
        alpha = torch.where(own >= _FAINT, alpha, 0.0)
        return torch.cat([straight * alpha, alpha], -1)


def known_colours(
    mesh: TriangleMesh, kept: KeptTexture | None, sides: Sides, painted: Pictures | None,
    weights: ViewWeights,
) -> Known | None:  # fmt: skip
    """What painted views and the kept texture show at the pixels of some views."""
    if painted is None and kept is None:
        return None
    positions, normals = sides.points()
    total, share = torch.zeros_like(positions), positions.new_zeros(len(positions))
    if painted is not None:
        colours, sure = shown_colours(mesh, positions, normals, painted, weights)
        total, share = KEEP * sure[:, None] * colours, KEEP * sure
    if kept is not None:
        colours, certain = kept.known(mesh, positions, normals)
        total, share = total + certain[:, None] * colours, share + certain
    return Known(total / share.clamp_min(1e-9)[:, None], share)
