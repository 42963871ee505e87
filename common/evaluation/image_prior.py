"""Evaluating the embedded prior's pictures: prompts -> pictures -> the judge's scores."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from common.atomic import write_json
from common.diffusion.guidance_config import ClassifierGuidance
from common.embedded.class_names import load_class_names
from common.embedded.prior import EmbeddedPrior
from common.errors import InputError
from common.evaluation.config import EvaluateConfig, EvaluateImages
from common.evaluation.figures import judge_figures, scores_of
from common.evaluation.generated import generate
from common.evaluation.prompt_sets import PromptSet, chosen_requests, load_prompt_set
from common.evaluation.score_table import (
    Scores,
    plain,
    restored_scores,
    rows_of,
    said,
    score_table,
)
from common.generation.classifier_notes import check_classifier_at_hand
from common.generation.priors import classifying_of
from common.judging.scored import told_categories
from common.media.contact_sheet import picture_sheet
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.report.content import Column, Gallery, MediaItem, Section, Table
from common.runs.app import Estimate, Outcome, Run
from common.runs.console import LOGGER, progress_bar
from common.shapes import Images
from common.zoo.models import ZOO, load_embedded_prior, load_judge

_LIBRARIES_BYTES = 900 * 2**20
_BYTES_PER_PICTURE = 64 * 2**20
"""Of one picture in a batch: the activations of the decoder, which needs most."""
_NUM_SHOWN = 48


def image_notes(method: EvaluateImages) -> list[str]:
    """Notes on keys that have no effect."""
    if method.cache_dir is not None and not method.memorisation:
        return ["method.cache_dir has no effect without memorisation"]
    if method.memorisation and "objects" not in method.sets:
        return ["method.memorisation has no effect without the set 'objects'"]
    return []


def check_classes(config: EvaluateConfig, method: EvaluateImages) -> None:
    """Refuse classifier guidance for prompts that name no class.

    Raises:
        InputError: with the sets in question.
    """
    if not isinstance(config.guidance, ClassifierGuidance):
        return
    check_classifier_at_hand(config.prior)
    names, told = load_class_names(), frozenset(told_categories(judge_figures(config.judge_dir)))
    for one in method.sets:
        prompts = [each.prompt for each in _requests(config, load_prompt_set(one, told)).requests]
        unnamed = [prompt for prompt in prompts if names.read(prompt) == (None, None)]
        if unnamed and not config.guidance.classes:
            raise InputError(
                f"guidance classifier: {len(unnamed)} of {len(prompts)} prompts of the set {one} "
                f"name no class of the classifier, such as '{unnamed[0]}': leave the set out of "
                "method.sets"
            )


def image_estimate(config: EvaluateConfig, method: EvaluateImages) -> Estimate:
    """Sizes and memory of the run."""
    told = frozenset(told_categories(judge_figures(config.judge_dir)))
    counts = {name: len(_requests(config, load_prompt_set(name, told)).requests)
              for name in method.sets}  # fmt: skip
    sizes = {str(name): f"{count} pictures" for name, count in counts.items()}
    scale = (method.size_px / 128) ** 2
    memory = _LIBRARIES_BYTES + int(config.batch_size * _BYTES_PER_PICTURE * scale)
    batches = sum(-(-count // config.batch_size) for count in counts.values())
    return Estimate(sizes, memory, batches * config.sampler.num_evaluations)


def evaluate_images(config: EvaluateConfig, method: EvaluateImages, run: Run) -> Outcome:
    """Draw and score set after set; a resumed run continues with the next set."""
    with run.clock.stage("loading"):
        size = (method.size_px, method.size_px)
        prior = load_embedded_prior(
            size, config.prior.models_dir or ZOO, run.device, config.prior.loras,
            few_steps=config.prior.few_steps, compute=config.prior.compute,
        )  # fmt: skip
        folder = config.prior.models_dir or ZOO
        prior.classifying = classifying_of(config.guidance, folder, run.device)
        judge = load_judge(config.judge_dir or ZOO, run.device).model
        figures = judge_figures(config.judge_dir)
    restored = run.checkpoints.restored_state
    scores = restored_scores(restored["scores"]) if restored else {}
    copies: dict[str, float] = restored["copies"] if restored else {}
    told = frozenset(told_categories(figures))
    for name in method.sets:
        if name in scores:
            continue
        prompts = _requests(config, load_prompt_set(name, told))
        pictures = _draw(config, run, prior, prompts)
        with run.clock.stage("scoring"):
            scores[name] = scores_of(judge, figures, prompts, pictures)
        if name == "objects" and method.memorisation:
            copies = _copies(method, prior, prompts, pictures)
        _write_sheet(run, prompts, pictures)
        LOGGER.info("%s: %s", name, said(scores[name]))
        state = {"scores": rows_of(scores), "copies": copies}
        run.checkpoints.offer(len(scores), state)
    path = run.folder.samples / "figures.json"
    write_json(path, plain(scores) | copies)
    return Outcome((path,), _sections(run, method, scores, copies))


def _requests(config: EvaluateConfig, prompts: PromptSet) -> PromptSet:
    requests = chosen_requests(prompts.requests, config.max_prompts)
    return PromptSet(prompts.name, tuple(requests))


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
    method: EvaluateImages, prior: EmbeddedPrior, prompts: PromptSet, pictures: Images
) -> dict[str, float]:
    """Nearest-neighbour distances of samples and of held-out renders to training renders."""
    from common.training.emoji.npm_package import default_cache
    from common.training.image.memorisation import nearest_distances

    categories = [str(request.asked[0].concept) for request in prompts.requests]
    cache = method.cache_dir or default_cache()
    found = nearest_distances(prior.autoencoder, cache, pictures, categories, method.size_px)
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
    captions = [request.prompt for request in prompts.requests[:_NUM_SHOWN]]
    write_picture(_sheet(run, prompts.name), picture_sheet(shown, captions=captions, num_columns=8))


def _sections(
    run: Run, method: EvaluateImages, scores: Scores, copies: Mapping[str, float]
) -> tuple[Section, ...]:
    sections: list[Section] = [score_table(scores)]
    if copies:
        told = (Column("Distance", align="left"), Column("Value"))
        sections.append(Table("Nearest training renders", told, tuple(copies.items())))
    items = tuple(MediaItem(_sheet(run, name), name) for name in method.sets)
    sections.append(Gallery("First pictures of each set, as they came", items))
    return tuple(sections)
