"""Stored frames of a video by decord: the first choice where it is right.

decord 0.6 computes the number of channels as the row length in bytes divided by the width, and rows
are padded to whole multiples of 32 pixels: where the width divides the padded row, narrow pictures
come out with 4 or more channels (widths 2 to 24, 48 and 72 among the even ones). It also hides
damage, ignores transparency, and has the decoders of 2021. So: a rule decides beforehand, and its
first frame is compared with PyAV's.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import UInt8

from common.media.video_probe import VideoInfo

_CHUNK_FRAMES = 16
_CODECS = ("h264", "hevc", "mpeg4", "vp9")
_PIXEL_FORMATS = ("yuv420p", "yuvj420p")
_ROW_PADDING = 32
_LARGEST_DIFFERENCE = 2
"""In levels: FFmpeg's releases round colour conversion differently on some processors."""


class DecordUnfitError(Exception):
    """decord cannot read this file, or reads it wrong; use PyAV."""


def suits_decord(info: VideoInfo) -> bool:
    """Whether decord is known to read such a file right."""
    upright = info.quarter_turns == 0 and not info.mirrored
    return (
        upright
        and not info.has_alpha
        and info.is_regular
        and info.kind in ("mp4", "matroska")
        and info.codec in _CODECS
        and info.pixel_format in _PIXEL_FORMATS
        and _channels_by_decord(info.width) == 3
    )


def decord_frames(
    info: VideoInfo, indices: Sequence[int], expected_first: UInt8[np.ndarray, "h w 3"]
) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """The frames at ``indices`` (rising), in chunks of 16.

    Args:
        info: the probed file.
        indices: positions among the stored frames.
        expected_first: frame 0 by PyAV; decord's must agree before any frame is given out.

    Raises:
        DecordUnfitError: it is not installed, fails, or disagrees. Frames given so far are right.
    """
    # First: decord puts the symbols of its old libvpx and x264 before those that are loaded later,
    # and PyAV's encoders then fail or call the wrong library.
    import av  # noqa: F401

    try:
        import decord
    except (ImportError, OSError) as error:
        raise DecordUnfitError("decord is not installed") from error
    try:
        reader = decord.VideoReader(str(info.path.absolute()), ctx=decord.cpu(0), num_threads=1)
        _check_first(reader[0].asnumpy(), expected_first)
        if len(reader) != info.num_frames:
            raise DecordUnfitError(f"decord counts {len(reader)} frames, not {info.num_frames}")
        for start in range(0, len(indices), _CHUNK_FRAMES):
            wanted = list(indices[start : start + _CHUNK_FRAMES])
            batch = reader.get_batch(wanted).asnumpy()
            if batch.shape != (len(wanted), info.height, info.width, 3):
                raise DecordUnfitError(f"decord gives frames of shape {batch.shape}")
            yield from batch
    except decord.DECORDError as error:
        raise DecordUnfitError(str(error)) from error


def _check_first(found: np.ndarray, expected: np.ndarray) -> None:
    if found.shape != expected.shape:
        raise DecordUnfitError(f"decord gives frames of shape {found.shape}")
    difference = int(np.abs(found.astype(np.int16) - expected.astype(np.int16)).max())
    if difference > _LARGEST_DIFFERENCE:
        raise DecordUnfitError(f"decord's first frame is off by {difference} levels")


def _channels_by_decord(width: int) -> int:
    row_bytes = 3 * (-(-width // _ROW_PADDING) * _ROW_PADDING)
    return row_bytes // width if row_bytes % width == 0 else 3
