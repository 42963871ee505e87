"""The windows of a run's clips: what its config says, in the measures of its prior."""

from common.diffusion.frame_windows import FrameWindows, check_repeatable
from common.embedded.camera_path import NEIGHBOURS
from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError
from common.generation.priors import models_folder
from common.pretrained.config import PretrainedPriorConfig
from video.config import VideoConfig

_OF_MOTION_MODULES = 16
"""Frames of AnimateDiff's training clips; fewer and more look worse."""


def windows_of(config: VideoConfig) -> FrameWindows | None:
    """How a run's clips are cut; None: they are drawn at once.

    Raises:
        InputError: a prior that needs no windows, windows that do not fit into the clip, or noise
            that cannot repeat in them.
    """
    asked, num_frames = config.method.windows, config.method.num_frames
    if asked is None:
        return None
    match config.prior:
        case PretrainedPriorConfig():
            longest, first = _OF_MOTION_MODULES, 0
        case EmbeddedPriorConfig():
            longest, first = _of_embedded(config)
            first = 0 if asked.schedule == "looped" else first
        case _:
            raise InputError(
                f"the {config.prior.name} prior draws clips of any length by itself: leave "
                "method.windows out"
            )
    covered = num_frames - first
    if asked.frames is not None and asked.frames > covered:
        raise InputError(
            f"method.windows.frames is {asked.frames}, and windows cover {covered} of the clip's "
            f"{num_frames} frames: use at most {covered}, or leave windows out"
        )
    length = asked.frames or max(min(longest, covered), 1)
    overlap = asked.overlap
    if length == covered and asked.frames is None and overlap >= length:
        overlap = length - 1  # a short clip in one window has nothing to share
    windows = FrameWindows(
        num_frames, length, overlap, asked.schedule, asked.weights, asked.dilations, first,
        config.seed,
    )  # fmt: skip
    if asked.noise == "repeated":
        check_repeatable(windows)
    return windows


def drawn_together(config: VideoConfig) -> tuple[int, int, int]:
    """Frames, height and width of what the prior sees at once."""
    frames, height, width = config.method.size
    windows = windows_of(config)
    if windows is None:
        return frames, height, width
    if isinstance(config.prior, EmbeddedPriorConfig) and _of_embedded(config)[1]:
        return windows.length + 1, height, width
    return windows.length, height, width


def window_notes(config: VideoConfig) -> list[str]:
    """Keys of windows that have no effect."""
    windows, asked = windows_of(config), config.method.windows
    if windows is None or asked is None or windows.looped:
        return []
    covered = windows.num_frames - windows.first
    if windows.length < covered:
        return []
    return [f"method.windows has no effect: one window of {windows.length} frames is the clip"]


def _of_embedded(config: VideoConfig) -> tuple[int, int]:
    """Frames that a window may have, and how many first ones are known before it is drawn."""
    from common.zoo.models import check_embedded_prior

    prior, timeline = config.prior, config.method.timeline
    assert isinstance(prior, EmbeddedPriorConfig)  # as its caller has found
    if timeline is not None and timeline.orbits:  # a camera's path: all but a given frame together
        given = int(getattr(config.method, "input", None) is not None)
        return NEIGHBOURS - given, given
    layers = check_embedded_prior(models_folder(prior), "motion_layers")["motion_layers"]
    alone = int(layers.architecture.get("first_alone", False))
    return int(layers.architecture["max_frames"]) - alone, alone
