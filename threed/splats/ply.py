"""INRIA's PLY: what trainers of Gaussian splatting write and every viewer reads.

One vertex per Gaussian, in any order of properties:

    x y z                      centre
    nx ny nz                   zeros, in INRIA's files; gsplat and others leave them out
    f_dc_0..2                  coefficient of the constant, R G B
    f_rest_0..(3K - 1)         the others, channel by channel: all of R, all of G, all of B;
                               K = (degree + 1)^2 - 1
    opacity                    logit
    scale_0..2                 natural logarithm
    rot_0..3                   w x y z, of any length

What is stored is what `GaussianCloud` stores, so that nothing is lost in float32. Degrees 0 to 4
are told by the number of properties. ``red green blue`` stand in for ``f_dc`` where a writer left
it out (nerfstudio's ``ply_color_mode=rgb``). Axes are COLMAP's (``RDF``) unless a comment
``Vertical Axis: z`` (nerfstudio) or ``y`` says otherwise; see `threed.splats.axes`.
"""

import math
from pathlib import Path

import numpy as np
import torch
from einops import rearrange

from common.errors import InputError
from threed.scenes.gaussian_cloud import MAX_SH_DEGREE, GaussianCloud
from threed.scenes.spherical_harmonics import SH_CONSTANT
from threed.splats.axes import from_axes, to_axes
from threed.splats.contents import check_whole, file_bytes, numpy_of
from threed.splats.ply_table import PlyHeader, read_ply_header, vertex_table

DEFAULT_AXES = "RDF"
_VERTICAL = {"z": "RFU", "y": "RUB"}
_BODY = ("scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3", "opacity")
_PACKED = "packed_position"


def is_splat_ply(header: PlyHeader) -> bool:
    """Whether a PLY file holds Gaussians rather than a mesh or points."""
    names = header.vertex_names
    return _PACKED in names or {"opacity", "scale_0", "rot_0"} <= set(names)


def axes_of_ply(header: PlyHeader) -> str:
    """The axes that the file states, or INRIA's."""
    for comment in header.comments:
        key, _, value = comment.partition(":")
        if key.strip().lower() == "vertical axis" and value.strip().lower() in _VERTICAL:
            return _VERTICAL[value.strip().lower()]
    return DEFAULT_AXES


def read_ply(source: Path | bytes, axes: str | None = None) -> GaussianCloud:
    """Read Gaussians, float32, into our world.

    Args:
        source: a path, or the file's bytes.
        axes: of the file, such as ``RFU``; None for what the file says, or ``RDF``.

    Raises:
        InputError: not a PLY file of Gaussians, cut off, or with values that are no numbers.
    """
    data = file_bytes(source)
    header = read_ply_header(data)
    _check_names(header)
    table = vertex_table(data, header)
    rest = _rest(table, header.vertex_names)
    dc = _constant(table, header.vertex_names)
    cloud = GaussianCloud(
        _columns(table, "x", "y", "z"),
        _columns(table, *_BODY[:3]),
        _columns(table, *_BODY[3:7]),
        _columns(table, "opacity")[:, 0],
        torch.cat([rearrange(dc, "n c -> n 1 c"), rest], 1),
    )
    return from_axes(check_whole(cloud), axes or axes_of_ply(header))


def ply_bytes(cloud: GaussianCloud, axes: str | None = None, *, normals: bool = True) -> bytes:
    """A PLY file in INRIA's order.

    Args:
        cloud: of our world.
        axes: to write in; None for ``RDF``. ``RFU`` and ``RUB`` are stated in a comment.
        normals: whether to write the three zeros that INRIA's readers expect.
    """
    axes = axes or DEFAULT_AXES
    placed = to_axes(check_whole(cloud), axes)
    names = property_names(cloud.degree, normals)
    table = np.zeros((len(cloud), len(names)), "<f4")
    parts = [placed.means, placed.sh[:, 0], rearrange(placed.sh[:, 1:], "n k c -> n (c k)"),
             placed.opacity_logits[:, None], placed.log_scales, placed.quaternions]  # fmt: skip
    values = np.concatenate([numpy_of(part) for part in parts], 1)
    table[:, :3], table[:, 6 if normals else 3 :] = values[:, :3], values[:, 3:]
    upward = [name for name, known in _VERTICAL.items() if known == axes]
    stated = [f"comment Vertical Axis: {name}" for name in upward]
    lines = ["ply", "format binary_little_endian 1.0", *stated, f"element vertex {len(cloud)}",
             *(f"property float {name}" for name in names), "end_header", ""]  # fmt: skip
    return "\n".join(lines).encode() + table.tobytes()


def property_names(degree: int, normals: bool = True) -> list[str]:
    """The properties of a vertex in INRIA's order."""
    count = 3 * ((degree + 1) ** 2 - 1)
    return [
        "x", "y", "z", *(("nx", "ny", "nz") if normals else ()), "f_dc_0", "f_dc_1", "f_dc_2",
        *(f"f_rest_{i}" for i in range(count)), "opacity", *_BODY[:7],
    ]  # fmt: skip


def _check_names(header: PlyHeader) -> None:
    names = header.vertex_names
    if _PACKED in names:
        raise InputError(
            "is a compressed PLY (packed_position in chunks), which is not read; open it in "
            "SuperSplat or run splat-transform, and save it as a plain .ply"
        )
    missing = [name for name in ("x", "y", "z", *_BODY) if name not in names]
    if missing:
        raise InputError(f"is a PLY file without Gaussians: its vertices lack {', '.join(missing)}")


def _rest(table: np.ndarray, names: tuple[str, ...]) -> torch.Tensor:
    """Coefficients above the constant's, ``n k 3``."""
    count = sum(name.startswith("f_rest_") for name in names)
    degree = math.isqrt(count // 3 + 1) - 1
    if 3 * ((degree + 1) ** 2 - 1) != count or degree > MAX_SH_DEGREE:
        allowed = [3 * ((d + 1) ** 2 - 1) for d in range(MAX_SH_DEGREE + 1)]
        raise InputError(f"has {count} f_rest properties; colours have one of {allowed}")
    wanted = [f"f_rest_{i}" for i in range(count)]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise InputError(f"lacks {missing[0]} among its {count} f_rest properties")
    if not count:
        return torch.zeros(len(table), 0, 3)
    return rearrange(_columns(table, *wanted), "n (c k) -> n k c", c=3).contiguous()


def _constant(table: np.ndarray, names: tuple[str, ...]) -> torch.Tensor:
    if {"f_dc_0", "f_dc_1", "f_dc_2"} <= set(names):
        return _columns(table, "f_dc_0", "f_dc_1", "f_dc_2")
    if {"red", "green", "blue"} <= set(names):
        levels = 255.0 if table.dtype["red"].kind == "u" else 1.0
        return (_columns(table, "red", "green", "blue") / levels - 0.5) / SH_CONSTANT
    raise InputError("has neither f_dc_0..2 nor red, green and blue: Gaussians without colour")


def _columns(table: np.ndarray, *names: str) -> torch.Tensor:
    with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite, and is refused
        columns = [table[name].astype(np.float32) for name in names]
    return torch.from_numpy(np.stack(columns, 1))
