"""The material of meshes from formats that know none, or the Phong materials of OBJ."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import trimesh


def plain_material(mesh: "trimesh.Trimesh") -> "trimesh.Trimesh":
    """The same mesh, its Phong material replaced by what the author of the OBJ saw.

    A texture is the colour (OBJ's map_Kd replaces Kd, whereas glTF would multiply them), and a
    mesh without a material is light grey, not trimesh's 2 x 2 placeholder picture.
    """
    from trimesh.visual import TextureVisuals
    from trimesh.visual.material import PBRMaterial, SimpleMaterial, empty_material

    if not isinstance(mesh.visual, TextureVisuals):
        return mesh
    visual: Any = mesh.visual
    if not isinstance(visual.material, SimpleMaterial):
        return mesh
    image, placeholder = visual.material.image, empty_material().image
    missing = image is not None and (image.size, image.tobytes()) == (
        placeholder.size,
        placeholder.convert(image.mode).tobytes(),
    )
    factor = [204, 204, 204, 255] if missing else [255, 255, 255, 255]
    if image is None:
        factor = _linear_bytes(visual.material.diffuse)
    visual.material = PBRMaterial(
        baseColorTexture=None if missing else image,
        baseColorFactor=factor,
        metallicFactor=0.0,
        roughnessFactor=1.0,
        doubleSided=None,  # the exporter looks whether the surface is open
    )
    return mesh


def _linear_bytes(diffuse: Any) -> list[int]:
    """OBJ's Kd, a colour as seen on the screen, as glTF's linear factor."""
    import torch

    from common.raster.color import srgb_to_linear

    encoded = torch.from_numpy(np.asarray(diffuse)[:4] / 255.0)
    linear = torch.cat([srgb_to_linear(encoded[:3]), encoded[3:]])
    return [int(one) for one in (linear * 255).round().tolist()]
