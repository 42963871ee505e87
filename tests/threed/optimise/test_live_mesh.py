"""Meshes that learn: what is drawn, what gradients do, and balls found from views."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from common.cameras import Cameras
from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from common.raster.topology import face_neighbours
from tests.threed.optimise.ball_prior import SIDE, BallPrior
from tests.threed.optimise.test_distil_scene import RED, method
from threed.optimise.distil_scene import distil_scene, live_scenes
from threed.optimise.live_mesh import LiveMesh, edges_of, stretched
from threed.rendering.textured_mesh import render_textured
from threed.rendering.volume import render
from threed.scenes.page_mesh import ball_mesh, page_mesh
from threed.scenes.scene_config import Blob, TexturedMesh
from threed.scenes.scene_start import SceneStart, start_of

BALL = ball_mesh(0.35, 256)


def cameras(size: int = 64) -> Cameras:
    return cameras_on_orbit([View(90.0 * i, (0.0, 25.0)[i % 2]) for i in range(4)], size)


def drawn(mesh: TriangleMesh, seen_by: Cameras, vertices=None, texture=None):
    neighbours = face_neighbours(mesh.faces, mesh.vertices)
    return render_textured(
        mesh.vertices if vertices is None else vertices, mesh.faces, mesh.uvs, mesh.uv_faces,
        mesh.texture if texture is None else texture, seen_by, neighbours,
    )  # fmt: skip


def striped(mesh: TriangleMesh) -> TriangleMesh:
    """With a texture that varies slowly over the page."""
    size = mesh.texture.shape[0]
    row = torch.linspace(0.2, 0.8, size)
    texture = torch.stack([row[:, None].expand(size, size), row.expand(size, size),
                           torch.full((size, size), 0.4)], -1)  # fmt: skip
    return TriangleMesh(mesh.vertices, mesh.faces, uvs=mesh.uvs, uv_faces=mesh.uv_faces,
                        texture=texture.contiguous())  # fmt: skip


def test_pictures_are_those_of_the_other_renderer():
    """Without gradients and with box coverage at silhouettes; inside they agree."""
    mesh, seen_by = striped(BALL), cameras()
    ours = drawn(mesh, seen_by).rgba
    theirs = render_mesh(mesh, seen_by, lighting=FLAT_LIGHTING).rgba
    inside = (ours[..., 3] > 0.999) & (theirs[..., 3] > 0.999)
    assert float((ours - theirs)[inside].abs().max()) < 2e-3
    assert float((ours - theirs)[..., 3].abs().mean()) < 0.005
    assert float(ours.min()) >= 0.0
    assert bool((ours[..., :3] <= ours[..., 3:] + 1e-5).all())


def test_outlines_move_with_the_vertices():
    """A ball that grows by a share covers twice that share more of a picture, far away."""
    scale = torch.ones((), requires_grad=True)
    seen = drawn(BALL, cameras(96), vertices=scale * BALL.vertices)
    area = seen.opacity.sum()
    (slope,) = torch.autograd.grad(area, scale)
    # perspective makes it a little more: r / sqrt(d^2 - r^2) at d = 3.8, r = 0.35 adds 0.9 %
    assert float((slope / area).detach()) == pytest.approx(2.017, rel=0.05)


def test_gradients_of_texels_are_right():
    mesh = ball_mesh(0.35, 256)
    texture = mesh.texture.clone().requires_grad_()
    seen_by = cameras(24)
    weights = torch.rand(4, 24, 24, 3, generator=torch.Generator().manual_seed(0))
    value = (drawn(mesh, seen_by, texture=texture).rgb * weights).sum()
    (slope,) = torch.autograd.grad(value, texture)
    way = torch.randn(texture.shape, generator=torch.Generator().manual_seed(1))
    step = 1e-2
    ends = [(drawn(mesh, seen_by, texture=(mesh.texture + sign * step * way)).rgb * weights).sum()
            for sign in (1, -1)]  # fmt: skip
    found = float((ends[0] - ends[1]).detach()) / (2 * step)
    # float32 sums of 2,000 pixels, and the curvature of the sRGB law over the step
    assert float((slope * way).sum()) == pytest.approx(found, rel=0.01)


def test_stiffness_is_nothing_for_shifts_and_the_square_of_a_stretch():
    edges = edges_of(BALL.faces)
    assert len(edges) == len(BALL.faces) * 3 // 2, "closed"
    shift = torch.tensor([0.1, 0.2, 0.3]).expand_as(BALL.vertices)
    assert float(stretched(shift, BALL, edges)) == pytest.approx(0.0, abs=1e-9)
    assert float(stretched(0.3 * BALL.vertices, BALL, edges)) == pytest.approx(0.09, rel=1e-4)


def test_ball_is_found_from_views():
    torch.set_num_threads(1)
    seen_by = cameras()
    true = replace(ball_mesh(0.38, 256), texture=torch.tensor([0.9, 0.2, 0.1]).expand(256, 256, 3))
    wanted = render_mesh(true, seen_by, lighting=FLAT_LIGHTING).rgba
    options = TexturedMesh(texture_px=256, rate=0.2, vertices_rate=0.01, stiffness=0.002,
                           start=Blob(radius_m=0.3))  # fmt: skip
    live = LiveMesh(options, 60)
    generator = torch.Generator().manual_seed(0)
    for step in range(1, 61):
        seen = live.render(seen_by, generator)
        terms = live.terms(seen, step / 60)
        loss = (seen.rgba - wanted).square().mean() + torch.stack(list(terms.values())).sum()
        live.descend(loss, step, generator)
    radii = live.mesh().vertices.norm(dim=1).numpy()
    # only outlines pull; what no camera sees edge-on follows by stiffness
    assert float(np.median(radii)) == pytest.approx(0.38, abs=0.015)
    off = (live.render(seen_by, generator).rgba - wanted).abs().mean()
    assert float(off.detach()) < 0.02


def test_distilled_mesh_becomes_what_the_prior_knows_and_resumes_to_the_same_bits():
    torch.set_num_threads(1)
    scene = TexturedMesh(texture_px=256, rate=0.4, vertices_rate=0.01, stiffness=0.002,
                         start=Blob(radius_m=0.3))  # fmt: skip
    chosen = method(scene=scene, num_steps=20)
    seen_by, prior = cameras(SIDE), BallPrior(RED)
    wanted = render(RED, seen_by).rgba
    offs, kept = [], None
    for step in distil_scene(chosen, prior, "a ball", seed=3):
        rgba = step.scene.render(seen_by, torch.Generator()).rgba.detach()
        offs.append(float((rgba - wanted).abs().mean()))
        whole = step.scene.mesh()
        if step.step == 6:
            kept = copy.deepcopy(step.state)
    assert offs[-1] < 0.6 * offs[0]
    *_, last = distil_scene(chosen, prior, "a ball", seed=3, state=kept)
    assert torch.equal(last.scene.mesh().vertices, whole.vertices)
    assert torch.equal(last.scene.mesh().texture, whole.texture)


def test_files_mesh_begins_as_it_is_and_survives_a_checkpoint():
    painted = TriangleMesh(
        BALL.vertices, BALL.faces, vertex_colors=torch.tensor([[0.8, 0.3, 0.1]]).expand(
            len(BALL.vertices), 3).contiguous(),
    )  # fmt: skip
    start = SceneStart(mesh=page_mesh(painted, 256))
    again = start_of(start.state()).mesh
    assert torch.equal(again.texture, start.mesh.texture)
    (live,) = live_scenes(method(scene=TexturedMesh(texture_px=256)), 0, None, start)
    seen = live.render(cameras(), torch.Generator()).rgba
    inside = seen[..., 3] > 0.999
    colour = seen[inside][:, :3].mean(0).detach()
    assert torch.allclose(colour, torch.tensor([0.8, 0.3, 0.1]), atol=0.01)
    assert torch.equal(live.mesh().vertices, BALL.vertices)


def test_shape_can_be_held():
    options = TexturedMesh(texture_px=256, vertices_rate=0.0)
    live = LiveMesh(options, 2, start=SceneStart(mesh=BALL))
    seen = live.render(cameras(16), torch.Generator())
    assert "stiffness" not in live.terms(seen, 0.0)
    live.descend(seen.rgba.square().mean(), 1, torch.Generator())
    assert torch.equal(live.mesh().vertices, BALL.vertices)
