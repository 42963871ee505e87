"""``.spz``: Niantic's packed Gaussians, a tenth of a PLY: versions 1 to 4 read, 2 and 4 written.

Version 2 is what the draft of glTF's compressed splats names, version 4 what the reference library
writes by default. Containers: `threed.splats.spz_container`; codes: `threed.splats.spz_codes`.

The frame is ``RUB``, which is ours, unless the extension ``SPZ_ADOBE_coordinate_system`` says
otherwise. The flag for splats trained with antialiasing is passed over, since `GaussianCloud` has
no place for it. What is lost in writing: `spz_losses`.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from common.errors import InputError
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.splats import spz_codes as codes
from threed.splats.axes import OURS, from_axes, to_axes
from threed.splats.contents import check_whole, file_bytes, numpy_of
from threed.splats.spz_container import SpzParts, pack_gzip, pack_zstd, unpack

Version = Literal[2, 4]
DEFAULT_BITS = codes.ShBits()


def read_spz(source: Path | bytes, axes: str | None = None) -> GaussianCloud:
    """Read Gaussians, float32, into our world.

    Args:
        source: a path, or the file's bytes.
        axes: of the file; None for what an extension says, or ``RUB``.

    Raises:
        InputError: not an .spz file, of an unknown version, cut off, or larger than it can be.
    """
    packed = unpack(file_bytes(source))
    if packed.version == 1:
        means = codes.decoded_half_means(packed.means)
    else:
        means = codes.decoded_means(packed.means, packed.fractional_bits)
    if packed.version < 3:
        xyzw = codes.decoded_first_three(packed.rotations)
    else:
        xyzw = codes.decoded_rotations(packed.rotations)
    rest = rearrange(codes.decoded_harmonics(packed.harmonics), "n (k c) -> n k c", c=3)
    constant = rearrange(codes.decoded_colours(packed.colours), "n c -> n 1 c")
    cloud = GaussianCloud(
        torch.from_numpy(means),
        torch.from_numpy(codes.decoded_scales(packed.scales)),
        torch.from_numpy(np.ascontiguousarray(np.roll(xyzw, 1, axis=1))),
        torch.from_numpy(codes.decoded_opacities(packed.opacities)[:, 0]),
        torch.from_numpy(np.concatenate([constant, rest], 1)),
    )
    return from_axes(check_whole(cloud), axes or packed.axes or OURS)


def spz_bytes(
    cloud: GaussianCloud,
    axes: str | None = None,
    *,
    version: Version = 4,
    bits: codes.ShBits = DEFAULT_BITS,
) -> bytes:
    """An ``.spz`` file; ask `spz_losses` what it leaves out.

    Args:
        cloud: of our world.
        axes: to write in; None for ``RUB``. Others are not stated in the file.
        version: 2 (gzip) or 4 (zstd).
        bits: of the harmonics.

    Raises:
        InputError: values that are no numbers, or a centre more than 8,388 km away.
    """
    if version not in (2, 4):
        raise InputError(f"versions 2 and 4 of .spz are written, not {version}")
    placed = to_axes(check_whole(cloud), axes or OURS)
    means = numpy_of(placed.means)
    fractional_bits = codes.fitting_fractional_bits(means)
    xyzw = _unit_xyzw(placed.quaternions)
    rotations = codes.encoded_first_three if version == 2 else codes.encoded_rotations
    harmonics = numpy_of(rearrange(placed.sh[:, 1:], "n k c -> n (k c)"))
    packed = SpzParts(
        version, cloud.degree, fractional_bits, False, None,
        codes.encoded_means(means, fractional_bits),
        codes.encoded_opacities(numpy_of(placed.opacity_logits[:, None])),
        codes.encoded_colours(numpy_of(placed.sh[:, 0])),
        codes.encoded_scales(numpy_of(placed.log_scales)),
        rotations(xyzw),
        codes.encoded_harmonics(harmonics, bits),
    )  # fmt: skip
    return pack_gzip(packed) if version == 2 else pack_zstd(packed)


def spz_losses(cloud: GaussianCloud) -> tuple[str, ...]:
    """What the file does not keep of a cloud."""
    fractional_bits = codes.fitting_fractional_bits(numpy_of(cloud.means))
    found = [
        f"centres are rounded to {1000 / 2**fractional_bits:.3g} mm, scales to steps of 6.5 %, "
        "opacity, colour and rotation to 8 to 10 bits, harmonics to 4 or 5 bits"
    ]
    outside = (
        (
            "scales outside e^-10 to e^5.94 m",
            (cloud.log_scales < -10) | (cloud.log_scales > 5.9375),
        ),
        ("colours outside what a byte holds", cloud.sh[:, 0].abs() > 0.5 / 0.15),
        ("harmonics outside -1 to 1", (cloud.sh[:, 1:].abs() > 1).flatten(1)),
    )
    for what, rows in outside:
        count = int(rows.any(1).sum()) if rows.shape[1] else 0
        if count:
            found.append(f"{count:,} Gaussians have {what}, which end at the limits")
    return tuple(found)


def _unit_xyzw(quaternions: Tensor) -> np.ndarray:
    unit = torch.nn.functional.normalize(quaternions.double(), dim=-1)
    return numpy_of(unit.roll(-1, dims=-1))
