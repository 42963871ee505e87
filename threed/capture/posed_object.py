"""Posed pictures of an object made ready for a fit: small enough, cut out, about the origin."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from common.cameras import Cameras, rays
from common.errors import InputError
from common.media.images import read_picture
from threed.measures.cloud_views import Frame
from threed.nerfstudio.transforms import PosedPictures, picture_rgba, read_transforms
from threed.texturing.bake import Pictures
from threed.texturing.picture_size import resized_cameras, resized_picture, size_within

if TYPE_CHECKING:
    from threed.reconstruct import Reconstruct

RADIUS_M = 0.5
"""Of the sphere about the object, for fits, which look within 0.6 m of the origin."""
MIN_PICTURES, MAX_PICTURES = 4, 2000
_OUTERMOST = 0.995
"""Share of a picture's object that the sphere holds: specks beyond it do not count."""
_MARGIN = 1.05


@dataclass(frozen=True, eq=False)
class Capture:
    """An object as pictures show it, in the world of a fit."""

    fitted: Pictures
    """Premultiplied, sRGB-encoded; the object within `RADIUS_M` of the origin. float32."""
    held_out: Pictures | None
    """The pictures that are only compared with."""
    frame: Frame
    """Where the object is in the dataset's world, and how large: its radius there stands for
    `RADIUS_M` here."""
    notes: tuple[str, ...]
    """What was done to the pictures, a sentence each."""


def check_capture(method: "Reconstruct") -> None:
    """Refuse what no fit can begin with; reads the JSON and looks for the files.

    Raises:
        InputError: damaged or foreign, missing pictures, too few or too many, no masks.
    """
    posed = read_transforms(method.input)
    count = len(posed)
    if count > MAX_PICTURES:
        raise InputError(f"{method.input}: lists {count:,} pictures; at most {MAX_PICTURES:,} "
                         "are fitted")  # fmt: skip
    fitted = count - len(held_out_of(count, method.hold_out))
    if fitted < MIN_PICTURES:
        raise InputError(
            f"{method.input}: leaves {fitted} pictures to fit, of {count} with hold_out="
            f"{method.hold_out}; at least {MIN_PICTURES} are needed"
        )
    needed = list(posed.pictures)
    if method.outline == "mask":
        without = [i for i, mask in enumerate(posed.masks) if mask is None]
        if without:
            raise InputError(f"{method.input}: frame {without[0]} and {len(without) - 1} others "
                             "have no mask_path; outline=mask needs all")  # fmt: skip
        needed += [mask for mask in posed.masks if mask is not None]
    missing = [path for path in needed if not path.is_file()]
    if missing:
        others = f", nor {len(missing) - 1} others" if len(missing) > 1 else ""
        raise InputError(f"{missing[0]}: there is no such file{others}")
    if method.scene.name == "voxel_nerf" and method.meshing is None:
        raise InputError("meshing is null: a voxel_nerf has no other file than its mesh")


def capture_of(method: "Reconstruct") -> Capture:
    """Read, scale and cut out the pictures, and move the cameras about the object.

    Raises:
        InputError: unreadable, of other sizes, opaque all over, or nothing in them.
    """
    posed = read_transforms(method.input)
    size = size_within(posed.cameras, method.picture_px)
    rgba = torch.stack([resized_picture(_cut_out(posed, i, method.outline), size)
                        for i in range(len(posed))])  # fmt: skip
    _check_cut_out(rgba, posed, method)
    cameras = resized_cameras(posed.cameras, size)
    frame = object_frame(rgba[..., 3], cameras)
    placed = framed_cameras(cameras, frame, RADIUS_M).to(torch.float32)
    held = held_out_of(len(posed), method.hold_out)
    kept = [i for i in range(len(posed)) if i not in set(held)]
    notes = []
    if size != (posed.cameras.height, posed.cameras.width):
        notes.append(
            f"Pictures of {posed.cameras.width} x {posed.cameras.height} were scaled to "
            f"{size[1]} x {size[0]}."
        )
    if method.outline == "alpha" and any(mask is not None for mask in posed.masks):
        notes.append("Masks of the dataset were not used; outline=mask takes them as outlines.")
    return Capture(
        Pictures(rgba[kept], placed[kept]),
        Pictures(rgba[held], placed[held]) if held else None,
        frame,
        tuple(notes),
    )


def held_out_of(count: int, every: int) -> list[int]:
    """Every so manieth picture, from the middle of the first so many on; none for 0."""
    return list(range(every // 2, count, every)) if every else []


def object_frame(alpha: Float[Tensor, "v h w"], cameras: Cameras) -> Frame:
    """The sphere about what the silhouettes show.

    Its centre is the point nearest to the rays through the middles of all silhouettes, by least
    squares; its radius the largest distance from it to a ray of a pixel that is half opaque.

    Raises:
        InputError: views without the object, or all from one side.
    """
    origins, directions = rays(cameras.to(torch.float64))
    solid = alpha >= 0.5
    empty = (~solid.flatten(1).any(1)).nonzero()[:, 0].tolist()
    if empty:
        raise InputError(f"nothing is half opaque in picture {empty[0]} (and {len(empty) - 1} "
                         "others, counted from 0); leave them out of the dataset")  # fmt: skip
    weight = (alpha.double() * solid)[..., None]
    middle = functional.normalize((weight * directions).sum((1, 2)), dim=-1)
    across = torch.eye(3, dtype=torch.float64) - middle[:, :, None] * middle[:, None]
    places = cameras.positions.double()
    system = across.sum(0)
    if float(torch.linalg.cond(system)) > 1e4:
        raise InputError("the cameras look in one direction: where the object is cannot be told")
    centre = torch.linalg.solve(system, (across @ places[:, :, None]).sum(0)[:, 0])
    radius = 0.0
    for view in range(len(cameras)):
        offset = (centre - origins[view])[solid[view]]
        away = torch.linalg.cross(offset, directions[view][solid[view]]).norm(dim=-1)
        radius = max(radius, float(away.quantile(_OUTERMOST)))
    x, y, z = centre.tolist()
    return Frame((x, y, z), _MARGIN * radius)


def framed_cameras(cameras: Cameras, frame: Frame, radius_m: float) -> Cameras:
    """Cameras about the origin: ``x' = radius_m (x - centre) / radius`` moves world and cameras."""
    scale = radius_m / frame.radius_m
    w2c = cameras.w2c.double().clone()
    centre = torch.tensor(frame.centre, dtype=torch.float64)
    w2c[:, :3, 3] = scale * (w2c[:, :3, 3] + w2c[:, :3, :3] @ centre)
    return replace(cameras, w2c=w2c, intrinsics=cameras.intrinsics.double())


def _cut_out(posed: PosedPictures, index: int, outline: str) -> Float[Tensor, "h w 4"]:
    rgba = picture_rgba(posed, index)
    path = posed.masks[index]
    if outline == "alpha" or path is None:
        return rgba
    mask = read_picture(path)[..., 0]
    if mask.shape != rgba.shape[:2]:
        raise InputError(f"{path}: is {mask.shape[1]} x {mask.shape[0]} pixels, its picture "
                         f"{rgba.shape[1]} x {rgba.shape[0]}")  # fmt: skip
    return rgba * (torch.from_numpy(mask.copy()).float() / 255)[..., None]


def _check_cut_out(rgba: Tensor, posed: PosedPictures, method: "Reconstruct") -> None:
    opaque = (rgba[..., 3] > 0.99).flatten(1).all(1)
    if bool(opaque.any()):
        first = posed.pictures[int(opaque.nonzero()[0, 0])]
        hint = (
            "; the dataset has masks, which outline=mask uses"
            if method.outline == "alpha" and any(posed.masks) else ""
        )  # fmt: skip
        raise InputError(
            f"{first}: is opaque all over, as are {int(opaque.sum()) - 1} others; fits begin at "
            f"outlines, so cut the object out (a transparent background){hint}"
        )
