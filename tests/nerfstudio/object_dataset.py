"""A small dataset of an object that no turn or mirror maps onto itself, off the origin."""

from dataclasses import replace
from pathlib import Path

import torch

from common.cameras import Cameras, orbit_cameras
from threed.nerfstudio.transforms import write_transforms
from threed.rendering.volume import render
from threed.scenes.voxel_field import (
    VoxelField,
    node_positions,
    raw_of_colour,
    uniform_field,
)

CENTRE = (3.0, 1.0, -2.0)
"""Where the object is in the dataset's world, metres."""
SIZE = 2.0
"""How many metres there one of the field is."""
SIDE_PX = 48


def lopsided() -> VoxelField:
    """A body with a nose to the front (+Z) and one arm to +X; colours by place."""
    field = uniform_field((41, 41, 41))
    points = node_positions(field)
    body = 0.25 - points.norm(dim=-1)
    nose = 0.12 - (points - torch.tensor([0.0, 0.0, 0.32])).norm(dim=-1)
    arm = 0.1 - (points - torch.tensor([0.3, 0.12, 0.0])).norm(dim=-1)
    density = (60 * torch.maximum(torch.maximum(body, nose), arm)).clamp(-10, 6)
    colour = raw_of_colour((0.5 + points).clamp(0.05, 0.95)).contiguous()
    return VoxelField(density, colour, field.low, field.high)


def cameras_round(count: int, side_px: int = SIDE_PX) -> Cameras:
    """Cameras all round at three heights, about the origin."""
    azimuths = [360 * view / count for view in range(count)]
    elevations = [(-20.0, 15.0, 50.0)[view % 3] for view in range(count)]
    return orbit_cameras(azimuths, elevations, 2.0, 40.0, side_px, side_px)


def displaced(cameras: Cameras) -> Cameras:
    """The same views of the object in the dataset's world: ``x' = SIZE x + CENTRE``."""
    w2c = cameras.w2c.double().clone()
    w2c[:, :3, 3] = SIZE * w2c[:, :3, 3] - w2c[:, :3, :3] @ torch.tensor(CENTRE).double()
    return replace(cameras, w2c=w2c, intrinsics=cameras.intrinsics.double())


def write_object(folder: Path, count: int = 16, side_px: int = SIDE_PX) -> Path:
    """The dataset's folder, written."""
    cameras = cameras_round(count, side_px)
    with torch.no_grad():
        pictures = render(lopsided(), cameras).rgba
    return write_transforms(folder, displaced(cameras), pictures).parent
