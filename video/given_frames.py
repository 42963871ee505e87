"""What a method of the video app is given, as the prior takes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

import numpy as np
import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from common.generation.given_pixels import laid_out, mask_of
from common.media.fitting import placed, placement
from common.media.images import read_picture
from common.media.sources import file_kind
from common.media.video_read import iter_clip
from common.shapes import Frames, Picture
from video.audio_to_video import AudioToVideo
from video.clip_keys import GivenKeys
from video.image_to_video import ImageToVideo
from video.long_video import LongVideo
from video.text_to_video import TextToVideo
from video.video_to_video import FromClip, VideoInpaint, VideoToVideo

ClipMethod = TextToVideo | ImageToVideo | VideoToVideo | VideoInpaint | LongVideo | AudioToVideo

_HALF = 0.5
_STILLS = ("png", "jpeg", "bmp", "tiff")


@dataclass(frozen=True, eq=False)
class GivenFrames:
    """Frames of the size that is drawn, and the part of them that is drawn anew."""

    frames: Float[Tensor, "c f h w"]
    """Premultiplied RGBA, or RGB, in [-1, 1]."""
    drawn: Float[Tensor, "f h w"] | None
    """1 where pixels are drawn anew, 0 where they stay; None: none stays."""


def given_frames(method: ClipMethod, channels: int, fps: float) -> GivenFrames | None:
    """Read what a method is given; None for text to video.

    Args:
        method: of the video app.
        channels: of the prior's pictures: 4 keeps transparency, 3 lays it on the background.
        fps: frames a second of the clip that is drawn; a given clip is read at this rate.

    Raises:
        InputError: unreadable files, a clip that is too short, a mask of another size or with
            nothing to draw.
    """
    match method:
        case TextToVideo():
            return None
        case ImageToVideo():
            return _between_pictures(method, channels)
        case LongVideo() | AudioToVideo():
            return None if method.input is None else _first_picture(method, method.input, channels)
        case VideoToVideo():
            return GivenFrames(_frames(method, _read(method.input, method, fps), channels), None)
        case VideoInpaint():
            return _masked(method, channels, fps)
        case _:
            assert_never(method)


def strength_of(method: ClipMethod) -> float:
    """Share of the sampler's steps that a method takes."""
    return 1.0 if isinstance(method, TextToVideo | LongVideo | AudioToVideo) else method.strength


def _between_pictures(method: ImageToVideo, channels: int) -> GivenFrames:
    paths = {0: method.input, **{key.frame: key.input for key in method.key_frames}}
    shown = {
        frame: _image(method, read_picture(path), channels) for frame, path in paths.items()
    }  # fmt: skip
    drawn = torch.ones(method.size)
    drawn[list(shown)] = 0
    frames = [_mixture(shown, frame) for frame in range(method.num_frames)]
    return GivenFrames(torch.stack(frames, 1), drawn)


def _first_picture(method: GivenKeys, path: Path, channels: int) -> GivenFrames:
    """Frames that are drawn together, of which only the first is given."""
    image = _image(method, read_picture(path), channels)
    drawn = torch.ones(method.size)
    drawn[0] = 0
    return GivenFrames(repeat(image, "c h w -> c f h w", f=method.size[0]), drawn)


def _mixture(shown: dict[int, Tensor], frame: int) -> Tensor:
    """The given pictures before and after a frame, mixed by their distance to it."""
    before = max(at for at in shown if at <= frame)
    after = min((at for at in shown if at >= frame), default=before)
    if after == before:
        return shown[before]
    return torch.lerp(shown[before], shown[after], (frame - before) / (after - before))


def _masked(method: VideoInpaint, channels: int, fps: float) -> GivenFrames:
    frames, masks = _read(method.input, method, fps), _masks(method, fps)
    if masks[0].shape[:2] != frames.shape[1:3]:
        raise InputError(
            f"{method.mask} is {masks[0].shape[1]}x{masks[0].shape[0]} pixels, and the clip it is "
            f"the mask of {frames.shape[2]}x{frames.shape[1]}; make them alike"
        )
    size = (method.height, method.width)
    place = placement(frames.shape[1:3], size, method.fit)
    # What lies beyond a contained clip is neither given nor asked for: it stays empty.
    shown = [
        placed(torch.from_numpy(mask_of(mask))[None], place, torch.zeros(1, *size))[0]
        for mask in masks
    ]
    drawn = (torch.stack(shown) >= _HALF).float().expand(method.num_frames, -1, -1)
    if not bool((drawn > 0).any()):
        raise InputError(f"{method.mask}: nothing is white in it, so that nothing would be drawn")
    return GivenFrames(_frames(method, frames, channels), drawn)


def _masks(method: VideoInpaint, fps: float) -> Sequence[Picture]:
    """One for all frames, or one for each."""
    if file_kind(method.mask) in _STILLS:
        return [read_picture(method.mask)]
    return list(_read(method.mask, method, fps))


def _read(path: Path, method: FromClip, fps: float) -> Frames:
    """The part of a clip that is drawn again, at the rate at which it is drawn."""
    first = round(method.start_s * fps)
    wanted = first + method.num_frames
    kept: list[Frames] = []
    done = 0
    for chunk in iter_clip(path, fps=fps, max_frames=wanted):
        part = chunk[max(first - done, 0) :]
        kept += [part] if len(part) else []
        done += len(chunk)
    if done < wanted:
        left = max(done - first, 0)
        fewer = f"num_frames={left}, " if left > 1 else ""
        raise InputError(
            f"{path} has {left} frames from {method.start_s:g} s on at {fps:g} frames a second, "
            f"and {method.num_frames} are to be drawn; set {fewer}a higher export.fps or another "
            "start_s"
        )
    return np.concatenate(kept)


def _frames(method: FromClip, frames: Frames, channels: int) -> Float[Tensor, "d f y x"]:
    return torch.stack([_image(method, frame, channels) for frame in frames], 1)


def _image(method: GivenKeys, picture: Picture, channels: int) -> Float[Tensor, "d y x"]:
    size = (method.height, method.width)
    place = placement(picture.shape[:2], size, method.fit)
    return laid_out(picture, place, size, channels, method.background)
