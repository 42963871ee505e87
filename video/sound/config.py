"""Settings of the sound that a clip follows."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from common.config import Config


class SoundConfig(Config):
    """A sound, and how it is read into tracks from 0 to 1."""

    path: Path
    """WAV, FLAC, MP3, M4A, AAC or Ogg, or a video whose sound is taken."""
    start_s: float = Field(0.0, ge=0, le=1_800)
    """Where in the sound the clip begins, seconds."""
    length: Literal["fit", "repeat", "exact"] = "fit"
    """What becomes of a sound of another length than the clip: fit cuts its end off or lets it end
    in silence; repeat begins it again; exact refuses it, and says how many frames it has."""
    smoothing_ms: float = Field(0.0, ge=0, le=10_000)
    """Standard deviation of a Gaussian over time that tracks are smoothed by; 0 is none."""
    mel_bands: int = Field(8, ge=1, le=40)
    """Bands that track mel is divided into, from 30 Hz up to 8 kHz."""
    pitch_hz: tuple[float, float] = (80.0, 1_000.0)
    """Where track pitch is 0 and 1, on a logarithmic scale."""

    @model_validator(mode="after")
    def _pitches_are_in_order(self) -> "SoundConfig":
        low, high = self.pitch_hz
        if not 40 <= low < high <= 4_000:
            raise ValueError(f"pitch_hz must be 40 <= low < high <= 4000, got [{low:g}, {high:g}]")
        return self
