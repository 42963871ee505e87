"""``.splat``: 32 bytes a Gaussian and nothing else (antimatter15's web viewer).

    3 x float32   centre
    3 x float32   scales, metres (linear)
    4 x uint8     R G B of the constant, 255 (1/2 + Y_0 f_dc), and opacity in 255ths
    4 x uint8     rotation w x y z, 128 q + 128

Colour is the same from everywhere: coefficients above degree 0 are dropped, and colours outside
[0, 1] end at its limits; `dot_splat_losses` says what a cloud loses. Records are in the order of
their weight, volume times opacity, heaviest first, so that a viewer can show a file while it
arrives. Nothing in a file says what it is: its length is all there is to check.
"""

from pathlib import Path

import numpy as np
import torch

from common.errors import InputError
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.spherical_harmonics import SH_CONSTANT
from threed.splats.axes import from_axes, to_axes
from threed.splats.contents import (
    check_whole,
    file_bytes,
    logits_of_bytes,
    logs_of,
    numpy_of,
)

DEFAULT_AXES = "RDF"
_RECORD = np.dtype(
    [("means", "<f4", 3), ("scales", "<f4", 3), ("colour", "u1", 4), ("rotation", "u1", 4)]
)


def read_dot_splat(source: Path | bytes, axes: str | None = None) -> GaussianCloud:
    """Read Gaussians of degree 0, float32, into our world.

    Args:
        source: a path, or the file's bytes.
        axes: of the file; None for ``RDF``.

    Raises:
        InputError: a length that is no multiple of 32, values that are no numbers, scales below 0.
    """
    data = file_bytes(source)
    if len(data) % _RECORD.itemsize:
        raise InputError(
            f"is not a .splat file or cut off: {len(data):,} bytes are no multiple of "
            f"{_RECORD.itemsize}"
        )
    rows = np.frombuffer(data, _RECORD)
    colour = (rows["colour"][:, :3].astype(np.float64) / 255 - 0.5) / SH_CONSTANT
    cloud = GaussianCloud(
        torch.from_numpy(rows["means"].copy()),
        torch.from_numpy(logs_of(rows["scales"])),
        torch.from_numpy((rows["rotation"].astype(np.float32) - 128) / 128),
        torch.from_numpy(logits_of_bytes(rows["colour"][:, 3])),
        torch.from_numpy(colour[:, None].astype(np.float32)),
    )
    return from_axes(check_whole(cloud), axes or DEFAULT_AXES)


def dot_splat_bytes(cloud: GaussianCloud, axes: str | None = None) -> bytes:
    """A ``.splat`` file; ask `dot_splat_losses` what it leaves out.

    Args:
        cloud: of our world.
        axes: to write in; None for ``RDF``.

    Raises:
        InputError: values that are no numbers, or scales beyond float32.
    """
    placed = to_axes(check_whole(cloud), axes or DEFAULT_AXES)
    log_scales = placed.log_scales.double()
    weight = log_scales.sum(-1).exp() * placed.opacities.double()
    order = torch.argsort(-weight, stable=True).cpu()
    rows = np.zeros(len(cloud), _RECORD)
    rows["means"], rows["scales"] = numpy_of(placed.means), numpy_of(log_scales.exp())
    if not bool(np.isfinite(rows["scales"]).all()):
        raise InputError(f"a scale of e^{float(log_scales.max()):.1f} m does not fit a .splat file")
    rows["colour"][:, :3] = _levels(255 * (0.5 + SH_CONSTANT * placed.sh[:, 0].double()))
    rows["colour"][:, 3] = _levels(255 * placed.opacities.double())
    unit = torch.nn.functional.normalize(placed.quaternions.double(), dim=-1)
    rows["rotation"] = _levels(128 * unit + 128)
    return rows[order.numpy()].tobytes()


def dot_splat_losses(cloud: GaussianCloud) -> tuple[str, ...]:
    """What the file does not keep of a cloud."""
    found = ["opacity, colour and rotation are rounded to 8 bits; the order changes"]
    if cloud.degree:
        found.append(
            f"colours that depend on the direction (degree {cloud.degree}) become constant"
        )
    colour = 0.5 + SH_CONSTANT * cloud.sh[:, 0]
    outside = int(((colour < 0) | (colour > 1)).any(-1).sum())
    if outside:
        found.append(f"{outside:,} Gaussians have colours outside [0, 1], which end at the limits")
    return tuple(found)


def _levels(values: torch.Tensor) -> np.ndarray:
    return values.detach().cpu().round().clamp(0, 255).to(torch.uint8).numpy()
