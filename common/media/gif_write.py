"""Writing GIF: one palette over the whole clip, so that colours do not flicker, steady timing.

A clip of at most 256 colours is stored exactly. Others get FFmpeg's best palette over all frames
and ordered dithering, whose pattern stays still where the picture does (error diffusion crawls).
"""

import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8, UInt32

from common.errors import InputError
from common.media.filters import add_source, link, ready_frames
from common.media.frame_rates import Fps, as_rate, whole_ticks
from common.media.provenance import Provenance
from common.media.provenance_tags import gif_comment
from common.media.targets import explained_write_errors, written_whole
from common.shapes import Frames

if TYPE_CHECKING:
    from av.filter.context import FilterContext
    from av.filter.graph import Graph
    from av.video.frame import VideoFrame

MAX_GIF_FPS = 50
"""Browsers show frames of less than 2/100 s for 10/100 s."""
_TICK = Fraction(1, 100)
_LARGEST_SIDE = 65_535
_NUM_COLORS = 256


def write_gif(
    path: Path, frames: Frames, fps: Fps, *, provenance: Provenance | None = None
) -> None:
    """Write a GIF that loops.

    GIF counts time in 1/100 s. Rates that do not divide 100 (8, 12, 24, 30) get delays that differ
    by one tick, such that every frame starts within 5 ms of its time and the clip keeps its length.

    Args:
        path: ends in ``.gif``.
        frames: RGB.
        fps: frames/s, at most 50.
        provenance: how it was made; None stores nothing.

    Raises:
        InputError: no frames, transparency, too fast, too large, or an unwritable place.
    """
    import av

    rate = as_rate(fps)
    _check_frames(path, frames, rate)
    with written_whole(path, ".gif") as partial, explained_write_errors(path):
        delays = whole_ticks(len(frames), rate, int(1 / _TICK))
        options = {"fflags": "+bitexact", "loop": "0", "final_delay": str(delays[-1])}
        with av.open(str(partial), "w", format="gif", options=options) as container:
            # transdiff would store unchanged pixels as transparent, which some readers show.
            encoding = {"flags": "+bitexact", "gifflags": "-transdiff"}
            stream = container.add_stream("gif", rate=rate, options=encoding)
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt = "pal8"
            stream.codec_context.time_base = _TICK
            starts = itertools.accumulate(delays, initial=0)
            for indexed, start in zip(_indexed(frames), starts, strict=False):
                indexed.pts, indexed.time_base = start, _TICK
                container.mux(stream.encode(indexed))
            container.mux(stream.encode(None))
        _insert_comment(partial, gif_comment(provenance))


def _check_frames(path: Path, frames: Frames, rate: Fraction) -> None:
    if frames.size == 0 or frames.shape[3] not in (3, 4):
        raise InputError(f"{path}: a clip needs frames of 3 channels (RGB), not {frames.shape}")
    if frames.shape[3] == 4:
        raise InputError(
            f"{path}: GIF has no partial transparency; lay the frames on a background, or write "
            ".webp or .webm"
        )
    if rate > MAX_GIF_FPS:
        raise InputError(f"{path}: GIF plays at most {MAX_GIF_FPS} frames/s, not {float(rate):g}")
    if max(frames.shape[1:3]) > _LARGEST_SIDE:
        size = f"{frames.shape[2]}x{frames.shape[1]}"
        raise InputError(f"{path}: GIF holds at most {_LARGEST_SIDE} pixels a side, not {size}")


def _indexed(frames: Frames) -> "Iterator[VideoFrame]":
    """The frames as positions in one palette."""
    colors = _few_colors(frames)
    if colors is None:
        yield from _dithered(frames, _best_palette(frames))
    else:
        yield from _exact(frames, colors)


def _exact(frames: Frames, colors: UInt32[np.ndarray, " n"]) -> "Iterator[VideoFrame]":
    import av

    palette = np.zeros((_NUM_COLORS, 4), np.uint8)  # alpha, red, green, blue
    palette[:, 0] = 255
    palette[: len(colors), 1:] = np.stack([colors >> 16, colors >> 8, colors], axis=1) & 255
    for frame in frames:
        positions = np.searchsorted(colors, _packed(frame)).astype(np.uint8)
        pair: Any = (positions, palette)  # what this format takes; the stubs do not know
        yield av.VideoFrame.from_ndarray(pair, format="pal8")


def _best_palette(frames: Frames) -> "VideoFrame":
    """The palette of all frames together, as FFmpeg's picture of 16x16 colours."""
    graph, source = _graph_of(frames)
    maker = graph.add("palettegen", "stats_mode=full:reserve_transparent=0")
    link(source, maker, graph.add("buffersink"))
    graph.configure()
    for frame in _timed(frames):
        source.push(frame)
    source.push(None)
    return next(ready_frames(graph))


def _dithered(frames: Frames, palette: "VideoFrame") -> "Iterator[VideoFrame]":
    graph, source = _graph_of(frames)
    palette_source = add_source(graph, palette.width, palette.height, palette.format.name, _TICK)
    mapper = graph.add("paletteuse", "dither=bayer:bayer_scale=2:diff_mode=none")
    link(source, mapper, graph.add("buffersink"))
    palette_source.link_to(mapper, 0, 1)
    graph.configure()
    palette.pts, palette.time_base = 0, _TICK
    palette_source.push(palette)
    palette_source.push(None)
    for frame in [*_timed(frames), None]:
        source.push(frame)
        yield from ready_frames(graph)


def _graph_of(frames: Frames) -> "tuple[Graph, FilterContext]":
    import av

    graph = av.filter.Graph()
    height, width = frames.shape[1:3]
    return graph, add_source(graph, width, height, "rgb24", _TICK)


def _timed(frames: Frames) -> "Iterator[VideoFrame]":
    import av

    for index, pixels in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = index, _TICK
        yield frame


def _few_colors(frames: Frames) -> UInt32[np.ndarray, " n"] | None:
    """All colours of the clip as 0xRRGGBB in order; None when a palette cannot hold them."""
    seen = np.zeros(0, np.uint32)
    for frame in frames:
        seen = np.union1d(seen, _packed(frame))
        if len(seen) > _NUM_COLORS:
            return None
    return seen


def _packed(frame: UInt8[np.ndarray, "h w 3"]) -> UInt32[np.ndarray, "h w"]:
    wide = frame.astype(np.uint32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def _insert_comment(path: Path, block: bytes) -> None:
    """Put an extension block behind the header and its colour table; FFmpeg writes no comments."""
    if not block:
        return
    data = path.read_bytes()
    table = 3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0
    place = 13 + table
    path.write_bytes(data[:place] + block + data[place:])
