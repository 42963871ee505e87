"""Evaluating the ControlNet: does a picture follow what is given, and still show what is asked?

Each prompt of ``objects`` is drawn without control, and with each kind of picture of a held-out
object in a random view: of its own category (``instance``), and of another one (``category``). All
from the same noise. What is drawn without control is compared to the same objects: the gain is the
control's.
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
from common.zoo.control_net import load_control_net
from common.zoo.models import ZOO, check_embedded_prior, load_embedded_prior, load_judge

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
        """Such as ``instance/depth``."""
        return f"{self.source}/{self.kind}" if self.kind else "none"


@dataclass(frozen=True)
class _Models:
    prior: EmbeddedPrior
    net: Any
    judge: Any


Truths = dict[Source, list[ControlTruth]]


def control_estimate(config: EvaluateConfig, method: EvaluateControl) -> Estimate:
    """Sizes and memory of the run."""
    count, variants = len(_requests(config)), len(_variants(method))
    batches = -(-count // config.batch_size) * variants
    sizes = {"objects": f"{count} x {variants} pictures"}
    return Estimate(sizes, _MEMORY_BYTES, batches * config.sampler.num_evaluations)


def evaluate_control(config: EvaluateConfig, method: EvaluateControl, run: Run) -> Outcome:
    """Draw and measure variant after variant; a resumed run continues with the next one."""
    with run.clock.stage("loading"):
        models = _loaded(config, method, run.device)
    requests = _requests(config)
    with run.clock.stage("what is followed"):
        truths = _truths(requests, method)
    figures: dict[str, float] = run.checkpoints.restored_state or {}
    variants = _variants(method)
    done = sum(f"{one.name} top1" in figures for one in variants)
    with progress_bar(len(variants), done, "variants", "variant") as bar:
        for variant in variants[done:]:
            with run.clock.stage("pictures"):
                pictures = _drawn(config, method, models, requests, variant, truths)
            with run.clock.stage("scoring"):
                figures |= _scores(models, requests, pictures, variant, truths)
            _show(run, requests, pictures, variant, truths)
            bar.update(1)
            run.checkpoints.offer(done := done + 1, figures)
    path = run.folder.samples / "figures.json"
    write_json(path, figures)
    return Outcome((path,), _sections(run, method, figures))


def _loaded(config: EvaluateConfig, method: EvaluateControl, device: str) -> _Models:
    folder = config.prior.models_dir or ZOO
    size = (method.size_px, method.size_px)
    prior = load_embedded_prior(size, folder, device, config.prior.loras)
    identities = {kind: one.identity for kind, one in check_embedded_prior(folder).items()}
    net = load_control_net(prior.unet, identities, folder, device)
    return _Models(prior, net, load_judge(config.judge_dir or ZOO, device).model)


def _variants(method: EvaluateControl) -> list[Variant]:
    """No control first: the others are compared to it."""
    return [Variant(), *(Variant(source, kind) for source in SOURCES for kind in method.kinds)]


def _requests(config: EvaluateConfig) -> Sequence[Request]:
    return chosen_requests(load_prompt_set("objects", frozenset()).requests, config.max_prompts)


def _truths(requests: Sequence[Request], method: EvaluateControl) -> Truths:
    """Of each prompt, what is followed of its own category and of another one."""
    everything = [_category(one) for one in load_prompt_set("objects", frozenset()).requests]
    own = [_category(one) for one in requests]
    others = [
        everything[(everything.index(name) + _STRIDE) % len(everything)] for name in own
    ]  # fmt: skip
    settings = (method.kinds, 0, method.size_px, method.maps)
    return {
        "instance": [control_truth(name, *settings) for name in own],
        "category": [control_truth(name, *settings) for name in others],
    }


def _category(request: Request) -> str:
    return str(request.asked[0].concept)


@torch.no_grad()
def _drawn(
    config: EvaluateConfig,
    method: EvaluateControl,
    models: _Models,
    requests: Sequence[Request],
    variant: Variant,
    truths: Truths,
) -> Images:
    """A picture for each prompt, from noise of its own that is the same for every variant."""
    prior, parts = models.prior, []
    scheduler = build_scheduler(config.sampler, prior.spec.schedule, prior.spec.prediction)
    for start in range(0, len(requests), config.batch_size):
        some = range(start, min(start + config.batch_size, len(requests)))
        prior.controls = ()
        if variant.source is not None and variant.kind is not None:
            shown = [truths[variant.source][place].controls[variant.kind] for place in some]
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


def _scores(
    models: _Models,
    requests: Sequence[Request],
    pictures: Images,
    variant: Variant,
    truths: Truths,
) -> dict[str, float]:
    """Outline and edges against what was followed; without control, against both sources."""
    texts = ReadTexts(models.judge, load_names())
    said = judgements(
        look(models.judge, pictures), [one.asked[0] for one in requests], texts
    )  # fmt: skip
    found = {
        f"{variant.name} top1": fmean(one.rank == 0 for one in said),
        f"{variant.name} top5": fmean(one.rank is not None and one.rank < 5 for one in said),
    }
    if variant.kind is None:
        # The same judge of the very objects that are followed: random views are harder than fronts.
        seen = look(models.judge, torch.stack([one.picture for one in truths["instance"]]))
        true = judgements(seen, [one.asked[0] for one in requests], texts)
        found["true instance top1"] = fmean(one.rank == 0 for one in true)
    for source in SOURCES if variant.source is None else (variant.source,):
        label = variant.name if variant.kind else f"none against {source}"
        pairs = [
            (picture, truth.picture)
            for picture, truth in zip(pictures, truths[source], strict=True)
        ]  # fmt: skip
        found[f"{label} iou"] = fmean(silhouette_iou(*pair) for pair in pairs)
        found[f"{label} edge_f1"] = fmean(edge_f1(*pair) for pair in pairs)
    return found


def _sheet(run: Run, source: Source, kind: ControlKind) -> Path:
    return run.folder.samples / f"{source}_{kind}.png"


def _show(
    run: Run, requests: Sequence[Request], pictures: Images, variant: Variant, truths: Truths
) -> None:
    """What was followed beside what was drawn, of the first prompts."""
    if variant.source is None or variant.kind is None:
        return
    shown, captions = [], []
    for place in range(min(_NUM_SHOWN, len(requests))):
        control: Tensor = truths[variant.source][place].controls[variant.kind]
        solid = torch.cat([control, torch.ones_like(control[:1])])
        shown += [to_picture(solid * 2 - 1), to_picture(pictures[place])]
        captions += [variant.kind.replace("_", " "), requests[place].prompt]
    sheet = picture_sheet(shown, captions=captions, num_columns=8)
    write_picture(_sheet(run, variant.source, variant.kind), sheet)


def _sections(run: Run, method: EvaluateControl, figures: dict[str, float]) -> tuple[Section, ...]:
    columns = (
        Column("Followed", align="left"), Column("Outline IoU"), Column("Gain"),
        Column("Edge F1"), Column("Gain"), Column("Object among 129"), Column("Change"),
    )  # fmt: skip
    rows = []
    for variant in _variants(method)[1:]:
        row: list[str | float] = [variant.name]
        for score in ("iou", "edge_f1"):
            value = figures[f"{variant.name} {score}"]
            row += [value, value - figures[f"none against {variant.source} {score}"]]
        right = figures[f"{variant.name} top1"]
        rows.append((*row, right, right - figures["none top1"]))
    notes = (
        "What is followed is a held-out object in a random view, of the prompt's category or of "
        "another. IoU: of what is half opaque. F1: of Canny's edges within 2 pixels. Gain and "
        "change: against the same prompt and noise without control. Of the followed objects of the "
        f"prompt's category themselves, the judge names {figures['true instance top1']:.1%}. Maps "
        f"of depth and normals are {method.maps}.",
    )
    items = tuple(
        MediaItem(_sheet(run, one.source, one.kind), one.name)
        for one in _variants(method)
        if one.source is not None and one.kind is not None
    )
    return (
        Table("What is followed, and what is still shown", columns, tuple(rows), footnotes=notes),
        Gallery("Followed, and drawn: the first prompts, as they came", items),
    )
