"""The timeline of a clip: which of its settings change along its frames."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic import Field, model_validator

from common.config import Config
from common.embedded.mouth import MOUTH
from video.timeline.curve import Curve, PromptCurve

MOVES = ("right", "down", "size", "turn_deg")
"""Curves that say where the thing is."""
CAMERA = ("azimuth_deg", "elevation_deg")
"""Curves that say where the camera is."""
_LIMITS: Mapping[str, tuple[float, float]] = {
    "guidance_scale": (0, 1000), "motion_scale": (0, 4), "lora_scales": (-10, 10),
    "control_weights": (-10, 10), "right": (-4, 4), "down": (-4, 4), "size": (0.05, 20),
    "turn_deg": (-3600, 3600), "mouth_open": (0, 1), "mouth_width": (0, 1), "mouth_round": (0, 1),
    "azimuth_deg": (-3600, 3600), "elevation_deg": (-90, 90),
}  # fmt: skip


class NamedCurve(NamedTuple):
    """A curve and the key that it stands for."""

    key: str
    """Such as ``control_weights.0``."""
    curve: Curve


class Timeline(Config):
    """What changes along the frames of a clip; null leaves a setting as it is in all of them."""

    prompts: PromptCurve | None = None
    """What is asked for from frame to frame."""
    guidance_scale: Curve | None = None
    """In place of guidance.guidance_scale."""
    motion_scale: Curve | None = None
    """How strongly frames influence each other, in place of method.motion.scale; 1 is as the
    embedded layers were trained."""
    lora_scales: tuple[Curve | None, ...] = Field((), max_length=32)
    """In place of the scale of each of prior.loras, in their order."""
    control_weights: tuple[Curve | None, ...] = Field((), max_length=8)
    """In place of the weight of each of prior.controls, in their order."""
    right: Curve | None = None
    """How far the thing goes to the right of where it is in the first frame, in shorter sides of
    the picture (embedded prior); added to method.trajectory, in place of the prompt's motion."""
    down: Curve | None = None
    """How far it goes down; negative values rise."""
    size: Curve | None = None
    """How many times as large as in the first frame it is."""
    turn_deg: Curve | None = None
    """How far it turns in the picture's plane, clockwise."""
    azimuth_deg: Curve | None = None
    """Where the camera is around the thing, which then stands still (embedded prior): 0 looks at
    its front, 90 at its left side, and from 350 on to 370 it passes the front. Where only the
    elevation is told, 0."""
    elevation_deg: Curve | None = None
    """How high above it the camera is; the layers know -10 to 35. Where only the azimuth is told,
    12."""
    mouth_open: Curve | None = None
    """How far open the mouth of a face is (embedded prior): 0 is closed, 1 wide open. What talks
    is to be a face from the front; where its mouth is told, the prompt does not move it."""
    mouth_width: Curve | None = None
    """How wide it is: 0 is narrow, 0.5 at rest (also where it is left out), 1 spread."""
    mouth_round: Curve | None = None
    """How round: 0 has flat corners (also where it is left out), 1 is an "oo"."""

    @property
    def curves(self) -> tuple[NamedCurve, ...]:
        """All curves of numbers."""
        return tuple(self._curves())

    @property
    def moves(self) -> bool:
        """Whether it says where the thing goes."""
        return any(getattr(self, name) is not None for name in MOVES)

    @property
    def orbits(self) -> bool:
        """Whether it says where the camera is."""
        return any(getattr(self, name) is not None for name in CAMERA)

    @property
    def speaks(self) -> bool:
        """Whether it says what the mouth of a face does."""
        return any(getattr(self, name) is not None for name in MOUTH)

    def _curves(self) -> Iterator[NamedCurve]:
        for name in ("guidance_scale", "motion_scale", *MOVES, *CAMERA, *MOUTH):
            if (curve := getattr(self, name)) is not None:
                yield NamedCurve(name, curve)
        for name in ("lora_scales", "control_weights"):
            for index, curve in enumerate(getattr(self, name)):
                if curve is not None:
                    yield NamedCurve(f"{name}.{index}", curve)

    @model_validator(mode="after")
    def _values_are_of_their_key(self) -> "Timeline":
        for key, curve in self.curves:
            low, high = _LIMITS[key.partition(".")[0]]
            for where, value in curve.span:
                if not low <= value <= high:
                    raise ValueError(
                        f"timeline.{key} at {where} is {value:g}; it goes from {low:g} to {high:g}"
                    )
        return self

    def check_frames(self, num_frames: int) -> None:
        """Refuse keys beyond the clip.

        Raises:
            ValueError: with the curve and the frame.
        """
        told = [(key, max(curve.keys, default=0)) for key, curve in self.curves]
        if self.prompts is not None:
            told.append(("prompts", max(self.prompts.keys)))
        for key, frame in told:
            if frame >= num_frames:
                raise ValueError(
                    f"timeline.{key} has a key at frame {frame}, and the clip has {num_frames}: "
                    f"frames 0 to {num_frames - 1}"
                )
