"""How far estimated maps are from true ones, inside the thing, and what knows no better.

The field's usual figures: for depth the mean absolute error of the map and the same over the true
value (abs rel); for normals the mean and median angle and the shares below 11.25, 22.5 and 30
degrees (Fouhey et al. 2013). Depth is that of the map: `FARTHEST` to 1, bright is near.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from common.control.estimated_maps import GeometryMaps, visible
from common.control.geometry_maps import FARTHEST, unit_vectors

SHARES_DEG = (11.25, 22.5, 30.0)
_FLAT = 1e-3
_USUAL_DEPTH = 0.737
_USUAL_PLANE = (0.717, 0.003, -0.026)
"""Middle, slope to the right, slope down, a half of the thing's longer side on: least squares. Both
of `TRAIN_TRUTHS`, whose mean normal is that towards the viewer."""


class TruePicture(NamedTuple):
    """A picture and its true maps, all in [0, 1]."""

    picture: Float[Tensor, "4 h w"]
    """Premultiplied."""
    maps: GeometryMaps

    @property
    def there(self) -> Bool[Tensor, "h w"]:
        """Where it is measured."""
        return (self.maps.depth > 0) & visible(self.picture)


def geometry_scores(
    made: Sequence[GeometryMaps], truths: Sequence[TruePicture]
) -> dict[str, float]:
    """Means over pictures; the median angle is over all pixels."""
    depth, relative, angles, shares = [], [], [], []
    for own, truth in zip(made, truths, strict=True):
        there = truth.there
        true, off = truth.maps.depth[there], (own.depth - truth.maps.depth).abs()[there]
        depth.append(float(off.mean()))
        relative.append(float((off / true).mean()))
        angle = angles_deg(own.normals, truth.maps.normals)[there]
        angles.append(angle)
        shares.append([float((angle < limit).float().mean()) for limit in SHARES_DEG])
    figures = {
        "depth/l1": float(np.mean(depth)), "depth/abs_rel": float(np.mean(relative)),
        "normals/mean_deg": float(np.mean([float(one.mean()) for one in angles])),
        "normals/median_deg": float(torch.cat(angles).median()),
    }  # fmt: skip
    for limit, share in zip(SHARES_DEG, np.mean(shares, 0).tolist(), strict=True):
        figures[f"normals/below_{limit:g}_deg"] = share
    return figures


def angles_deg(made: Float[Tensor, "3 h w"], true: Float[Tensor, "3 h w"]) -> Float[Tensor, "h w"]:
    """Angles between the vectors of two normal maps."""
    a, b = (unit_vectors(one * 2 - 1) for one in (made, true))
    return torch.rad2deg(torch.acos((a * b).sum(0).clamp(-1, 1)))


def constant(truth: TruePicture) -> GeometryMaps:
    """What things have on the whole: the median depth of training; they look at the viewer."""
    return _flat_maps(truth, _USUAL_DEPTH, torch.tensor([0.0, 0.0, 1.0]))


def plane(truth: TruePicture) -> GeometryMaps:
    """The plane nearest to the depth of all training, framed by the thing's box."""
    there = visible(truth.picture)
    y, x = (axis.float() for axis in torch.nonzero(there, as_tuple=True))
    side = max(float(x.max() - x.min()), float(y.max() - y.min())) + 1
    middle, right, down = _USUAL_PLANE
    told = torch.full_like(x, middle)
    for axis, slope in ((x, right), (y, down)):
        told = told + slope * (2 * axis - axis.min() - axis.max()) / side
    depth = torch.zeros(there.shape)
    depth[there] = told
    return constant(truth)._replace(depth=depth)


def best_constant(truth: TruePicture) -> GeometryMaps:
    """Of all maps of one value the best, told by the truth: median depth and the mean normal."""
    there, depth = truth.there, truth.maps.depth
    mean = (truth.maps.normals * 2 - 1)[:, there].mean(1)
    return _flat_maps(truth, float(depth[there].median()), mean)


def best_plane(truth: TruePicture) -> GeometryMaps:
    """Of all planes the nearest to the true depth, by least squares; its normals are one."""
    there, depth = truth.there, truth.maps.depth
    y, x = (axis.float() for axis in torch.nonzero(there, as_tuple=True))
    basis = torch.stack([torch.ones_like(x), x, y], 1)
    fitted = basis @ torch.linalg.lstsq(basis, depth[there][:, None]).solution
    plane = torch.zeros_like(depth)
    plane[there] = fitted[:, 0].clamp(FARTHEST, 1)
    return GeometryMaps(plane, best_constant(truth).normals)


def balloon(truth: TruePicture) -> GeometryMaps:
    """The silhouette as a balloon: height the root of the distance to the outline, round inside.

    ``h = sqrt(d (2 R - d))`` with the distance ``d`` and its largest ``R``: a ball for a disk.
    """
    from scipy import ndimage

    there = visible(truth.picture)
    inside = np.pad(there.numpy(), 1)
    distance = torch.from_numpy(ndimage.distance_transform_edt(inside)[1:-1, 1:-1]).float() - 0.5
    radius = distance.max()
    height = (distance * (2 * radius - distance)).clamp(min=0).sqrt()
    # Slopes of d itself stay finite at the outline, where those of h do not.
    down, right = torch.gradient(torch.from_numpy(ndimage.gaussian_filter(distance.numpy(), 1.0)))
    steep = (1 - (distance / radius).clamp(max=1)).clamp(0, 1)
    flat = torch.stack([-right, down])
    flat = F.normalize(flat, dim=0) * steep
    forwards = (1 - (flat**2).sum(0, keepdim=True)).clamp(min=0).sqrt()
    return GeometryMaps(stretched(height, there), _as_map(torch.cat([flat, forwards]), there))


BASELINES: dict[str, Callable[[TruePicture], GeometryMaps]] = {
    "constant": constant, "plane": plane, "balloon": balloon,
    "best constant": best_constant, "best plane": best_plane,
}  # fmt: skip
"""What needs no estimator: three that see the outline alone, and two that are told the truth but
can say little of it."""


def _flat_maps(truth: TruePicture, depth: float, normal: Float[Tensor, " 3"]) -> GeometryMaps:
    there = visible(truth.picture)
    normals = normal[:, None, None].expand(3, *there.shape)
    return GeometryMaps(torch.where(there, depth, 0.0), _as_map(unit_vectors(normals), there))


def stretched(nearness: Float[Tensor, "h w"], there: Bool[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """Nearness so that a thing's farthest point is `FARTHEST` and its nearest 1."""
    low, high = nearness[there].min(), nearness[there].max()
    share = (nearness - low) / (high - low).clamp(min=_FLAT)
    return torch.where(there, FARTHEST + (1 - FARTHEST) * share, 0.0)


def _as_map(normals: Float[Tensor, "3 h w"], there: Bool[Tensor, "h w"]) -> Float[Tensor, "3 h w"]:
    return torch.where(rearrange(there, "h w -> 1 h w"), (normals + 1) / 2, 0.0)
