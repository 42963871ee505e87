"""Fits the rule that tells prompts inside the embedded prior's domain from others.

``data/domain_prompts.json`` has prompts of both kinds in English and Chinese, written by hand: the
inner ones are phrasings that no caption has, the outer ones are scenes, people, abstract nouns,
questions, code and gibberish. The words held out for the test of unseen synonyms count as inside.

    python -m common.training.facts.domain_fit [models folder]

prints how well the two kinds are told apart and, where the folder has a text encoder, stores what
was fitted beside it as the model ``domain``.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64

from common.embedded.concepts import Concepts, load_concepts
from common.embedded.domain import (
    WORD_STATISTICS,
    DomainRule,
    Statistics,
    concepts_digest,
    known_embeddings,
    known_units,
    prompt_statistics,
)
from common.embedded.text_encoder import TextEncoder
from common.embedded.tokenizer import Tokenizer, load_tokenizer
from common.errors import InputError
from common.training.emoji.emoji_concepts import Language
from common.training.emoji.emoji_synonyms import load_synonyms
from common.zoo.models import ZOO, Loaded, load_text_encoder
from common.zoo.storage import Manifest, save_model

PROMPTS = Path(__file__).with_name("domain_prompts.json")
NUM_FOLDS = 5
ACCEPTED = 0.95
"""Share of the inner prompts that the threshold lets through."""
RIDGE = 1.0
"""Weight of the squared coefficients, against the summed log likelihood."""


@dataclass(frozen=True)
class DomainPrompt:
    """A prompt and whether it is inside the domain."""

    text: str
    language: Language
    is_inside: bool


@dataclass(frozen=True)
class DomainFit:
    """A rule and how well it tells the prompts apart, by cross-validation."""

    rule: DomainRule
    figures: dict[str, float]


def load_prompts(path: Path = PROMPTS) -> tuple[DomainPrompt, ...]:
    """The committed prompts and the held-out synonyms.

    Raises:
        InputError: the file is damaged.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        listed = [
            DomainPrompt(text, language, kind == "inside")
            for kind in ("inside", "outside")
            for language in ("en", "zh")
            for text in rows[kind][language]
        ]
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise InputError(f"{path} is no list of domain prompts: {broken!r}") from broken
    synonyms = [DomainPrompt(one.prompt, one.language, True) for one in load_synonyms()]
    return (*listed, *synonyms)


def auroc(inside: Sequence[float], outside: Sequence[float]) -> float:
    """The chance that an inner prompt scores above an outer one, ties counting half.

    The rank statistic of Mann and Whitney over the product of the counts.
    """
    from scipy.stats import rankdata

    ranks = rankdata([*inside, *outside])[: len(inside)]
    least = len(inside) * (len(inside) + 1) / 2
    return float((ranks.sum() - least) / (len(inside) * len(outside)))


def measure_prompts(
    prompts: Sequence[DomainPrompt],
    concepts: Concepts,
    tokenizer: Tokenizer,
    encoder: TextEncoder | None = None,
) -> list[Statistics]:
    """The statistics of each prompt; the cosines are 0 without an encoder."""
    known = known_units(concepts)
    embedded = known_embeddings(encoder, tokenizer, concepts) if encoder else None
    return [
        prompt_statistics(prompt.text, known, encoder, tokenizer, embedded) for prompt in prompts
    ]


def fit_rule(
    prompts: Sequence[DomainPrompt], measured: Sequence[Statistics], fields: Sequence[str]
) -> DomainFit:
    """Fit a rule to all prompts; its figures come from rules that did not see the prompt.

    The folds take every fifth prompt of each kind and language.
    """
    values = np.array([[getattr(one, field) for field in fields] for one in measured])
    labels = np.array([prompt.is_inside for prompt in prompts])
    folds = _folds(prompts)
    scores = np.empty(len(prompts))
    for fold in range(NUM_FOLDS):
        rule = _logistic(values[folds != fold], labels[folds != fold], fields)
        for index in np.flatnonzero(folds == fold).tolist():
            scores[index] = rule.score(measured[index])
    figures = _figures(prompts, scores)
    final = _logistic(values, labels, fields)
    return DomainFit(DomainRule(**(asdict(final) | {"threshold": figures["threshold"]})), figures)


def fit_domain(
    text_encoder: Loaded, tokenizer: Tokenizer, folder: Path, concepts: Concepts
) -> Manifest:
    """Fit the rule for a text encoder and store it, with the known meanings' embeddings.

    Writes ``domain.json`` and its weights into ``folder``; it stands on the text encoder and is
    refused with another one.
    """
    prompts = load_prompts()
    measured = measure_prompts(prompts, concepts, tokenizer, text_encoder.model)
    fit = fit_rule(prompts, measured, Statistics._fields)
    known = known_embeddings(text_encoder.model, tokenizer, concepts)
    return save_model(
        folder, "domain", {"centre": known.centre, "prototypes": known.prototypes}, "int8",
        kind="domain",
        architecture={"rule": asdict(fit.rule), "concepts_sha256": concepts_digest(concepts)},
        requires={"text_encoder": text_encoder.identity}, figures=fit.figures,
    )  # fmt: skip


def _folds(prompts: Sequence[DomainPrompt]) -> np.ndarray:
    seen: dict[tuple[str, bool], int] = {}
    folds = []
    for prompt in prompts:
        kind = (prompt.language, prompt.is_inside)
        seen[kind] = seen.get(kind, -1) + 1
        folds.append(seen[kind] % NUM_FOLDS)
    return np.array(folds)


def _figures(prompts: Sequence[DomainPrompt], scores: np.ndarray) -> dict[str, float]:
    labels = np.array([prompt.is_inside for prompt in prompts])
    threshold = float(np.quantile(scores[labels], 1 - ACCEPTED))
    figures = {
        "auroc": auroc(scores[labels].tolist(), scores[~labels].tolist()),
        "threshold": threshold,
        "inside_accepted": float((scores[labels] >= threshold).mean()),
        "outside_warned": float((scores[~labels] < threshold).mean()),
    }
    for language in ("en", "zh"):
        own = np.array([prompt.language == language for prompt in prompts])
        pair = scores[own & labels].tolist(), scores[own & ~labels].tolist()
        figures[f"auroc_{language}"] = auroc(*pair)
    return figures


def _logistic(
    values: Float64[np.ndarray, "n k"], labels: Bool[np.ndarray, " n"], fields: Sequence[str]
) -> DomainRule:
    """Ridge logistic regression on standardised statistics; both kinds weigh the same in all."""
    from scipy.optimize import minimize

    means, scales = values.mean(0), values.std(0)
    scales = np.where(scales > 0, scales, 1.0)
    design = np.concatenate([(values - means) / scales, np.ones((len(values), 1))], 1)
    signs = np.where(labels, 1.0, -1.0)
    balance = np.where(labels, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    penalty = np.array([RIDGE] * len(fields) + [0.0])

    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        margins = signs * (design @ point)
        slopes = -signs * balance / (1 + np.exp(margins))
        value = (balance * np.logaddexp(0, -margins)).sum() + 0.5 * (penalty * point**2).sum()
        return float(value), design.T @ slopes + penalty * point

    found = minimize(loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B").x
    return DomainRule(
        tuple(fields), tuple(means.tolist()), tuple(scales.tolist()), tuple(found[:-1].tolist()),
        float(found[-1]), 0.5,
    )  # fmt: skip


def report(text_encoder: Loaded | None, folder: Path) -> str:
    """Figures of every statistic by itself and of the rules; stores the rule of an encoder."""
    prompts, concepts, tokenizer = load_prompts(), load_concepts(), load_tokenizer()
    encoder = text_encoder.model if text_encoder else None
    measured = measure_prompts(prompts, concepts, tokenizer, encoder)
    fields = Statistics._fields if encoder else WORD_STATISTICS
    labels = [prompt.is_inside for prompt in prompts]
    lines = [f"{sum(labels)} prompts inside, {len(labels) - sum(labels)} outside"]
    for field in fields:
        values = [getattr(one, field) for one in measured]
        inside = [value for value, kind in zip(values, labels, strict=True) if kind]
        outside = [value for value, kind in zip(values, labels, strict=True) if not kind]
        lines.append(f"{field}: AUROC {auroc(inside, outside):.3f}")
    lines.append(_said("words alone", fit_rule(prompts, measured, WORD_STATISTICS).figures))
    if text_encoder:
        manifest = fit_domain(text_encoder, tokenizer, folder, concepts)
        lines += [_said("all", manifest.figures), f"stored {folder / 'domain.json'}"]
    return "\n".join(lines)


def _said(name: str, figures: Mapping[str, float]) -> str:
    return f"{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in figures.items())


def main(folder: Path) -> None:
    """Print the report for the models of a folder, by words alone where it has no encoder."""
    there = (folder / "text_encoder.json").is_file()
    print(report(load_text_encoder(folder) if there else None, folder))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ZOO)
