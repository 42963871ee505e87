"""Slow twin of the volume renderer: one ray and one sample at a time, gradients by autograd."""

import math

import torch
from torch import Tensor

from threed.scenes.voxel_field import DENSITY_PER_M, VoxelField, interpolated


def box_span(
    origin: Tensor, direction: Tensor, low: Tensor, high: Tensor, reach: float
) -> tuple[float, float]:
    """Where a ray enters and leaves the box."""
    near, far = 0.0, reach
    for o, d, a, b in zip(
        origin.tolist(), direction.tolist(), low.tolist(), high.tolist(), strict=True
    ):
        if d == 0.0:
            if not a <= o <= b:
                return 1.0, 0.0
            continue
        near, far = (
            max(near, min((a - o) / d, (b - o) / d)),
            min(far, max((a - o) / d, (b - o) / d)),
        )
    return near, far


def march(
    field: VoxelField,
    features: Tensor,
    origins: Tensor,
    directions: Tensor,
    occupied: Tensor,
    offsets: Tensor,
    step_m: float,
    dark: float,
    reach: float = math.inf,
) -> tuple[Tensor, Tensor, Tensor]:
    """Features, opacity and distance of every ray."""
    low, high = (torch.tensor(c, dtype=field.density.dtype) for c in (field.low, field.high))
    values = torch.cat([field.density[..., None], features], -1)
    rows = []
    for origin, direction, offset in zip(origins, directions, offsets, strict=True):
        near, far = box_span(origin, direction, low, high, reach)
        left = torch.ones((), dtype=values.dtype)
        total = torch.zeros(values.shape[3] + 1, dtype=values.dtype)
        count = max(math.ceil((far - near) / step_m - 1e-9), 1) if far > near else 0
        for i in range(count):
            length = (far - near) / count
            t = near + (i + float(offset)) * length
            point = origin + t * direction
            sizes = torch.tensor(field.density.shape)
            cell = ((point - low) / (high - low) * (sizes - 1)).long()
            a, b, c = cell.clamp(min=torch.zeros(3, dtype=torch.long), max=sizes - 2).tolist()
            if not occupied[a, b, c]:
                continue
            value = interpolated(values, field, point[None])[0]
            density = DENSITY_PER_M * torch.nn.functional.softplus(value[0])
            weight = left * (1 - torch.exp(-density * length))
            sample = torch.cat(
                [torch.ones_like(value[:1]), value[1:], torch.full_like(value[:1], t)]
            )
            total = total + weight * sample
            left = left * torch.exp(-density * length)
            if left < dark:
                break
        rows.append(total)
    totals = torch.stack(rows)
    return totals[:, 1:-1], totals[:, 0], totals[:, -1]
