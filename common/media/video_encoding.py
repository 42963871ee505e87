"""How the two video formats are encoded: codecs, quality, colours, and what they can hold.

Encoders run on one thread, because their output depends on the number of threads, and containers
carry no times, versions or random identifiers: the same frames give the same bytes. Colours are
BT.709 limited range, converted with exact rounding and tagged as such.
"""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from common.errors import InputError
from common.media.filters import add_source, link

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.filter.graph import Graph
    from av.video.stream import VideoStream

VideoFormat = Literal["mp4", "webm"]
CONTAINER_OPTIONS: dict[VideoFormat, dict[str, str]] = {
    "mp4": {"movflags": "+faststart", "fflags": "+bitexact"},
    "webm": {"fflags": "+bitexact"},
}
AUDIO_RATES_HZ: dict[VideoFormat, tuple[int, ...]] = {
    "mp4": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
    "webm": (48000,),
}
"""Sample rates that AAC and Opus take."""
DEFAULT_CRF: dict[VideoFormat, int] = {"mp4": 16, "webm": 18}
"""Constant quality, lower is better; at these no difference is seen."""
WORST_CRF: dict[VideoFormat, int] = {"mp4": 51, "webm": 63}
_VIDEO_CODECS: dict[VideoFormat, str] = {"mp4": "libx264", "webm": "libvpx-vp9"}
_AUDIO_CODECS: dict[VideoFormat, str] = {"mp4": "aac", "webm": "libopus"}
_LARGEST_SIDE = 16_384
_KEYFRAME_INTERVAL_S = 2
"""Players seek to keyframes only."""
_BT709, _LIMITED = 1, 1
_SCALER = "flags=bicubic+accurate_rnd+full_chroma_int+bitexact:out_color_matrix=bt709:out_range=tv"

Shape = tuple[int, int, int]
"""Height, width and channels of a frame."""


def check_frames(path: Path, format: VideoFormat, shape: tuple[int, ...]) -> None:
    """Refuse frames ``(h, w, c)`` that a format cannot hold.

    Raises:
        InputError: what to do instead.
    """
    height, width, channels = shape
    if channels not in (3, 4):
        raise InputError(f"{path}: frames have 3 (RGB) or 4 (RGBA) channels, not {channels}")
    if not 0 < max(width, height) <= _LARGEST_SIDE or min(width, height) < 1:
        raise InputError(f"{path}: frames are {width}x{height}; sides from 1 to {_LARGEST_SIDE}")
    if format == "webm":
        return
    if channels == 4:
        raise InputError(
            f"{path}: MP4 holds no transparency; lay the frames on a background, or write .webm"
        )
    if width % 2 or height % 2:
        raise InputError(
            f"{path}: MP4 needs even sides, these frames are {width}x{height}; generate "
            f"{width + width % 2}x{height + height % 2}, or write .webm, .webp, .gif or PNG frames"
        )


def add_video_stream(
    container: "OutputContainer", format: VideoFormat, shape: Shape, rate: Fraction, crf: int
) -> "VideoStream":
    """The stream that encodes frames of one shape."""
    import av

    options = {"crf": str(crf), "threads": "1", "flags": "+bitexact"}
    options["g"] = str(max(1, round(_KEYFRAME_INTERVAL_S * rate)))
    if format == "mp4":
        # By default x264 rounds as the processor likes, and reads memory that it never wrote
        # where pictures are up to 64 pixels wide: one clip, many files.
        options |= {"preset": "medium", "x264-params": "cpu-independent=1"}
    else:
        # VP9 takes no alternate reference frames together with transparency.
        options |= {"b": "0", "auto-alt-ref": "0", "cpu-used": "3", "row-mt": "0"}
    stream = container.add_stream(_VIDEO_CODECS[format], rate=rate, options=options)
    assert isinstance(stream, av.VideoStream)
    stream.height, stream.width, stream.pix_fmt = shape[0], shape[1], _coded_format(shape)
    context = stream.codec_context
    context.time_base = 1 / rate
    context.color_range = _LIMITED
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    return stream


def add_audio_stream(
    container: "OutputContainer", format: VideoFormat, sample_rate: int, num_channels: int
) -> "AudioStream":
    """The stream that encodes mono or stereo sound."""
    import av

    layout = "mono" if num_channels == 1 else "stereo"
    options = {"flags": "+bitexact"}
    codec = _AUDIO_CODECS[format]
    stream = container.add_stream(codec, rate=sample_rate, layout=layout, options=options)
    assert isinstance(stream, av.AudioStream)
    return stream


def yuv_converter(shape: Shape, rate: Fraction) -> "Graph":
    """A filter from pixels to the codec's format. PyAV's own conversion rounds coarsely."""
    import av

    graph = av.filter.Graph()
    height, width, _ = shape
    link(
        add_source(graph, width, height, source_format(shape), 1 / rate),
        graph.add("scale", _SCALER),
        graph.add("format", f"pix_fmts={_coded_format(shape)}"),
        graph.add("buffersink"),
    )
    graph.configure()
    return graph


def source_format(shape: Shape) -> str:
    """FFmpeg's name for the layout of uint8 frames."""
    return "rgba" if shape[2] == 4 else "rgb24"


def _coded_format(shape: Shape) -> str:
    return "yuva420p" if shape[2] == 4 else "yuv420p"
