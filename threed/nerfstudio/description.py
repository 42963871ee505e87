"""What is in nerfstudio's files, a line each, for ``run.py inspect``."""

import math
from pathlib import Path

from common.errors import InputError
from threed.nerfstudio.checkpoint import inventory, read_checkpoint
from threed.nerfstudio.splatfacto import splatfacto_cloud
from threed.nerfstudio.transforms import PosedPictures, read_transforms
from threed.nerfstudio.voxel_checkpoint import trained_field
from threed.splats.description import described_cloud

_MAX_LISTED = 60


def described_transforms(path: Path) -> list[str]:
    """A `transforms.json`.

    Raises:
        InputError: it is none, or cannot be used; with the reason.
    """
    posed = read_transforms(path)
    k = posed.cameras.intrinsics
    centres = posed.cameras.positions
    fovy = [
        math.degrees(2 * math.atan(0.5 * posed.cameras.height / f)) for f in k[:, 1, 1].tolist()
    ]
    ranges = zip("xyz", centres.amin(0).tolist(), centres.amax(0).tolist(), strict=True)
    lines = [
        f"nerfstudio's transforms.json: {len(posed)} posed pictures of {posed.cameras.width} x "
        f"{posed.cameras.height} pixels, pinhole cameras without distortion",
        f"vertical field of view: {_range(fovy)} degrees",
        "cameras stand (y up): " + ", ".join(f"{n} {a:.4g} to {b:.4g}" for n, a, b in ranges),
        "axes: RFU (x right, y forward, z up), nerfstudio's",
    ]
    return lines + _beside(posed)


def described_checkpoint(path: Path) -> list[str]:
    """A ``step-*.ckpt``: splatfacto's Gaussians, or what tensors there are.

    Raises:
        InputError: not of nerfstudio, damaged, or with more than weights in it.
    """
    checkpoint = read_checkpoint(path)
    listed = inventory(checkpoint)
    lines = [f"nerfstudio checkpoint of {checkpoint.method}, step {checkpoint.step:,}"]
    if checkpoint.method == "splatfacto":
        lines += [
            "axes: RFU (x right, y forward, z up), of the training world; "
            "dataparser_transforms.json says where the dataset lies in it",
            *described_cloud(splatfacto_cloud(checkpoint)),
        ]
    elif checkpoint.method == "nerfacto":
        flat = any(name.startswith("field.mlp") and name.split()[0].endswith("params")
                   for name in listed)  # fmt: skip
        lines.append(
            "weights of tiny-cuda-nn: the field cannot be evaluated, only listed"
            if flat else "weights of PyTorch: the field can be evaluated"
        )  # fmt: skip
    elif checkpoint.method == "extrude":
        field = trained_field(checkpoint)
        x, y, z = (count - 1 for count in field.density.shape)
        lines.append(
            f"a voxel field of {x} x {y} x {z} cells from {_corner(field.low)} to "
            f"{_corner(field.high)}, +Y up, in the training world"
        )
    rows = [f"  {row}" for row in listed[:_MAX_LISTED]]
    if len(listed) > _MAX_LISTED:
        rows.append(f"  ... and {len(listed) - _MAX_LISTED} more")
    return [*lines, f"{len(listed)} tensors", *rows]


def _corner(place: tuple[float, float, float]) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in place) + ")"


def _beside(posed: PosedPictures) -> list[str]:
    """What else there is, and what is missing."""
    files = {"pictures": posed.pictures, "masks": [m for m in posed.masks if m],
             "depths": [d for d in posed.depths if d]}  # fmt: skip
    lines = []
    for what, paths in files.items():
        if paths:
            missing = [path for path in paths if not path.is_file()]
            gone = f", {len(missing)} missing, the first is {missing[0].name}" if missing else ""
            lines.append(f"{what}: {len(paths)}{gone}")
    if posed.points is not None:
        lines.append(f"points: {posed.points.name}")
    applied = posed.applied_transform
    if bool((applied[:, :3] - applied.new_tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1]])).any()):
        lines.append("applied_transform: the original data were turned to this world")
    if posed.applied_scale != 1:
        lines.append(f"applied_scale: {posed.applied_scale:g}")
    return lines


def _range(values: list[float]) -> str:
    if not values:
        raise InputError("lists no frames")
    low, high = min(values), max(values)
    return f"{low:.4g}" if math.isclose(low, high) else f"{low:.4g} to {high:.4g}"
