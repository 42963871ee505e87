"""Reading USDZ by OpenUSD: meshes, their placement, and the base colour of their surfaces."""

import io
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from common.errors import InputError
from common.raster.color import linear_to_srgb
from threed.files.losses import has_texture
from threed.files.usdz import check_usd
from threed.gltf.as_trimesh import ReadMesh
from threed.mesh_headers import MAX_BYTES, MAX_FACES

if TYPE_CHECKING:
    import trimesh

MAX_MEMBERS = 1000
_Z_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


def read_usdz(path: Path) -> ReadMesh:
    """All meshes of the package's stage as one, +Y up, in metres.

    Raises:
        InputError: OpenUSD is not installed; no package, damaged, too large, without faces, or it
            refers to files outside itself.
    """
    import trimesh

    check_usd()
    _check_package(path)
    stage = _stage(path)
    losses: list[str] = []
    found = [one for prim in _meshes(stage) if (one := _mesh(stage, prim, path, losses))]
    if not found:
        raise InputError(f"{path}: has no faces; a point cloud or scan must be meshed first")
    if len(found) == 1:
        return ReadMesh(found[0], tuple(losses))
    if any(has_texture(one) for one in found):
        losses.append(f"{len(found)} meshes became one, their textures packed on one page")
    whole: Any = trimesh.util.concatenate(found)
    if hasattr(whole.visual, "material"):
        whole.visual.material.doubleSided = None  # the exporter looks whether it is open
    return ReadMesh(whole, tuple(losses))


def _check_package(path: Path) -> None:
    """Refuse archives that are no USDZ: packed files, names that lead out, sizes that lie."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InputError(f"{path}: is no USDZ package ({error})") from error
    if len(members) > MAX_MEMBERS or sum(one.file_size for one in members) > MAX_BYTES:
        raise InputError(f"{path}: more than {MAX_MEMBERS:,} files or {MAX_BYTES:,} bytes inside")
    for one in members:
        name = PurePosixPath(one.filename)
        if one.compress_type != zipfile.ZIP_STORED or name.is_absolute() or ".." in name.parts:
            raise InputError(
                f"{path}: holds '{one.filename[:100]}' compressed or under a name that leads out; "
                "packages store their files as they are"
            )


def _stage(path: Path) -> Any:
    from pxr import Sdf, Tf, Usd, UsdUtils

    try:
        layers, assets, _ = UsdUtils.ComputeAllDependencies(Sdf.AssetPath(str(path)))
        names = [*(layer.realPath for layer in layers), *assets]
        outside = [name for name in names if not str(name).startswith(str(path))]
        if outside:
            raise InputError(f"{path}: refers to files outside itself: {', '.join(outside[:3])}")
        stage = Usd.Stage.Open(str(path))
    except Tf.ErrorException as error:
        raise InputError(f"{path}: is not a readable stage ({_short(error)})") from error
    if not stage:
        raise InputError(f"{path}: is not a readable stage")
    return stage


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _meshes(stage: Any) -> list[Any]:
    from pxr import Usd, UsdGeom

    every = stage.Traverse(Usd.TraverseInstanceProxies())
    return [prim for prim in every if prim.IsA(UsdGeom.Mesh)]


def _mesh(stage: Any, prim: Any, path: Path, losses: list[str]) -> "trimesh.Trimesh | None":
    import trimesh
    from pxr import UsdGeom
    from trimesh.visual import ColorVisuals, TextureVisuals
    from trimesh.visual.material import PBRMaterial

    shape = UsdGeom.Mesh(prim)
    points = np.asarray(shape.GetPointsAttr().Get() or [], dtype=np.float64).reshape(-1, 3)
    corners, sources = _triangles(shape, len(points), f"{path}: {prim.GetPath()}")
    if not len(corners):
        return None
    uvs = _primvar(prim, ("st", "st0", "UVMap"), corners, sources, 2)
    surface = _surface(prim, path, losses)
    visual: Any = None
    if surface["image"] is not None and uvs is not None:
        visual = TextureVisuals(uv=uvs, material=PBRMaterial(
            baseColorTexture=surface["image"], baseColorFactor=_bytes(surface["scale"]),
            metallicFactor=surface["metallic"],
            roughnessFactor=surface["roughness"], doubleSided=None,
        ))  # fmt: skip
    elif surface["color"] is not None:
        visual = TextureVisuals(material=PBRMaterial(
            baseColorFactor=_bytes(surface["color"]), metallicFactor=surface["metallic"],
            roughnessFactor=surface["roughness"], doubleSided=None,
        ))  # fmt: skip
    else:
        shown = _primvar(prim, ("displayColor",), corners, sources, 3)
        if shown is not None:
            encoded = linear_to_srgb(torch.from_numpy(shown)).clamp(0, 1).numpy()
            visual = ColorVisuals(vertex_colors=(encoded * 255).round().astype(np.uint8))
    normals = _primvar(prim, ("normals",), corners, sources, 3)
    world, turn = _placed(stage, prim, points)
    if normals is not None:
        normals = normals @ turn
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    # Every corner has a row of its own; those that agree in everything are joined again.
    table = [world[corners], *(one for one in (uvs, normals) if one is not None)]
    if visual is not None and visual.kind == "vertex":
        table.append(visual.vertex_colors[:, :3].astype(np.float64))
    _, first, of = np.unique(
        np.concatenate(table, 1), axis=0, return_index=True, return_inverse=True
    )
    if isinstance(visual, TextureVisuals) and visual.uv is not None:
        visual = TextureVisuals(uv=visual.uv[first], material=visual.material)
    elif visual is not None and visual.kind == "vertex":
        visual = ColorVisuals(vertex_colors=visual.vertex_colors[first])
    return trimesh.Trimesh(
        world[corners][first], of.reshape(-1, 3), visual=visual, process=False,
        vertex_normals=None if normals is None else normals[first],
    )  # fmt: skip


def _triangles(shape: Any, num_points: int, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Point and place in the face list of each triangle's corners: polygons as fans."""
    from pxr import UsdGeom

    counts = np.asarray(shape.GetFaceVertexCountsAttr().Get() or [], dtype=np.int64)
    indices = np.asarray(shape.GetFaceVertexIndicesAttr().Get() or [], dtype=np.int64)
    fits = counts.sum() == len(indices) and not (counts < 3).any()
    if not fits or (len(indices) and not 0 <= indices.min() <= indices.max() < num_points):
        raise InputError(f"{where}: its faces name points that are not there")
    fan = counts - 2
    if int(fan.sum()) > MAX_FACES:
        raise InputError(f"{where}: has {int(fan.sum()):,} faces; at most {MAX_FACES:,} are read")
    first = np.repeat(np.cumsum(counts) - counts, fan)
    step = np.arange(len(first)) - np.repeat(np.cumsum(fan) - fan, fan)
    places = np.stack([first, first + step + 1, first + step + 2], 1)
    if shape.GetOrientationAttr().Get() == UsdGeom.Tokens.leftHanded:
        places = places[:, ::-1]
    return indices[places.ravel()], places.ravel()


def _primvar(
    prim: Any, names: tuple[str, ...], corners: np.ndarray, places: np.ndarray, width: int
) -> np.ndarray | None:
    """Values at each triangle corner, float64; None if there are none or they do not fit."""
    from pxr import UsdGeom

    primvars = UsdGeom.PrimvarsAPI(prim)
    for name in names:
        primvar = primvars.GetPrimvar(name)
        if primvar and primvar.HasValue():
            values, kind = primvar.ComputeFlattened(), primvar.GetInterpolation()
        elif name == "normals" and UsdGeom.Mesh(prim).GetNormalsAttr().HasValue():
            shape = UsdGeom.Mesh(prim)
            values, kind = shape.GetNormalsAttr().Get(), shape.GetNormalsInterpolation()
        else:
            continue
        rows = np.asarray(values, dtype=np.float64).reshape(-1, width)
        chosen = {"vertex": corners, "varying": corners, "faceVarying": places,
                  "constant": np.zeros_like(corners)}.get(kind)  # fmt: skip
        if kind == "uniform":
            counts = np.asarray(UsdGeom.Mesh(prim).GetFaceVertexCountsAttr().Get())
            chosen = np.repeat(np.arange(len(counts)), counts)[places]
        if chosen is not None and len(rows) > int(chosen.max()):
            return rows[chosen]
    return None


def _placed(stage: Any, prim: Any, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points in our world, and the matrix for normals from the right."""
    from pxr import UsdGeom

    matrix = np.array(UsdGeom.XformCache().GetLocalToWorldTransform(prim))
    axes = _Z_UP.T if UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.z else np.eye(3)
    linear = matrix[:3, :3] @ axes
    if abs(np.linalg.det(linear)) < 1e-30:
        raise InputError(f"{prim.GetPath()} is scaled to nothing")
    metres = UsdGeom.GetStageMetersPerUnit(stage)
    return (points @ linear + matrix[3, :3] @ axes) * metres, np.linalg.inv(linear).T


def _surface(prim: Any, path: Path, losses: list[str]) -> dict[str, Any]:
    """Picture, constant colour (linear), metallic and roughness of the bound material."""
    from pxr import UsdShade

    found: dict[str, Any] = {"image": None, "scale": (1.0, 1.0, 1.0), "color": None,
                             "metallic": 0.0, "roughness": 1.0}  # fmt: skip
    material = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()[0]
    shader = material.ComputeSurfaceSource()[0] if material else None
    if not shader or shader.GetIdAttr().Get() != "UsdPreviewSurface":
        return found
    for name in ("metallic", "roughness"):
        value = shader.GetInput(name)
        if value and value.HasConnectedSource():
            losses.append(f"a {name} map is left out")
        elif value and value.Get() is not None:
            found[name] = float(value.Get())
    diffuse = shader.GetInput("diffuseColor")
    if not diffuse:
        return found
    if not diffuse.HasConnectedSource():
        found["color"] = None if diffuse.Get() is None else tuple(diffuse.Get())
        return found
    source = UsdShade.Shader(diffuse.GetConnectedSource()[0].GetPrim())
    if source.GetIdAttr().Get() == "UsdUVTexture":
        found["image"] = _picture(source.GetInput("file").Get(), path)
        scale = source.GetInput("scale")
        if scale and scale.Get() is not None:
            found["scale"] = tuple(scale.Get())[:3]
    return found


def _bytes(linear: tuple[float, ...]) -> np.ndarray:
    """A linear colour as trimesh keeps factors."""
    return (np.array([*linear, 1.0]).clip(0, 1) * 255).round().astype(np.uint8)


def _picture(asset: Any, path: Path) -> Image.Image:
    """A picture of the package, by the path that the library resolved: ``package[name]``."""
    resolved = asset.resolvedPath if asset is not None else ""
    inner = resolved.partition("[")[2].removesuffix("]")
    with zipfile.ZipFile(path) as archive:
        if inner not in archive.namelist():
            raise InputError(f"{path}: its picture '{resolved[:200]}' is not in the package")
        data = archive.read(inner)
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            return picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: its picture '{inner}' is not readable ({error})") from error
