"""What is in a splat file, a line each, for ``run.py inspect``."""

from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from threed.gltf.document import parse_gltf
from threed.mesh_description import described_mesh
from threed.mesh_headers import check_declared
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.splats.axes import OURS, axes_in_words
from threed.splats.contents import file_bytes
from threed.splats.dot_splat import DEFAULT_AXES as DOT_SPLAT_AXES
from threed.splats.dot_splat import read_dot_splat
from threed.splats.khr_gltf import EXTENSION, has_splats, read_khr_gltf
from threed.splats.ply import axes_of_ply, is_splat_ply, read_ply
from threed.splats.ply_table import MAX_HEADER_BYTES, PlyHeader, read_ply_header
from threed.splats.spz import read_spz
from threed.splats.spz_container import unpack
from threed.splats.traps import traps_of

_MAX_LISTED = 60
_ASSUMED = "nothing in the file says so; read it with other axes if it stands askew"


def described_ply(path: Path) -> list[str]:
    """A PLY file: Gaussians, or a mesh or points.

    Raises:
        InputError: no PLY file, or damaged Gaussians.
    """
    with path.open("rb") as file:
        header = read_ply_header(file.read(MAX_HEADER_BYTES))
    if not is_splat_ply(header):
        check_declared(path)
        return _plain_ply(header, path)
    axes, stated = axes_of_ply(header), "stated in a comment"
    if not any("vertical axis" in comment.lower() for comment in header.comments):
        stated = _ASSUMED
    return [
        f"Gaussians in INRIA's PLY, {header.format}, "
        f"{'with' if 'nx' in header.vertex_names else 'without'} normals",
        _axes_line(axes, stated),
        *described_cloud(read_ply(path)),
    ]


def described_splats(path: Path) -> list[str]:
    """A ``.splat`` or ``.spz`` file.

    Raises:
        InputError: foreign or damaged.
    """
    if path.suffix.lower() == ".splat":
        cloud = read_dot_splat(path)
        first = ["Gaussians in antimatter15's .splat", _axes_line(DOT_SPLAT_AXES, _ASSUMED)]
        return [*first, *described_cloud(cloud)]
    data = file_bytes(path)
    parts = unpack(data)
    lines = [
        f"Gaussians in Niantic's .spz, version {parts.version}, "
        f"{parts.fractional_bits} bits after the point, "
        f"trained {'with' if parts.antialiased else 'without'} antialiasing",
        _axes_line(parts.axes or OURS, "stated in an extension" if parts.axes else "the format's"),
    ]
    return [*lines, *described_cloud(read_spz(data))]


def described_khr(path: Path) -> list[str]:
    """The Gaussians of a GLB; nothing if it has none.

    Raises:
        InputError: no glTF 2, or damaged.
    """
    data = file_bytes(path)
    if not has_splats(parse_gltf(data)):
        return []
    return [
        f"Gaussians in {EXTENSION} (a Release Candidate)",
        _axes_line(OURS, "glTF's"),
        *described_cloud(read_khr_gltf(data)),
    ]


def described_cloud(cloud: GaussianCloud) -> list[str]:
    """Count, degree, bounds and quantiles of a cloud, and its traps; lengths in our world."""
    low, high = _bounds(cloud.means, 0.0), _bounds(cloud.means, 1.0)
    inner = zip(_bounds(cloud.means, 0.01), _bounds(cloud.means, 0.99), strict=True)
    outer = zip("xyz", low, high, strict=True)
    return [
        f"{len(cloud):,} Gaussians, colours of degree {cloud.degree} "
        f"({cloud.sh.shape[1]} coefficients a channel)",
        "bounds (y up): " + ", ".join(f"{name} {a:.4g} to {b:.4g}" for name, a, b in outer),
        "98 % within: " + ", ".join(f"{a:.4g} to {b:.4g}" for a, b in inner),
        f"opacity, quantiles 5 50 95 %: {_quantiles(cloud.opacities)}",
        f"longest axis, quantiles 5 50 95 %: {_quantiles(cloud.scales.amax(-1))}",
        f"shortest axis, quantiles 5 50 95 %: {_quantiles(cloud.scales.amin(-1))}",
        *(f"note: {trap}" for trap in traps_of(cloud)),
    ]


def _axes_line(axes: str, why: str) -> str:
    return f"axes: {axes} ({axes_in_words(axes)}), {why}"


def _bounds(means: Tensor, share: float) -> list[float]:
    values: list[float] = np.quantile(means.double().cpu().numpy(), share, axis=0).tolist()
    return values


def _quantiles(values: Tensor) -> str:
    found = np.quantile(values.double().cpu().numpy(), [0.05, 0.5, 0.95])
    return " ".join(f"{value:.3g}" for value in found)


def _plain_ply(header: PlyHeader, path: Path) -> list[str]:
    counts = ", ".join(f"{element.count:,} {element.name}" for element in header.elements)
    faces = any(element.name == "face" and element.count for element in header.elements)
    rows = [
        f"  {element.name}: {', '.join(f'{name} {kind}' for name, kind in element.properties)}"
        for element in header.elements
    ]
    return [f"a {'mesh' if faces else 'point cloud'} in PLY, {header.format}: {counts}",
            *rows[:_MAX_LISTED], *(described_mesh(path) if faces else [])]  # fmt: skip


def _count(accessors: list[dict[str, Any]], index: Any) -> int:
    known = isinstance(index, int) and 0 <= index < len(accessors)
    return int(accessors[index].get("count", 0)) if known else 0
