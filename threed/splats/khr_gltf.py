"""Gaussians in binary glTF: the extension ``KHR_gaussian_splatting``.

Status of the extension: Release Candidate in the Khronos repository (text of July 2026), not
ratified; its attributes may still change, and the Khronos validator does not know them yet.

A primitive of points with, for each Gaussian,

    POSITION                                          centre
    KHR_gaussian_splatting:ROTATION                   x y z w, of length 1
    KHR_gaussian_splatting:SCALE                      metres (linear), 0 or more
    KHR_gaussian_splatting:OPACITY                    0 to 1
    KHR_gaussian_splatting:SH_DEGREE_l_COEF_n         R G B, one accessor for each, m from -l
    COLOR_0                                           what viewers without the extension show:
                                                      the constant's colour, linear, and opacity

with the kernel ``ellipse`` and colours in ``srgb_rec709_display``, which are ours. Degrees 0 to 3;
`khr_losses` says what degree 4 loses. Axes are glTF's (+Y up, front +Z): ours.
"""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from common.errors import InputError
from common.raster.color import srgb_to_linear
from threed.gltf.accessors import float_values
from threed.gltf.document import Entry, GltfFile, entries, parse_gltf
from threed.gltf.primitives import placed_nodes
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.similarity import moved_cloud
from threed.scenes.spherical_harmonics import SH_CONSTANT
from threed.splats.axes import OURS, from_axes
from threed.splats.contents import check_whole, file_bytes, logits_of, logs_of, numpy_of

EXTENSION = "KHR_gaussian_splatting"
MAX_DEGREE = 3
_SETTINGS = {
    "kernel": "ellipse", "colorSpace": "srgb_rec709_display",
    "projection": "perspective", "sortingMethod": "cameraDistance",
}  # fmt: skip
_FLOAT, _U16 = 5126, 5123
_VERTICES = 34962
_POINTS = 0
_NOT_UNIFORM = 1e-4


def has_splats(file: GltfFile) -> bool:
    """Whether any mesh of a glTF file holds Gaussians."""
    return any(_splats_of_mesh(file, index) for index in range(len(file.entries("meshes"))))


def read_khr_gltf(source: Path | bytes, axes: str | None = None) -> GaussianCloud:
    """Read all Gaussians that the file's scene shows, where its nodes put them, float32.

    Args:
        source: a path, or the file's bytes.
        axes: of a file that did not turn its scene to glTF's axes; None for glTF's.

    Raises:
        InputError: no glTF, no Gaussians, damaged, or of a kernel, colour space or compression that
            is not known.
    """
    file = parse_gltf(file_bytes(source))
    clouds = [
        _placed(_read_primitive(file, primitive), torch.from_numpy(matrix))
        for node, matrix in placed_nodes(file)
        if (index := file.entries("nodes")[node].get("mesh")) is not None
        for primitive in _splats_of_mesh(file, index)
    ]
    if not clouds:
        raise InputError(f"shows no Gaussians: no mesh in its scene has {EXTENSION}")
    return from_axes(check_whole(_joined(clouds)), axes or OURS)


def khr_gltf_bytes(cloud: GaussianCloud) -> bytes:
    """A GLB file with one mesh of Gaussians; ask `khr_losses` what it leaves out.

    Raises:
        InputError: values that are no numbers, or scales beyond float32.
    """
    check_whole(cloud)
    columns = _columns(cloud)
    accessors: list[dict[str, Any]] = []
    views: list[dict[str, Any]] = []
    chunk = bytearray()
    for values in columns.values():
        raw = values.tobytes()
        views.append({"buffer": 0, "byteOffset": len(chunk), "byteLength": len(raw),
                      "target": _VERTICES})  # fmt: skip
        accessors.append(_accessor(len(views) - 1, values))
        chunk += raw
    accessors[0]["min"] = columns["POSITION"].min(0).tolist()
    accessors[0]["max"] = columns["POSITION"].max(0).tolist()
    primitive = {"attributes": {name: index for index, name in enumerate(columns)},
                 "mode": _POINTS, "extensions": {EXTENSION: _SETTINGS}}  # fmt: skip
    tree = {
        "asset": {"version": "2.0", "generator": "Extrude"},
        "extensionsUsed": [EXTENSION],
        "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [primitive]}],
        "accessors": accessors, "bufferViews": views, "buffers": [{"byteLength": len(chunk)}],
    }  # fmt: skip
    text = json.dumps(tree, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    chunk += b"\0" * (-len(chunk) % 4)
    total = 28 + len(text) + len(chunk)
    if total >= 2**32:
        raise InputError(f"a GLB holds at most 4 GiB, these Gaussians take {total:,} bytes")
    return b"".join([
        struct.pack("<4s2I", b"glTF", 2, total), struct.pack("<I4s", len(text), b"JSON"), text,
        struct.pack("<I4s", len(chunk), b"BIN\0"), chunk,
    ])  # fmt: skip


def khr_losses(cloud: GaussianCloud) -> tuple[str, ...]:
    """What the file does not keep of a cloud."""
    if cloud.degree > MAX_DEGREE:
        return (f"harmonics of degree {cloud.degree} are dropped: the extension ends at degree 3",)
    return ()


def _columns(cloud: GaussianCloud) -> dict[str, np.ndarray]:
    """The attributes in the order in which they are written."""
    scales = numpy_of(cloud.log_scales.double().exp())
    if not bool(np.isfinite(scales).all()):
        raise InputError(f"a scale of e^{float(cloud.log_scales.max()):.1f} m does not fit a GLB")
    unit = torch.nn.functional.normalize(cloud.quaternions.double(), dim=-1).roll(-1, dims=-1)
    opacities = cloud.opacity_logits.double().sigmoid()[:, None]
    colour = srgb_to_linear((0.5 + SH_CONSTANT * cloud.sh[:, 0].double()).clamp(0, 1))
    shown = (torch.cat([colour, opacities], 1) * 65535).round()
    columns = {
        "POSITION": numpy_of(cloud.means),
        "COLOR_0": shown.detach().cpu().numpy().astype("<u2"),
        f"{EXTENSION}:ROTATION": numpy_of(unit),
        f"{EXTENSION}:SCALE": scales,
        f"{EXTENSION}:OPACITY": numpy_of(opacities),
    }
    for k in range((min(cloud.degree, MAX_DEGREE) + 1) ** 2):
        columns[_sh_name(k)] = numpy_of(cloud.sh[:, k])
    return columns


def _accessor(view: int, values: np.ndarray) -> dict[str, Any]:
    kind = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}[values.shape[1]]
    accessor = {"bufferView": view, "componentType": _FLOAT, "count": len(values), "type": kind}
    if values.dtype.kind == "u":
        accessor |= {"componentType": _U16, "normalized": True}
    return accessor


def _sh_name(k: int) -> str:
    degree = int(k**0.5)
    return f"{EXTENSION}:SH_DEGREE_{degree}_COEF_{k - degree * degree}"


def _splats_of_mesh(file: GltfFile, index: object) -> list[Entry]:
    """The primitives of one mesh that hold Gaussians, each with its settings and attributes."""
    found = []
    for primitive in entries(file.entry("meshes", index, "a node"), "primitives"):
        extensions = primitive.get("extensions", {})
        if not isinstance(extensions, dict) or EXTENSION not in extensions:
            continue
        parts = (extensions[EXTENSION], primitive.get("attributes"))
        if not all(isinstance(part, dict) for part in parts):
            raise InputError(f"this glTF is damaged: mesh {index} has Gaussians without attributes")
        found.append(primitive)
    return found


def _read_primitive(file: GltfFile, primitive: Entry) -> GaussianCloud:
    _check_settings(primitive)
    attributes = primitive["attributes"]

    def column(name: str, width: int) -> np.ndarray:
        if name not in attributes:
            raise InputError(f"has Gaussians without the attribute {name}")
        return float_values(file, attributes[name], name, (width,))

    degree = max([d for d in range(1, MAX_DEGREE + 1) if _sh_name(d * d) in attributes], default=0)
    sh = [column(_sh_name(k), 3) for k in range((degree + 1) ** 2)]
    return GaussianCloud(
        torch.from_numpy(column("POSITION", 3)),
        torch.from_numpy(logs_of(column(f"{EXTENSION}:SCALE", 3))),
        torch.from_numpy(np.roll(column(f"{EXTENSION}:ROTATION", 4), 1, axis=1)),
        torch.from_numpy(logits_of(column(f"{EXTENSION}:OPACITY", 1)[:, 0])),
        torch.from_numpy(np.stack(sh, 1)),
    )


def _check_settings(primitive: dict[str, Any]) -> None:
    settings = primitive["extensions"][EXTENSION]
    for name in ("kernel", "colorSpace"):
        if settings.get(name) != _SETTINGS[name]:
            raise InputError(
                f"has Gaussians with the {name} '{settings.get(name)}'; "
                f"'{_SETTINGS[name]}' is known"
            )
    if settings.get("extensions"):
        raise InputError(
            f"has Gaussians with {', '.join(sorted(settings['extensions']))}, which is not read; "
            "write them without compression"
        )
    if primitive.get("mode", 4) != _POINTS:
        raise InputError("is damaged: Gaussians are points (mode 0)")


def _placed(cloud: GaussianCloud, matrix: Tensor) -> GaussianCloud:
    """A primitive's Gaussians where its node puts them."""
    if bool((matrix == torch.eye(4)).all()):
        return cloud
    scales = matrix[:3, :3].norm(dim=0)
    scale = float(scales.mean())
    if not scale > 0 or float((scales / scale - 1).abs().max()) > _NOT_UNIFORM:
        raise InputError(
            f"has a node that scales Gaussians by {scales.tolist()}; they keep their shape only "
            "if all three are one number above 0"
        )
    return moved_cloud(cloud, matrix[:3, :3] / scale, scale=scale, shift=matrix[:3, 3])


def _joined(clouds: list[GaussianCloud]) -> GaussianCloud:
    count = max(cloud.sh.shape[1] for cloud in clouds)
    padded = [torch.nn.functional.pad(c.sh, (0, 0, 0, count - c.sh.shape[1])) for c in clouds]
    return GaussianCloud(
        torch.cat([c.means for c in clouds]),
        torch.cat([c.log_scales for c in clouds]),
        torch.cat([c.quaternions for c in clouds]),
        torch.cat([c.opacity_logits for c in clouds]),
        torch.cat(padded),
    )
