"""What is in a glTF file, in lines for people, and what the linter makes of it."""

from pathlib import Path
from typing import Any

import numpy as np

from common.errors import InputError
from threed.gltf.document import GltfFile, child, entries, read_gltf
from threed.gltf.images import image_header
from threed.gltf.lint import lint
from threed.gltf.primitives import TRIANGLES, Primitive, primitives
from threed.gltf.structure_checks import unknown_extensions

MAX_LISTED = 20


def described_gltf(path: Path) -> list[str]:
    """Nodes, meshes, materials, textures, bounds and findings of a .glb or .gltf file.

    Raises:
        InputError: it is damaged.
    """
    file = read_gltf(path)
    asset = child(file.document, "asset")
    lines = [f"glTF {asset.get('version')}, made by {asset.get('generator', 'an unnamed program')}"]
    readable = not unknown_extensions(file)
    parts = primitives(file) if readable else []
    lines += _counts(file, parts)
    lines += _shortened([_mesh(file, index) for index in range(len(file.entries("meshes")))])
    lines += _shortened(
        [_material(index, one) for index, one in enumerate(file.entries("materials"))]
    )
    lines += _shortened([_image(file, index) for index in range(len(file.entries("images")))])
    if parts:
        lines.append(_bounds(parts))
    findings = lint(file)
    lines.append(f"findings: {len(findings) or 'none'}")
    for finding in findings:
        lines += [f"  {finding.severity} {finding.code}: {finding.message}",
                  f"    fix: {finding.fix}"]  # fmt: skip
    return lines


def _counts(file: GltfFile, parts: list[Primitive]) -> list[str]:
    faces = sum(len(part.faces) for part in parts)
    vertices = sum(len(part.positions) for part in parts)
    names = ("scenes", "nodes", "meshes", "materials", "textures", "images", "animations", "skins")
    counts = [f"{len(found)} {name}" for name in names if (found := file.entries(name))]
    lines = [", ".join(counts) or "empty"]
    if parts:
        lines.append(f"drawn: {faces:,} faces, {vertices:,} vertices in {len(parts)} parts")
    used = file.document.get("extensionsUsed", [])
    if isinstance(used, list) and used:
        lines.append(f"extensions: {', '.join(map(str, used[:MAX_LISTED]))}")
    return lines


def _mesh(file: GltfFile, index: int) -> str:
    mesh = file.entries("meshes")[index]
    kinds, attributes = set(), set()
    for primitive in entries(mesh, "primitives"):
        kinds.add(primitive.get("mode", TRIANGLES))
        attributes |= set(child(primitive, "attributes"))
    drawn = "triangles" if kinds <= {4, 5, 6} else "points" if kinds == {0} else "lines or points"
    return (f"mesh {index}{_name(mesh)}: {drawn}, "
            f"{', '.join(sorted(attributes)) or 'no attributes'}")  # fmt: skip


def _material(index: int, material: dict[str, Any]) -> str:
    factors = child(material, "pbrMetallicRoughness")
    maps: list[str] = [
        name for name in ("baseColorTexture", "metallicRoughnessTexture") if name in factors
    ]
    maps += [name for name in ("normalTexture", "occlusionTexture", "emissiveTexture")
             if name in material]  # fmt: skip
    return (
        f"material {index}{_name(material)}: metallic {factors.get('metallicFactor', 'left out')}, "
        f"roughness {factors.get('roughnessFactor', 'left out')}, "
        f"{material.get('alphaMode', 'OPAQUE')}, "
        f"{'both sides' if material.get('doubleSided', False) else 'one side'}, "
        f"maps: {', '.join(maps) or 'none'}"
    )


def _image(file: GltfFile, index: int) -> str:
    try:
        header = image_header(file, index)
    except InputError as error:
        return f"image {index}: {error}"
    channels = "with alpha" if header.mode in ("RGBA", "LA", "PA") else "no alpha"
    return f"image {index}: {header.format}, {header.width} x {header.height}, {channels}"


def _bounds(parts: list[Primitive]) -> str:
    corners = np.concatenate([part.world[part.faces.ravel()] for part in parts])
    low, high = corners.min(0), corners.max(0)
    size = " x ".join(f"{side:.4g}" for side in high - low)
    ends = " to ".join("(" + ", ".join(f"{one:.4g}" for one in end) + ")" for end in (low, high))
    return f"size: {size} m, from {ends}"


def _name(entry: dict[str, Any]) -> str:
    return f" '{str(entry['name'])[:60]}'" if "name" in entry else ""


def _shortened(lines: list[str]) -> list[str]:
    rest = len(lines) - MAX_LISTED
    return lines if rest <= 0 else [*lines[:MAX_LISTED], f"... and {rest} more"]
