"""Pictures of kit objects with everything that is known about every pixel."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from common.cameras import Cameras, concatenate
from common.kit.kit_object import KitObject
from common.kit.lighting import KIT_LIGHTING, graded, turned_lighting
from common.kit.occlusion import ambient_visibility
from common.kit.pixel_filter import pixel_filtered
from common.kit.textured import textured_mesh
from common.kit.views import View, camera_of
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING, Lighting


@dataclass(frozen=True)
class KitPictures:
    """Pictures of one mesh, or frames of one clip, with their ground truth."""

    rgba: Float[Tensor, "v h w 4"]
    """sRGB-encoded colour times alpha, and alpha, in [0, 1]; edges reach a pixel beyond depth's."""
    depth: Float[Tensor, "v h w"]
    """Camera-space z at the pixel centre, metres; 0 where empty."""
    normal: Float[Tensor, "v h w 3"]
    """Unit world normal at the pixel centre; 0 where empty."""
    part_id: Int32[Tensor, "v h w"]
    """Index into the object's parts; -1 where empty."""
    cameras: Cameras


def render_views(
    kit_object: KitObject, views: Sequence[View], size: int = 128, supersample: int = 2
) -> KitPictures:
    """The object from several cameras, each at the distance that fills the frame as asked."""
    mesh = textured_mesh(kit_object.parts)
    cameras = [camera_of(view, mesh.vertices, size) for view in views]
    lights = [turned_lighting(view.light_deg) for view in views]
    if len(set(lights)) == 1:
        return render(mesh, concatenate(cameras), supersample, lights[0])
    lit = zip(cameras, lights, strict=True)
    return joined([render(mesh, camera, supersample, light) for camera, light in lit])


def render(
    mesh: TriangleMesh,
    cameras: Cameras,
    supersample: int = 2,
    lighting: Lighting = KIT_LIGHTING,
) -> KitPictures:
    """A mesh under the kit's light, with soft shadows in its creases."""
    shaded = render_mesh(mesh, cameras, supersample=supersample, lighting=lighting)
    visibility = ambient_visibility(shaded.depth, shaded.normal, cameras)
    rgba = pixel_filtered(graded(shaded.rgba, visibility))
    return KitPictures(rgba, shaded.depth, shaded.normal, shaded.part_id, cameras)


def joined(pictures: Sequence[KitPictures]) -> KitPictures:
    """Views one after the other."""
    return KitPictures(
        torch.cat([one.rgba for one in pictures]),
        torch.cat([one.depth for one in pictures]),
        torch.cat([one.normal for one in pictures]),
        torch.cat([one.part_id for one in pictures]),
        concatenate([one.cameras for one in pictures]),
    )


def render_albedo(
    mesh: TriangleMesh, cameras: Cameras, supersample: int = 2
) -> Float[Tensor, "v h w 4"]:
    """Only the paint: premultiplied sRGB without light, reflections or shadows."""
    matte = TriangleMesh(
        mesh.vertices, mesh.faces, mesh.uvs, mesh.uv_faces, mesh.normals, mesh.normal_faces,
        texture=mesh.texture, part_ids=mesh.part_ids,
    )  # fmt: skip
    return render_mesh(matte, cameras, supersample=supersample, lighting=FLAT_LIGHTING).rgba
