"""Figures of clips that need nothing but their frames, for reports and comparisons.

None is good or bad by itself: a still is smooth and does not flicker. They are compared between
clips in which the same things are to move. Optical flow is scikit-image's iterative Lucas-Kanade.
What the judge says of clips is in `judged_metrics`.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Literal, assert_never

import numpy as np
from jaxtyping import Float

from common.errors import InputError
from common.shapes import Frames

PixelMetric = Literal["temporal_flickering", "smoothness", "warp_error", "flow_px", "seam"]
"""Figures of the pixels alone."""
JudgedMetric = Literal[
    "judge_subject_consistency", "judge_background_consistency", "judge_text_alignment"
]
"""Figures by the judge's features."""
Metric = Literal[PixelMetric, JudgedMetric]

LEAST_FRAMES: Mapping[Metric, int] = {
    "temporal_flickering": 2, "smoothness": 3, "warp_error": 2, "flow_px": 2, "seam": 3,
    "judge_subject_consistency": 2, "judge_background_consistency": 2, "judge_text_alignment": 1,
}  # fmt: skip
"""Of how many frames each figure is, or more."""

_GREY = np.array([0.2126, 0.7152, 0.0722])
"""Luminance of BT.709."""
_RADIUS_PX = 7
"""Of the windows in which flow is taken as constant."""

Grey = Float[np.ndarray, "h w"]
Flow = Float[np.ndarray, "2 h w"]
"""Rows and columns from a place to where it went."""


def clip_metrics(names: Sequence[PixelMetric], frames: Frames) -> dict[str, float]:
    """The named figures of an RGB clip.

    Raises:
        InputError: too few frames, or frames with transparency.
    """
    if frames.shape[-1] != 3:
        raise InputError("figures are of RGB clips: lay the frames on a background first")
    return {name: _figure(name, frames) for name in names}


def _figure(name: PixelMetric, frames: Frames) -> float:
    match name:
        case "temporal_flickering":
            return temporal_flickering(frames)
        case "smoothness":
            return smoothness(frames)
        case "warp_error":
            return warp_error(frames)
        case "flow_px":
            return flow_px(frames)
        case "seam":
            return seam(frames)
        case _:
            assert_never(name)


def temporal_flickering(frames: Frames) -> float:
    """``(255 - mean |x_{t+1} - x_t|) / 255`` of 8-bit frames, in [0, 1]: 1 is a still.

    As in VBench (Huang et al. 2024, arXiv 2311.17982), whose name it has.
    """
    _check(frames, "temporal_flickering")
    steps = np.abs(np.diff(frames.astype(np.float64), axis=0))
    return float((255 - steps.mean()) / 255)


def smoothness(frames: Frames) -> float:
    """How well frames are told from their neighbours, in [0, 1]: 1 is motion without jolts.

    One less the mean absolute difference, in luminance, of every inner frame to the one half-way
    between its neighbours along the flow from the one to the other. (VBench's motion smoothness is
    the same idea with a trained interpolator; the figures are not comparable.)
    """
    _check(frames, "smoothness")
    grey = _grey(frames)
    off = []
    for before, frame, after in zip(grey[:-2], grey[1:-1], grey[2:], strict=True):
        half = flow_between(before, after) / 2
        middle = (warped(before, -half) + warped(after, half)) / 2
        off.append(np.abs(middle - frame).mean())
    return float(1 - np.mean(off))


def warp_error(frames: Frames) -> float:
    """Mean squared difference of frames to their successors brought back along the flow.

    In luminance, over places that the flows there and back agree on (Lai et al. 2018, arXiv
    1808.00449, Eq. 10; Sundaram et al. 2010 for the agreement). 0 is what only moves.
    """
    _check(frames, "warp_error")
    grey = _grey(frames)
    errors = []
    for frame, after in itertools.pairwise(grey):
        there, back = flow_between(frame, after), flow_between(after, frame)
        seen = _agree(there, back)
        off = (warped(after, there) - frame) ** 2
        errors.append(off[seen].mean() if seen.any() else 0.0)
    return float(np.mean(errors))


def flow_px(frames: Frames) -> float:
    """How far things move from frame to frame: mean length of the largest 5 % of the flow.

    This is the dynamic degree of reports and READMEs. (VBench, whose word that is, asks of each
    clip whether the same mean of another flow is above a threshold; shares of clips are not
    comparable with it.)
    """
    _check(frames, "flow_px")
    grey = _grey(frames)
    found = []
    for frame, after in itertools.pairwise(grey):
        lengths = np.sort(np.hypot(*flow_between(frame, after)), axis=None)
        found.append(lengths[-max(len(lengths) // 20, 1) :].mean())
    return float(np.mean(found))


def seam(frames: Frames) -> float:
    """The step from the last frame back to the first, in median steps: about 1 in a loop."""
    _check(frames, "seam")
    values = frames.astype(np.float64)
    steps = np.abs(np.diff(values, axis=0)).mean((1, 2, 3))
    back = np.abs(values[0] - values[-1]).mean()
    return float(back / max(np.median(steps), 1e-9))


def flow_between(frame: Grey, after: Grey) -> Flow:
    """Where each place of ``frame`` is in ``after``."""
    from skimage.registration import optical_flow_ilk

    return np.asarray(optical_flow_ilk(frame, after, radius=_RADIUS_PX, dtype=np.float64))


def warped(picture: Grey, flow: Flow) -> Grey:
    """``picture`` at ``x + flow(x)``, between pixels by lines, beyond the edge the nearest."""
    from scipy.ndimage import map_coordinates

    places = np.indices(picture.shape) + flow
    return np.asarray(map_coordinates(picture, places, order=1, mode="nearest"))


def frechet_distance(one: Float[np.ndarray, "n d"], other: Float[np.ndarray, "m d"]) -> float:
    """``|mu_1 - mu_2|^2 + tr(C_1 + C_2 - 2 (C_1 C_2)^{1/2})`` of two sets of features.

    With features of clips it is a Frechet video distance (Unterthiner et al. 2018); figures of
    different features are not comparable. Of few rows it is too large, by about as much as two sets
    of the same source are apart. With ``C = R^T R`` the trace of the root is the sum of the
    singular values of ``R_1 R_2^T``, which holds for fewer rows than features too.

    Raises:
        InputError: sets of fewer than two.
    """
    if min(len(one), len(other)) < 2:
        raise InputError(f"a distance of sets needs 2 of each, not {len(one)} and {len(other)}")
    away = one.mean(0) - other.mean(0)
    first, second = _root_of_covariance(one), _root_of_covariance(other)
    shared = np.linalg.svd(first @ second.T, compute_uv=False).sum()
    apart = away @ away + (first**2).sum() + (second**2).sum() - 2 * shared
    return float(max(apart, 0.0))  # of equal sets it is rounding, of either sign


def _root_of_covariance(rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "k d"]:
    """``R`` with ``R^T R`` the covariance, of no more rows than there are features."""
    away = (rows - rows.mean(0)) / np.sqrt(len(rows) - 1)
    return away if len(away) <= away.shape[1] else np.asarray(np.linalg.qr(away, mode="r"))


def _agree(there: Flow, back: Flow) -> np.ndarray:
    returned = np.stack([warped(part, there) for part in back])
    off = ((there + returned) ** 2).sum(0)
    size = (there**2).sum(0) + (returned**2).sum(0)
    return np.asarray(off < 0.01 * size + 0.5)


def _grey(frames: Frames) -> Float[np.ndarray, "f h w"]:
    return np.asarray(frames @ _GREY / 255)


def _check(frames: Frames, name: PixelMetric) -> None:
    least = LEAST_FRAMES[name]
    if len(frames) < least:
        raise InputError(f"this figure is of {least} frames or more; the clip has {len(frames)}")
