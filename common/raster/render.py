"""High-quality pictures of a mesh: supersampled colour, with exact depth, normals and parts."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int32
from numpy.typing import NDArray
from torch import Tensor

from common.cameras import Cameras, world_to_camera
from common.errors import InputError
from common.raster.color import srgb_to_linear
from common.raster.mesh import TriangleMesh, face_normals, vertex_normals
from common.raster.rasterize import Fragments, kernel_faces, pinhole_rows, rasterize
from common.raster.shading import Lighting, light_frame, lights_in_world
from common.raster.shading_kernels import (
    LightArrays,
    SurfaceArrays,
    ViewArrays,
    normal_rows,
    shade_rows,
)
from common.raster.texture import level_layout, texture_pyramid
from common.raster.threads import run_blocks

ROW_BLOCK = 8
MAX_SUPERSAMPLE = 8


@dataclass(frozen=True, eq=False)
class MeshRender:
    """Pictures of a mesh and what is known about every pixel."""

    rgba: Float[Tensor, "v h w 4"]
    """sRGB-encoded colour times alpha (premultiplied), and alpha; in [0, 1]."""
    depth: Float[Tensor, "v h w"]
    """Camera-space z at the pixel centre, metres; 0 where empty."""
    normal: Float[Tensor, "v h w 3"]
    """Unit world normal at the pixel centre, toward the viewer; 0 where empty."""
    part_id: Int32[Tensor, "v h w"]
    """Part at the pixel centre; -1 where empty."""


def render_mesh(
    mesh: TriangleMesh,
    cameras: Cameras,
    *,
    supersample: int = 2,
    lighting: Lighting | None = None,
    cull_backfaces: bool = False,
) -> MeshRender:
    """Draw a mesh, lit, on nothing; without gradients.

    Colour and alpha are means over ``supersample x supersample`` points a pixel, taken in linear
    light and premultiplied, then encoded; depth, normal and part belong to the pixel centre, so
    that they are never mixtures. Textures are looked up with mip levels. Back faces are lit as if
    seen from their front. (For gradients: `rasterize`, `interpolate`, `sample_texture`, `shade`
    and `antialias`.)

    Args:
        mesh: what to draw.
        cameras: the views, in the mesh's dtype.
        supersample: points along each side of a pixel, 1 to 8.
        lighting: None: the defaults of `Lighting`.
        cull_backfaces: leave out triangles that turn their back to the camera.
    """
    if not 1 <= supersample <= MAX_SUPERSAMPLE:
        raise InputError(f"supersample must be from 1 to {MAX_SUPERSAMPLE}, got {supersample}")
    with torch.no_grad():
        surface, light = surface_arrays(mesh), lighting or Lighting()
        views = [
            _render_view(mesh, surface, cameras[i], supersample, light, cull_backfaces)
            for i in range(len(cameras))
        ]
    columns = zip(*((one.rgba, one.depth, one.normal, one.part_id) for one in views), strict=True)
    return MeshRender(*(torch.cat(column) for column in columns))


def _render_view(
    mesh: TriangleMesh,
    surface: SurfaceArrays,
    camera: Cameras,
    supersample: int,
    lighting: Lighting,
    cull: bool,
) -> MeshRender:
    fine = camera.scaled(supersample)
    fragments = rasterize(mesh.vertices, mesh.faces, fine, cull_backfaces=cull)
    rgba = mesh.vertices.new_empty(camera.height, camera.width, 4)
    run_blocks(
        shade_rows,
        camera.height,
        ROW_BLOCK,
        surface,
        light_arrays(lighting, camera),
        view_arrays(mesh, fine),
        fragments.face_index[0].numpy(),
        fragments.barycentric[0].numpy(),
        supersample,
        rgba.numpy(),
    )
    if supersample > 1:
        fragments = rasterize(mesh.vertices, mesh.faces, camera, cull_backfaces=cull)
    normal = mesh.vertices.new_empty(camera.height, camera.width, 3)
    run_blocks(
        normal_rows,
        camera.height,
        ROW_BLOCK,
        surface,
        view_arrays(mesh, camera),
        fragments.face_index[0].numpy(),
        fragments.barycentric[0].numpy(),
        normal.numpy(),
    )
    return MeshRender(rgba[None], fragments.depth, normal[None], _parts(mesh, fragments))


def _parts(mesh: TriangleMesh, fragments: Fragments) -> Int32[Tensor, "v h w"]:
    seen = fragments.face_index
    if mesh.part_ids is None:
        return seen.clamp_max(0)
    return torch.where(seen < 0, -1, mesh.part_ids.int()[seen.clamp_min(0)])


def surface_arrays(mesh: TriangleMesh) -> SurfaceArrays:
    """The mesh as the shading kernels take it: linear colours, defaults filled in."""
    vertices, faces = mesh.vertices, kernel_faces(mesh.faces)
    none = vertices.new_empty(0, 3)
    texels, sizes = none, [(1, 1)]
    if mesh.texture is not None:
        pyramid = texture_pyramid(srgb_to_linear(mesh.texture))
        texels, sizes = pyramid.texels, list(pyramid.sizes)
    rough, metal = mesh.face_roughness, mesh.face_metallic
    if rough is None and metal is not None:
        rough = torch.ones_like(metal)
    starts, shapes = level_layout(sizes)
    return SurfaceArrays(
        vertices=_array(vertices),
        faces=faces.numpy(),
        facing=_array(face_normals(vertices, faces)),
        normals=_array(vertex_normals(vertices, faces) if mesh.normals is None else mesh.normals),
        normal_faces=_corners(mesh.faces if mesh.normal_faces is None else mesh.normal_faces),
        uvs=_array(none[:, :2] if mesh.uvs is None else mesh.uvs),
        uv_faces=_corners(mesh.faces if mesh.uv_faces is None else mesh.uv_faces),
        vertex_colors=_array(srgb_to_linear(_or(mesh.vertex_colors, none))),
        face_colors=_array(srgb_to_linear(_or(mesh.face_colors, none))),
        roughness=_array(_or(rough, none[:, 0])),
        metallic=_array(_or(metal, none[:, 0])),
        texels=_array(texels),
        starts=starts,
        sizes=shapes,
    )


def light_arrays(lighting: Lighting, camera: Cameras) -> LightArrays:
    """The lights of one view, turned into the world."""
    up, toward, colors = lights_in_world(lighting, light_frame(lighting, camera).double())
    sky, ground = (
        torch.tensor(one, dtype=torch.float64) for one in (lighting.sky, lighting.ground)
    )
    return LightArrays(*(_array(one) for one in (up, sky, ground, toward, colors)))


def view_arrays(mesh: TriangleMesh, camera: Cameras) -> ViewArrays:
    """One view of the mesh."""
    points = world_to_camera(camera, mesh.vertices)[0]
    position = camera.positions[0].double()
    return ViewArrays(_array(points), _array(position), pinhole_rows(camera.intrinsics)[0])


def _array(values: Tensor) -> NDArray:
    return values.detach().contiguous().numpy()


def _corners(faces: Tensor) -> NDArray:
    return kernel_faces(faces).numpy()


def _or(values: Tensor | None, default: Tensor) -> Tensor:
    return default if values is None else values
