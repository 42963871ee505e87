"""Between tensors in flight and pixels in files: rounding, transparency, backgrounds.

Tensors are in [-1, 1] and, with four channels, *premultiplied*: a value ``v`` stands for
``p = (v + 1) / 2``, and the colour channels hold ``alpha * colour``. Pixels are uint8 and
*straight*: the colour channels hold the colour itself, as in PNG, WebP and VP9.
"""

import re

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

from common.errors import InputError
from common.shapes import Frames, Picture

_AXES = ("channel", "frame", "row", "column")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


def to_frames(clip: Float[Tensor, "c f h w"]) -> Frames:
    """The pixels of a clip: ``round(255 p)``, colours divided by their alpha first.

    Models overshoot, so values beyond [-1, 1], and colours brighter than their alpha allows, become
    the nearest colour there is. Fully transparent pixels become black.

    Args:
        clip: 3 channels RGB, or 4 channels premultiplied RGBA, in [-1, 1]; any float
            type and device.

    Raises:
        InputError: another number of channels, no frames or pixels, or a value that is no number.
    """
    num_channels = clip.shape[0]
    if num_channels not in (3, 4):
        raise InputError(f"a picture has 3 channels (RGB) or 4 (RGBA), this one has {num_channels}")
    if clip.numel() == 0:
        raise InputError(f"there are no pixels in a clip of shape {tuple(clip.shape)}")
    values = clip.detach().to(device="cpu", dtype=torch.float32)
    _check_finite(values)
    parts = (values + 1) / 2
    if num_channels == 4:
        alpha = parts[3:].clamp(0, 1)
        visible = alpha >= 0.5 / 255
        colors = torch.where(visible, parts[:3] / torch.where(visible, alpha, 1.0), 0.0)
        parts = torch.cat([colors, alpha])
    rounded = parts.clamp(0, 1).mul(255).round().to(torch.uint8)
    return np.ascontiguousarray(rearrange(rounded.numpy(), "c f h w -> f h w c"))


def from_frames(frames: Frames) -> Float[Tensor, "c f h w"]:
    """The float32 tensor of a clip's pixels: ``2 p / 255 - 1``, colours multiplied by their alpha.

    ``to_frames`` gives the same pixels back, except colours nobody can see (alpha 0).
    """
    parts = torch.from_numpy(rearrange(frames, "f h w c -> c f h w").astype(np.float32)) / 255
    if parts.shape[0] == 4:
        parts = torch.cat([parts[:3] * parts[3:], parts[3:]])
    return parts * 2 - 1


def to_picture(image: Float[Tensor, "c h w"]) -> Picture:
    """The pixels of one picture; see ``to_frames``."""
    return to_frames(rearrange(image, "c h w -> c 1 h w"))[0]


def from_picture(picture: Picture) -> Float[Tensor, "c h w"]:
    """The float32 tensor of one picture; see ``from_frames``."""
    return from_frames(picture[None])[:, 0]


def composite(
    pixels: UInt8[np.ndarray, "*axes h w 4"], background: str
) -> UInt8[np.ndarray, "*axes h w 3"]:
    """Lay straight RGBA pixels on a colour: ``a c + (1 - a) b``, rounded once.

    Args:
        pixels: a picture or a clip.
        background: the colour, as ``"#rrggbb"``.
    """
    alpha = pixels[..., 3:].astype(np.float32) / 255
    behind = np.array(parse_color(background), dtype=np.float32)
    blended = pixels[..., :3] * alpha + behind * (1 - alpha)
    return np.rint(blended).astype(np.uint8)


def parse_color(text: str) -> tuple[int, int, int]:
    """Red, green and blue of ``"#rrggbb"``, 0 to 255."""
    if not _COLOR.fullmatch(text):
        raise InputError(f"a colour is written #rrggbb (white is #ffffff), not '{text[:40]}'")
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _check_finite(values: Float[Tensor, "c f h w"]) -> None:
    finite = torch.isfinite(values)
    if finite.all():
        return
    where = [int(index) for index in (~finite).nonzero()[0]]
    named = ", ".join(f"{axis} {index}" for axis, index in zip(_AXES, where, strict=True))
    raise InputError(
        f"{int((~finite).sum())} of {values.numel()} pixel values are no numbers: the first is "
        f"{values[tuple(where)].item()} at {named}. The model diverged; lower guidance_scale or "
        "use float32"
    )
