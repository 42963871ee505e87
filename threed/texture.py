"""Texture: a mesh painted from a prompt."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from threed.painting.painting import Painting


class Texture(Painting):
    """A texture for a mesh, painted by the prior from all sides; its shape stays as it is."""

    name: Literal["texture"] = "texture"
    input: Path
    """The mesh: .obj, .ply, .stl, .off, .glb, .gltf or .usdz."""
    up: Literal["+y", "+z"] = "+y"
    """Which axis of the file points up."""
    front_deg: float = Field(0.0, ge=-360, le=360)
    """From where the front of the mesh is seen, turning about up: 0 from +Z (from -Y where +Z is
    up), 90 from +X, 180 from -Z."""
    keep_uvs: bool = True
    """Whether good texture coordinates of the mesh are kept."""
    mask: Path | None = None
    """A picture as large as the mesh's texture, white where it is painted anew: all else of the
    texture stays to the bit. null paints everything."""
    materials: tuple[str, ...] = Field((), max_length=64)
    """Names of materials of the file whose faces are painted anew, in place of a mask: what other
    materials show stays to the bit. Empty paints everything."""

    @model_validator(mode="after")
    def _paints_one_region(self) -> "Texture":
        if self.mask is not None and self.materials:
            raise ValueError("mask and materials both say what is painted anew: give one of them")
        return self
