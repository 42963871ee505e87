"""Reading meshes of any common format: checked first, then read, then checked again."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import InputError
from threed.gltf.as_trimesh import ReadMesh, gltf_trimesh
from threed.gltf.document import read_gltf
from threed.mesh_headers import MAX_FACES, check_declared, off_counts
from threed.obj_references import check_references

if TYPE_CHECKING:
    import trimesh

SUFFIXES = (".obj", ".ply", ".stl", ".off", ".glb", ".gltf", ".usdz")


def check_mesh_file(path: Path) -> None:
    """Refuse what cannot be read by its name, size or header, before anything is parsed.

    Raises:
        InputError: with the numbers and the fix.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: reads {', '.join(SUFFIXES)}, not '{path.suffix}' files")
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    check_declared(path)
    if path.suffix.lower() == ".obj":
        check_references(path)
    elif path.suffix.lower() == ".usdz":
        from threed.files.usdz import check_usd

        check_usd()


def read_mesh(path: Path) -> ReadMesh:
    """The file's triangles as one mesh, with colours, texture and material, and what got lost.

    Raises:
        InputError: nothing readable in it, no faces, too many, vertices that are not numbers, or
            it reaches for files elsewhere.
    """
    check_mesh_file(path)
    match path.suffix.lower():
        case ".glb" | ".gltf":
            file = read_gltf(path)
            try:
                read = gltf_trimesh(file)
            except InputError as error:
                raise InputError(f"{path}: {error}") from error
        case ".usdz":
            from threed.files.read_usdz import read_usdz

            read = read_usdz(path)
        case _:
            read = _by_trimesh(path)
    _check(path, read.mesh)
    return read


def _by_trimesh(path: Path) -> ReadMesh:
    import trimesh

    losses = check_references(path) if path.suffix.lower() == ".obj" else []
    try:
        # Scenes are joined here, so that what happens to their materials can be said.
        scene = trimesh.load_scene(path, process=False)
    except Exception as error:  # trimesh's readers raise whatever their parsing runs into
        raise InputError(f"{path}: is not a readable mesh ({type(error).__name__}: {error})") from (
            error
        )
    meshes = [one for one in scene.geometry.values() if len(getattr(one, "faces", ()))]
    if not meshes:
        raise InputError(f"{path}: has no faces; a point cloud or scan must be meshed first")
    for one in meshes:
        _check(path, one)
    if path.suffix.lower() == ".off":
        _check_whole_off(path, meshes[0])
    named = tuple((_material_name(one), len(one.faces)) for one in meshes)
    if len(meshes) == 1:
        return ReadMesh(meshes[0], tuple(losses), named)
    materials = {id(getattr(one.visual, "material", None)) for one in meshes}
    if len(materials) > 1:
        losses.append(f"{len(materials)} materials became one, their textures packed on one page")
    whole: Any = trimesh.util.concatenate(meshes)
    if hasattr(whole.visual, "material"):
        whole.visual.material.doubleSided = None  # the exporter looks whether it is open
    return ReadMesh(whole, tuple(losses), named)


def _material_name(mesh: "trimesh.Trimesh") -> str:
    return str(getattr(getattr(mesh.visual, "material", None), "name", None) or "")


def _check_whole_off(path: Path, mesh: "trimesh.Trimesh") -> None:
    """The reader takes what is there; polygons become more triangles, never fewer."""
    vertices, faces = off_counts(path)
    if len(mesh.vertices) < vertices or len(mesh.faces) < faces:
        raise InputError(
            f"{path}: declares {vertices:,} vertices and {faces:,} faces, and has "
            f"{len(mesh.vertices):,} and {len(mesh.faces):,}; it is truncated, export it again"
        )


def _check(path: Path, mesh: "trimesh.Trimesh") -> None:
    if len(mesh.faces) > MAX_FACES:
        raise InputError(f"{path}: has {len(mesh.faces):,} faces; at most {MAX_FACES:,} are read")
    bad = int((~np.isfinite(mesh.vertices)).any(axis=1).sum())
    if bad:
        raise InputError(f"{path}: {bad} of {len(mesh.vertices)} vertices are not finite")
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise InputError(f"{path}: a face names a vertex that is not there")
