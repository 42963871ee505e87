"""OBJ with its material library and picture, as a folder.

Positions, texture coordinates and normals have rows of their own, so that the surface stays closed
across seams. Colours of vertices follow their positions, as most programs read them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.media.targets import written_whole
from common.raster.color import linear_to_srgb
from threed.drawable import base_color_factor
from threed.files.losses import alpha_losses, has_texture, map_losses
from threed.files.welded import distinct

if TYPE_CHECKING:
    import trimesh

_ROWS_AT_ONCE = 65_536
"""Numbers become text a block at a time: Python's take many times the memory of an array's."""


def write_obj(folder: Path, stem: str, mesh: "trimesh.Trimesh") -> tuple[str, ...]:
    """Write ``<stem>.obj``, ``.mtl`` and ``.png`` into a new folder, all or nothing.

    Returns:
        What the format does not hold, a clause each.
    """
    name = file_stem(stem)
    with written_whole(folder) as partial:
        partial.mkdir()
        picture = f"{name}.png" if has_texture(mesh) else None
        visual: Any = mesh.visual
        if picture is not None:
            visual.material.baseColorTexture.convert("RGB").save(partial / picture, "PNG")
        (partial / f"{name}.mtl").write_text(_library(mesh, picture), encoding="utf-8")
        with (partial / f"{name}.obj").open("w", encoding="ascii", newline="\n") as file:
            file.write(f"mtllib {name}.mtl\nusemtl surface\n")
            for piece in _pieces(mesh, with_uvs=picture is not None):
                file.write(piece)
    tinted = picture is not None and base_color_factor(visual.material) != (1.0, 1.0, 1.0)
    tint = ("the factor that tints the texture is left out",) if tinted else ()
    return (*tint, *map_losses(mesh), *alpha_losses(mesh))


def file_stem(stem: str) -> str:
    """A name that OBJ's words allow: what is no letter, digit, dot or hyphen becomes ``_``."""
    kept = "".join(one if one.isascii() and (one.isalnum() or one in ".-") else "_" for one in stem)
    return kept[:100] or "asset"


def _library(mesh: "trimesh.Trimesh", picture: str | None) -> str:
    import torch

    visual: Any = mesh.visual
    material = getattr(visual, "material", None)
    # A picture takes the place of Kd in most programs, and is multiplied by it in some.
    linear = torch.tensor([base_color_factor(material)], dtype=torch.float64)
    color = linear_to_srgb(linear)[0].tolist() if picture is None else [1.0, 1.0, 1.0]
    rough, metal = (getattr(material, key, None) for key in ("roughnessFactor", "metallicFactor"))
    lines = [
        "newmtl surface", "Ka 0 0 0", "Kd {:.6g} {:.6g} {:.6g}".format(*color), "Ks 0 0 0", "d 1",
        "illum 1", f"Pr {1.0 if rough is None else rough:.6g}",
        f"Pm {0.0 if metal is None else metal:.6g}",
    ]  # fmt: skip
    if picture is not None:
        lines.append(f"map_Kd {picture}")
    return "\n".join([*lines, ""])


def _pieces(mesh: "trimesh.Trimesh", *, with_uvs: bool) -> Iterator[str]:
    """The text of each table, and the faces that refer to them from 1."""
    visual: Any = mesh.visual
    faces = mesh.faces.ravel()
    rows = np.asarray(mesh.vertices, dtype=np.float32)
    kind = "v" + " %.9g" * 3
    if visual.kind == "face":  # a face's colour belongs to corners of its own
        colors = np.repeat(visual.face_colors, 3, axis=0)[:, :3] / np.float32(255)
        place = distinct(np.concatenate([rows[faces], colors], 1))
        corner, kind = place.of, kind + " %.9g" * 3
    elif visual.kind == "vertex":
        place = distinct(np.concatenate([rows, visual.vertex_colors[:, :3] / np.float32(255)], 1))
        corner, kind = place.of[faces], kind + " %.9g" * 3
    else:
        place = distinct(rows)
        corner = place.of[faces]
    normals = distinct(mesh.vertex_normals)
    columns = [corner + 1, normals.of[faces] + 1]
    tables = [(kind, place.rows), ("vn %.9g %.9g %.9g", normals.rows)]
    if with_uvs:
        uvs = distinct(visual.uv)
        columns.insert(1, uvs.of[faces] + 1)
        tables.append(("vt %.9g %.9g", uvs.rows))
    corner_text = "%d/%d/%d" if with_uvs else "%d//%d"
    face_text = f"f {corner_text} {corner_text} {corner_text}"
    numbers = np.stack(columns, 1).reshape(len(mesh.faces), -1)
    for line, values in [*tables, (face_text, numbers)]:
        for start in range(0, len(values), _ROWS_AT_ONCE):
            some = values[start : start + _ROWS_AT_ONCE]
            yield ((line + "\n") * len(some)) % tuple(some.ravel().tolist())
