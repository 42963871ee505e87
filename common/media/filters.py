"""FFmpeg's filters on frames in memory: sources, chains and results."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.filter.context import FilterContext
    from av.filter.graph import Graph
    from av.video.frame import VideoFrame


def add_source(
    graph: "Graph", width: int, height: int, pixel_format: str, time_base: Fraction
) -> "FilterContext":
    """The node that frames of one size and format are pushed into."""
    size = f"video_size={width}x{height}:pix_fmt={pixel_format}"
    tick = f"{time_base.numerator}/{time_base.denominator}"
    return graph.add("buffer", f"{size}:time_base={tick}:pixel_aspect=1/1")


def link(*nodes: "FilterContext") -> None:
    """Connect each node's output to the next node's input."""
    for before, after in pairwise(nodes):
        before.link_to(after)


def ready_frames(graph: "Graph") -> "Iterator[VideoFrame]":
    """The frames that can be had before more are pushed."""
    import av

    while True:
        try:
            frame = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        assert isinstance(frame, av.VideoFrame)
        yield frame
