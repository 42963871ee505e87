"""Long video: a clip of any length, one segment after the other, each continuing the last."""

from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field, model_validator

from common.config import Config
from common.runs.config import Prompt
from video.clip_keys import GivenKeys

_SEGMENT_FRAMES = 16


class PromptFrom(Config):
    """What is asked for from a frame on."""

    frame: int = Field(ge=1)
    """The first frame of it, counted from 0; what comes before is `prompt`'s."""
    prompt: Prompt
    """What is to happen then."""


class Segment(NamedTuple):
    """Frames that are drawn together."""

    prompt: str
    num_new: int
    """Frames that it adds to the clip: all of the first segment, later ones without their first."""


class LongVideo(GivenKeys):
    """A clip longer than what the prior draws at once.

    Every segment begins with the last frame of the one before it, without noise, so that neither
    memory nor seams grow with the length. With `windows` all frames are drawn side by side instead,
    in windows that are fused at every step: slower, steadier, in memory that grows with the length.
    """

    name: Literal["long_video"] = "long_video"
    num_frames: int = Field(64, ge=2, le=10_000)
    """Length."""
    segment_frames: int = Field(_SEGMENT_FRAMES, ge=2, le=256)
    """Frames that are drawn together; the embedded prior's layers know up to 16."""
    then: tuple[PromptFrom, ...] = ()
    """Other prompts from later frames on (prompt travel); a segment that is begun is finished in
    the prompt it began with, shortened to where the next prompt begins."""
    input: Path | None = None
    """Picture of the first frame; null lets the prior draw it."""

    @property
    def size(self) -> tuple[int, int, int]:
        """Frames, height and width of what is drawn together."""
        if self.windows is not None:
            return self.num_frames, self.height, self.width
        return min(self.segment_frames, self.num_frames), self.height, self.width

    @model_validator(mode="after")
    def _windows_or_segments(self) -> "LongVideo":
        # By value: a run's own config.yaml names every key.
        if self.windows is not None and self.segment_frames != _SEGMENT_FRAMES:
            raise ValueError(
                "segment_frames has no effect with windows, whose length is windows.frames: leave "
                "one out"
            )
        if self.windows is not None and self.then:
            raise ValueError("then changes the prompt between segments: leave windows out")
        if self.free_init is not None and self.windows is None:
            raise ValueError("free_init goes with windows, not with segments: leave one out")
        return self

    @model_validator(mode="after")
    def _prompts_are_in_order(self) -> "LongVideo":
        frames = [one.frame for one in self.then]
        if frames != sorted(set(frames)):
            raise ValueError(f"prompts in then begin at frames {frames}; let them rise")
        if frames and frames[-1] >= self.num_frames:
            raise ValueError(
                f"a prompt in then begins at frame {frames[-1]}, and the clip has "
                f"{self.num_frames}: frames 0 to {self.num_frames - 1}"
            )
        return self

    def segments(self, prompt: str) -> tuple[Segment, ...]:
        """How the clip is cut; prompts change between segments only."""
        begins = [0, *(one.frame for one in self.then)]
        ends = [*begins[1:], self.num_frames]
        prompts = [prompt, *(one.prompt for one in self.then)]
        found: list[Segment] = []
        for begin, end, said in zip(begins, ends, prompts, strict=True):
            left = end - begin
            while left:
                longest = self.size[0] if not found else self.size[0] - 1
                found.append(Segment(said, min(left, longest)))
                left -= found[-1].num_new
        return tuple(found)
