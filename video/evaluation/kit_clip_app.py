"""The kit_clip app: a committed prompt -> a clip -> what it shows and how it moves."""

from pathlib import Path
from typing import Any, assert_never

import torch

from common.atomic import write_json
from common.embedded.drawn_clip import Drawing, drawn_clip
from common.embedded.image_unet import FRONT
from common.embedded.prior_config import EmbeddedPriorConfig
from common.embedded.spacetime_dit_config import SpacetimeDiTPriorConfig
from common.errors import InputError
from common.evaluation.clip_scores import ClipLook, look_at_clips
from common.evaluation.frame_prompts import CLIP_SETS, ClipRequest, load_clip_set
from common.evaluation.motion_prior import STEADINESS
from common.generation.few_steps import check_few_step_frames
from common.generation.picture_switches import check_compute
from common.generation.priors import models_folder
from common.judging.judging import Seen, judgements
from common.judging.motion_classifier import load_motion_measure
from common.judging.names import load_names
from common.judging.read_texts import ReadTexts
from common.media.clips import write_clip
from common.media.pixels import to_frames
from common.report.content import Column, Gallery, MediaItem, Table
from common.report.json_report import SampleMetrics
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.launch import resolve_device
from common.shapes import Clips
from common.zoo.models import (
    ZOO,
    check_embedded_prior,
    load_autoencoder,
    load_frame_prior,
    load_judge,
)
from video.evaluation.kit_clip_config import KitClipConfig
from video.spacetime_dit.drawn_clip import drawn_dit_clip
from video.spacetime_dit.load import check_spacetime_dit, load_spacetime_dit

_LIBRARIES_BYTES = 900 * 2**20
_BYTES_PER_FRAME = 24 * 2**20
_FPS = 8.0


def check(config: KitClipConfig, apps: Apps) -> list[str]:
    """Refuse prompts that nothing is known of, and missing models."""
    clip_request(config.prompt)
    check_compute(config.prior, config.sampler, resolve_device(config.device))
    match config.prior:
        case EmbeddedPriorConfig() as embedded:
            manifests = check_embedded_prior(models_folder(embedded), "motion_layers")
            check_few_step_frames(
                embedded, manifests, "motion_layers", config.sampler, config.guidance
            )
        case SpacetimeDiTPriorConfig() as dit:
            return check_spacetime_dit(dit, (config.num_frames, config.size_px, config.size_px))
        case _:
            assert_never(config.prior)
    return []


def estimate(config: KitClipConfig) -> Estimate:
    """Sizes and memory of the run."""
    side = config.size_px
    memory = _LIBRARIES_BYTES + int(_BYTES_PER_FRAME * (side / 128) ** 2 * config.num_frames)
    steps = 0 if config.shown == "truth" else config.sampler.num_evaluations
    return Estimate({"size": f"{config.num_frames} x {side} x {side}"}, memory, steps)


def run(config: KitClipConfig, run: Run) -> Outcome:
    """Make the clip, look at it, say whether it is right."""
    asked = clip_request(config.prompt)
    with run.clock.stage("loading"):
        folder = config.judge_dir or ZOO
        judge, measure = load_judge(folder, run.device).model, load_motion_measure(folder)
    clip = _clip(config, asked, run)
    with run.clock.stage("measures"):
        (look,) = look_at_clips(judge, measure, clip)
        values = _right(judge, asked, look) | dict(zip(STEADINESS, look.steadiness, strict=True))
    path = run.folder.samples / "clip.webp"
    write_clip(path, to_frames(clip[0]), _FPS)
    figures = run.folder.samples / "figures.json"
    write_json(figures, values)
    columns = (Column("Figure", align="left"), Column("Value"))
    sections = (
        Gallery("The clip", (MediaItem(path, config.prompt),)),
        Table("What is right of it", columns, tuple(values.items())),
    )
    sample = SampleMetrics(config.prompt, 0, config.seed, dict(values), {})
    return Outcome((path, figures), sections, (sample,))


def clip_request(prompt: str) -> ClipRequest:
    """What a committed prompt asks of a clip.

    Raises:
        InputError: no committed prompt.
    """
    known = {one.prompt: one for name in CLIP_SETS for one in load_clip_set(name)}
    if prompt not in known:
        raise InputError(
            f"'{prompt}' is none of the {len(known)} committed prompts of clips, such as "
            f"'{next(iter(known))}'; of others it is not known what is right"
        )
    return known[prompt]


def another_request(asked: ClipRequest) -> ClipRequest:
    """A committed prompt half a set away, in the same language: its clip is as good as any."""
    for name in CLIP_SETS:
        requests = load_clip_set(name)
        if asked in requests:
            return requests[(requests.index(asked) + len(requests) // 2) % len(requests)]
    raise InputError(f"'{asked.prompt}' is no committed prompt")


def _clip(config: KitClipConfig, asked: ClipRequest, run: Run) -> Clips:
    """The clip that is measured, RGBA in [-1, 1]."""
    match config.shown:
        case "drawn":
            return _drawn(config, asked.prompt, run)
        case "other":
            return _drawn(config, another_request(asked).prompt, run)
        case "truth":
            return _true(config, asked, run)
        case _:
            assert_never(config.shown)


@torch.no_grad()
def _drawn(config: KitClipConfig, prompt: str, run: Run) -> Clips:
    frames, side = config.num_frames, config.size_px
    drawing = Drawing(config.sampler, config.guidance, config.seed)
    match config.prior:
        case EmbeddedPriorConfig() as embedded:
            with run.clock.stage("loading"):
                unet = load_frame_prior(
                    "motion_layers", frames, (side, side), models_folder(embedded), run.device,
                    embedded.loras, embedded.trajectory_noise, compute=embedded.compute,
                    few_steps=embedded.few_steps,
                )  # fmt: skip
            with run.clock.stage("drawing"):
                return drawn_clip(unet, prompt, [FRONT] * frames, drawing, 0)
        case SpacetimeDiTPriorConfig() as transformer:
            with run.clock.stage("loading"):
                dit = load_spacetime_dit(transformer, (frames, side, side), run.device)
            with run.clock.stage("drawing"):
                return drawn_dit_clip(dit, prompt, drawing, 0)
        case _:
            assert_never(config.prior)


@torch.no_grad()
def _true(config: KitClipConfig, asked: ClipRequest, run: Run) -> Clips:
    """A true clip as the autoencoder lets it through, which is the best that can be drawn."""
    from common.embedded.frame_coding import decoded_frames, encoded_frames
    from common.training.kit.clip_truth import true_clip

    concept, colour = str(asked.asked.concept), asked.asked.colour
    with run.clock.stage("rendering"):
        clip = true_clip(
            concept, colour, asked.motion, config.num_frames, config.size_px, config.seed
        )
        autoencoder = load_autoencoder(_bases(config), run.device).model
        return decoded_frames(autoencoder, encoded_frames(autoencoder, clip)).clamp(-1, 1)


def _bases(config: KitClipConfig) -> Path:
    match config.prior:
        case EmbeddedPriorConfig() as embedded:
            return models_folder(embedded)
        case SpacetimeDiTPriorConfig() as dit:
            return dit.bases_dir or ZOO
        case _:
            assert_never(config.prior)


def _right(judge: Any, asked: ClipRequest, look: ClipLook) -> dict[str, float | None]:
    """Whether the motion, the object and the colour are those that were asked: 1 or 0."""
    seen = Seen(look.features[None], torch.zeros(1))
    (said,) = judgements(seen, [asked.asked], ReadTexts(judge, load_names()))
    moves = look.motion == asked.motion
    return {
        "motion": float(moves),
        "object": float(said.rank == 0),
        "object_top5": float(said.rank is not None and said.rank < 5),
        "colour": None if said.colour is None else float(said.colour),
        "motion_and_object": float(moves and said.rank == 0),
    }


APP = App(KitClipConfig, run, estimate, check)
"""The keys of the kit_clip app."""
