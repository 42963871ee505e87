"""Settings of clips that are longer than what a prior draws at once, or that are loops."""

from typing import Literal

from pydantic import Field, model_validator

from common.config import Config
from common.diffusion.frame_windows import WindowSchedule, WindowWeights

_ORDER = 4

WindowNoise = Literal["independent", "repeated"]


class WindowsConfig(Config):
    """How a clip is cut into windows that are denoised together and fused at every step."""

    schedule: WindowSchedule = "uniform"
    """uniform: windows that are shifted at every step, by the seed, so that no frame is always at a
    border; straight: the same windows at every step; looped: shifted and going round, so that the
    clip's first frame follows its last."""
    frames: int | None = Field(None, ge=2, le=1024)
    """Frames of a window; null is as many as the prior knows: 15 after the first for the embedded
    one, 16 for motion modules, or the whole clip if that is shorter."""
    overlap: int = Field(5, ge=0, le=1023)
    """Frames that neighbouring windows share; more take more time."""
    dilations: tuple[int, ...] = (1,)
    """Distances between the frames of a window: [1, 2, 4] adds windows of every second and every
    fourth frame, which hold a clip together over a longer time."""
    weights: WindowWeights = "pyramid"
    """How frames of a window count where windows overlap: pyramid (least at its borders) or
    flat."""
    noise: WindowNoise = "independent"
    """repeated: all windows begin with the same noises in another order (FreeNoise, Qiu et al.
    2023), which keeps a long clip alike; windows less their overlap must divide the window."""

    @model_validator(mode="after")
    def _dilations_are_distances(self) -> "WindowsConfig":
        if sorted(set(self.dilations)) != list(self.dilations) or self.dilations[:1] != (1,):
            raise ValueError(
                f"dilations are {list(self.dilations)}: begin with 1, then larger whole numbers "
                "that rise"
            )
        return self


class FreeInit(Config):
    """Drawing a clip several times, each beginning with the low frequencies of the last one.

    What a checkpoint's noise schedule leaks of a clip into its noisiest latents is there in
    training and missing in fresh noise (Wu et al. 2023, arXiv 2312.07537).
    """

    iterations: int = Field(3, ge=2, le=10)
    """Times the clip is drawn."""
    filter: Literal["butterworth", "gaussian", "ideal"] = "butterworth"
    """What is low: how the filter falls off."""
    order: int = Field(_ORDER, ge=1, le=64)
    """Of butterworth: more falls off more sharply."""
    spatial_stop: float = Field(0.25, ge=0, le=1)
    """Frequency along rows and columns at which the filter stops, as a share of the highest; 0
    keeps nothing."""
    temporal_stop: float = Field(0.25, ge=0, le=1)
    """The same along frames."""

    @model_validator(mode="after")
    def _order_has_effect(self) -> "FreeInit":
        # By value: a run's own config.yaml names every key.
        if self.filter != "butterworth" and self.order != _ORDER:
            raise ValueError(f"order has no effect with filter {self.filter}: leave it out")
        return self
