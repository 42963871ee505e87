"""Curves on a clip's frames: values at some of them and between, or a track of a sound."""

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float
from pydantic import Field, model_validator

from common.config import Config
from common.runs.config import Prompt

Interpolation = Literal["linear", "smooth", "hold"]
TrackName = Literal[
    "onset", "energy", "pitch", "mel", "mouth_open", "mouth_width", "mouth_round"
]  # fmt: skip
"""Tracks of a sound, from 0 to 1: how suddenly something begins, how loud it is, how high, how loud
in one of its mel bands, and how open, wide and round the mouth is that says it."""
Frame = Annotated[int, Field(ge=0)]
FrameTracks = Mapping[str, Float[np.ndarray, " f"]]
"""Of each track its value in every frame; the bands are ``mel 0``, ``mel 1``, ..."""


class Curve(Config):
    """A number for every frame of a clip."""

    keys: dict[Frame, float] = Field(default_factory=dict)
    """Values by frame, counted from 0: {0: 3.0, 8: 6.0}. Before the first key and after the last
    their values hold."""
    interpolation: Interpolation = "linear"
    """Between keys: linear; smooth (monotone cubics, which never overshoot); or hold, the value of
    the key before."""
    track: TrackName | None = None
    """A track of the sound in place of keys, for method audio_to_video: onset (how suddenly
    something begins), energy (how loud it is), pitch (how high), mel (how loud in one band), or
    mouth_open, mouth_width, mouth_round (the mouth that says it)."""
    band: int | None = Field(None, ge=0, le=39)
    """Of mel: which band, the lowest is 0."""
    low: float = 0.0
    """The value where the track is 0."""
    high: float = 1.0
    """The value where the track is 1."""

    @model_validator(mode="after")
    def _keys_or_track(self) -> "Curve":
        if bool(self.keys) == (self.track is not None):
            both = "both, which contradict each other" if self.keys else "neither"
            raise ValueError(f"a curve has keys ({{0: 1.0, 8: 0.5}}) or a track; this has {both}")
        if self.track is not None and self.interpolation != "linear":
            raise ValueError("interpolation has no effect with a track: leave it out")
        if self.track is None and (self.low, self.high) != (0.0, 1.0):
            raise ValueError("low and high are for a track, and this curve has keys")
        if (self.track == "mel") != (self.band is not None):
            raise ValueError("band says which band of track mel, from 0 on: give both or neither")
        return self

    @property
    def track_key(self) -> str | None:
        """The track's name among those of a sound."""
        return f"mel {self.band}" if self.track == "mel" else self.track

    @property
    def span(self) -> tuple[tuple[str, float], ...]:
        """The values that bound it, each with what it belongs to."""
        if self.track is not None:
            return ("low", self.low), ("high", self.high)
        return tuple((f"frame {frame}", value) for frame, value in sorted(self.keys.items()))

    def values(self, num_frames: int, tracks: FrameTracks | None) -> Float[np.ndarray, " f"]:
        """Of every frame.

        Raises:
            KeyError: the track is none of these.
        """
        key = self.track_key
        if key is not None:
            along = (tracks or {})[key][:num_frames]
            # Both ends are exact, which low + (high - low) t is not.
            return (1 - along) * self.low + along * self.high
        frames = sorted(self.keys)
        at_keys = np.array([self.keys[frame] for frame in frames])
        if len(set(at_keys.tolist())) == 1:
            return np.full(num_frames, at_keys[0])
        found = interpolated(frames, at_keys, num_frames, self.interpolation)
        inside = [frame for frame in frames if frame < num_frames]
        found[inside] = [self.keys[frame] for frame in inside]  # cubics are rounded
        return found


class PromptCurve(Config):
    """A prompt for every frame of a clip (prompt travel)."""

    keys: dict[Frame, Prompt] = Field(min_length=1)
    """Prompts by frame: {8: "a blue duck"}; frame 0 is `prompt`'s."""
    interpolation: Interpolation = "linear"
    """Between keys embeddings are mixed: linear; smooth (slow at keys); or hold, which changes them
    at once."""

    def places(self, num_frames: int) -> Float[np.ndarray, " f"]:
        """Where each frame is among the prompts: 0 is `prompt`, 1 that of the first key after."""
        frames = [0, *(frame for frame in sorted(self.keys) if frame > 0)]
        count = np.arange(len(frames), dtype=np.float64)
        if self.interpolation != "smooth":
            return interpolated(frames, count, num_frames, self.interpolation)
        along = interpolated(frames, count, num_frames, "linear")
        part = along - np.floor(along)
        return np.asarray(np.floor(along) + part**2 * (3 - 2 * part))


def interpolated(
    frames: list[int], values: Float[np.ndarray, " k"], num_frames: int, how: Interpolation
) -> Float[np.ndarray, " f"]:
    """Values at frames 0 to ``num_frames - 1`` through those at ``frames``, which rise.

    ``smooth`` is Fritsch and Carlson's monotone cubic (1980).
    """
    from scipy.interpolate import PchipInterpolator, interp1d

    if len(frames) == 1:
        return np.full(num_frames, values[0])
    at = np.clip(np.arange(num_frames), frames[0], frames[-1])
    match how:
        case "linear":
            return np.interp(at, frames, values)
        case "smooth":
            return np.asarray(PchipInterpolator(frames, values)(at))
        case "hold":
            return np.asarray(interp1d(frames, values, kind="previous")(at))
