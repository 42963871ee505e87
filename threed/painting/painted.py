"""Painting from beginning to end: views, their light taken off, the texture and its figures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from einops import rearrange

from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from common.raster.mesh import TriangleMesh
from common.runs.app import Run
from common.runs.console import progress_bar
from common.upscaling.enlarging import load_enlarging
from threed.measures.painted import guessed_share, seam_figures, shown_again_db
from threed.painting.light import unlit_pictures
from threed.painting.paint import paint_steps
from threed.painting.painted_mesh import BareMesh
from threed.painting.painting import Painting
from threed.painting.projected_texture import projected_texture
from threed.painting.sides import sides_of
from threed.painting.view_painter import ViewPainter
from threed.texturing.bake import Pictures


@dataclass(frozen=True, eq=False)
class Painted:
    """A painted mesh, what it was painted with, and its figures."""

    mesh: TriangleMesh
    """As the prior looks at it."""
    own: TriangleMesh
    """In its own frame."""
    pictures: Pictures
    """The views as they were projected, before they were enlarged."""
    figures: dict[str, float]


def paint(
    prompt: str, seed: int, method: Painting, bare: BareMesh, painter: ViewPainter, run: Run
) -> Painted:
    """Paint a mesh, continuing from the run's checkpoint."""
    state = run.checkpoints.restored_state
    done = run.checkpoints.restored.step if run.checkpoints.restored else 0
    takes_light_off = painter.is_lit if method.delight is None else method.delight
    options = replace(method.options, is_lit=takes_light_off)
    with (
        progress_bar(method.num_evaluations, done, "painting", "step") as bar,
        run.clock.stage("views"),
    ):
        for step in paint_steps(bare.placed, bare.kept, painter, prompt, options, seed, state):
            bar.update(1)
            state = step.state
            run.checkpoints.offer(step.step, state)
    views = tuple(view for one in options.rounds for view in one.views)
    with run.clock.stage("texture"):
        sides = sides_of(bare.placed, views, method.size_px)
        rgba = unlit_pictures(state["rgba"], sides.normals) if takes_light_off else state["rgba"]
        return textured(method, bare, Pictures(rgba, sides.cameras), views, run.device)


def textured(
    method: Painting, bare: BareMesh, pictures: Pictures, views: Sequence[View], device: str
) -> Painted:
    """Enlarge the views and project them onto the texture."""
    enlarging = load_enlarging(method.upscale, device)
    planes = rearrange(pictures.rgba, "v h w c -> v c h w") * 2 - 1
    with torch.inference_mode():
        large = rearrange(enlarging.of(planes.to(device)).cpu(), "v c h w -> v h w c")
    shown = Pictures((large.clone() + 1) / 2,
                     cameras_on_orbit(views, method.size_px * method.upscale))  # fmt: skip
    weights = replace(
        method.view_weights, border_px=method.border_px * method.upscale, erode_px=method.upscale
    )
    made = projected_texture(
        bare.placed, shown, bare.texture_px, weights, method.supersample, bare.kept
    )
    assert made.mesh.texture is not None
    seams = seam_figures(made.mesh, made.owned)
    figures = {
        "seen": float((made.seen & made.owned).sum() / made.owned.sum()),
        "guessed": guessed_share(made.mesh, made.seen),
        "seam_step": seams.across,
        "texel_step": seams.beside,
        "seam_ratio": seams.ratio,
        "shown_again_db": shown_again_db(made.mesh, pictures.rgba, pictures.cameras),
    }
    return Painted(made.mesh, bare.textured(made.mesh.texture), pictures, figures)
