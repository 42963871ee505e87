"""The figures that a run is asked for (`metrics`): checked before, measured of finished clips."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.frame_curves import PromptTravel
from common.embedded.text_encoder import num_unread
from common.embedded.tokenizer import MAX_TOKENS, load_tokenizer
from common.errors import InputError
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.emphasis import weighted_segments
from common.shapes import Frames
from video.config import VideoConfig
from video.export import opaque
from video.given_frames import GivenFrames
from video.interpolation import resampling_of
from video.metrics import LEAST_FRAMES, JudgedMetric, PixelMetric, clip_metrics
from video.timeline.resolved import prompt_travel, timeline_of

if TYPE_CHECKING:
    from video.judged_metrics import ClipJudge

_PIXELS: tuple[PixelMetric, ...] = get_args(PixelMetric)
_JUDGED: tuple[JudgedMetric, ...] = get_args(JudgedMetric)
_OPAQUE = 1 - 1 / 255
"""Alpha in [-1, 1] that is 255 of 255 in a picture."""


@dataclass(frozen=True, eq=False)
class Figures:
    """What measures the clips of a run."""

    config: VideoConfig
    judge: "ClipJudge | None"
    """None where nothing is asked of it."""

    def of(self, frames: Frames) -> dict[str, float]:
        """The figures of a finished clip, in the order in which they are asked.

        Pixels and grounds are measured over `export.background`; of the rest the judge sees what is
        transparent.
        """
        names, laid = self.config.metrics, opaque(frames, self.config.export.background)
        found = clip_metrics([name for name in _PIXELS if name in names], laid)
        if self.judge is not None:
            from video.judged_metrics import judged_metrics

            told = told_prompts(self.config)
            for name in _JUDGED:
                if name in names:
                    seen = laid if name == "judge_background_consistency" else frames
                    found |= judged_metrics([name], self.judge, seen, told)
        return {name: found[name] for name in names}


def load_figures(config: VideoConfig, device: str) -> Figures:
    """What measures the clips; the judge is loaded where it is asked."""
    judge = None
    if set(config.metrics) & set(_JUDGED):
        from video.judged_metrics import load_clip_judge

        judge = load_clip_judge(device)
    return Figures(config, judge)


def check_figures(config: VideoConfig, given: GivenFrames | None) -> list[str]:
    """Notes on what the judge knows little of.

    Args:
        config: the run's.
        given: what its clips are made from, as RGBA.

    Raises:
        InputError: clips that are too short for a figure, that have no background, or prompts that
            the judge cannot read.
    """
    shown = num_shown(config)
    for name in config.metrics:
        if shown < LEAST_FRAMES[name]:
            raise InputError(
                f"{name} is of {LEAST_FRAMES[name]} frames or more, and the clip has {shown}: "
                "leave it out of metrics, or raise method.num_frames"
            )
    if "judge_background_consistency" in config.metrics:
        _check_background(config, given)
    judged = [name for name in config.metrics if name in _JUDGED]
    notes: list[str] = []
    if judged and config.prior.name in ("pretrained", "gaussian"):
        notes.append(
            f"{', '.join(judged)}: the judge has seen renders of things and emoji alone; of clips "
            f"of the {config.prior.name} prior it says little, and only between clips of it"
        )
    return notes + (_check_texts(config) if "judge_text_alignment" in config.metrics else [])


def _check_background(config: VideoConfig, given: GivenFrames | None) -> None:
    if isinstance(config.prior, PretrainedPriorConfig):
        return
    if given is None or bool((given.frames[3] < _OPAQUE).any()):
        what = "draws things on nothing" if given is None else "is given things on nothing"
        raise InputError(
            f"judge_background_consistency has no meaning here: the {config.prior.name} prior "
            f"{what}, and export.background is the same in all frames; leave it out of metrics"
        )


def _check_texts(config: VideoConfig) -> list[str]:
    if getattr(config.prior, "embeddings", ()):
        raise InputError(
            "judge_text_alignment: the judge has not learnt the words of prior.embeddings; leave "
            "one out"
        )
    notes = []
    for prompt in told_prompts(config).prompts:
        if not prompt.strip():
            raise InputError(
                "judge_text_alignment is of clips and their prompts, and prompt is empty: leave it "
                "out of metrics, or say what prior.image_prompt shows"
            )
        unread = num_unread(load_tokenizer(), prompt)
        if unread:
            notes.append(
                f"judge_text_alignment: of the prompt the judge reads the first {MAX_TOKENS} "
                f"tokens, not the last {unread}"
            )
    return notes


def num_shown(config: VideoConfig) -> int:
    """Frames of the finished clips."""
    resampling, count = resampling_of(config), config.method.num_frames
    return count if resampling is None else resampling.num_frames(count)


def told_prompts(config: VideoConfig) -> PromptTravel:
    """The prompts of the finished clips' frames, without the brackets of emphasis."""
    count, curve = config.method.num_frames, timeline_of(config).prompts
    travel = None if curve is None else prompt_travel(curve, config.prompt, count)
    if travel is None:
        travel = PromptTravel((config.prompt,), torch.ones(count, 1))
    shares = _of_shown(config, travel.shares)
    if not isinstance(config.prior, PretrainedPriorConfig):
        return PromptTravel(travel.prompts, shares)
    plain = ("".join(part.text for part in weighted_segments(one)) for one in travel.prompts)
    return PromptTravel(tuple(plain), shares)


def _of_shown(config: VideoConfig, shares: Float[Tensor, "f k"]) -> Float[Tensor, "g k"]:
    """Shares of the frames that are shown: those between two drawn ones are of both."""
    resampling, count = resampling_of(config), len(shares)
    if resampling is None:
        return shares
    places = [float(place) for place in resampling.places(count)]
    before = torch.tensor([int(place) for place in places])
    part = torch.tensor(places)[:, None] - before[:, None]
    after = (before + 1) % count if resampling.looped else (before + 1).clamp(max=count - 1)
    return torch.lerp(shares[before], shares[after], part)
