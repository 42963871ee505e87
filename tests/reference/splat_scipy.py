"""Gaussians drawn the obvious way: every Gaussian on every pixel, in the order of depth, float64.

Conventions and constants of gsplat and INRIA: affine projection of the covariance, + 0.3 square
pixels, alpha = min(0.99, o exp(...)), nothing below 1/255. Spherical harmonics are scipy's.
"""

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from scipy.special import sph_harm_y

from common.cameras import project, world_to_camera

BLUR_PX2 = 0.3
NEAR_M = 0.01


def real_harmonics(directions, degree):
    """INRIA's basis, ``n k``, of scipy's complex one: Condon-Shortley phase, m from -l to l."""
    x, y, z = np.asarray(directions, np.float64).T
    polar, azimuth = np.arccos(np.clip(z, -1, 1)), np.arctan2(y, x)
    columns = []
    for band in range(degree + 1):
        for m in range(-band, band + 1):
            values = sph_harm_y(band, abs(m), polar, azimuth)
            part = values.imag if m < 0 else values.real
            columns.append(part * (np.sqrt(2) if m else 1))
    return torch.from_numpy(np.stack(columns, 1))


def covariances(cloud):
    """``R S S^T R^T``, by scipy's rotations."""
    xyzw = cloud.quaternions.double().roll(-1, dims=-1).numpy()
    body = torch.from_numpy(Rotation.from_quat(xyzw).as_matrix()) * cloud.scales.double()[:, None]
    return body @ body.mT


def draw(cloud, cameras):
    """Premultiplied RGBA, ``v h w 4``."""
    return torch.stack([_draw_one(cloud, cameras[view]) for view in range(len(cameras))])


def _draw_one(cloud, camera):
    camera = camera.to(torch.float64)
    means = cloud.means.double()
    seen, (pixels, depth) = world_to_camera(camera, means)[0], project(camera, means)
    away = torch.nn.functional.normalize(means - camera.positions, dim=-1)
    basis = real_harmonics(away, cloud.degree)
    colour = (0.5 + (basis[:, :, None] * cloud.sh.double()).sum(1)).clamp_min(0)
    footprint = _footprints(cloud, camera, seen)
    rows, columns = torch.meshgrid(
        torch.arange(camera.height) + 0.5, torch.arange(camera.width) + 0.5, indexing="ij"
    )
    grid = torch.stack([columns, rows], -1).double()
    picture = torch.zeros(camera.height, camera.width, 4, dtype=torch.float64)
    left = torch.ones(camera.height, camera.width, dtype=torch.float64)
    for index in torch.argsort(depth[0], stable=True):
        if depth[0, index] < NEAR_M:
            continue
        off = grid - pixels[0, index]
        power = (off @ torch.linalg.inv(footprint[index]) * off).sum(-1)
        alpha = (cloud.opacities[index].double() * torch.exp(-0.5 * power)).clamp_max(0.99)
        alpha = torch.where(alpha < 1 / 255, 0.0, alpha)
        picture[..., :3] += (left * alpha)[..., None] * colour[index]
        picture[..., 3] += left * alpha
        left = left * (1 - alpha)
    return picture


def _footprints(cloud, camera, seen):
    x, y, z = seen.unbind(-1)
    fx, fy = camera.intrinsics[0, 0, 0], camera.intrinsics[0, 1, 1]
    jacobian = torch.zeros(len(seen), 2, 3, dtype=torch.float64)
    jacobian[:, 0, 0], jacobian[:, 0, 2] = fx / z, -fx * x / z**2
    jacobian[:, 1, 1], jacobian[:, 1, 2] = fy / z, -fy * y / z**2
    inward = jacobian @ camera.w2c[0, :3, :3]
    return inward @ covariances(cloud) @ inward.mT + BLUR_PX2 * torch.eye(2, dtype=torch.float64)
