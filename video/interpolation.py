"""Frames between those of a clip: more frames a second, the drawn ones as they are.

Done in premultiplied pixels, not in latents: flat colours and sharp outlines stay what they are,
where mixtures of latents are drawn soft. Things on transparent ground are first registered as a
whole (`common/embedded/registration.py`), for nothing local tells how a flat surface moves:
half-way between two frames both are moved half-way. What is left moves along a flow (Zach et al.
2007, TV-L1, scikit-image's), taken as straight and even:
``F_{t,0} = -t (1 - t) F_{01} + t^2 F_{10}``, ``F_{t,1} = (1 - t)^2 F_{01} - t (1 - t) F_{10}``
(Jiang et al. 2018, arXiv 1712.00080, Eq. 4), and both are mixed as ``(1 - t, t)``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.embedded.moves import centres_of, moved_about
from common.embedded.registration import registered
from common.media.frame_rates import as_rate
from common.media.pixels import from_picture, to_picture
from common.shapes import Frames, Picture
from video.config import VideoConfig
from video.metrics import Flow, Grey, warped

_GREY = (0.2126, 0.7152, 0.0722)
"""Luminance of BT.709."""

Pixels = Float[Tensor, "c h w"]
"""Premultiplied RGBA, or RGB, in [-1, 1]."""


@dataclass(frozen=True)
class Resampling:
    """From which rate to which."""

    fps: float
    """Frames a second of the clip."""
    target_fps: float
    looped: bool = False
    """Whether the first frame follows the last; else the last is held to the clip's end."""

    def num_frames(self, count: int) -> int:
        """Frames that a clip of ``count`` becomes: it lasts as long, to half a frame."""
        return round(count / self._step)

    @property
    def _step(self) -> Fraction:
        """Frames of the clip to one that is made."""
        return as_rate(self.fps) / as_rate(self.target_fps)

    def places(self, count: int) -> list[Fraction]:
        """Where in the clip each frame that is made lies, counted in frames."""
        return [number * self._step for number in range(self.num_frames(count))]


def resampling_of(config: VideoConfig) -> Resampling | None:
    """What a run's clips are resampled to; None: they are shown as they are drawn."""
    export, windows = config.export, config.method.windows
    if export.target_fps is None:
        return None
    looped = windows is not None and windows.schedule == "looped"
    return Resampling(export.fps, export.target_fps, looped)


def resampled(chunks: Iterator[Frames], count: int, resampling: Resampling) -> Iterator[Frames]:
    """A clip at another rate, some frames at a time, of which two are held at once.

    Frames that lie on one of the clip's are that one, to the byte.

    Args:
        chunks: of the clip, RGB or straight RGBA.
        count: frames of the whole clip.
        resampling: the rates.
    """
    places = resampling.places(count)[::-1]
    frames = (frame for chunk in chunks for frame in chunk)
    before = first = next(frames)
    for number in range(count):
        after = next(frames, None)
        if after is None:
            after = first if resampling.looped else before
        inside = []
        while places and places[-1] < number + 1:
            inside.append(places.pop() - number)
        if inside:
            yield np.stack(_between(before, after, inside))
        before = after


def _between(before: Picture, after: Picture, times: list[Fraction]) -> list[Picture]:
    """Pictures at times in [0, 1) between two."""
    if before is after or np.array_equal(before, after):
        return [before] * len(times)
    if times == [0]:
        return [before]
    one, other = from_picture(before), from_picture(after)
    moves = _moves(one, other) if len(one) == 4 else None
    return [before if time == 0 else to_picture(_at(one, other, moves, float(time)))
            for time in times]  # fmt: skip


def _moves(one: Pixels, other: Pixels) -> Float[Tensor, "2 5"] | None:
    """How what is visible moves as a whole from one to the other, and back; None: one is empty."""
    if not all(bool((pixels[3] > 0).any()) for pixels in (one, other)):
        return None
    pairs = torch.stack([torch.stack([one, other], 1), torch.stack([other, one], 1)])
    return registered(pairs).tracks[:, 1]


def _at(one: Pixels, other: Pixels, moves: Float[Tensor, "2 5"] | None, time: float) -> Pixels:
    """The picture at a time in (0, 1)."""
    if moves is not None:
        one, other = _moved(one, time * moves[0]), _moved(other, (1 - time) * moves[1])
    there, back = _flow(_seen(one), _seen(other)), _flow(_seen(other), _seen(one))
    # Frames that are moved already meet here: what is left of the flow is shared as time is.
    to_one = -time * (1 - time) * there + time**2 * back
    to_other = (1 - time) ** 2 * there - time * (1 - time) * back
    return (1 - time) * _brought(one, to_one) + time * _brought(other, to_other)


def _moved(pixels: Pixels, move: Float[Tensor, "5"]) -> Pixels:
    picture = pixels[None]
    return moved_about(picture, move[None, None], centres_of(picture))[0, :, 0]


def _flow(frame: Grey, after: Grey) -> Flow:
    """Where each place of ``frame`` is in ``after``, smooth where nothing tells."""
    from skimage.registration import optical_flow_tvl1

    found = optical_flow_tvl1(frame, after, attachment=15, num_warp=5, num_iter=10)
    return np.asarray(found, np.float64)


def _brought(pixels: Pixels, way: Flow) -> Pixels:
    brought = np.stack([warped(channel, way) for channel in pixels.numpy()])
    return torch.from_numpy(brought).float()


def _seen(pixels: Pixels) -> Grey:
    """What flow is told by: luminance, and opacity where there is."""
    shares = (pixels + 1) / 2
    grey = torch.einsum("c,chw->hw", torch.tensor(_GREY), shares[:3])
    seen = (grey + shares[3]) / 2 if len(pixels) == 4 else grey
    return seen.double().numpy()
