"""The scenes of the closed-form prior: coloured characters that move over a soft shadow.

A scene is RGBA with premultiplied alpha, in [-1, 1]. Whatever its colour, it is a sum of three
scalar fields: what takes the colour, what is white, and how opaque it is. Colours therefore cost
nothing, and a prior of some hundred modes stays small.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.scene_motions import MOTIONS, Pose, rest
from common.diffusion.scene_shapes import SHAPES, Field

COLORS: dict[str, tuple[float, float, float]] = {
    "red": (0.95, 0.25, 0.24),
    "orange": (1.0, 0.56, 0.13),
    "yellow": (1.0, 0.83, 0.18),
    "green": (0.22, 0.75, 0.36),
    "blue": (0.20, 0.50, 0.98),
    "purple": (0.60, 0.36, 0.90),
    "pink": (1.0, 0.50, 0.70),
    "white": (0.97, 0.97, 1.0),
}
"""sRGB, as stored in pictures."""

ALIASES: dict[str, str] = {
    "circle": "ball", "sphere": "ball", "box": "square", "cube": "square", "blossom": "flower",
    "raindrop": "drop", "droplet": "drop", "violet": "purple", "rose": "pink", "big": "large",
    "little": "small", "tiny": "small", "move": "moving", "rightward": "right", "upward": "up",
    "leftward": "left", "downward": "down", "bounce": "bouncing", "jump": "bouncing",
    "jumping": "bouncing", "hopping": "bouncing", "grow": "growing", "shrink": "shrinking",
    "spin": "spinning", "rotating": "spinning", "rotate": "spinning", "turning": "spinning",
    "红": "red", "橙": "orange", "黄": "yellow", "绿": "green", "蓝": "blue", "紫": "purple",
    "粉": "pink", "白": "white", "球": "ball", "圆": "ball", "方": "square", "三角": "triangle",
    "星": "star", "心": "heart", "花": "flower", "水滴": "drop", "大的": "large", "小的": "small",
    "移动": "moving", "右": "right", "左": "left", "上": "up", "下": "down", "弹跳": "bouncing",
    "跳": "bouncing", "变大": "growing", "变小": "shrinking", "旋转": "spinning",
}  # fmt: skip
"""Other words for the labels' words, English and Chinese."""

LIGHT = (-0.45, 0.62, 0.64)
"""Unit direction towards the light: left, above, in front."""


@dataclass(frozen=True, eq=False)
class Scenes:
    """What a mixture of scenes is made of."""

    fields: Float[Tensor, "j ..."]
    """Scalar pictures ``(j, h, w)`` or clips ``(j, f, h, w)``."""
    coefficients: Float[Tensor, "k 4 j"]
    """Of each scene's R, G, B and alpha in the fields."""
    labels: tuple[str, ...]
    """Such as "large red ball moving right"."""


def draw_scenes(axes: tuple[int, ...], num_variants: int) -> Scenes:
    """Every shape in every colour, size and, for clips, motion.

    Args:
        axes: ``(h, w)`` for pictures, ``(f, h, w)`` for clips.
        num_variants: Versions of each; with more than one they are large and small in turn.
    """
    num_frames, height, width = (1, *axes)[-3:]
    motions: dict[str, Callable[[Pose], Pose]] = MOTIONS if len(axes) == 3 else {"": lambda p: p}
    fields = [torch.ones(num_frames, height, width)]
    rows: list[Tensor] = []
    labels: list[str] = []
    total = 1 + 3 * len(SHAPES) * len(motions) * num_variants
    for variant in range(num_variants):
        size_word = "" if num_variants == 1 else ("large", "small")[variant % 2]
        for shape_word, outline in SHAPES.items():
            for motion_word, motion in motions.items():
                pose = motion(_variant_pose(num_frames, variant, num_variants))
                first = len(fields)
                fields += _paint(outline, pose, height, width)
                for color_word, color in COLORS.items():
                    rows.append(_coefficients(color, first, total))
                    words = (size_word, color_word, shape_word, motion_word)
                    labels.append(" ".join(word for word in words if word))
    stacked = torch.stack(fields).reshape(-1, *axes)
    return Scenes(stacked, torch.stack(rows), tuple(labels))


def _variant_pose(num_frames: int, variant: int, num_variants: int) -> Pose:
    """Versions differ in size, place and tilt; the first two are centred."""
    size = 0.44 if num_variants == 1 else (0.50, 0.34)[variant % 2]
    turn = 2 * math.pi * 0.618 * (variant // 2)
    away = 0.0 if variant < 2 else 0.12
    return rest(
        num_frames,
        x=away * math.cos(turn),
        y=away * math.sin(turn),
        size=size * (1 - 0.08 * math.sin(1.7 * turn)),
        angle=0.0 if variant < 2 else 0.16 * math.sin(2.3 * turn),
    )


def _coefficients(color: tuple[float, float, float], first: int, total: int) -> Tensor:
    """Of a scene in all fields: ``2 value - 1`` with value ``color tinted + white``, or alpha."""
    rows = torch.zeros(4, total)
    rows[:, 0] = -1
    rows[:3, first] = 2 * torch.tensor(color)
    rows[:3, first + 1] = 2
    rows[3, first + 2] = 2
    return rows


def _paint(
    outline: Callable[[Field, Field], Field], pose: Pose, height: int, width: int
) -> list[Tensor]:
    """The tinted, the white and the opaque field of a character, in [0, 1], ``f h w`` each."""
    unit = min(height, width) / 2
    across = (torch.arange(width, dtype=torch.float64) + 0.5 - width / 2) / unit
    down = (height / 2 - torch.arange(height, dtype=torch.float64) - 0.5) / unit
    # Places are exact, pixels float32: that is twice as fast and far finer than 8 bits.
    x = (across[None, None, :] - pose.x[:, None, None]).float()
    y = (down[None, :, None] - pose.y[:, None, None]).float()
    cos, sin = (part.float()[:, None, None] for part in (pose.angle.cos(), pose.angle.sin()))
    wide, tall = (part.float()[:, None, None] for part in (pose.width, pose.height))
    local_x, local_y = (cos * x + sin * y) / wide, (cos * y - sin * x) / tall
    scale = torch.minimum(wide, tall)
    distance = outline(local_x, local_y) * scale
    inside = _coverage(distance, unit)
    diffuse, glossy = _lit(distance, scale, unit)
    ink, glint = _face(local_x, local_y, scale, unit)
    white = inside * torch.maximum(glossy * (1 - ink), glint)
    tinted = inside * diffuse * (1 - ink) - torch.minimum(white, inside * diffuse * (1 - ink))
    opaque = inside + (1 - inside) * _shadow(across, down, pose)
    return [tinted, white, opaque]


def _coverage(distance: Field, unit: float) -> Field:
    """The share of each pixel that is inside an outline (one pixel of soft edge)."""
    return (0.5 - distance * unit).clamp(0, 1)


def _lit(distance: Field, scale: Tensor, unit: float) -> tuple[Field, Field]:
    """Diffuse and glossy light on a cushion as high as it is far from its outline."""
    depth = (-distance / (0.8 * scale)).clamp(0, 1)
    slope_y, slope_x = torch.gradient(distance * unit, dim=(1, 2))
    tilt = 0.85 * (1 - depth) ** 1.6
    norm = torch.hypot(slope_x, slope_y).clamp(min=1.0)
    normal_x, normal_y = tilt * slope_x / norm, -tilt * slope_y / norm
    normal_z = (1 - normal_x**2 - normal_y**2).clamp(min=0).sqrt()
    facing = normal_x * LIGHT[0] + normal_y * LIGHT[1] + normal_z * LIGHT[2]
    diffuse = (0.66 + 0.42 * facing).clamp(0, 1)
    return diffuse, 0.75 * ((facing - 0.94) / 0.06).clamp(0, 1) ** 1.5


def _face(local_x: Field, local_y: Field, scale: Tensor, unit: float) -> tuple[Field, Field]:
    """Ink of two eyes and a smile, and the glints in the eyes; turning shows by them."""
    pixels = scale * unit
    eye = torch.hypot((local_x.abs() - 0.24) / 0.7, local_y - 0.10) - 0.15
    glint = torch.hypot(local_x.abs() - 0.22, local_y - 0.16) - 0.05
    smile = (torch.hypot(local_x, local_y + 0.04) - 0.20).abs() - 0.035
    smile = torch.maximum(smile, local_y + 0.12)
    ink = 0.85 * (0.5 - torch.minimum(eye, smile) * pixels).clamp(0, 1)
    return ink, (0.5 - glint * pixels).clamp(0, 1)


def _shadow(across: Tensor, down: Tensor, pose: Pose) -> Field:
    """A soft dark ellipse on the ground, wider and fainter the higher the character is."""
    lift = (pose.y + 0.75 - pose.height).clamp(min=0)[:, None, None]
    reach = pose.width[:, None, None] * (0.95 + 0.25 * lift)
    x = ((across[None, None, :] - pose.x[:, None, None]) / reach).float()
    y = ((down[None, :, None] + 0.82) / (0.24 * reach)).float()
    return (0.34 / (1 + 1.2 * lift)).float() * (1 - (x**2 + y**2)).clamp(min=0)
