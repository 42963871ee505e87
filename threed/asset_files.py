"""An asset in every format that was asked for, each file read again and compared with the asset."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from common.atomic import write_bytes, write_text
from common.media.gltf_extras import embed
from common.media.provenance import Provenance
from common.media.targets import explained_write_errors
from common.raster.mesh import TriangleMesh
from threed.asset_formats import Format, TextureFormat
from threed.drawable import drawable_mesh
from threed.files.losses import has_texture, is_painted
from threed.files.obj import file_stem, write_obj
from threed.files.plain import ply_bytes, stl_bytes
from threed.files.usdz import write_usdz
from threed.glb import glb_bytes
from threed.material import plain_material
from threed.measures.render_back import RenderBack, render_back
from threed.mesh_files import read_mesh

if TYPE_CHECKING:
    import trimesh


@dataclass(frozen=True)
class AssetFile:
    """One file of an asset."""

    path: Path
    losses: tuple[str, ...]
    """What the asset has that the file does not, a clause each."""
    check: RenderBack | None
    """The file against the asset; None for a page, which holds the GLB that was checked."""
    has_colors: bool = True
    """Whether the format holds colours, so that their agreement means something."""


def write_asset_files(
    folder: Path,
    stem: str,
    mesh: "trimesh.Trimesh",
    reference: TriangleMesh,
    formats: tuple[Format, ...],
    texture: TextureFormat,
    provenance: Provenance | None,
) -> list[AssetFile]:
    """Write ``<stem>.glb`` and the other formats; the GLB comes first.

    Args:
        folder: where to.
        stem: the name; OBJ is a folder ``<stem>_obj``, whose .obj stands for it.
        mesh: the asset.
        reference: what the asset was made from, which the files are compared with.
        formats: beside GLB.
        texture: how the GLB, and with it the page, keeps its pictures.
        provenance: how it was made, kept in the GLB; None for no record.
    """
    glb = embed(glb_bytes(mesh, texture), provenance)
    path = folder / f"{stem}.glb"
    with explained_write_errors(path):
        write_bytes(path, glb)
    lossy = texture == "jpeg" and has_texture(mesh)
    losses = ("JPEG changes the texture's pixels",) if lossy else ()
    files = [AssetFile(path, losses, render_back(reference, read_back(path)))]
    for kind in formats:
        files.append(_written(folder, stem, mesh, reference, kind, glb))
    return files


def _written(
    folder: Path, stem: str, mesh: "trimesh.Trimesh", reference: TriangleMesh, kind: Format,
    glb: bytes,
) -> AssetFile:  # fmt: skip
    path = folder / f"{stem}.{kind}"
    losses: tuple[str, ...] = ()
    with explained_write_errors(path):
        match kind:
            case "html":
                from common.report.viewer_page import viewer_page

                light: Literal["flat", "studio"] = "flat" if is_painted(mesh) else "studio"
                write_text(path, viewer_page(glb, stem, light))
                return AssetFile(path, (), None)
            case "obj":
                place = folder / f"{stem}_obj"
                _remove_earlier(place)
                losses = write_obj(place, stem, mesh)
                path = place / f"{file_stem(stem)}.obj"
            case "ply":
                data, losses = ply_bytes(mesh)
                write_bytes(path, data)
            case "stl":
                data, losses = stl_bytes(mesh)
                write_bytes(path, data)
            case "usdz":
                losses = write_usdz(path, mesh)
    check = render_back(reference, read_back(path))
    return AssetFile(path, losses, check, has_colors=kind != "stl")


def read_back(path: Path) -> TriangleMesh:
    """What a file shows, ready to be drawn."""
    return drawable_mesh(plain_material(read_mesh(path).mesh))


def _remove_earlier(folder: Path) -> None:
    """A resumed run writes again what it does not know to be whole."""
    shutil.rmtree(folder, ignore_errors=True)
