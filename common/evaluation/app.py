"""The evaluate app: prompts -> pictures -> the judge's scores -> report."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from common.atomic import write_json
from common.embedded.prior import EmbeddedPrior
from common.evaluation.config import EvaluateConfig
from common.evaluation.figures import scores_of
from common.evaluation.generated import generate
from common.evaluation.prompt_sets import PromptSet, load_prompt_set
from common.judging.judgement import Share
from common.judging.scored import Score, told_categories
from common.media.contact_sheet import picture_sheet
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.report.content import Column, Gallery, MediaItem, Section, Table
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.console import LOGGER, progress_bar
from common.shapes import Images
from common.zoo.models import ZOO, load_embedded_prior, load_judge
from common.zoo.storage import load_model

_LIBRARIES_BYTES = 900 * 2**20
_BYTES_PER_PICTURE = 64 * 2**20
"""Of one picture in a batch: the activations of the decoder, which needs most."""
_NUM_SHOWN = 48

Scores = dict[str, dict[str, Score]]
"""By set, then by score."""
Rows = dict[str, dict[str, tuple[int, int, float, float]]]
"""The same as numbers: right, asked, ceiling, floor."""


def check(config: EvaluateConfig, apps: Apps) -> list[str]:
    """Notes on keys that have no effect."""
    if config.cache_dir is not None and not config.memorisation:
        return ["cache_dir has no effect without memorisation"]
    if config.memorisation and "objects" not in config.sets:
        return ["memorisation has no effect without the set 'objects'"]
    return []


def estimate(config: EvaluateConfig) -> Estimate:
    """Sizes and memory of the run."""
    told = _told(config)
    counts = {name: len(_chosen(config, load_prompt_set(name, told)).requests)
              for name in config.sets}  # fmt: skip
    sizes = {str(name): f"{count} pictures" for name, count in counts.items()}
    scale = (config.size_px / 128) ** 2
    memory = _LIBRARIES_BYTES + int(config.batch_size * _BYTES_PER_PICTURE * scale)
    batches = sum(-(-count // config.batch_size) for count in counts.values())
    return Estimate(sizes, memory, batches * config.sampler.num_evaluations)


def run(config: EvaluateConfig, run: Run) -> Outcome:
    """Draw and score set after set; a resumed run continues with the next set."""
    with run.clock.stage("loading"):
        size = (config.size_px, config.size_px)
        prior = load_embedded_prior(size, config.prior.models_dir or ZOO, run.device)
        judge = load_judge(config.judge_dir or ZOO, run.device).model
        figures = _judge_figures(config)
    restored = run.checkpoints.restored_state
    scores = _restored(restored["scores"]) if restored else {}
    copies: dict[str, float] = restored["copies"] if restored else {}
    for name in config.sets:
        if name in scores:
            continue
        prompts = _chosen(config, load_prompt_set(name, frozenset(told_categories(figures))))
        pictures = _draw(config, run, prior, prompts)
        with run.clock.stage("scoring"):
            scores[name] = scores_of(judge, figures, prompts, pictures)
        if name == "objects" and config.memorisation:
            copies = _copies(config, prior, prompts, pictures)
        _write_sheet(run, prompts, pictures)
        LOGGER.info("%s: %s", name, {k: round(s.share.value, 3) for k, s in scores[name].items()})
        state = {"scores": _rows(scores), "copies": copies}
        run.checkpoints.offer(len(scores), state)
    path = run.folder.samples / "figures.json"
    write_json(path, _plain(scores) | copies)
    return Outcome((path,), _sections(run, config, scores, copies))


def _judge_figures(config: EvaluateConfig) -> Mapping[str, float]:
    return load_model(config.judge_dir or ZOO, "judge", "judge").manifest.figures


def _told(config: EvaluateConfig) -> frozenset[str]:
    return frozenset(told_categories(_judge_figures(config)))


def _chosen(config: EvaluateConfig, prompts: PromptSet) -> PromptSet:
    """At most ``max_prompts`` requests, evenly chosen."""
    count = len(prompts.requests)
    if config.max_prompts is None or count <= config.max_prompts:
        return prompts
    rows = np.linspace(0, count - 1, config.max_prompts).round().astype(int).tolist()
    return replace(prompts, requests=tuple(prompts.requests[row] for row in rows))


def _draw(config: EvaluateConfig, run: Run, prior: EmbeddedPrior, prompts: PromptSet) -> Images:
    parts: list[Images] = []
    total = len(prompts.requests)
    drawn = generate(
        prior, config.sampler, config.guidance, prompts.requests, config.seed, config.batch_size
    )
    with progress_bar(total, 0, prompts.name, "picture") as bar, run.clock.stage("sampling"):
        for some in drawn:
            parts.append(some.cpu())
            bar.update(len(some))
    return torch.cat(parts)


def _copies(
    config: EvaluateConfig, prior: EmbeddedPrior, prompts: PromptSet, pictures: Images
) -> dict[str, float]:
    """Nearest-neighbour distances of samples and of held-out renders to training renders."""
    from common.training.memorisation import nearest_distances
    from common.training.npm_package import default_cache

    categories = [str(request.asked[0].concept) for request in prompts.requests]
    cache = config.cache_dir or default_cache()
    found = nearest_distances(prior.autoencoder, cache, pictures, categories, config.size_px)
    return {
        "memorisation/median_distance": float(np.median(found.samples)),
        "memorisation/median_distance_held_out": float(np.median(found.held_out)),
        "memorisation/ratio": found.ratio,
    }


def _sheet(run: Run, name: str) -> Path:
    return run.folder.samples / f"{name}.png"


def _write_sheet(run: Run, prompts: PromptSet, pictures: Images) -> None:
    """The first pictures of a set, as they came."""
    shown = [to_picture(picture) for picture in pictures[:_NUM_SHOWN]]
    said = [request.prompt for request in prompts.requests[:_NUM_SHOWN]]
    write_picture(_sheet(run, prompts.name), picture_sheet(shown, captions=said, num_columns=8))


def _rows(scores: Scores) -> Rows:
    """Scores as plain numbers, for a checkpoint."""
    return {
        name: {
            score: (one.share.num_right, one.share.num_asked, one.ceiling, one.floor)
            for score, one in of_set.items()
        }
        for name, of_set in scores.items()
    }


def _restored(rows: Rows) -> Scores:
    return {
        name: {
            score: Score(Share(right, asked), ceiling, floor)
            for score, (right, asked, ceiling, floor) in of_set.items()
        }
        for name, of_set in rows.items()
    }


def _plain(scores: Scores) -> dict[str, float]:
    return {
        f"{name}/{score}": found.share.value
        for name, of_set in scores.items()
        for score, found in of_set.items()
    }


def _sections(
    run: Run, config: EvaluateConfig, scores: Scores, copies: Mapping[str, float]
) -> tuple[Section, ...]:
    columns = (
        Column("Prompts", align="left"), Column("Score", align="left"), Column("Right", "%"),
        Column("Of"), Column("Ceiling", "%"), Column("Floor", "%"),
    )  # fmt: skip
    rows = tuple(
        (name, score, 100 * found.share.value, found.share.num_asked, 100 * found.ceiling,
         100 * found.floor)
        for name, of_set in scores.items()
        for score, found in of_set.items()
    )  # fmt: skip
    notes = (
        "Ceiling: the judge's own accuracy on real held-out pictures. Floor: the same pictures "
        "with what was asked exchanged among them.",
    )
    sections: list[Section] = [Table("Scores", columns, rows, footnotes=notes)]
    if copies:
        told = (Column("Distance", align="left"), Column("Value"))
        sections.append(Table("Nearest training renders", told, tuple(copies.items())))
    items = tuple(MediaItem(_sheet(run, name), name) for name in config.sets)
    sections.append(Gallery("First pictures of each set, as they came", items))
    return tuple(sections)


APP = App(EvaluateConfig, run, estimate, check)
