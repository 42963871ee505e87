"""Assets as binary glTF files that look the same everywhere.

Whatever glTF would otherwise leave to the viewer is explicit: normals, metallic and roughness
factors (the default is full metal, black under most lights), which sides are drawn, how
transparency is, how textures are filtered. Vertex colours are linear, as glTF has them, in 16 bits.
"""

import io
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from common.raster.color import srgb_to_linear
from threed.asset_formats import TextureFormat
from threed.open_edges import has_open_edges

if TYPE_CHECKING:
    import trimesh
    from PIL.Image import Image

JPEG_QUALITY = 95
ALPHA_CUTOFF = 0.5
CUT_OUT = 0.99
"""Share of texels that are wholly clear or wholly opaque in a texture that is cut out."""
_LINEAR, _MIPMAPPED, _REPEAT, _CLAMP = 9729, 9987, 10497, 33071
_VERTEX_DATA, _INDICES = 34962, 34963
_COLORS = "_COLOR_0"
"""Custom attributes keep their type on the way out; the name loses its underscore at the end."""


def glb_bytes(mesh: "trimesh.Trimesh", texture: TextureFormat = "png") -> bytes:
    """The mesh as a binary glTF file.

    Args:
        mesh: +Y up, front +Z, metres. Where its material does not say how it is transparent, its
            texture does: MASK if it is cut out, BLEND if it is translucent. A material that does
            not say so is drawn from both sides if the surface is open.
        texture: png keeps every texel; jpeg (quality 95, colours at full resolution) is smaller,
            and is not used for textures with transparency.
    """
    whole = _with_linear_colors(_with_explicit_alpha(mesh))
    wrap = _REPEAT if _repeats(whole) else _CLAMP
    double_sided = has_open_edges(whole.triangles)

    def finish(tree: dict[str, Any]) -> None:
        _explicit_materials(tree, double_sided)
        _explicit_samplers(tree, wrap)
        _explicit_targets(tree)
        for one in tree["meshes"]:
            one.pop("extras", None)  # names of the files that it came from
            for primitive in one["primitives"]:
                _rename_colors(tree, primitive["attributes"])

    def encode(items: dict[int, bytes], tree: dict[str, Any]) -> None:
        if texture == "jpeg":
            _encode_as_jpeg(items, tree)

    data = whole.export(
        file_type="glb", include_normals=True, tree_postprocessor=finish,
        buffer_postprocessor=encode,
    )  # fmt: skip
    assert isinstance(data, bytes)
    return data


def alpha_mode(image: "Image") -> Literal["OPAQUE", "MASK", "BLEND"]:
    """How a texture is transparent, by its alpha channel."""
    if not image.has_transparency_data:
        return "OPAQUE"
    alpha = np.asarray(image.convert("RGBA"))[..., 3]
    if alpha.min() == 255:
        return "OPAQUE"
    return "MASK" if ((alpha == 0) | (alpha == 255)).mean() >= CUT_OUT else "BLEND"


def _with_explicit_alpha(mesh: "trimesh.Trimesh") -> "trimesh.Trimesh":
    """The mesh with a texture that is as transparent as its material says.

    Pictures lose the memory of the file that they came from, which would be written as a JPEG of
    low quality again.
    """
    import trimesh
    from trimesh.visual import TextureVisuals
    from trimesh.visual.material import PBRMaterial

    visual: Any = mesh.visual
    if not isinstance(visual, TextureVisuals) or not isinstance(visual.material, PBRMaterial):
        return mesh
    material = visual.material.copy()
    material.doubleSided = visual.material.doubleSided  # whose absence the copy forgets
    image = material.baseColorTexture
    if image is not None:
        material.alphaMode = material.alphaMode or alpha_mode(image)
        kept = "RGB" if material.alphaMode == "OPAQUE" else "RGBA"
        material.baseColorTexture = image.convert(kept).copy()
        if material.alphaMode == "MASK" and material.alphaCutoff is None:
            material.alphaCutoff = ALPHA_CUTOFF
    for name in ("metallicRoughnessTexture", "normalTexture", "occlusionTexture",
                 "emissiveTexture"):  # fmt: skip
        other = getattr(material, name)
        if other is not None:
            setattr(material, name, other.convert("RGB").copy())
    return trimesh.Trimesh(
        mesh.vertices, mesh.faces, vertex_normals=mesh.vertex_normals,
        visual=TextureVisuals(uv=visual.uv, material=material), process=False,
    )  # fmt: skip


def _with_linear_colors(mesh: "trimesh.Trimesh") -> "trimesh.Trimesh":
    """The mesh with its colours as a 16-bit linear attribute; faces with colours stand alone."""
    import trimesh
    from trimesh.visual import TextureVisuals
    from trimesh.visual.material import PBRMaterial

    visual: Any = mesh.visual
    if visual.kind not in ("vertex", "face"):
        return mesh
    vertices, faces, normals = (
        np.asarray(one) for one in (mesh.vertices, mesh.faces, mesh.vertex_normals)
    )
    colors = visual.vertex_colors
    if visual.kind == "face":
        vertices, normals = vertices[faces.ravel()], normals[faces.ravel()]
        colors = np.repeat(visual.face_colors, 3, axis=0)
        faces = np.arange(len(vertices)).reshape(-1, 3)
    encoded = torch.from_numpy(np.asarray(colors, dtype=np.float64) / 255)
    linear = torch.cat([srgb_to_linear(encoded[:, :3]), encoded[:, 3:]], 1)
    stored = (linear * 65535).round().numpy().astype(np.uint16)
    opaque = bool((stored[:, 3] == 65535).all())
    material = PBRMaterial(
        baseColorFactor=[255, 255, 255, 255], metallicFactor=0.0, roughnessFactor=1.0,
        alphaMode="OPAQUE" if opaque else "BLEND",
    )  # fmt: skip
    return trimesh.Trimesh(
        vertices, faces, vertex_normals=normals, visual=TextureVisuals(material=material),
        vertex_attributes={_COLORS: stored}, process=False,
    )  # fmt: skip


def _rename_colors(tree: dict[str, Any], attributes: dict[str, int]) -> None:
    index = attributes.pop(_COLORS, None)
    if index is not None:
        attributes["COLOR_0"] = index
        tree["accessors"][index]["normalized"] = True


def _explicit_materials(tree: dict[str, Any], double_sided: bool) -> None:
    """Give every primitive a material, and every material what it leaves out."""
    materials = tree.setdefault("materials", [])
    for mesh in tree["meshes"]:
        for primitive in mesh["primitives"]:
            if "material" not in primitive:
                primitive["material"] = len(materials)
                materials.append({})
    for material in materials:
        material.setdefault("doubleSided", double_sided)
        material.setdefault("alphaMode", "OPAQUE")
        factors = material.setdefault("pbrMetallicRoughness", {})
        if "metallicRoughnessTexture" not in factors:
            factors.setdefault("metallicFactor", 0.0)
            factors.setdefault("roughnessFactor", 1.0)


def _repeats(mesh: "trimesh.Trimesh") -> bool:
    """Whether texture coordinates leave the picture, which then is meant to repeat."""
    uv = getattr(mesh.visual, "uv", None)
    return uv is not None and bool((uv < -1e-4).any() or (uv > 1 + 1e-4).any())


def _explicit_samplers(tree: dict[str, Any], wrap: int) -> None:
    if tree.get("textures"):
        tree["samplers"] = [
            {"magFilter": _LINEAR, "minFilter": _MIPMAPPED, "wrapS": wrap, "wrapT": wrap}
        ]
        for texture in tree["textures"]:
            texture["sampler"] = 0


def _explicit_targets(tree: dict[str, Any]) -> None:
    """Say of each buffer view whether it holds vertices or indices."""

    def mark(accessor: int, target: int) -> None:
        tree["bufferViews"][tree["accessors"][accessor]["bufferView"]]["target"] = target

    for mesh in tree["meshes"]:
        for primitive in mesh["primitives"]:
            mark(primitive["indices"], _INDICES)
            for accessor in primitive["attributes"].values():
                mark(accessor, _VERTEX_DATA)


def _encode_as_jpeg(items: dict[int, bytes], tree: dict[str, Any]) -> None:
    """Replace PNG pictures without transparency by JPEGs, before offsets are known."""
    from PIL import Image

    keys = list(items)
    for entry in tree.get("images", []):
        key = keys[entry["bufferView"]]
        with Image.open(io.BytesIO(items[key])) as picture:
            if picture.mode != "RGB":
                continue
            encoded = io.BytesIO()
            picture.save(encoded, "JPEG", quality=JPEG_QUALITY, subsampling="4:4:4")
        data = encoded.getvalue()
        items[key] = data + b"\0" * (-len(data) % 4)
        entry["mimeType"] = "image/jpeg"
