"""Stored frames of a video by PyAV (FFmpeg): every format, and strict about damage."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from common.errors import InputError
from common.media.containers import opened
from common.media.video_probe import VideoInfo

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

_LEAST_MAX_PIXELS = 2**20


def pyav_frames(info: VideoInfo) -> Iterator[UInt8[np.ndarray, "h w c"]]:
    """All stored frames in order, upright, RGB or straight RGBA.

    Raises:
        InputError: damaged data. A decoder would fill the gap with something; nobody asked for it.
    """
    pixel_format = "rgba" if info.has_alpha else "rgb24"
    for frame in decoded(info):
        pixels = frame.to_ndarray(format=pixel_format)
        if info.mirrored:
            pixels = pixels[:, ::-1]
        yield np.ascontiguousarray(np.rot90(pixels, info.quarter_turns))


def check_decodable(info: VideoInfo, num_frames: int) -> UInt8[np.ndarray, "h w c"]:
    """Decode the first ``num_frames`` and keep only the first one's pixels.

    Raises:
        InputError: damaged data.
    """
    first = None
    for index, frame in enumerate(decoded(info)):
        if first is None:
            first = frame.to_ndarray(format="rgb24")
        if index + 1 >= num_frames:
            break
    assert first is not None  # decoded() refuses clips without frames
    return first


def decoded(info: VideoInfo) -> Iterator["VideoFrame"]:
    """FFmpeg's frames, as many as were probed.

    Raises:
        InputError: damaged data, missing frames, or a frame of another size.
    """
    count = 0
    with opened(info.path, info.kind) as container:
        for frame in _undecorated(info, container):
            if frame.is_corrupt:
                raise InputError(f"{info.path}: is damaged in frame {count} of {info.num_frames}")
            size = (frame.height, frame.width) if info.quarter_turns % 2 else (
                frame.width, frame.height
            )  # fmt: skip
            if size != (info.width, info.height):
                raise InputError(
                    f"{info.path}: changes its size from {info.width}x{info.height} to "
                    f"{size[0]}x{size[1]} in frame {count}; re-encode it"
                )
            yield frame
            count += 1
            if count == info.num_frames:
                return
    raise InputError(
        f"{info.path}: is damaged: only {count} of its {info.num_frames} frames can be decoded"
    )


def _undecorated(info: VideoInfo, container: "InputContainer") -> Iterator["VideoFrame"]:
    stream = container.streams.video[0]
    # Frames that grow in mid-clip must not cost memory first. Some codecs count their padding.
    options = {"max_pixels": str(max(_LEAST_MAX_PIXELS, 4 * info.width * info.height))}
    if info.decoder is None:
        stream.codec_context.options = options
        yield from container.decode(stream)
        return
    import av

    decoder = av.VideoCodecContext.create(info.decoder, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.options = options
    decoder.extradata = stream.codec_context.extradata
    for packet in container.demux(stream):
        yield from decoder.decode(packet if packet.size else None)
