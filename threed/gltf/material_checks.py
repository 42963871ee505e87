"""Flaws of materials and textures that make an asset dark, see-through or rough in viewers."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from threed.gltf.document import GltfFile, child, numbers
from threed.gltf.findings import Finding, listed
from threed.gltf.images import image_header, image_rgba, texture_image
from threed.gltf.primitives import Primitive
from threed.open_edges import has_open_edges

TRIMESH_GREY = 0.4
"""The diffuse colour of OBJ's default material, which some exporters multiply textures by."""


def factor_findings(file: GltfFile, parts: list[Primitive]) -> Iterator[Finding]:
    """Factors that are left to glTF's defaults, or darken the texture."""
    metallic = [
        str(index) for index, one in enumerate(file.entries("materials"))
        if "metallicFactor" not in (factors := child(one, "pbrMetallicRoughness"))
        and "metallicRoughnessTexture" not in factors
        and "KHR_materials_unlit" not in child(one, "extensions")
    ]  # fmt: skip
    metallic += [f"of {part.name} (none)" for part in parts if part.material is None]
    if metallic:
        yield Finding(
            "missing-metallic-factor", "warning",
            f"{listed('materials', metallic)} leave metallicFactor out, whose default is 1: "
            "full metal, black without an environment to mirror",
            "write metallicFactor 0 and roughnessFactor explicitly",
        )  # fmt: skip
    grey = [index for index, one in enumerate(file.entries("materials"))
            if _is_greyed(child(one, "pbrMetallicRoughness"))]  # fmt: skip
    if grey:
        yield Finding(
            "grey-base-color", "warning",
            f"{listed('materials', grey)} multiply their texture by baseColorFactor "
            f"{TRIMESH_GREY}: it is shown at 40 % of its light",
            "write baseColorFactor [1, 1, 1, 1] beside a texture",
        )  # fmt: skip


def sampler_findings(file: GltfFile) -> Iterator[Finding]:
    """Textures that leave filtering to the viewer."""
    bare = [index for index, one in enumerate(file.entries("textures")) if "sampler" not in one]
    if bare:
        yield Finding(
            "missing-sampler", "warning",
            f"{listed('textures', bare)} have no sampler: whether mip maps are used, and "
            "whether they repeat, is left to the viewer",
            "write a sampler with linear filters, mip maps and the wrap mode that is meant",
        )  # fmt: skip


def size_findings(file: GltfFile) -> Iterator[Finding]:
    """Textures whose sides are no powers of two."""
    odd = []
    for index in range(len(file.entries("images"))):
        header = image_header(file, index)
        if any(side & (side - 1) for side in (header.width, header.height)):
            odd.append(f"{index} ({header.width} x {header.height})")
    if odd:
        yield Finding(
            "texture-not-power-of-two", "info",
            f"{listed('images', odd)} have sides that are no powers of two; old devices scale "
            "or refuse them",
            "scale textures to 256, 512, 1024, ...",
        )  # fmt: skip


def alpha_findings(file: GltfFile) -> Iterator[Finding]:
    """Transparency in a texture that the material does not switch on."""
    ignored = []
    for index, material in enumerate(file.entries("materials")):
        texture = child(child(material, "pbrMetallicRoughness"), "baseColorTexture")
        if material.get("alphaMode", "OPAQUE") != "OPAQUE" or not texture:
            continue
        image = texture_image(file, texture, f"materials[{index}]")
        if image is None or image_header(file, image).mode in ("RGB", "L"):
            continue
        if int(image_rgba(file, image)[..., 3].min()) < 255:
            ignored.append(index)
    if ignored:
        yield Finding(
            "opaque-alpha", "warning",
            f"the textures of {listed('materials', ignored)} have transparent texels, but "
            "alphaMode is OPAQUE, which ignores them: what should be clear shows its hidden colour",
            "write alphaMode MASK or BLEND, or a texture without alpha",
        )  # fmt: skip


def side_findings(file: GltfFile, parts: list[Primitive]) -> Iterator[Finding]:
    """Open surfaces that vanish from behind, closed ones that are drawn from both sides."""
    if not parts:
        return
    is_open = has_open_edges(np.concatenate([part.world[part.faces] for part in parts]))
    materials = file.entries("materials")
    shown = {part.material for part in parts}
    double = {m for m in shown if m is not None and materials[m].get("doubleSided", False)}
    if is_open and shown - double:
        yield Finding(
            "single-sided-open-surface", "warning",
            "the surface has open edges and is drawn from its front only (doubleSided is false): "
            "one sees through it from behind",
            "write doubleSided true, or close the surface",
        )  # fmt: skip
    if not is_open and double:
        yield Finding(
            "double-sided-closed-surface", "info",
            f"the surface is closed, but {listed('materials', sorted(double))} are doubleSided, "
            "which costs time and hides faces that are inside out",
            "write doubleSided false",
        )  # fmt: skip


def _is_greyed(factors: dict[str, Any]) -> bool:
    factor = numbers(factors, "baseColorFactor", [1.0] * 4, "material")
    if "baseColorTexture" not in factors:
        return False
    return bool(np.allclose(factor[:3], TRIMESH_GREY, atol=0.005))
