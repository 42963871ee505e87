"""Outlines of simple characters, as signed distances: negative inside, in units of their size.

Coordinates are local, x to the right and y up, each outline about 2 units across and centred.
Exact distances follow Inigo Quilez's collection of 2-D distance functions.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Field = Float[Tensor, "f h w"]
"""One number per pixel of each frame."""


def ball(x: Field, y: Field) -> Field:
    """A disc."""
    return torch.hypot(x, y) - 0.95


def square(x: Field, y: Field) -> Field:
    """A square with round corners."""
    corner = 0.25
    dx, dy = x.abs() - (0.82 - corner), y.abs() - (0.82 - corner)
    outside = torch.hypot(dx.clamp(min=0), dy.clamp(min=0))
    return outside + torch.maximum(dx, dy).clamp(max=0) - corner


def triangle(x: Field, y: Field) -> Field:
    """An equilateral triangle with round corners, point up."""
    side, corner, root = 0.78, 0.2, math.sqrt(3)
    x, y = x.abs() - side, y + 0.12 + side / root
    beyond = x + root * y > 0
    x, y = (
        torch.where(beyond, (x - root * y) / 2, x),
        torch.where(beyond, (-root * x - y) / 2, y),
    )
    x = x - x.clamp(-2 * side, 0)
    return -torch.hypot(x, y) * y.sign() - corner


def star(x: Field, y: Field) -> Field:
    """A plump five-pointed star with round points."""
    radius, inner, corner = 0.86, 0.56, 0.13
    cos, sin = math.cos(math.pi / 5), math.sin(math.pi / 5)
    x = x.abs()
    for sign in (1, -1):
        overlap = 2 * (sign * cos * x - sin * y).clamp(min=0)
        x, y = x - sign * cos * overlap, y + sin * overlap
    x, y = x.abs(), y - radius
    edge_x, edge_y = inner * sin, inner * cos - 1
    along = ((x * edge_x + y * edge_y) / (edge_x**2 + edge_y**2)).clamp(0, radius)
    side = (y * edge_x - x * edge_y).sign()
    return torch.hypot(x - edge_x * along, y - edge_y * along) * side - corner


def heart(x: Field, y: Field) -> Field:
    """A heart, point down."""
    unit = 0.58
    x, y = x.abs() * unit, y * unit + 0.53
    lobe = torch.hypot(x - 0.25, y - 0.75) - math.sqrt(2) / 4
    half = 0.5 * (x + y).clamp(min=0)
    side = torch.minimum(x**2 + (y - 1) ** 2, (x - half) ** 2 + (y - half) ** 2).sqrt()
    return torch.where(x + y > 1, lobe, side * (x - y).sign()) / unit


def flower(x: Field, y: Field) -> Field:
    """Five petals around a centre."""
    petals = torch.full_like(x, math.inf)
    for number in range(5):
        angle = math.pi / 2 + 2 * math.pi * number / 5
        petal = torch.hypot(x - 0.5 * math.cos(angle), y - 0.5 * math.sin(angle)) - 0.42
        petals = torch.minimum(petals, petal)
    return torch.minimum(petals, torch.hypot(x, y) - 0.5)


def drop(x: Field, y: Field) -> Field:
    """A drop of water, tip up."""
    below, above, height, base = 0.68, 0.06, 1.17, -0.27
    x, y = x.abs(), y - base
    slope = (below - above) / height
    rise = math.sqrt(1 - slope**2)
    along = rise * y - slope * x
    bottom = torch.hypot(x, y) - below
    tip = torch.hypot(x, y - height) - above
    flank = rise * x + slope * y - below
    return torch.where(along < 0, bottom, torch.where(along > rise * height, tip, flank))


SHAPES: dict[str, Callable[[Field, Field], Field]] = {
    "ball": ball,
    "square": square,
    "triangle": triangle,
    "star": star,
    "heart": heart,
    "flower": flower,
    "drop": drop,
}
"""Every shape by the word for it."""
