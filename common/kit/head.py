"""Features of faces: eyes, mouths that speak, noses, cheeks, ears, set on a rounded front.

A *front* is the forward half of an ellipsoid about the origin; features are placed by (x, y) on it.
"""

from dataclasses import dataclass

import numpy as np

from common.kit.face_pose import FacePose
from common.kit.materials import GLOSSY, MATTE
from common.kit.mesh import Mesh, merged
from common.kit.palette import Paint, shaded, typical_paint
from common.kit.part import Part
from common.kit.real import Real
from common.kit.revolve import ball, capsule, ellipsoid
from common.kit.surface import grid_surface
from common.kit.sweep import tube


@dataclass(frozen=True)
class Front:
    """The forward half of an ellipsoid with these semi-axes, its centre at height ``y`` and ``z``."""

    rx: float
    ry: float
    rz: float
    y: float = 0.0
    z: float = 0.0

    def depth(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The z of the surface at (x, y); flat beyond the rim."""
        inside = 1 - (x / self.rx) ** 2 - ((y - self.y) / self.ry) ** 2
        return np.asarray(self.z + self.rz * np.sqrt(np.maximum(inside, 0.02)))

    def normal(self, x: Real, y: Real) -> tuple[float, float, float]:
        """The outward direction at (x, y), of any length."""
        z = float(self.depth(np.array(x), np.array(y)))
        return x / self.rx**2, (y - self.y) / self.ry**2, (z - self.z) / self.rz**2

    def place(self, mesh: Mesh, x: Real, y: Real, proud: Real = 0.0) -> Mesh:
        """A mesh made about the origin facing +Z, set on the surface at (x, y), facing outward."""
        normal = np.array(self.normal(x, y))
        normal /= np.linalg.norm(normal)
        turn_y = float(np.degrees(np.arctan2(normal[0], normal[2])))
        turn_x = float(np.degrees(np.arcsin(-normal[1])))
        spot = np.array([x, y, float(self.depth(np.array(x), np.array(y)))]) + proud * normal
        return mesh.turned(x=turn_x, y=turn_y).moved(*spot)


def dot_eyes(
    pose: FacePose, front: Front, x: Real, y: Real, size: Real, behind: Paint | None = None
) -> tuple[Part, ...]:
    """Two black shining eyes with white glints; they close by flattening.

    Where what is ``behind`` them is black, white eyeballs set them off.
    """
    tall = size * (0.14 + 1.06 * pose.eye_open)
    eye = front.place(ellipsoid(size, tall, 0.45 * size, 18, 10), x, y)
    shift_x, shift_y = 0.2 * size * pose.gaze_x, 0.2 * size * pose.gaze_y
    glint = ball(0.3 * size, 10, 6).scaled(1, max(pose.eye_open, 0.1), 0.5)

    def glint_at(side: Real) -> Mesh:
        spot_x, spot_y = side * x - 0.28 * size + shift_x, y + 0.42 * tall + shift_y
        return front.place(glint, spot_x, spot_y, 0.36 * size)

    black, white = typical_paint("black"), typical_paint("white")
    eyes = (
        Part("eyes", eye.with_mirror(), black, GLOSSY),
        Part("glint", merged(glint_at(1.0), glint_at(-1.0)), white, MATTE),
    )
    if behind is None or behind.name != "black":
        return eyes
    ring = front.place(ellipsoid(1.35 * size, 1.3 * tall, 0.34 * size, 18, 10), x, y)
    return (Part("whites", ring.with_mirror(), white, GLOSSY), *eyes)


def round_eyes(
    pose: FacePose, front: Front, x: Real, y: Real, size: Real, iris: Paint
) -> tuple[Part, ...]:
    """Two white eyeballs with pupils that follow the gaze; they close by flattening."""
    squeeze = 0.1 + 0.9 * pose.eye_open
    white = ellipsoid(size, size * 1.1 * squeeze, 0.5 * size, 20, 12)
    pupil = ellipsoid(0.56 * size, 0.6 * size * squeeze, 0.24 * size, 16, 8)
    glint = ball(0.17 * size, 10, 6).scaled(1, squeeze, 0.5)
    shift_x, shift_y = 0.34 * size * pose.gaze_x, 0.36 * size * pose.gaze_y * squeeze

    def pair(mesh: Mesh, dx: Real, dy: Real, proud: Real) -> Mesh:
        return merged(*(front.place(mesh, side * x + dx, y + dy, proud) for side in (-1.0, 1.0)))

    return (
        Part("eyes", pair(white, 0.0, 0.0, 0.0), typical_paint("white"), GLOSSY),
        Part("pupils", pair(pupil, shift_x, shift_y, 0.36 * size), iris, GLOSSY),
        Part("glint", pair(glint, shift_x - 0.16 * size, shift_y + 0.2 * size * squeeze, 0.58 * size),
             typical_paint("white"), MATTE),
    )  # fmt: skip


def mouth(pose: FacePose, front: Front, y: Real, width: Real, lip: Paint) -> tuple[Part, ...]:
    """A mouth about (0, y) on a front: dark inside, tongue, teeth and a lip line.

    ``width`` is its full width at rest. The mouth line is a parabola whose corners rise with the
    smile; the lips part from it by a lens that grows rounder with ``rounding``. The grids keep
    their topology for every pose.
    """
    s = np.linspace(-1.0, 1.0, 21)
    lower, upper = _lips(pose, s, width)
    half = _half_width(pose, width)

    def patch(s_reach: Real, low: Real, high: Real, proud: Real) -> Mesh:
        columns = s * s_reach
        bottom, top = _lips(pose, columns, width)
        shares = np.linspace(low, high, 6)[:, None]
        grid_y = y + bottom + shares * (top - bottom)
        grid_x = np.broadcast_to(columns * half, grid_y.shape)
        grid_z = front.depth(grid_x, grid_y) + proud
        return grid_surface(np.stack([grid_x, grid_y, grid_z], axis=2))

    rim_x = half * np.concatenate([s, s[-2:0:-1]])
    rim_y = y + np.concatenate([lower, upper[-2:0:-1]])
    rim = np.stack([rim_x, rim_y, front.depth(rim_x, rim_y) + 0.012], axis=1)
    line = tube(np.concatenate([rim, rim[:1]]), 0.04 * width, 6, round_ends=False)
    return (
        Part("mouth", patch(1.0, 0.0, 1.0, 0.012), shaded(typical_paint("brown"), -0.18), MATTE),
        Part("tongue", patch(0.62, 0.05, 0.42, 0.022), shaded(typical_paint("red"), 0.05), MATTE),
        Part("teeth", patch(0.72, 0.74, 0.97, 0.022), typical_paint("white"), GLOSSY),
        Part("lips", line, lip, MATTE),
    )


def cheeks(front: Front, x: Real, y: Real, size: Real, paint: Paint) -> Part:
    """Two blushing cheeks."""
    cheek = front.place(ellipsoid(size, 0.75 * size, 0.18 * size, 16, 6), x, y)
    return Part("cheeks", cheek.with_mirror(), paint, MATTE)


def whiskers(front: Front, x: Real, y: Real, length: Real) -> Mesh:
    """Three stiff whiskers on either side."""
    spots = []
    z = float(front.depth(np.array(x), np.array(y)))
    for rise in (-0.28, 0.0, 0.28):
        end = (x + length, y + 0.75 * rise * length + 0.05, z - 0.3 * length)
        spots.append(tube([(x, y + 0.12 * rise, z), end], np.array([0.016, 0.008]), 6))
    return merged(*spots).with_mirror()


def nose_button(front: Front, y: Real, width: Real, height: Real, proud: Real = 0.0) -> Mesh:
    """A rounded nose, broader on top."""
    nose = ellipsoid(width / 2, height / 2, 0.36 * width, 18, 10)

    def pointed(points: np.ndarray) -> np.ndarray:
        narrow = 0.78 + 0.44 * (points[:, 1] / height)
        return points * np.stack([narrow, np.ones_like(narrow), np.ones_like(narrow)], axis=1)

    return front.place(nose.deformed(pointed), 0.0, y, proud)


def brow(length: Real, lean: Real, thickness: Real = 0.035) -> Mesh:
    """An eyebrow about the origin, leaning by degrees."""
    return capsule(thickness, length, 8, 3).turned(z=90).turned(z=lean)


def _half_width(pose: FacePose, width: Real) -> float:
    return 0.5 * width * (0.55 + 0.9 * pose.mouth_width) * (1 - 0.45 * pose.rounding)


def _lips(pose: FacePose, s: np.ndarray, width: Real) -> tuple[np.ndarray, np.ndarray]:
    """Heights of the lower and upper lip at shares ``s`` of the half-width."""
    curve = 0.3 * width * pose.smile * (s * s - 0.4) * (1 - 0.6 * pose.rounding)
    lens = np.maximum(1 - s * s, 0.0) ** (0.8 - 0.35 * pose.rounding)
    gap = width * (0.02 + 0.62 * pose.mouth_open) * lens
    return curve - 0.7 * gap, curve + 0.3 * gap
