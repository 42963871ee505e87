"""One frame of a `transforms.json`: its camera and the files that belong to it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from common.media.images import read_picture
from threed.nerfstudio.numbers import confined, matrix_of, number_of

_PINHOLES = ("PINHOLE", "SIMPLE_PINHOLE", "OPENCV", "RADIAL", "SIMPLE_RADIAL")
"""Without distortion, which is asked about apart, all of these are pinholes."""
_DISTORTION = ("k1", "k2", "k3", "k4", "p1", "p2")
_MAX_SIDE = 65_536


@dataclass(frozen=True, eq=False)
class Frame:
    """What a frame says."""

    picture: Path
    mask: Path | None
    depth: Path | None
    width: int
    height: int
    intrinsics: Float[Tensor, "3 3"]
    c2w: Float[Tensor, "4 4"]
    """As the file has it: OpenGL axes in nerfstudio's world."""


def read_frame(frame: Any, meta: dict[str, Any], folder: Path, index: int) -> Frame:
    """A frame; what the file says for all frames comes first, as in nerfstudio.

    Args:
        frame: the entry of ``frames``.
        meta: the document.
        folder: of the dataset.
        index: of the frame, for messages.

    Raises:
        InputError: missing or wrong values, distortion, another camera model, paths that leave.
    """
    try:
        if not isinstance(frame, dict):
            raise InputError("is no object")
        both = {**frame, **{key: value for key, value in meta.items() if key != "frames"}}
        _check_lens(both)
        picture = confined(folder, frame.get("file_path"), "file_path")
        if not picture.suffix:
            picture = picture.with_name(picture.name + ".png")
        width, height = _size(both, picture)
        return Frame(
            picture,
            _optional(folder, frame, "mask_path"),
            _optional(folder, frame, "depth_file_path"),
            width,
            height,
            _intrinsics(both, width, height),
            matrix_of(frame.get("transform_matrix"), "transform_matrix"),
        )
    except InputError as error:
        raise InputError(f"frame {index}: {error}") from None


def _check_lens(both: dict[str, Any]) -> None:
    model = both.get("camera_model", "PINHOLE")
    if model not in _PINHOLES:
        raise InputError(
            f"camera_model {str(model)[:40]} is not read; undistort the pictures to PINHOLE"
        )
    listed = both.get("distortion_params", [])
    if not isinstance(listed, list):
        raise InputError("distortion_params is no list")
    names = [*((f"distortion_params[{i}]", v) for i, v in enumerate(listed)),
             *((name, both[name]) for name in _DISTORTION if name in both)]  # fmt: skip
    bent = [f"{name} = {value}" for name, value in names if number_of(value, name) != 0]
    if bent:
        raise InputError(
            f"lens distortion is not read: {', '.join(bent)}; undistort the pictures first "
            "(COLMAP's image_undistorter), after which they are 0"
        )


def _size(both: dict[str, Any], picture: Path) -> tuple[int, int]:
    if "w" not in both and "h" not in both:
        height, width, _ = read_picture(picture).shape
        return width, height
    sides = [number_of(both.get(name), name) for name in ("w", "h")]
    if not all(1 <= side <= _MAX_SIDE and side == int(side) for side in sides):
        raise InputError(f"w and h are {sides[0]} and {sides[1]}, no size of a picture")
    return int(sides[0]), int(sides[1])


def _intrinsics(both: dict[str, Any], width: int, height: int) -> Float[Tensor, "3 3"]:
    if "fl_x" not in both and "camera_angle_x" in both:
        angle = number_of(both["camera_angle_x"], "camera_angle_x")
        if not 0 < angle < math.pi:
            raise InputError(f"camera_angle_x is {angle}, not between 0 and pi")
        both = {"fl_x": 0.5 * width / math.tan(0.5 * angle), **both}
    if "fl_x" not in both:
        raise InputError("has neither fl_x nor camera_angle_x")
    defaults = {"fl_y": both["fl_x"], "cx": width / 2, "cy": height / 2}
    found = defaults | both
    fx, fy, cx, cy = (number_of(found[name], name) for name in ("fl_x", "fl_y", "cx", "cy"))
    if not (fx > 0 and fy > 0):
        raise InputError(f"focal lengths are above 0, not {fx} and {fy}")
    return torch.tensor([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], dtype=torch.float64)


def _optional(folder: Path, frame: dict[str, Any], name: str) -> Path | None:
    return confined(folder, frame[name], name) if name in frame else None
