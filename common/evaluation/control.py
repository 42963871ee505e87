"""Evaluating the ControlNet: does a picture follow what is given, and still show what is asked?

Each prompt of ``objects`` is drawn without control, and with each kind of picture of a held-out
object in a random view: of its own category (``instance``), and of another one (``category``). All
from the same noise. What is drawn without control is compared to the same objects: the gain is the
control's.

Poses are followed by prompts of things that have one; the joints of what is drawn are told by the
estimator and compared to those that were to be followed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import torch
from torch import Tensor

from common.atomic import write_json
from common.control.followed import Followed
from common.control.kinds import ControlKind
from common.diffusion.sample import sample
from common.diffusion.samplers import build_scheduler
from common.embedded.controls import EmbeddedControl
from common.embedded.prior import EmbeddedPrior
from common.evaluation.config import EvaluateConfig, EvaluateControl
from common.evaluation.control_scores import edge_f1, silhouette_iou
from common.evaluation.prompt_sets import Request, chosen_requests, load_prompt_set
from common.judging.judging import judgements, look
from common.judging.names import load_names
from common.judging.read_texts import ReadTexts
from common.media.contact_sheet import picture_sheet
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.report.content import Column, Gallery, MediaItem, Section, Table
from common.runs.app import Estimate, Outcome, Run
from common.runs.console import progress_bar
from common.seeding import generators_for, randn
from common.shapes import Images
from common.training.control.control_truth import ControlTruth, control_truth
from common.training.pose.kit_joints import has_pose
from common.training.pose.pose_scores import pose_scores
from common.training.pose.pose_trainer import found_poses
from common.zoo.control_net import check_kinds, followed_kinds, load_control_net
from common.zoo.models import ZOO, check_embedded_prior, load_embedded_prior, load_judge
from common.zoo.pose_estimator import load_pose_estimator

Source = Literal["instance", "category"]
SOURCES: tuple[Source, ...] = ("instance", "category")
_MEMORY_BYTES = 1400 * 2**20
_STRIDE = 37
"""The other category is so many prompts further on: prime, and far from anything alike."""
_NUM_SHOWN = 8


@dataclass(frozen=True)
class Variant:
    """What is followed; nothing without a kind."""

    source: Source | None = None
    kind: ControlKind | None = None

    @property
    def name(self) -> str:
        """Such as ``instance/depth``; ``none/pose`` is drawn without, of things that have poses."""
        return f"{self.source or 'none'}/{self.kind}" if self.kind else "none"

    @property
    def is_posed(self) -> bool:
        """Whether it is of things that have a pose."""
        return self.kind == "pose"


@dataclass(frozen=True)
class _Models:
    prior: EmbeddedPrior
    net: Any
    judge: Any


@dataclass(frozen=True)
class _Asked:
    """Prompts, and what is followed for each."""

    requests: Sequence[Request]
    truths: dict[Source, list[ControlTruth]]


def control_estimate(config: EvaluateConfig, method: EvaluateControl) -> Estimate:
    """Sizes and memory of the run."""
    variants = _variants(_kinds(config, method))
    counts = [len(_requests(config, one.is_posed)) for one in variants]
    batches = sum(-(-count // config.batch_size) for count in counts)
    sizes = {"objects": f"{sum(counts)} pictures, {len(counts)} for most prompts"}
    return Estimate(sizes, _MEMORY_BYTES, batches * config.sampler.num_evaluations)


def evaluate_control(config: EvaluateConfig, method: EvaluateControl, run: Run) -> Outcome:
    """Draw and measure variant after variant; a resumed run continues with the next one."""
    with run.clock.stage("loading"):
        models = _loaded(config, method, run.device)
    kinds = _kinds(config, method)
    variants = _variants(kinds)
    with run.clock.stage("what is followed"):
        sets = {
            posed: _asked(config, method, kinds, posed) for posed in {v.is_posed for v in variants}
        }
    figures: dict[str, float] = run.checkpoints.restored_state or {}
    done = sum(f"{one.name} top1" in figures for one in variants)
    with progress_bar(len(variants), done, "variants", "variant") as bar:
        for variant in variants[done:]:
            asked = sets[variant.is_posed]
            with run.clock.stage("pictures"):
                pictures = _drawn(config, method, models, asked, variant)
            with run.clock.stage("scoring"):
                figures |= _scores(models, asked, pictures, variant)
            _show(run, asked, pictures, variant)
            bar.update(1)
            run.checkpoints.offer(done := done + 1, figures)
    path = run.folder.samples / "figures.json"
    write_json(path, figures)
    return Outcome((path,), _sections(run, method, variants, figures))


def _loaded(config: EvaluateConfig, method: EvaluateControl, device: str) -> _Models:
    folder = config.prior.models_dir or ZOO
    size = (method.size_px, method.size_px)
    prior = load_embedded_prior(size, folder, device, config.prior.loras)
    identities = {kind: one.identity for kind, one in check_embedded_prior(folder).items()}
    net = load_control_net(prior.unet, identities, folder, device)
    return _Models(prior, net, load_judge(config.judge_dir or ZOO, device).model)


def _kinds(config: EvaluateConfig, method: EvaluateControl) -> tuple[ControlKind, ...]:
    """What is followed, all of which the ControlNet must know."""
    folder = config.prior.models_dir or ZOO
    if method.kinds is None:
        return followed_kinds(folder)
    check_kinds(method.kinds, folder)
    return method.kinds


def _variants(kinds: Sequence[ControlKind]) -> list[Variant]:
    """No control first: the others are compared to it."""
    plain = [kind for kind in kinds if kind != "pose"]
    found = [Variant(source, kind) for source in SOURCES for kind in plain]
    if plain:
        found.insert(0, Variant())
    if "pose" in kinds:
        found += [Variant(source, "pose") for source in (None, *SOURCES)]
    return found


def _requests(config: EvaluateConfig, posed: bool) -> Sequence[Request]:
    return chosen_requests(_everything(posed), config.max_prompts)


def _everything(posed: bool) -> Sequence[Request]:
    whole = load_prompt_set("objects", frozenset()).requests
    return tuple(one for one in whole if has_pose(_category(one))) if posed else whole


def _asked(
    config: EvaluateConfig, method: EvaluateControl, kinds: Sequence[ControlKind], posed: bool
) -> _Asked:
    """Of each prompt, what is followed of its own category and of another one."""
    requests = _requests(config, posed)
    everything = [_category(one) for one in _everything(posed)]
    own = [_category(one) for one in requests]
    others = [
        everything[(everything.index(name) + _STRIDE) % len(everything)] for name in own
    ]  # fmt: skip
    own_kinds = tuple(kind for kind in kinds if (kind == "pose") == posed)
    settings = (own_kinds, 0, method.size_px, method.maps)
    return _Asked(requests, {
        "instance": [control_truth(name, *settings) for name in own],
        "category": [control_truth(name, *settings) for name in others],
    })  # fmt: skip


def _category(request: Request) -> str:
    return str(request.asked[0].concept)


@torch.no_grad()
def _drawn(
    config: EvaluateConfig,
    method: EvaluateControl,
    models: _Models,
    asked: _Asked,
    variant: Variant,
) -> Images:
    """A picture for each prompt, from noise of its own that is the same for every variant."""
    prior, requests, parts = models.prior, asked.requests, []
    scheduler = build_scheduler(config.sampler, prior.spec.schedule, prior.spec.prediction)
    for start in range(0, len(requests), config.batch_size):
        some = range(start, min(start + config.batch_size, len(requests)))
        prior.controls = ()
        if variant.source is not None and variant.kind is not None:
            shown = [asked.truths[variant.source][place].controls[variant.kind] for place in some]
            followed = Followed(
                torch.stack(shown), torch.full((len(some),), method.weight), (0.0, 1.0)
            )
            control = EmbeddedControl(models.net, variant.kind, followed.on(prior.device))
            prior.controls = (control,)
        noise = randn(
            prior.spec.latent_shape, generators_for(config.seed, some, "latents"),
            device=prior.device,
        )  # fmt: skip
        *_, last = sample(
            prior, scheduler, prior.embed([requests[place].prompt for place in some]),
            prior.embed([""] * len(some)), config.guidance, noise,
            generators_for(config.seed, some, "sampler"),
        )  # fmt: skip
        parts.append(prior.decode(last.latents).clamp(-1, 1).cpu())
    return torch.cat(parts)


def _scores(models: _Models, asked: _Asked, pictures: Images, variant: Variant) -> dict[str, float]:
    """Outline and edges against what was followed; without control, against both sources."""
    texts = ReadTexts(models.judge, load_names())
    wanted = [one.asked[0] for one in asked.requests]
    said = judgements(look(models.judge, pictures), wanted, texts)
    found = {
        f"{variant.name} top1": fmean(one.rank == 0 for one in said),
        f"{variant.name} top5": fmean(one.rank is not None and one.rank < 5 for one in said),
    }
    if variant.kind is None:
        # The same judge of the very objects that are followed: random views are harder than fronts.
        seen = look(models.judge, torch.stack([one.picture for one in asked.truths["instance"]]))
        true = judgements(seen, wanted, texts)
        found["true instance top1"] = fmean(one.rank == 0 for one in true)
    for source in SOURCES if variant.source is None else (variant.source,):
        label, truths = _label(variant, source), asked.truths[source]
        pairs = [
            (picture, truth.picture) for picture, truth in zip(pictures, truths, strict=True)
        ]  # fmt: skip
        found[f"{label} iou"] = fmean(silhouette_iou(*pair) for pair in pairs)
        found[f"{label} edge_f1"] = fmean(edge_f1(*pair) for pair in pairs)
        if variant.is_posed:
            found |= _joint_scores(label, pictures, truths)
        if variant.is_posed and variant.source is None:
            # The estimator on the very objects: no drawing can be told to be closer.
            found |= _joint_scores(
                f"true {source}", torch.stack([one.picture for one in truths]), truths
            )
    return found


def _label(variant: Variant, source: Source) -> str:
    return variant.name if variant.source else f"{variant.name} against {source}"


def _joint_scores(label: str, pictures: Images, truths: Sequence[ControlTruth]) -> dict[str, float]:
    """How far the joints of pictures in [-1, 1] are from those that were to be followed."""
    made = found_poses(load_pose_estimator(), list((pictures + 1) / 2))
    scores = pose_scores(made, [one.pose for one in truths if one.pose is not None])
    return {
        f"{label} joint_error": scores["pose/error"], f"{label} joint_pck": scores["pose/pck"]
    }  # fmt: skip


def _sheet(run: Run, source: Source, kind: ControlKind) -> Path:
    return run.folder.samples / f"{source}_{kind}.png"


def _show(run: Run, asked: _Asked, pictures: Images, variant: Variant) -> None:
    """What was followed beside what was drawn, of the first prompts."""
    if variant.source is None or variant.kind is None:
        return
    shown, captions = [], []
    for place in range(min(_NUM_SHOWN, len(pictures))):
        control: Tensor = asked.truths[variant.source][place].controls[variant.kind]
        solid = torch.cat([control, torch.ones_like(control[:1])])
        shown += [to_picture(solid * 2 - 1), to_picture(pictures[place])]
        captions += [variant.kind.replace("_", " "), asked.requests[place].prompt]
    sheet = picture_sheet(shown, captions=captions, num_columns=8)
    write_picture(_sheet(run, variant.source, variant.kind), sheet)


def _sections(
    run: Run, method: EvaluateControl, variants: Sequence[Variant], figures: dict[str, float]
) -> tuple[Section, ...]:
    columns = (
        Column("Followed", align="left"), Column("Outline IoU"), Column("Gain"),
        Column("Edge F1"), Column("Gain"), Column("Object among 129"), Column("Change"),
    )  # fmt: skip
    followed = [one for one in variants if one.source is not None and one.kind is not None]
    rows = []
    for variant in followed:
        without = "none/pose" if variant.is_posed else "none"
        row: list[str | float] = [variant.name]
        for score in ("iou", "edge_f1"):
            value = figures[f"{variant.name} {score}"]
            row += [value, value - figures[f"{without} against {variant.source} {score}"]]
        right = figures[f"{variant.name} top1"]
        rows.append((*row, right, right - figures[f"{without} top1"]))
    notes = [
        "What is followed is a held-out object in a random view, of the prompt's category or of "
        "another. IoU: of what is half opaque. F1: of Canny's edges within 2 pixels. Gain and "
        "change: against the same prompt and noise without control. Maps of depth and normals, and "
        f"poses, are {method.maps}.",
    ]
    if "true instance top1" in figures:
        notes.append(
            "Of the followed objects of the prompt's category themselves, the judge names "
            f"{figures['true instance top1']:.1%}."
        )
    tables = [Table("What is followed, and what is still shown", columns, tuple(rows),
                    footnotes=tuple(notes))]  # fmt: skip
    if any(one.is_posed for one in followed):
        tables.append(_joint_table(figures))
    items = tuple(
        MediaItem(_sheet(run, one.source, one.kind), one.name)
        for one in followed
        if one.source is not None and one.kind is not None
    )
    return (*tables, Gallery("Followed, and drawn: the first prompts, as they came", items))


def _joint_table(figures: dict[str, float]) -> Table:
    """How near joints come, beside what is drawn without control and the objects themselves."""
    columns = (
        Column("Pose of", align="left"),
        Column("Error"), Column("Without"), Column("Object itself"),
        Column("Within 0.1"), Column("Without"), Column("Object itself"),
    )  # fmt: skip
    rows = []
    for source in SOURCES:
        row: list[str | float] = [source]
        for score in ("joint_error", "joint_pck"):
            labels = (f"{source}/pose", f"none/pose against {source}", f"true {source}")
            row += [figures[f"{label} {score}"] for label in labels]
        rows.append(tuple(row))
    note = (
        "Distance of the joints that the estimator tells of what is drawn from the true ones of "
        "what is followed, in shares of its longer side; only joints that it shows."
    )
    return Table("How near joints come", columns, tuple(rows), footnotes=(note,))
