"""Text to video: a clip for a prompt."""

from typing import Literal

from video.clip_keys import MovingKeys


class TextToVideo(MovingKeys):
    """A clip for a prompt."""

    name: Literal["text_to_video"] = "text_to_video"
