"""An object as the one triangle mesh that the rasterizer and the exporters take."""

from collections.abc import Sequence

import torch

from common.kit.atlas import atlas
from common.kit.part import Part
from common.raster.mesh import TriangleMesh

TEXTURE_SIZE = 256


def textured_mesh(parts: Sequence[Part], texture_size: int = TEXTURE_SIZE) -> TriangleMesh:
    """All parts in float32 with smooth normals, atlas texture, finishes; part ids follow ``parts``."""
    whole = atlas(parts, texture_size)
    part = whole.part_of_face
    rough = torch.tensor([one.material.roughness for one in parts])
    metal = torch.tensor([one.material.metallic for one in parts])
    ids = torch.from_numpy(part)
    return TriangleMesh(
        vertices=torch.from_numpy(whole.mesh.vertices).float(),
        faces=torch.from_numpy(whole.mesh.faces),
        uvs=torch.from_numpy(whole.uvs).float(),
        normals=torch.from_numpy(whole.mesh.normals).float(),
        texture=torch.from_numpy(whole.texture).float(),
        face_roughness=rough[ids],
        face_metallic=metal[ids],
        part_ids=ids,
    )
