import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from common.cameras import orbit_cameras, rays
from common.errors import InputError
from common.raster.color import srgb_to_linear
from common.raster.interpolate import interpolate
from common.raster.mesh import TriangleMesh, face_normals, vertex_normals
from common.raster.rasterize import rasterize
from common.raster.render import render_mesh
from common.raster.shading import (
    FLAT_LIGHTING,
    DirectionalLight,
    Lighting,
    light_frame,
    shade,
)
from common.raster.texture import mip_level, sample_texture, texture_pyramid, uv_jacobian
from tests.common.raster.scenes import front, pixel_camera, sphere, square, triangle_soup

F64 = torch.float64
DARK = DirectionalLight((0.0, 0.0, 1.0), (0.0, 0.0, 0.0))


def only(toward, color=(1.0, 1.0, 1.0)):
    """One directional light, no ambient."""
    nothing = (0.0, 0.0, 0.0)
    return Lighting(nothing, nothing, DirectionalLight(toward, color), DARK)


def linear_colors(render):
    """Straight linear colour where alpha is above 0."""
    alpha = render.rgba[..., 3:]
    return srgb_to_linear(render.rgba[..., :3] / alpha.clamp_min(1e-12))


# ------------------------------------------------------------------------- closed form


def test_flat_light_shows_the_painted_colours():
    vertices, faces = square()
    colors = torch.tensor([[0.2, 0.5, 0.9], [0.7, 0.1, 0.0]], dtype=F64)
    mesh = TriangleMesh(vertices, faces, face_colors=colors)
    camera = orbit_cameras(0.0, 0.0, 1.0, 60.0, 20, 20, dtype=F64)
    render = render_mesh(mesh, camera, supersample=1, lighting=FLAT_LIGHTING)
    seen = rasterize(vertices, faces, camera).face_index.long()
    torch.testing.assert_close(render.rgba[..., :3], colors[seen], rtol=0, atol=1e-9)
    assert bool((render.rgba[..., 3] == 1).all())


def test_lamberts_law_on_a_sphere():
    vertices, faces = sphere(4)
    camera = orbit_cameras(0.0, 0.0, 4.0, 40.0, 64, 64, dtype=F64)
    toward = torch.tensor([0.6, 0.0, 0.8], dtype=F64)
    render = render_mesh(
        TriangleMesh(vertices, faces), camera, supersample=1, lighting=only(tuple(toward.tolist()))
    )
    inside = render.part_id >= 0
    expected = (render.normal @ toward).clamp_min(0)
    ours = linear_colors(render)[..., 1]
    torch.testing.assert_close(ours[inside], expected[inside], rtol=0, atol=1e-9)
    radial = (render.normal[inside] * points_seen(vertices, faces, camera)[inside]).sum(-1)
    assert float(radial.min()) > 0.999


def points_seen(vertices, faces, camera):
    points = interpolate(vertices, faces, rasterize(vertices, faces, camera))
    return torch.nn.functional.normalize(points, dim=-1)


def test_lights_may_follow_the_camera():
    vertices, faces = sphere(3)
    lighting = replace(only((0.3, 0.5, 1.0)), frame="camera")
    cameras = orbit_cameras([0.0, 90.0, 200.0], [0.0, 40.0, -30.0], 4.0, 40.0, 32, 32, dtype=F64)
    shown = render_mesh(TriangleMesh(vertices, faces), cameras, supersample=4, lighting=lighting)
    # every view of a sphere under its own light looks the same, up to the polyhedron's facets
    assert float((shown.rgba[1:] - shown.rgba[:1]).abs().mean()) < 2e-3
    fixed = replace(lighting, frame="world")
    other = render_mesh(TriangleMesh(vertices, faces), cameras, supersample=4, lighting=fixed)
    torch.testing.assert_close(other.rgba[0], shown.rgba[0], rtol=0, atol=1e-9)
    assert float((other.rgba[2] - shown.rgba[2]).abs().mean()) > 0.05


def test_rough_white_furnace_loses_and_gains_little():
    # Even light from all around on a white matte dielectric: about all of it comes back.
    vertices, faces = sphere(3)
    rough = torch.ones(len(faces), dtype=F64)
    even = Lighting((0.8,) * 3, (0.8,) * 3, DARK, DARK)
    mesh = TriangleMesh(vertices, faces, face_roughness=rough)
    render = render_mesh(mesh, front(32), supersample=1, lighting=even)
    light = linear_colors(render)[render.part_id >= 0]
    assert 0.8 <= float(light.min()) <= float(light.max()) < 0.8 * 1.1
    metal = replace(mesh, face_metallic=rough, face_roughness=0 * rough)
    render = render_mesh(metal, front(32), supersample=1, lighting=even)
    light = linear_colors(render)[render.part_id >= 0]
    torch.testing.assert_close(light, torch.full_like(light, 0.8), rtol=0.06, atol=0)


def test_highlight_sits_at_the_mirror_direction():
    vertices, faces = sphere(5)
    camera = orbit_cameras(0.0, 0.0, 50.0, 3.0, 101, 101, dtype=F64)
    mesh = TriangleMesh(vertices, faces, face_roughness=torch.full((len(faces),), 0.15, dtype=F64),
                        face_colors=torch.zeros(len(faces), 3, dtype=F64))  # fmt: skip
    render = render_mesh(mesh, camera, supersample=1, lighting=only((1.0, 0.0, 1.0), (0.05,) * 3))
    brightest = int(render.rgba[0, ..., 0].argmax())
    normal = render.normal[0].view(-1, 3)[brightest]
    half = torch.tensor([math.sin(math.pi / 8), 0, math.cos(math.pi / 8)], dtype=F64)
    assert float(normal @ half) > 0.999


@pytest.mark.parametrize("roughness", [0.3, 0.6, 1.0])
def test_specular_reflection_conserves_energy(roughness):
    # All that a metal mirrors from one light, integrated over the hemisphere of viewers.
    steps = (torch.arange(512, dtype=F64) + 0.5) / 512
    cos, phi = torch.meshgrid(steps, 2 * math.pi * steps, indexing="ij")
    sin = (1 - cos.square()).sqrt()
    view = torch.stack([sin * phi.cos(), sin * phi.sin(), cos], -1).view(-1, 3)
    count = len(view)
    normal = torch.tensor([0.0, 0, 1], dtype=F64).expand(count, 3)
    seen = shade(
        torch.ones(count, 3, dtype=F64), normal, view, only((0.6, 0.0, 0.8)),
        torch.eye(3, dtype=F64), roughness=torch.full((count,), roughness, dtype=F64),
        metallic=torch.ones(count, dtype=F64),
    )  # fmt: skip
    # irradiance pi * 0.8 at the surface, radiance ``seen``, solid angle 2 pi / count each
    mirrored = float((seen[:, 0] * view[:, 2]).sum()) * 2 / (0.8 * count)
    if roughness == 1.0:  # the lobe is 1 / (2 pi (n.l + n.v)), whose integral is known
        assert mirrored == pytest.approx(1 - 0.8 * math.log(1.8 / 0.8), abs=1e-5)
    else:  # single scattering loses little on smoother surfaces
        assert {0.3: 0.97, 0.6: 0.8}[roughness] < mirrored <= 1.0


def test_back_faces_are_lit_like_fronts():
    vertices, faces = square()
    cameras = orbit_cameras([0.0, 180.0], 0.0, 4.0, 40.0, 16, 16, dtype=F64)
    lighting = replace(Lighting(), frame="camera")
    render = render_mesh(TriangleMesh(vertices, faces), cameras, lighting=lighting)
    torch.testing.assert_close(render.rgba[0], render.rgba[1], rtol=0, atol=1e-9)
    inside = render.part_id >= 0
    assert render.normal[0][inside[0]].unique(dim=0).tolist() == [[0, 0, 1]]
    assert render.normal[1][inside[1]].unique(dim=0).tolist() == [[0, 0, -1]]


# ------------------------------------------------------------------------- against torch


def rich_mesh(dtype=F64):
    """A mesh with everything: texture, colours, roughness, metal, own normals, parts."""
    vertices, faces = triangle_soup(21, 30, dtype)
    rng = np.random.default_rng(5)

    def draw(*shape):
        return torch.from_numpy(rng.uniform(0, 1, shape)).to(dtype)

    corners = torch.arange(90).view(30, 3)
    normals = face_normals(vertices, faces).repeat_interleave(3, 0) + 0.3 * draw(90, 3)
    return TriangleMesh(
        vertices, faces, uvs=3 * draw(90, 2) - 1, uv_faces=corners,
        normals=torch.nn.functional.normalize(normals, dim=-1), normal_faces=corners,
        vertex_colors=draw(len(vertices), 3), face_colors=draw(30, 3), texture=draw(16, 24, 3),
        face_roughness=draw(30), face_metallic=draw(30), part_ids=torch.arange(30) % 4,
    )  # fmt: skip


def drawn_by_torch(mesh, camera, lighting):
    """Linear light of the covered pixels, from the differentiable functions."""
    fragments = rasterize(mesh.vertices, mesh.faces, camera)
    covered = fragments.covered
    face = fragments.face_index[covered].long()
    view = -rays(camera)[1][covered]
    normals = vertex_normals(mesh.vertices, mesh.faces) if mesh.normals is None else mesh.normals
    corners = mesh.faces if mesh.normal_faces is None else mesh.normal_faces
    normal = torch.nn.functional.normalize(
        interpolate(normals, corners, fragments)[covered], dim=-1
    )
    flat = face_normals(mesh.vertices, mesh.faces)[face]
    normal = torch.where((flat * view).sum(-1, keepdim=True) < 0, -normal, normal)
    albedo = torch.ones(len(face), 3, dtype=mesh.vertices.dtype)
    if mesh.texture is not None:
        uv = interpolate(mesh.uvs, mesh.uv_faces, fragments)[covered]
        jacobian = uv_jacobian(
            mesh.uvs, mesh.uv_faces, mesh.vertices, mesh.faces, camera, fragments
        )
        pyramid = texture_pyramid(srgb_to_linear(mesh.texture))
        level = mip_level(jacobian, *mesh.texture.shape[:2])[covered]
        albedo = albedo * sample_texture(pyramid, uv, level=level)
        painted = interpolate(srgb_to_linear(mesh.vertex_colors), mesh.faces, fragments)
        albedo = albedo * painted[covered] * srgb_to_linear(mesh.face_colors)[face]
    rough = None if mesh.face_roughness is None else mesh.face_roughness[face]
    metal = None if mesh.face_metallic is None else mesh.face_metallic[face]
    turn = light_frame(lighting, camera)
    return normal, shade(albedo, normal, view, lighting, turn, roughness=rough, metallic=metal)


@pytest.mark.parametrize("frame", ["world", "camera"])
@pytest.mark.parametrize("rich", [True, False])
@pytest.mark.parametrize("dtype", [F64, torch.float32])
def test_kernel_and_torch_shading_agree(frame, rich, dtype):
    mesh = rich_mesh(dtype) if rich else TriangleMesh(*sphere(2, dtype))
    camera, lighting = front(48, dtype=dtype), replace(Lighting(), frame=frame)
    render = render_mesh(mesh, camera, supersample=1, lighting=lighting)
    normal, light = drawn_by_torch(mesh, camera, lighting)
    covered = render.part_id >= 0
    atol = 1e-9 if dtype == F64 else 2e-4  # float32 positions shift mip levels and highlights
    torch.testing.assert_close(render.normal[covered], normal, rtol=0, atol=atol)
    ours = linear_colors(render)[covered]
    torch.testing.assert_close(ours, light.clamp(0, 1), rtol=0, atol=atol)
    if rich:
        face = rasterize(mesh.vertices, mesh.faces, camera).face_index[covered].long()
        assert torch.equal(render.part_id[covered], mesh.part_ids[face].int())


def test_shade_passes_gradcheck():
    rng = np.random.default_rng(0)
    normal = torch.nn.functional.normalize(torch.from_numpy(rng.standard_normal((6, 3))), dim=-1)
    view = torch.nn.functional.normalize(normal + 0.3, dim=-1)
    albedo, rough, metal = (torch.from_numpy(rng.uniform(0.2, 0.9, s)) for s in ((6, 3), 6, 6))
    turn = torch.eye(3, dtype=F64)

    def draw(a, n, r, m):
        return shade(a, n, view, Lighting(), turn, roughness=r, metallic=m)

    inputs = [one.requires_grad_() for one in (albedo, normal, rough, metal)]
    assert torch.autograd.gradcheck(draw, inputs, eps=1e-7, atol=1e-5)


# ------------------------------------------------------------------------- supersampling


def test_alpha_is_the_share_of_samples_covered():
    corners = torch.tensor([[2.3, 1.6, 0.0], [9.1, 3.3, 0], [4.2, 9.7, 0]], dtype=F64)
    faces = torch.tensor([[0, 1, 2]])
    camera = pixel_camera(12, 12)
    render = render_mesh(TriangleMesh(corners, faces), camera, supersample=8)
    area = 0.5 * float(torch.linalg.cross(corners[1] - corners[0], corners[2] - corners[0])[2])
    assert float(render.rgba[..., 3].sum()) == pytest.approx(area, rel=5e-3)
    fine = rasterize(corners, faces, camera.scaled(8)).covered[0].to(F64)
    expected = fine.view(12, 8, 12, 8).mean((1, 3))
    torch.testing.assert_close(render.rgba[0, ..., 3], expected, rtol=0, atol=1e-12)


def test_colours_are_averaged_in_linear_light_and_premultiplied():
    # the left half of each pixel black, the right half white: linear 0.5 encodes to 0.735
    corners = torch.tensor([[x, y, 0.0] for x in (0, 0.5, 1) for y in (0, 1)], dtype=F64)
    faces = torch.tensor([[0, 2, 3], [0, 3, 1], [2, 4, 5], [2, 5, 3]])
    colors = torch.tensor([[0.0] * 3] * 2 + [[1.0] * 3] * 2, dtype=F64)
    mesh = TriangleMesh(corners, faces, face_colors=colors)
    render = render_mesh(mesh, pixel_camera(1, 1), supersample=4, lighting=FLAT_LIGHTING)
    expected = 1.055 * 0.5 ** (1 / 2.4) - 0.055
    assert render.rgba[0, 0, 0].tolist() == pytest.approx([expected] * 3 + [1.0])
    right = TriangleMesh(corners, faces[2:], face_colors=colors[2:])
    render = render_mesh(right, pixel_camera(1, 1), supersample=4, lighting=FLAT_LIGHTING)
    assert render.rgba[0, 0, 0].tolist() == pytest.approx([0.5, 0.5, 0.5, 0.5])


def test_depth_normal_and_part_do_not_depend_on_supersampling():
    mesh = rich_mesh()
    renders = [render_mesh(mesh, front(20), supersample=s) for s in (1, 2, 3)]
    for other in renders[1:]:
        assert torch.equal(renders[0].depth, other.depth)
        assert torch.equal(renders[0].normal, other.normal)
        assert torch.equal(renders[0].part_id, other.part_id)
    assert bool((renders[0].part_id[renders[0].depth == 0] == -1).all())


def test_minified_checkerboard_is_its_mean_and_not_noise():
    vertices, faces = square()
    board = ((torch.arange(256)[:, None] + torch.arange(256)) % 2).to(F64)
    mesh = TriangleMesh(
        vertices, faces, uvs=vertices[:, :2] / 2 + 0.5, texture=board[..., None].expand(-1, -1, 3)
    )
    camera = orbit_cameras(0.0, 0.0, 4.0, 30.0, 16, 16, dtype=F64)
    render = render_mesh(mesh, camera, supersample=1, lighting=FLAT_LIGHTING)
    inner = linear_colors(render)[0, 3:13, 3:13]
    torch.testing.assert_close(inner, torch.full_like(inner, 0.5), rtol=0, atol=1e-9)


def test_impossible_supersampling_is_refused():
    mesh = TriangleMesh(*square())
    for count in (0, 9):
        with pytest.raises(InputError, match=f"from 1 to 8, got {count}"):
            render_mesh(mesh, front(), supersample=count)
