"""Slow twin of the Gaussian renderer: every Gaussian at every pixel, gradients by autograd.

It shares nothing with the renderer: rotations are crossed vectors, harmonics come from Legendre
recurrences, and every pixel meets every Gaussian.
"""

import math

import torch
from torch import Tensor

from common.cameras import Cameras
from threed.scenes.gaussian_cloud import GaussianCloud


def harmonics(directions: Tensor, degree: int) -> Tensor:
    """Real spherical harmonics by the recurrence of associated Legendre polynomials.

    ``sqrt(2) K P(cos theta) {cos, sin}(m phi)`` with the Condon-Shortley phase; powers of
    ``sin theta`` are kept with the angle's cosine and sine as ``x`` and ``y``, so that the poles
    are no special place.
    """
    x, y, z = directions.unbind(-1)
    one = torch.ones_like(x)
    legendre = {}  # P_l^m / sin^m
    for m in range(degree + 1):
        legendre[m, m] = one * (-1) ** m * math.prod(range(1, 2 * m, 2))
        for n in range(m + 1, degree + 1):
            before = legendre[n - 2, m] * (n + m - 1) if n - 2 >= m else 0.0
            legendre[n, m] = (z * (2 * n - 1) * legendre[n - 1, m] - before) / (n - m)
    cosines, sines = [one], [torch.zeros_like(x)]  # sin^m times cos and sin of m phi
    for _ in range(degree):
        c, s = cosines[-1], sines[-1]
        cosines.append(c * x - s * y)
        sines.append(c * y + s * x)
    found = []
    for n in range(degree + 1):
        for m in range(-n, n + 1):
            k = abs(m)
            scale = math.sqrt(
                (2 * n + 1) / (4 * math.pi) * math.factorial(n - k) / math.factorial(n + k)
            )
            around = one if m == 0 else math.sqrt(2) * (cosines[k] if m > 0 else sines[k])
            found.append(scale * legendre[n, k] * around)
    return torch.stack(found, -1)


def rotations(quaternions: Tensor) -> Tensor:
    """Matrices of unit quaternions: the vector part's cross product, applied twice."""
    q = quaternions / quaternions.norm(dim=-1, keepdim=True)
    w, x, y, z = q.unbind(-1)
    zero = torch.zeros_like(w)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).view(-1, 3, 3)
    eye = torch.eye(3, dtype=q.dtype)
    return eye + 2 * w[:, None, None] * cross + 2 * cross @ cross


def splat(
    cloud: GaussianCloud,
    cameras: Cameras,
    shifts: Tensor,
    *,
    near: float = 0.01,
    blur: float = 0.3,
    antialiased: bool = False,
) -> dict[str, Tensor]:
    """Premultiplied ``rgb``, ``opacity``, ``depth`` and ``normal`` of each view."""
    views = [
        _view(cloud, cameras, v, shifts[v], near, blur, antialiased) for v in range(len(cameras))
    ]
    return {name: torch.stack([one[name] for one in views]) for name in views[0]}


def _view(
    cloud: GaussianCloud,
    cameras: Cameras,
    v: int,
    shift: Tensor,
    near: float,
    blur: float,
    antialiased: bool,
) -> dict[str, Tensor]:
    turn, offset, k = cameras.w2c[v, :3, :3], cameras.w2c[v, :3, 3], cameras.intrinsics[v]
    width, height = cameras.width, cameras.height
    point = cloud.means @ turn.T + offset
    kept = (point[:, 2] >= near).nonzero()[:, 0]
    kept = kept[torch.argsort(point[kept, 2].detach(), stable=True)]
    point = point[kept]
    z = point[:, 2]
    lens = torch.stack([k[0, 0], k[1, 1]])
    size = torch.tensor([width, height], dtype=z.dtype)
    low = (-0.15 * size - k[:2, 2]) / lens
    high = (1.15 * size - k[:2, 2]) / lens
    slant = torch.minimum(torch.maximum(point[:, :2] / z[:, None], low), high)
    zero = torch.zeros_like(z)
    jacobian = torch.stack(
        [k[0, 0] / z, k[0, 1] / z, -(k[0, 0] * slant[:, 0] + k[0, 1] * slant[:, 1]) / z,
         zero, k[1, 1] / z, -k[1, 1] * slant[:, 1] / z], -1).view(-1, 2, 3)  # fmt: skip
    axes = rotations(cloud.quaternions)[kept]
    scales = cloud.log_scales[kept].exp()
    spread = axes @ torch.diag_embed(scales**2) @ axes.mT
    seen = jacobian @ turn
    plain = seen @ spread @ seen.mT
    covariance = plain + blur * torch.eye(2, dtype=z.dtype)
    opacity = torch.sigmoid(cloud.opacity_logits[kept])
    if antialiased:
        ratio = torch.linalg.det(plain) / torch.linalg.det(covariance)
        opacity = opacity * ratio.clamp_min(0.005**2).sqrt()
    centre = (point @ k.T)[:, :2] / z[:, None] + shift[kept]
    away = cloud.means[kept] - cameras.positions[v]
    away = away / away.norm(dim=-1, keepdim=True)
    basis = harmonics(away, cloud.degree)
    colour = (0.5 + (basis[..., None] * cloud.sh[kept]).sum(1)).clamp_min(0)
    index = scales.argmin(-1)
    normal = torch.gather(axes, 2, index[:, None, None].expand(-1, 3, 1))[..., 0]
    normal = torch.where((normal * away).sum(-1, keepdim=True) > 0, -normal, normal)
    features = torch.cat([colour, z[:, None], normal], -1)
    return _composite(centre, covariance, opacity, features, height, width)


def _composite(
    centre: Tensor, covariance: Tensor, opacity: Tensor, features: Tensor, height: int, width: int
) -> dict[str, Tensor]:
    dtype = centre.dtype
    rows, columns = torch.arange(height, dtype=dtype) + 0.5, torch.arange(width, dtype=dtype) + 0.5
    pixels = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)
    difference = pixels[:, :, None] - centre  # h w n 2
    inverse = torch.linalg.inv(covariance)
    fall = 0.5 * torch.einsum("hwni,nij,hwnj->hwn", difference, inverse, difference)
    alpha = (opacity * torch.exp(-fall)).clamp_max(0.99)
    alpha = torch.where(alpha >= 1 / 255, alpha, 0.0)
    left = torch.ones(height, width, dtype=dtype)
    alive = torch.ones(height, width, dtype=torch.bool)
    total = torch.zeros(height, width, features.shape[1], dtype=dtype)
    for i in range(len(opacity)):  # a pixel ends for good before the one that would end its light
        after = left * (1 - alpha[..., i])
        alive = alive & ((after > 1e-4) | (alpha[..., i] == 0))
        weight = torch.where(alive, left * alpha[..., i], 0.0)
        total = total + weight[..., None] * features[i]
        left = torch.where(alive, after, left)
    full = 1 - left
    depth = total[..., 3] / torch.where(full > 0, full, 1.0)
    return {"rgb": total[..., :3], "opacity": full, "depth": depth, "normal": total[..., 4:]}
