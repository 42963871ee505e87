"""Long video: a clip of any length, one segment after the other, each continuing the last."""

from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field, model_validator

from video.clip_keys import GivenKeys

_SEGMENT_FRAMES = 16


class Segment(NamedTuple):
    """Frames that are drawn together."""

    prompt: str
    """Of all its frames, where prompts are not mixed."""
    num_new: int
    """Frames that it adds to the clip: all of the first segment, later ones without their first."""
    begin: int
    """The first that it adds."""
    told_by: int = 0
    """The number of the segment with which its prompt began."""
    anchor: int = 0
    """The frame from which that segment went on: the last before its own, or the clip's first."""

    def frames(self, num_together: int, num_frames: int) -> list[int]:
        """The clip's frames that are drawn together, the one that it continues included.

        Beyond the clip's end, where nothing is kept, they are its last.
        """
        first = max(self.begin - 1, 0)
        return [min(first + place, num_frames - 1) for place in range(num_together)]


class LongVideo(GivenKeys):
    """A clip longer than what the prior draws at once.

    Every segment begins with the last frame of the one before it, without noise, so that neither
    memory nor seams grow with the length. With `windows` all frames are drawn side by side instead,
    in windows that are fused at every step: slower, steadier, in memory that grows with the length.
    Where `timeline.prompts` change at once (hold), a segment that is begun is finished in the
    prompt it began with, shortened to where the next prompt begins.
    """

    name: Literal["long_video"] = "long_video"
    num_frames: int = Field(64, ge=2, le=10_000)
    """Length."""
    segment_frames: int = Field(_SEGMENT_FRAMES, ge=2, le=256)
    """Frames that are drawn together; the embedded prior's layers know up to 16."""
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
        if self.free_init is not None and self.windows is None:
            raise ValueError("free_init goes with windows, not with segments: leave one out")
        return self

    def segments(self, prompt: str) -> tuple[Segment, ...]:
        """How the clip is cut; prompts that change at once do between segments."""
        prompts = {0: prompt}
        told = None if self.timeline is None else self.timeline.prompts
        if told is not None and told.interpolation == "hold":
            prompts |= {frame: said for frame, said in told.keys.items() if frame > 0}
        begins = sorted(prompts)
        found: list[Segment] = []
        for begin, end in zip(begins, [*begins[1:], self.num_frames], strict=True):
            at, told_by, anchor = begin, len(found), max(begin - 1, 0)
            while at < end:
                longest = self.size[0] if not found else self.size[0] - 1
                new = min(end - at, longest)
                found.append(Segment(prompts[begin], new, at, told_by, anchor))
                at += found[-1].num_new
        return tuple(found)
