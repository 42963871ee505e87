"""Audio to video: a clip that follows a sound, and is heard with it."""

from pathlib import Path
from typing import Literal

from video.clip_keys import GivenKeys, MovingKeys
from video.sound.config import SoundConfig


class AudioToVideo(GivenKeys, MovingKeys):
    """A clip whose timeline follows a sound, which is in its MP4 and WebM.

    Curves of `timeline` name one of its tracks: onset, energy, pitch, mel, or mouth_open,
    mouth_width and mouth_round, which make a face talk.
    """

    name: Literal["audio_to_video"] = "audio_to_video"
    sound: SoundConfig
    """What it follows."""
    input: Path | None = None
    """Picture of the first frame; null lets the prior draw it."""
