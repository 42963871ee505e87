"""A glTF scene as one trimesh mesh, and a clause for everything that got lost on the way."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from common.errors import InputError
from common.raster.color import linear_to_srgb
from threed.gltf.document import Entry, GltfFile, child, numbers
from threed.gltf.images import image_rgba, texture_image
from threed.gltf.primitives import Primitive, primitives
from threed.gltf.structure_checks import unknown_extensions

if TYPE_CHECKING:
    import trimesh
    from PIL.Image import Image

PLAIN_EXTENSIONS = ("KHR_materials_unlit", "KHR_texture_transform", "KHR_mesh_quantization")
_LEFT_OUT = ("animations", "skins", "cameras")
_TEXTURES = ("baseColorTexture", "metallicRoughnessTexture", "normalTexture",
             "occlusionTexture", "emissiveTexture")  # fmt: skip


@dataclass(frozen=True, eq=False)
class ReadMesh:
    """A mesh from a file."""

    mesh: "trimesh.Trimesh"
    losses: tuple[str, ...] = ()
    """What the file held that the mesh does not, a clause each."""
    parts: tuple[tuple[str, int], ...] = ()
    """The name of a material and how many faces have it, in the faces' order; empty where the file
    names none."""


def gltf_trimesh(file: GltfFile) -> ReadMesh:
    """All triangles of the scene in one mesh, transforms applied, several materials packed.

    Vertex colours become sRGB bytes, as trimesh has them, and v counts from the bottom.

    Raises:
        InputError: it draws no triangles, is damaged, or needs an extension that is not read.
    """
    import trimesh

    unknown = unknown_extensions(file)
    if unknown:
        raise InputError(f"needs {', '.join(unknown)}, which is not read; export without it")
    parts = primitives(file)
    if not parts:
        raise InputError("has no faces; a point cloud or scan must be meshed first")
    losses = [f"{key} are left out" for key in _LEFT_OUT if file.entries(key)]
    groups: dict[int | None, list[Primitive]] = {}
    for part in parts:
        groups.setdefault(part.material, []).append(part)
    built = [_group(file, material, found, losses) for material, found in groups.items()]
    named = tuple(
        ("" if key is None else str(file.entry("materials", key, "a primitive").get("name", "")),
         len(one.faces))
        for key, one in zip(groups, built, strict=True)
    )  # fmt: skip
    if len(built) == 1:
        return ReadMesh(built[0], tuple(losses), named)
    losses.append(f"{len(built)} materials became one, their textures packed on one page")
    whole: Any = trimesh.util.concatenate(built)
    if hasattr(whole.visual, "material"):
        chosen = [file.entry("materials", one, "a primitive") for one in groups if one is not None]
        whole.visual.material.doubleSided = any(one.get("doubleSided", False) for one in chosen)
    return ReadMesh(whole, tuple(losses), named)


def _group(
    file: GltfFile, material: int | None, parts: list[Primitive], losses: list[str]
) -> "trimesh.Trimesh":
    """The parts of one material as a mesh."""
    import trimesh
    from trimesh.visual import ColorVisuals, TextureVisuals

    starts = np.cumsum([0, *(len(part.positions) for part in parts)])
    faces = [(part.faces[:, ::-1] if part.is_mirrored else part.faces) + start
             for part, start in zip(parts, starts[:-1], strict=True)]  # fmt: skip
    entry = {} if material is None else file.entry("materials", material, "a primitive")
    visual: Any = TextureVisuals(uv=_uvs(parts), material=_material(file, entry, losses))
    colors = _colors(parts)
    has_texture = visual.material.baseColorTexture is not None
    if colors is not None and has_texture:
        losses.append("vertex colours that tint a texture are left out")
    elif colors is not None:
        factor = numbers(child(entry, "pbrMetallicRoughness"), "baseColorFactor", [1.0] * 4, "")
        if visual.material.metallicFactor or visual.material.roughnessFactor != 1:
            losses.append("metallic and roughness beside vertex colours are left out")
        visual = ColorVisuals(vertex_colors=_srgb_bytes(colors * np.array(factor)))
    return trimesh.Trimesh(
        np.concatenate([part.world for part in parts]), np.concatenate(faces),
        vertex_normals=_normals(parts), visual=visual, process=False,
    )  # fmt: skip


def _normals(parts: list[Primitive]) -> NDArray[np.float64] | None:
    """Unit normals in the world; None where a part has none, and trimesh makes smooth ones."""
    rows = []
    for part in parts:
        if part.normals is None:
            return None
        linear = part.matrix[:3, :3]
        if abs(np.linalg.det(linear)) < 1e-30:
            raise InputError(f"{part.name} is scaled to nothing")
        turned = part.normals.astype(np.float64) @ np.linalg.inv(linear)
        rows.append(turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-30))
    return np.concatenate(rows)


def _uvs(parts: list[Primitive]) -> NDArray[np.float64] | None:
    if all(part.uvs is None for part in parts):
        return None
    rows = [np.zeros((len(part.positions), 2)) if part.uvs is None else part.uvs for part in parts]
    uvs = np.concatenate(rows).astype(np.float64)
    uvs[:, 1] = 1 - uvs[:, 1]
    return uvs


def _colors(parts: list[Primitive]) -> NDArray[np.float64] | None:
    """Linear colours ``n 4`` that are not all white; None for none."""
    rows = []
    for part in parts:
        row = np.ones((len(part.positions), 4))
        if part.colors is not None:
            row[:, : part.colors.shape[1]] = part.colors
        rows.append(row)
    colors = np.concatenate(rows).clip(0, 1)
    return None if bool((colors == 1).all()) else colors


def _srgb_bytes(linear: NDArray[np.float64]) -> NDArray[np.uint8]:
    encoded = linear_to_srgb(torch.from_numpy(linear[:, :3])).numpy()
    return (np.concatenate([encoded, linear[:, 3:]], 1) * 255).round().clip(0, 255).astype(np.uint8)


def _material(file: GltfFile, entry: Entry, losses: list[str]) -> Any:
    from trimesh.visual.material import PBRMaterial

    factors = child(entry, "pbrMetallicRoughness")
    dropped = [name for name in child(entry, "extensions") if name not in PLAIN_EXTENSIONS]
    if "KHR_materials_unlit" in child(entry, "extensions"):
        dropped.append("KHR_materials_unlit")
    if dropped:
        losses.append(f"material extensions are left out: {', '.join(dropped)}")
    images = {name: image for name in _TEXTURES
              if (image := _picture(file, entry, name, losses)) is not None}  # fmt: skip
    color = np.array(numbers(factors, "baseColorFactor", [1.0] * 4, "material"))
    return PBRMaterial(
        name=str(entry["name"]) if "name" in entry else None,
        baseColorFactor=(color * 255).round().clip(0, 255).astype(np.uint8),
        metallicFactor=_metallic(factors, losses),
        roughnessFactor=_one(factors, "roughnessFactor", 1.0),
        emissiveFactor=np.array(numbers(entry, "emissiveFactor", [0.0] * 3, "material")),
        doubleSided=bool(entry.get("doubleSided", False)),
        alphaMode=_alpha_mode(entry),
        alphaCutoff=_one(entry, "alphaCutoff", 0.5) if entry.get("alphaMode") == "MASK" else None,
        **images,
    )


def _metallic(factors: Entry, losses: list[str]) -> float:
    """The factor; where it is left out, no metal instead of glTF's full metal, which nobody means.

    Beside a metallic texture the default is what its author saw, and stays.
    """
    if "metallicFactor" in factors or "metallicRoughnessTexture" in factors:
        return _one(factors, "metallicFactor", 1.0)
    losses.append("a metallicFactor that is left out, 1 by default, is taken for 0")
    return 0.0


def _alpha_mode(entry: Entry) -> str:
    mode = entry.get("alphaMode", "OPAQUE")
    if mode not in ("OPAQUE", "MASK", "BLEND"):
        raise InputError(f"a material's alphaMode is {mode!r}; known are OPAQUE, MASK and BLEND")
    return str(mode)


def _one(entry: Entry, key: str, default: float) -> float:
    return numbers({key: [entry.get(key, default)]}, key, [default], "material")[0]


def _picture(file: GltfFile, entry: Entry, name: str, losses: list[str]) -> "Image | None":
    """One picture of a material; those on other coordinates than the base colour's get lost."""
    from PIL import Image

    factors = child(entry, "pbrMetallicRoughness")
    texture = child(factors if name.startswith(("base", "metallic")) else entry, name)
    if not texture:
        return None
    base = child(factors, "baseColorTexture")
    if texture.get("texCoord", 0) != base.get("texCoord", 0):
        losses.append(f"a {name} on coordinates of its own is left out")
        return None
    if name == "normalTexture" and texture.get("scale", 1) != 1:
        losses.append("the scale of a normal map is left out")
    image = texture_image(file, texture, name)
    if image is None:
        losses.append(f"a {name} in a format of an extension is left out")
        return None
    return Image.fromarray(image_rgba(file, image))
