"""What a video or animation holds, found without decoding all of it.

Frame times come from the packets. A rate that explains them all within the container's rounding
makes the clip *regular*: its times are then snapped to that grid, exactly, and a missing grid place
is a frame that is held longer (GIF and WebP writers merge equal frames).
"""

import itertools
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.errors import InputError
from common.media.completeness import check_whole
from common.media.containers import opened
from common.media.frame_rates import MAX_FPS, fit_rate, grid_slots
from common.media.sources import FileKind, file_kind
from common.media.webp_frames import webp_frames, webp_header

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_UNHINTED: tuple[FileKind, ...] = ("gif",)
"""Their containers state no rate; FFmpeg's is a guess from the first frames."""
_ALPHA_CODECS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""FFmpeg's own decoders drop the alpha of these; libvpx keeps it."""
_MATRICES = {
    (1, 0, 0, 1): (0, False), (0, -1, 1, 0): (1, False),
    (-1, 0, 0, -1): (2, False), (0, 1, -1, 0): (3, False),
    (-1, 0, 0, 1): (0, True), (0, 1, 1, 0): (1, True),
    (1, 0, 0, -1): (2, True), (0, -1, -1, 0): (3, True),
}  # fmt: skip


@dataclass(frozen=True)
class ReadLimits:
    """What a reader accepts; beyond it the file is refused before memory is spent."""

    max_pixels: int = 2**25
    """Per frame: 8192 x 4096."""
    max_frames: int = 20_000
    max_duration_s: float = 1_800.0


@dataclass(frozen=True)
class VideoInfo:
    """A probed video file. Sizes are as displayed, after rotation; pixels are taken as square."""

    path: Path
    kind: FileKind
    codec: str
    width: int
    height: int
    rate: Fraction
    """Frames/s: of the grid when regular, the average otherwise (1 for a lone still frame)."""
    is_regular: bool
    duration_s: float
    has_audio: bool
    has_alpha: bool
    quarter_turns: int = 0
    """How often the stored frames are turned counter-clockwise by 90 degrees for display,"""
    mirrored: bool = False
    """after their columns are reversed."""
    decoder: str | None = None
    """The decoder to use instead of FFmpeg's first choice."""
    pixel_format: str = ""
    starts: tuple[Fraction, ...] = field(default=(), repr=False)
    """When each stored frame appears, in seconds from the first."""
    duration: Fraction = field(default=Fraction(0), repr=False)

    @property
    def num_frames(self) -> int:
        """Stored frames; one that is held for several periods counts once."""
        return len(self.starts)

    @property
    def fps(self) -> float:
        """``rate`` as a number."""
        return float(self.rate)


def probe(path: Path, limits: ReadLimits | None = None) -> VideoInfo:
    """Find out what a video or animation holds.

    Reads every packet's time but decodes one frame only. Of a GIF or WebP it decodes until a frame
    can be seen through, because their headers do not tell.

    Raises:
        InputError: missing, empty, damaged, cut off, no video, no picture stream, over the limits.
    """
    limits = limits or ReadLimits()
    kind = file_kind(path)
    check_whole(path, kind)
    if kind == "webp":
        return _probe_webp(path, limits)
    with opened(path, kind) as container:
        if not container.streams.video:
            raise InputError(f"{path}: has sound but no pictures; a video is needed here")
        stream = container.streams.video[0]
        coded = stream.codec_context
        if coded is None:
            raise InputError(f"{path}: its pictures are in a codec that is not known")
        check_size(path, coded.width, coded.height, limits)
        # The pictures themselves may be larger than the container says.
        coded.options = {"max_pixels": str(limits.max_pixels)}
        times, end, tick = _packet_times(path, container, stream, limits)
        hints = [rate for rate in (stream.average_rate, stream.guessed_rate) if rate]
        container.seek(0)
        frame, has_alpha = _first_frame(path, container, stream, kind)
        turns, mirrored = _orientation(path, frame)
        width, height = (coded.width, coded.height)[:: -1 if turns % 2 else 1]
        vpx_alpha = stream.metadata.get("alpha_mode") == "1" and coded.name in _ALPHA_CODECS
        rate, is_regular, starts, duration = timing(
            times, end, tick, [] if kind in _UNHINTED else hints
        )
        _check_duration(path, duration, limits)
        return VideoInfo(
            path, kind, coded.name, width, height, rate, is_regular, float(duration),
            has_audio=bool(container.streams.audio), has_alpha=has_alpha or vpx_alpha,
            quarter_turns=turns, mirrored=mirrored,
            decoder=_ALPHA_CODECS[coded.name] if vpx_alpha else None,
            pixel_format=frame.format.name, starts=starts, duration=duration,
        )  # fmt: skip


def timing(
    times: list[Fraction], end: Fraction | None, tick: Fraction, hints: list[Fraction]
) -> tuple[Fraction, bool, tuple[Fraction, ...], Fraction]:
    """Rate, whether it is regular, the frames' starts and the clip's duration, in seconds."""
    known = [hint for hint in hints if 0 < hint <= MAX_FPS]
    rate = fit_rate(times, end, tick, known)
    last = times[-1]
    if rate is None:
        average = Fraction(len(times) - 1) / last if last else 1 / end if end else Fraction(1)
        return average, False, tuple(times), end or last + 1 / average
    slots = grid_slots(times, rate)
    held = max(1, round((end - last) * rate)) if end else 1
    starts = tuple(slot / rate for slot in slots)
    return rate, True, starts, (slots[-1] + held) / rate


def check_size(path: Path, width: int, height: int, limits: ReadLimits) -> None:
    """Refuse frames that would not fit the limits.

    Raises:
        InputError: too many pixels, or none.
    """
    if not 0 < width * height <= limits.max_pixels:
        raise InputError(
            f"{path}: its frames are {width}x{height}, {width * height} pixels; "
            f"from 1 to {limits.max_pixels} are read. Scale it down first"
        )


def _probe_webp(path: Path, limits: ReadLimits) -> VideoInfo:
    header = webp_header(path)
    check_size(path, header.width, header.height, limits)
    if len(header.durations_ms) > limits.max_frames:
        raise _too_many(path, limits)
    ends = [Fraction(end, 1000) for end in itertools.accumulate(header.durations_ms)]
    times = [Fraction(0), *ends[:-1]]
    rate, is_regular, starts, duration = timing(times, ends[-1] or None, Fraction(1, 1000), [])
    _check_duration(path, duration, limits)
    # The flag alone does not tell: encoders set it to leave out unchanged pixels.
    has_alpha = header.has_alpha and any(
        int(frame[..., 3].min()) < 255 for frame in webp_frames(path, True)
    )
    return VideoInfo(
        path, "webp", "webp", header.width, header.height, rate, is_regular, float(duration),
        has_audio=False, has_alpha=has_alpha, starts=starts, duration=duration,
    )  # fmt: skip


def _packet_times(
    path: Path, container: "InputContainer", stream: "VideoStream", limits: ReadLimits
) -> tuple[list[Fraction], Fraction | None, Fraction]:
    """Start of each frame and end of the last in seconds from the first, and the tick."""
    tick = stream.time_base or Fraction(1, 1000)
    shown: list[tuple[int, int]] = []
    for packet in container.demux(stream):
        if packet.is_corrupt:
            raise InputError(f"{path}: is cut off or damaged after {len(shown)} frames")
        if packet.pts is not None and _is_shown(packet, stream.codec_context.name):
            shown.append((packet.pts, packet.duration or 0))
        if len(shown) > limits.max_frames:
            raise _too_many(path, limits)
    if not shown:
        raise InputError(f"{path}: has no frames")
    if stream.frames > len(shown):
        raise InputError(
            f"{path}: is cut off: {len(shown)} of its {stream.frames} frames are there"
        )
    shown.sort()
    times = [(pts - shown[0][0]) * tick for pts, _ in shown]
    end = times[-1] + shown[-1][1] * tick if shown[-1][1] > 0 else None
    return sorted(set(times)), end, tick


def _is_shown(packet: "Packet[VideoStream]", codec: str) -> bool:
    if not packet.size or packet.is_discard:
        return False
    # VP8 keeps reference frames that are never shown in packets of their own (RFC 6386, 9.1).
    return codec != "vp8" or bool(bytes(packet)[0] & 0x10)


def _first_frame(
    path: Path, container: "InputContainer", stream: "VideoStream", kind: FileKind
) -> tuple["VideoFrame", bool]:
    """The first frame, and whether any part of the clip can be seen through."""
    first: VideoFrame | None = None
    for frame in container.decode(stream):
        first = first or frame
        if not any(part.is_alpha for part in frame.format.components):
            return first, False
        if kind != "gif" or int(frame.to_ndarray(format="rgba")[..., 3].min()) < 255:
            return first, True
    if first is None:
        raise InputError(f"{path}: no frame of it can be decoded")
    return first, False


def _orientation(path: Path, frame: "VideoFrame") -> tuple[int, bool]:
    """Quarter turns and mirroring of the display matrix (16.16 fixed point, row by row)."""
    from av.buffer import Buffer

    side_data = frame.side_data.get("DISPLAYMATRIX")
    if side_data is None:
        return 0, False
    assert isinstance(side_data, Buffer)
    matrix = np.frombuffer(bytes(side_data)[:36], np.int32)[[0, 1, 3, 4]] / 65536
    turns = _MATRICES.get(tuple(np.rint(matrix).astype(int).tolist()))
    if turns is None or np.abs(matrix - np.rint(matrix)).max() > 1e-3:
        raise InputError(f"{path}: is rotated by other than quarter turns; re-encode it")
    return turns


def _check_duration(path: Path, duration: Fraction, limits: ReadLimits) -> None:
    if duration > limits.max_duration_s:
        raise InputError(
            f"{path}: lasts {float(duration):.1f} s, at most {limits.max_duration_s:g} s are read"
        )


def _too_many(path: Path, limits: ReadLimits) -> InputError:
    return InputError(f"{path}: has more than {limits.max_frames} frames; cut it first")
