"""``transforms.json``: posed pictures as nerfstudio, instant-ngp and Blender exporters keep them.

    camera_model, fl_x, fl_y, cx, cy, w, h        pixels; in the file or in each frame
    camera_angle_x                                radians, instead of fl_x (NeRF's synthetic scenes)
    frames: file_path, transform_matrix           camera to world, OpenGL axes; the world is +Z up
            mask_path, depth_file_path            and has its front toward -Y
    applied_transform                             3 x 4: original data to the world of this file
    ply_file_path                                 points in the world of this file

Matrices are already in the file's world, so ``applied_transform`` changes no camera; it is kept,
because checkpoints count from the original data (`threed.nerfstudio.dataparser`). Only pictures
without lens distortion are read, and only files inside the dataset's folder.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.atomic import atomic_path
from common.cameras import Cameras, cameras_from_nerfstudio, nerfstudio_c2w
from common.errors import InputError
from common.json_files import read_object
from common.media.images import read_picture, write_picture
from common.media.pixels import from_picture, to_picture
from threed.nerfstudio.frames import Frame, read_frame
from threed.nerfstudio.numbers import confined, matrix_of

FILE_NAME = "transforms.json"
MAX_BYTES = 200_000_000
"""Of the JSON document: a hundred thousand frames take 60 MB."""
_PER_VIEW = ("fl_x", "fl_y", "cx", "cy")


@dataclass(frozen=True, eq=False)
class PosedPictures:
    """What a dataset says, in the order of its file; nerfstudio itself sorts by file name."""

    cameras: Cameras
    """In our world, float64."""
    pictures: tuple[Path, ...]
    masks: tuple[Path | None, ...]
    """Where a mask is 0, the picture is not to be learnt from."""
    depths: tuple[Path | None, ...]
    """16-bit pictures, millimetres unless the dataset's owner says otherwise."""
    points: Path | None
    """A PLY file in the world of `transforms.json`."""
    applied_transform: Float[Tensor, "3 4"]
    """Original data to the world of the file (not ours); the identity if none is stated."""
    applied_scale: float

    def __len__(self) -> int:
        return len(self.pictures)


def read_transforms(path: Path) -> PosedPictures:
    """Read a dataset's cameras and the places of its pictures.

    Args:
        path: the JSON file, or the folder with `transforms.json`.

    Raises:
        InputError: missing or damaged, lens distortion or a camera model that is not a pinhole's,
            pictures of several sizes, matrices that are no camera, paths outside the folder.
    """
    path = path / FILE_NAME if path.is_dir() else path
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    meta = read_object(path, MAX_BYTES)
    listed = meta.get("frames")
    if not isinstance(listed, list) or not listed:
        raise InputError(f"{path}: lists no frames")
    try:
        frames = [read_frame(one, meta, path.parent, i) for i, one in enumerate(listed)]
        transform = matrix_of(meta.get("applied_transform", np.eye(4)[:3].tolist()),
                              "applied_transform")[:3]  # fmt: skip
        points = meta.get("ply_file_path")
        found = None if points is None else confined(path.parent, points, "ply_file_path")
        cameras = _cameras(frames)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    scale = meta.get("applied_scale", 1.0)
    if type(scale) not in (int, float) or not scale > 0:
        raise InputError(f"{path}: applied_scale is {scale}; it is a number above 0")
    return PosedPictures(
        cameras, tuple(f.picture for f in frames), tuple(f.mask for f in frames),
        tuple(f.depth for f in frames), found, transform, float(scale),
    )  # fmt: skip


def load_pictures(posed: PosedPictures) -> Float[Tensor, "v h w 4"]:
    """The pictures, premultiplied RGBA in [0, 1]; opaque where the file has no transparency.

    Raises:
        InputError: unreadable, or of another size than the dataset says.
    """
    return torch.stack([picture_rgba(posed, view) for view in range(len(posed))])


def picture_rgba(posed: PosedPictures, index: int) -> Float[Tensor, "h w 4"]:
    """One of the pictures, as `load_pictures` gives them.

    Raises:
        InputError: unreadable, or of another size than the dataset says.
    """
    path = posed.pictures[index]
    height, width = posed.cameras.height, posed.cameras.width
    pixels = read_picture(path)
    if pixels.shape[:2] != (height, width):
        raise InputError(
            f"{path}: is {pixels.shape[1]} x {pixels.shape[0]} pixels, and the dataset says "
            f"{width} x {height}"
        )
    planes = (from_picture(pixels) + 1) / 2
    rgba = planes if len(planes) == 4 else torch.cat([planes, torch.ones_like(planes[:1])])
    return rearrange(rgba, "c h w -> h w c").contiguous()


def write_transforms(folder: Path, cameras: Cameras, pictures: Float[Tensor, "v h w 4"]) -> Path:
    """Write a dataset that nerfstudio's ``nerfstudio-data`` reads: PNG pictures and the JSON file.

    Args:
        folder: to make; it must not exist, and appears whole or not at all.
        cameras: of our world, without skew.
        pictures: premultiplied RGBA in [0, 1]. Pictures that are opaque all over become RGB.

    Returns:
        The path of the JSON file.

    Raises:
        InputError: the folder exists, other counts or sizes, or skewed cameras.
    """
    views, height, width, _ = pictures.shape
    if (views, height, width) != (len(cameras), cameras.height, cameras.width):
        raise InputError(
            f"{views} pictures of {height} x {width} do not go with {len(cameras)} cameras of "
            f"{cameras.height} x {cameras.width}"
        )
    if folder.exists():
        raise InputError(f"{folder}: exists already; name a new folder")
    names = [f"images/frame_{view + 1:05d}.png" for view in range(views)]
    document = transforms_document(cameras, names)
    opaque = bool((pictures[..., 3] == 1).all())
    with atomic_path(folder.absolute()) as partial:
        (partial / "images").mkdir(parents=True)
        for name, picture in zip(names, pictures, strict=True):
            image = rearrange(picture[..., :3] if opaque else picture, "h w c -> c h w") * 2 - 1
            write_picture(partial / name, to_picture(image))
        (partial / FILE_NAME).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return folder / FILE_NAME


def transforms_document(cameras: Cameras, file_paths: list[str]) -> dict[str, Any]:
    """The content of a `transforms.json`: shared intrinsics once, others with their frames."""
    k = cameras.intrinsics.double()
    if bool((k[:, 0, 1] != 0).any()):
        raise InputError("transforms.json has no place for skewed cameras")
    columns = dict(zip(_PER_VIEW, (k[:, 0, 0], k[:, 1, 1], k[:, 0, 2], k[:, 1, 2]), strict=True))
    shared = {name: float(v[0]) for name, v in columns.items() if bool((v == v[0]).all())}
    own = {name: values.tolist() for name, values in columns.items() if name not in shared}
    matrices = nerfstudio_c2w(cameras.to(torch.float64)).tolist()
    frames = [
        {"file_path": name, **{key: values[view] for key, values in own.items()},
         "transform_matrix": matrices[view]}
        for view, name in enumerate(file_paths)
    ]  # fmt: skip
    return {
        "camera_model": "PINHOLE", "w": cameras.width, "h": cameras.height, **shared,
        "frames": frames,
    }  # fmt: skip


def _cameras(frames: list[Frame]) -> Cameras:
    sizes = sorted({(frame.width, frame.height) for frame in frames})
    if len(sizes) > 1:
        listed = ", ".join(f"{w} x {h}" for w, h in sizes[:5])
        raise InputError(
            f"has pictures of {len(sizes)} sizes ({listed}{', ...' if len(sizes) > 5 else ''}); "
            "scale or crop them to one, or split the dataset by size"
        )
    intrinsics = torch.stack([frame.intrinsics for frame in frames])
    matrices = torch.stack([frame.c2w for frame in frames])
    return cameras_from_nerfstudio(matrices, intrinsics, sizes[0][1], sizes[0][0])
