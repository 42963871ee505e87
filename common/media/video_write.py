"""Writing MP4 (H.264) and WebM (VP9, with transparency), frame by frame as they are made.

Frames are stored at their size; nothing is ever rescaled. However the frames are cut into chunks,
the file has the same bytes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from common.errors import InputError
from common.media.audio import Audio, resample
from common.media.edge_colors import with_edge_colors
from common.media.filters import ready_frames
from common.media.frame_rates import Fps, as_rate
from common.media.provenance import Provenance
from common.media.provenance_tags import container_tags
from common.media.targets import explained_write_errors, written_whole
from common.media.video_encoding import (
    AUDIO_RATES_HZ,
    CONTAINER_OPTIONS,
    DEFAULT_CRF,
    WORST_CRF,
    Shape,
    VideoFormat,
    add_audio_stream,
    add_video_stream,
    check_frames,
    source_format,
    yuv_converter,
)
from common.shapes import Frames

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.filter.graph import Graph
    from av.video.stream import VideoStream


class VideoWriter:
    """An open video file: its encoders, and how far they got. ``video_writer`` makes it."""

    def __init__(
        self,
        path: Path,
        format: VideoFormat,
        rate: Fraction,
        crf: int,
        audio: Audio | None,
        container: "OutputContainer",
    ) -> None:
        self.path, self.format, self.rate, self.crf = path, format, rate, crf
        self.num_frames = 0
        self._container = container
        self._audio = audio
        self._audio_position = 0
        self._shape: Shape | None = None
        self._video: VideoStream
        self._sound: AudioStream
        self._converter: Graph

    def write(self, frames: Frames) -> None:
        """Append frames.

        Raises:
            InputError: a shape that the format cannot hold or that differs from the frames before,
                more frames than there is sound for, or the disk is full.
        """
        with explained_write_errors(self.path):
            for frame in frames:
                self._write_picture(frame)
                if self._audio is not None:
                    self._write_sound(self._audio)

    def finish(self) -> None:
        """Flush the encoders and close the file.

        Raises:
            InputError: no frames, or the sound is longer than the clip.
        """
        if self._shape is None:
            raise InputError(f"{self.path}: a video needs at least one frame")
        if self._audio is not None and self._sound_left_s(self._audio) > 1 / self.rate:
            raise self._unequal(self._audio)
        with explained_write_errors(self.path):
            self._container.mux(self._video.encode(None))
            if self._audio is not None:
                self._container.mux(self._sound.encode(None))
            self._container.close()

    def _write_picture(self, frame: UInt8[np.ndarray, "h w c"]) -> None:
        import av

        if self._shape is None:
            self._start(frame.shape)
        if frame.shape != self._shape:
            raise InputError(f"{self.path}: frames of shape {self._shape}, then {frame.shape}")
        pixels = with_edge_colors(frame) if self._shape[2] == 4 else frame
        source = av.VideoFrame.from_ndarray(pixels, format=source_format(self._shape))
        source.pts, source.time_base = self.num_frames, 1 / self.rate
        self._converter.push(source)
        converted = next(ready_frames(self._converter))
        converted.pts, converted.time_base = self.num_frames, 1 / self.rate
        converted.pict_type = 0  # the encoder chooses which frames are keyframes
        self._container.mux(self._video.encode(converted))
        self.num_frames += 1

    def _start(self, shape: tuple[int, ...]) -> None:
        check_frames(self.path, self.format, shape)
        self._shape = (shape[0], shape[1], shape[2])
        self._converter = yuv_converter(self._shape, self.rate)
        self._video = add_video_stream(
            self._container, self.format, self._shape, self.rate, self.crf
        )
        if self._audio is not None:
            self._sound = add_audio_stream(
                self._container, self.format, self._audio.sample_rate, self._audio.samples.shape[0]
            )

    def _write_sound(self, audio: Audio) -> None:
        """Append the sound of the frame just written, so that both lie side by side in the file."""
        import av

        if -self._sound_left_s(audio) > 1 / self.rate:
            raise self._unequal(audio)
        end = round(self.num_frames * audio.sample_rate / self.rate)
        part = np.ascontiguousarray(audio.samples[:, self._audio_position : end])
        if part.shape[1] == 0:
            return
        layout = "mono" if part.shape[0] == 1 else "stereo"
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
        frame.sample_rate = audio.sample_rate
        frame.pts, frame.time_base = self._audio_position, Fraction(1, audio.sample_rate)
        self._container.mux(self._sound.encode(frame))
        self._audio_position += part.shape[1]

    def _sound_left_s(self, audio: Audio) -> Fraction:
        length_s = Fraction(audio.samples.shape[1], audio.sample_rate)
        return length_s - self.num_frames / self.rate

    def _unequal(self, audio: Audio) -> InputError:
        clip_s = float(self.num_frames / self.rate)
        return InputError(
            f"{self.path}: the sound lasts {audio.duration_s:.3f} s and the clip {clip_s:.3f} s "
            "or more; cut or fill the sound with fit_audio"
        )


@contextmanager
def video_writer(
    path: Path,
    fps: Fps,
    *,
    audio: Audio | None = None,
    provenance: Provenance | None = None,
    crf: int | None = None,
) -> Iterator[VideoWriter]:
    """Write a clip of any length by chunks; the file appears when the block ends without error.

    Args:
        path: ends in ``.mp4`` or ``.webm``. MP4 takes RGB frames of even size, WebM any.
        fps: frames/s; 23.976 and 29.97 mean the NTSC fractions.
        audio: sound as long as the clip, to within a frame (see ``fit_audio``). Stored as AAC in
            MP4 and Opus in WebM, resampled to 48 kHz where these do not take its rate.
        provenance: how it was made, stored in its tags; None stores nothing.
        crf: quality, 0 (best) to 51 for MP4 and 63 for WebM; None is 16 for MP4, 18 for WebM.

    Raises:
        InputError: no frames, frames or sound that the format cannot hold, an unwritable place.
    """
    import av

    with written_whole(path, ".mp4", ".webm") as partial:
        format: VideoFormat = "mp4" if path.suffix.lower() == ".mp4" else "webm"
        quality = DEFAULT_CRF[format] if crf is None else crf
        if not 0 <= quality <= WORST_CRF[format]:
            raise InputError(f"crf must be from 0 to {WORST_CRF[format]}, not {quality}")
        rate = as_rate(fps)
        sound = None if audio is None else _storable(audio, format)
        with explained_write_errors(path):
            options = CONTAINER_OPTIONS[format]
            container = av.open(str(partial), "w", format=format, options=options)
        try:
            container.metadata.update(container_tags(provenance))
            writer = VideoWriter(path, format, rate, quality, sound, container)
            yield writer
            writer.finish()
        finally:
            container.close()


def write_video(
    path: Path,
    frames: Frames,
    fps: Fps,
    *,
    audio: Audio | None = None,
    provenance: Provenance | None = None,
    crf: int | None = None,
) -> None:
    """Write a whole clip; see ``video_writer``."""
    with video_writer(path, fps, audio=audio, provenance=provenance, crf=crf) as writer:
        writer.write(frames)


def _storable(audio: Audio, format: VideoFormat) -> Audio:
    if audio.samples.shape[0] not in (1, 2) or audio.samples.shape[1] == 0:
        raise InputError(f"sound must be mono or stereo and not empty, not {audio.samples.shape}")
    return audio if audio.sample_rate in AUDIO_RATES_HZ[format] else resample(audio, 48_000)
