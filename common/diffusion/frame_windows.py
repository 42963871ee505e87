"""Windows of frames, in which clips are drawn that are longer than what a model was trained on.

At every step the clip is cut into windows as long as the model knows, each is predicted by itself,
and where windows overlap their predictions are averaged (MultiDiffusion, Bar-Tal et al. 2023, arXiv
2302.08113, Eq. 5, along time). Predictions of one latent at one noise level are affine in each
other, so that averages of any kind of prediction are averages of clean latents.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, assert_never

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from common.errors import InputError
from common.seeding import stream_seed
from common.shapes import Clips

WindowSchedule = Literal["uniform", "looped", "straight"]
"""How windows lie: ``straight``: one after the other, the last shifted back to end with the clip,
the same at every step; ``uniform``: the same, shifted at every step, so that no frame is always at
a border; ``looped``: shifted too, and going round, so that the first frame follows the last."""
WindowWeights = Literal["pyramid", "flat"]
"""How frames of a window count: least at its borders, or all alike."""

Window = Int64[Tensor, " n"]
"""The numbers of a window's frames, in the order in which the model sees them."""


@dataclass(frozen=True)
class FrameWindows:
    """How a clip is cut.

    Raises:
        InputError: windows that leave frames out, or are longer than what they cut.
    """

    num_frames: int
    """Of the clip."""
    length: int
    """Frames of a window."""
    overlap: int
    """Frames that neighbouring windows share; fewer than ``length``."""
    schedule: WindowSchedule = "uniform"
    weights: WindowWeights = "pyramid"
    dilations: tuple[int, ...] = (1,)
    """Distances between a window's frames: beside windows of neighbours (1) there may be some of
    every second, every fourth frame, which hold the clip together over a longer time."""
    first: int = 0
    """The first frame that is in windows; the ones before it are known otherwise."""
    seed: int = 0
    """Chooses how far windows are shifted at each step."""

    def __post_init__(self) -> None:
        covered = self.num_frames - self.first
        if not 1 <= self.length <= covered:
            raise InputError(
                f"windows of {self.length} frames do not fit into the {covered} that they are to "
                f"cover: use 1 to {covered} frames in a window"
            )
        if not 0 <= self.overlap < self.length:
            raise InputError(
                f"windows of {self.length} frames cannot share {self.overlap}: use an overlap of 0 "
                f"to {self.length - 1}"
            )
        if 1 not in self.dilations or min(self.dilations) < 1:
            raise InputError(
                f"dilations are {self.dilations}: whole numbers from 1 on, of which one is 1, or "
                "frames would be left out"
            )

    @property
    def looped(self) -> bool:
        """Whether the first frame follows the last."""
        return self.schedule == "looped"

    @property
    def step(self) -> int:
        """From one window to the next, in frames."""
        return self.length - self.overlap

    def at(self, timestep: float) -> list[Window]:
        """The windows at a step, told by its timestep: the same for everything predicted there."""
        for_step = stream_seed(self.seed, 0, f"windows at {timestep:.6g}")
        shift = 0 if self.schedule == "straight" else for_step
        return [
            torch.tensor(frames) + self.first
            for dilation in self.dilations
            for frames in self._windows(dilation, shift)
        ]

    def frame_weights(self) -> Float[Tensor, " n"]:
        """How much each frame of a window counts, before weights are normalised for each frame."""
        match self.weights:
            case "flat":
                return torch.ones(self.length)
            case "pyramid":
                along = torch.arange(self.length)
                return torch.minimum(along + 1, self.length - along).float()
            case _:
                assert_never(self.weights)

    def _windows(self, dilation: int, shift: int) -> Iterator[list[int]]:
        """Windows of every ``dilation``-th frame, counted from 0."""
        covered, span = self.num_frames - self.first, (self.length - 1) * dilation + 1
        step = self.step if dilation == 1 else self.length * dilation
        if self.looped:
            if dilation > 1 and self.length * dilation > covered:
                return  # a window would meet itself
            count = -(-covered // step)
            starts = [shift + number * covered // count for number in range(count)]
            for start in starts:
                yield [(start + dilation * place) % covered for place in range(self.length)]
            return
        last = covered - span
        if last < 0:
            return
        begin = -(shift % step)
        found = {min(max(start, 0), last) for start in range(begin, last + step, step)}
        for start in sorted(found):
            yield [start + dilation * place for place in range(self.length)]


class Fusion:
    """Predictions of windows on their way to one of the clip: ``sum_w a_w p_w / sum_w a_w``."""

    def __init__(self, windows: FrameWindows, latents: Clips):
        self._weights = windows.frame_weights().to(latents)
        self._sum = torch.zeros_like(latents)
        self._total = torch.zeros(latents.shape[2], device=latents.device, dtype=latents.dtype)

    def add(self, window: Window, made: Float[Tensor, "b c n h w"]) -> None:
        """Count in what was made of a window's frames."""
        frames = window.to(made.device)
        self._sum.index_add_(2, frames, made * self._weights[:, None, None])
        self._total.index_add_(0, frames, self._weights)

    def mean(self) -> Clips:
        """The clip's prediction; frames in no window are 0."""
        return self._sum.div_(self._total.where(self._total > 0, 1)[:, None, None])


def repeated_order(windows: FrameWindows, generator: torch.Generator) -> Int64[Tensor, " f"]:
    """Whose noise each frame has, so that all windows begin with the same noise (FreeNoise).

    The first window's frames have noise of their own. Every later stretch of ``step`` frames has
    that of the one a window earlier, shuffled (Qiu et al. 2023, arXiv 2310.15169, section 3.2), so
    that windows which begin at a multiple of ``step`` hold the same noises in different orders.

    Raises:
        InputError: stretches do not divide windows, or in a loop windows do not divide the clip.
    """
    length, step = windows.length, windows.step
    check_repeatable(windows)
    order = torch.arange(windows.num_frames)
    for begin in range(windows.first + length, windows.num_frames, step):
        before = order[begin - length : begin - length + step]
        shuffled = before[torch.randperm(step, generator=generator)]
        order[begin : begin + step] = shuffled[: windows.num_frames - begin]
    return order


def check_repeatable(windows: FrameWindows) -> None:
    """Refuse windows whose noise cannot repeat; see `repeated_order`."""
    length, step, covered = windows.length, windows.step, windows.num_frames - windows.first
    if length % step:
        fitting = [length - other for other in range(1, length + 1) if length % other == 0]
        raise InputError(
            f"noise repeats in stretches of {step} frames (windows of {length} less an overlap of "
            f"{windows.overlap}), which must divide the window: use an overlap of one of "
            f"{', '.join(map(str, sorted(fitting)))}"
        )
    if windows.looped and covered % length:
        down = covered // length * length
        raise InputError(
            f"repeated noise goes round in clips of whole windows: {covered} frames are no "
            f"multiple of {length}; use {down} or {down + length}, or another window"
        )
