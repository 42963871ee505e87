"""What commonly goes wrong with a cloud of Gaussians that a file holds."""

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from threed.scenes.gaussian_cloud import GaussianCloud

_ROUNDED = 0.02
"""Rotations of 8 bits are so far from length 1 at most, which nobody sees."""
_INVISIBLE = 1 / 255
"""Renderers skip what is fainter."""
_FLOATER_RADII = 4.0
_CLEARER = 0.2
_ENOUGH = 50
_MANY_TO_ONE = 100.0


def traps_of(cloud: GaussianCloud) -> list[str]:
    """Sentences about what a user should know before showing or training on it; often none."""
    found = []
    if looks_interleaved(cloud.sh):
        found.append(
            "the harmonics look as if R, G and B of each coefficient stood together; they are read "
            "channel by channel, as INRIA writes them: expect false colours"
        )
    lengths = cloud.quaternions.double().norm(dim=-1)
    if float((lengths - 1).abs().max()) > _ROUNDED:
        found.append(
            f"rotations are not of length 1 ({float(lengths.min()):.3g} to "
            f"{float(lengths.max()):.3g}): viewers that do not normalise them distort the shapes"
        )
    far, radius = _floaters(cloud)
    shares = (
        (far, f"stand farther than {_FLOATER_RADII * radius:.3g} m from the middle (nine in ten "
              f"are within {radius:.3g}): floaters or a background"),
        (cloud.scales.amax(-1) > radius, "are larger than the scene"),
        (cloud.opacities < _INVISIBLE, "are too faint to be drawn (below 1/255)"),
        (_stretch(cloud) > _MANY_TO_ONE, "are needles, over 100 times longer than wide"),
    )  # fmt: skip
    for rows, what in shares:
        count = int(rows.sum())
        if count:
            found.append(f"{count:,} Gaussians ({100 * count / len(cloud):.2g} %) {what}")
    return found


def looks_interleaved(sh: Float[Tensor, "n k 3"]) -> bool:
    """Whether coefficients seem to stand in the file R G B by R G B rather than by channels.

    The channels of a coefficient agree in photographs and drawings alike: their correlation over
    the Gaussians is compared between the two readings of the same columns.
    """
    if sh.shape[1] < 4 or len(sh) < _ENOUGH:
        return False
    columns = rearrange(sh[:, 1:], "n k c -> n (c k)").double().cpu().numpy()
    moving = columns.std(0) > 0
    if not moving.all():
        return False
    correlation = np.corrcoef(columns.T)
    count = columns.shape[1] // 3
    places = np.arange(3 * count)
    as_read = correlation[places[: 2 * count], places[count:]].mean()
    beside = places[places % 3 < 2]
    otherwise = correlation[beside, beside + 1].mean()
    return bool(otherwise > as_read + _CLEARER)


def _floaters(cloud: GaussianCloud) -> tuple[Tensor, float]:
    """What stands far out, and the radius about the median that nine in ten are in."""
    distance = (cloud.means - cloud.means.median(0).values).double().norm(dim=-1)
    radius = float(np.quantile(distance.cpu().numpy(), 0.9))
    return distance > _FLOATER_RADII * radius, radius


def _stretch(cloud: GaussianCloud) -> Tensor:
    ordered = torch.sort(cloud.log_scales.double(), dim=-1).values
    return (ordered[:, 2] - ordered[:, 1]).exp()
