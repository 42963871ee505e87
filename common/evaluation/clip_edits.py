"""Evaluating clips that are made from something given: a picture that moves, a clip in new colours.

Pictures and clips that are given are the prior's own, drawn from the committed prompts, so that
what is measured is what the second drawing keeps and what it follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from common.atomic import write_json
from common.diffusion.given import Given
from common.embedded.control_net import UnionControlNet
from common.embedded.drawn_clip import Drawing, drawn_clip, redrawn_clip
from common.embedded.frame_prior import FramePrior
from common.embedded.image_unet import FRONT
from common.embedded.judge import Judge
from common.embedded.seen_moves import moving_as
from common.evaluation.clip_scores import look_at_clips
from common.evaluation.config import EvaluateConfig, EvaluateEdits
from common.evaluation.followed_clip import following_clip
from common.evaluation.frame_prompts import ClipRequest, load_clip_set
from common.evaluation.prompt_sets import chosen_requests
from common.judging.asked import Asked, with_colours
from common.judging.judging import judgements, look
from common.judging.motion_classifier import MotionMeasure, load_motion_measure
from common.judging.names import Names, load_names
from common.judging.read_texts import ReadTexts
from common.media.clips import write_clip
from common.media.mask_box import mask_box
from common.media.pixels import to_frames
from common.report.content import Column, Gallery, MediaItem, Section, Table
from common.runs.app import Estimate, Outcome, Run
from common.runs.console import progress_bar
from common.shapes import Clips, Images
from common.zoo.control_net import load_control_net
from common.zoo.models import ZOO, load_frame_prior, load_judge, load_prior_models

_MEMORY_BYTES = 1300 * 2**20
_FPS = 8.0
_NUM_SHOWN = 6
_OTHER_DRAWS = 100_000
"""Added to the place of a clip that is made from another, so that it has noise of its own."""
_NAMES = ("drawn motion", "picture motion", "picture psnr_db", "redrawn iou",
          "redrawn colour", "redrawn motion")  # fmt: skip


@dataclass(frozen=True)
class _Scorers:
    judge: Judge
    measure: MotionMeasure
    names: Names


def edits_estimate(config: EvaluateConfig, method: EvaluateEdits) -> Estimate:
    """Sizes and memory of the run."""
    count = len(_requests(config))
    sizes = {"held_out": f"{count} x 3 clips"}
    return Estimate(sizes, _MEMORY_BYTES, 3 * count * config.sampler.num_evaluations)


def evaluate_edits(config: EvaluateConfig, method: EvaluateEdits, run: Run) -> Outcome:
    """Draw, make from what was drawn, measure; a resumed run continues with the next prompt."""
    folder = config.judge_dir or ZOO
    with run.clock.stage("loading"):
        judge = load_judge(folder, run.device).model
        scorers = _Scorers(judge, load_motion_measure(folder), load_names())
        prior = load_frame_prior(
            "motion_layers", method.num_frames, (method.size_px, method.size_px),
            config.prior.models_dir or ZOO, run.device, config.prior.loras,
            config.prior.trajectory_noise,
        )  # fmt: skip
        net = _control_net(config, run) if method.follows else None
    requests = _requests(config)
    rows: list[tuple[float, ...]] = run.checkpoints.restored_state or []
    with progress_bar(len(requests), len(rows), "prompts", "prompt") as bar:
        for place in range(len(rows), len(requests)):
            with run.clock.stage("clips"):
                rows = [
                    *rows,
                    _row(config, method, run, prior, net, scorers, requests[place], place),
                ]
            bar.update(1)
            run.checkpoints.offer(len(rows), rows)
    figures = {
        name: fmean(values) for name, values in zip(_NAMES, zip(*rows, strict=True), strict=True)
    }
    path = run.folder.samples / "figures.json"
    write_json(path, figures)
    return Outcome((path,), _sections(run, requests, figures))


def _control_net(config: EvaluateConfig, run: Run) -> UnionControlNet:
    folder = config.prior.models_dir or ZOO
    models = load_prior_models(folder, run.device)
    identities = {kind: one.identity for kind, one in models.items()}
    return load_control_net(models["image_unet"].model, identities, folder, run.device)


def _requests(config: EvaluateConfig) -> Sequence[ClipRequest]:
    return chosen_requests(load_clip_set("held_out"), config.max_prompts)


def _row(
    config: EvaluateConfig,
    method: EvaluateEdits,
    run: Run,
    prior: FramePrior,
    net: UnionControlNet | None,
    scorers: _Scorers,
    request: ClipRequest,
    place: int,
) -> tuple[float, ...]:
    """The figures of one prompt, in the order of ``_NAMES``."""
    fronts = [FRONT] * prior.num_frames
    drawing = Drawing(config.sampler, config.guidance, config.seed)
    drawn = drawn_clip(prior, request.prompt, fronts, drawing, place)
    picture = drawn[:, :, 0]
    other = place + _OTHER_DRAWS
    continued = drawn_clip(
        prior, request.prompt, fronts, drawing, other, prior.pictures.encode(picture)
    )
    said, asked = _recoloured(request, scorers.names)
    given = Given(prior.encode(drawn)[0], method.strength)
    told = prior if net is None else following_clip(prior, net, drawn, method.follows)
    if method.strength < 1:
        redrawn = redrawn_clip(told, said, fronts, drawing, other, given)
    else:  # as video_to_video draws it
        redrawn = drawn_clip(moving_as(told, drawn), said, fronts, drawing, other)
    _show(run, place, {"drawn": drawn, "picture": continued, "redrawn": redrawn})
    return (
        _moves(scorers, request, drawn), _moves(scorers, request, continued),
        psnr_of_thing(continued[0, :, 0], picture[0]), float(overlap(drawn[0], redrawn[0])),
        _has_colour(scorers, asked, redrawn), _moves(scorers, request, redrawn),
    )  # fmt: skip


def psnr_of_thing(shown: Float[Tensor, "c h w"], given: Float[Tensor, "c h w"]) -> float:
    """PSNR of premultiplied RGBA in [-1, 1] within the box around what is visible, dB."""
    visible = given[3] > -1 + 2 / 255
    box = mask_box(visible)
    error = float(((shown[:, *box] - given[:, *box]) ** 2).mean())
    return 10 * float(torch.log10(torch.tensor(4 / max(error, 1e-10))))


def overlap(one: Float[Tensor, "c f h w"], other: Float[Tensor, "c f h w"]) -> Tensor:
    """Mean over frames of the intersection over union of what is visible."""
    here: Bool[Tensor, "f h w"] = one[3] > 0
    there: Bool[Tensor, "f h w"] = other[3] > 0
    both, either = (here & there).sum((1, 2)), (here | there).sum((1, 2))
    return (both / either.clamp(min=1)).mean()


def _moves(scorers: _Scorers, request: ClipRequest, clip: Clips) -> float:
    [seen] = look_at_clips(scorers.judge, scorers.measure, clip)
    return float(seen.motion == request.motion)


def _recoloured(request: ClipRequest, names: Names) -> tuple[str, Asked]:
    """The prompt in the next colour of the list, and what a frame is asked for."""
    keys = [name.key for name in names.colours]
    old = request.asked.colour
    assert old is not None  # every prompt of the set says one
    new = keys[(keys.index(old) + len(keys) // 2) % len(keys)]
    caption = with_colours(request.asked, names, {old: new})
    prompt = request.prompt.replace(request.asked.caption, caption)
    return prompt, replace(request.asked, caption=caption, colour=new)


def _has_colour(scorers: _Scorers, asked: Asked, clip: Clips) -> float:
    """Whether the judge sees the asked colour in the middle frame."""
    middle: Images = clip[:, :, clip.shape[2] // 2]
    texts = ReadTexts(scorers.judge, scorers.names)
    [said] = judgements(look(scorers.judge, middle), [asked], texts)
    return float(bool(said.colour))


def _shown(run: Run, kind: str, place: int) -> Path:
    return run.folder.samples / f"{kind}_{place:02d}.webp"


def _show(run: Run, place: int, clips: dict[str, Clips]) -> None:
    for kind, clip in clips.items() if place < _NUM_SHOWN else ():
        write_clip(
            _shown(run, kind, place), to_frames(rearrange(clip, "1 c f h w -> c f h w")), _FPS
        )


def _sections(
    run: Run, requests: Sequence[ClipRequest], figures: dict[str, float]
) -> tuple[Section, ...]:
    columns = (Column("Figure", align="left"), Column("Mean"))
    notes = (
        "motion: share of clips that move as asked, of clips from the prompt and from their "
        "first frame as a picture, and of those drawn again. psnr_db: that picture in the clip "
        "made from it, within the box around the thing. iou: what is visible in the clip drawn "
        "again in another colour, against the given one. colour: share of these in which the judge "
        "sees it.",
    )
    items = tuple(
        MediaItem(_shown(run, kind, place), f"{kind}: {request.prompt}")
        for place, request in enumerate(requests[:_NUM_SHOWN])
        for kind in ("drawn", "picture", "redrawn")
    )
    return (
        Table("What is kept and followed", columns, tuple(figures.items()), footnotes=notes),
        Gallery("Clips, and what was made of them", items),
    )
