"""Whether a prompt is about something that the embedded prior has seen.

A prompt is compared with what the models know in two ways: by words (how many of them occur in the
names of known things) and by the text encoder (how near the prompt and its parts are to known
meanings). A logistic regression over these statistics says how likely the prompt is inside the
domain; its coefficients and the embeddings of the known meanings are measured once for a trained
text encoder and stored beside it (``common.training.facts.domain_fit``).
"""

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from common.embedded.concepts import Concepts, meanings
from common.embedded.text_encoder import TextEncoder, token_batch
from common.embedded.tokenizer import Tokenizer, words

MAX_PARTS = 24
"""Parts of a prompt that are looked at one by one; a longer one is judged by its beginning."""
_BATCH = 256
_NEAREST = 5
"""Meanings whose mean closeness counts beside that of the nearest."""

_FUNCTION_TEXT = """
    a an the of with and or in on at by to from for its it is are one two three some any this that
    very emoji picture photo image icon drawing cartoon pair piece bunch slice cup glass little
    small big large tall cute happy
"""
_FUNCTION_WORDS = frozenset(_FUNCTION_TEXT.split())
_COUNTED = re.compile(
    r"[一两二三四五几][个只件条张片块双对杯碗把朵辆头棵座艘架台顶匹口列本支根颗瓶串位名]"
)
_BETWEEN = re.compile(r"[的了着和与在带里]")
_CHINESE_RUN = re.compile(r"[㐀-䶿一-鿿豈-﫿]+")


class Statistics(NamedTuple):
    """What is measured of a prompt."""

    known_share: float
    """Share of its words, or of its pairs of Chinese characters, that known names contain."""
    pieces: float
    """Word pieces for each word: many in gibberish and code."""
    log_parts: float
    """Logarithm of the number of words and Chinese phrases."""
    nearest: float
    """Cosine of the whole prompt with the nearest known meaning."""
    near: float
    """Mean cosine with the five nearest."""
    part_mean: float
    """Mean over its parts of the cosine with the nearest meaning."""
    part_least: float
    """Least of them."""


WORD_STATISTICS = Statistics._fields[:3]
"""Those that need no text encoder."""


@dataclass(frozen=True)
class DomainRule:
    """A logistic regression: ``sigmoid(bias + sum w (x - mean) / scale)``."""

    fields: tuple[str, ...]
    """Which statistics it reads."""
    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    threshold: float
    """Prompts with a lower score are outside."""

    def score(self, statistics: Statistics) -> float:
        """How likely a prompt is inside the domain, in [0, 1); 0 where no word says anything."""
        if statistics.log_parts == 0:
            return 0.0
        terms = zip(self.fields, self.means, self.scales, self.weights, strict=True)
        logit = self.bias + sum(
            weight * (getattr(statistics, field) - mean) / scale
            for field, mean, scale, weight in terms
        )
        return 0.5 * (1 + math.tanh(logit / 2))


@dataclass(frozen=True, eq=False)
class KnownEmbeddings:
    """Where one text encoder puts everything known.

    Embeddings of all texts share a direction that says nothing; without it, cosines spread.
    """

    centre: Float[Tensor, " d"]
    """Mean of the meanings' unit embeddings, taken from every embedding before it is compared."""
    prototypes: Float[Tensor, "n d"]
    """Unit embedding, centred, of each known meaning, in the order of ``meanings``."""

    def cosines(self, made: Float[Tensor, "b d"]) -> Float[Tensor, "b n"]:
        """Cosines of unit embeddings with every meaning."""
        return F.normalize(made - self.centre, dim=1) @ self.prototypes.T


@dataclass(frozen=True, eq=False)
class Domain:
    """What one text encoder makes of everything known, and the rule fitted to it."""

    known: KnownEmbeddings
    rule: DomainRule


@dataclass(frozen=True)
class Verdict:
    """What the domain says of a prompt."""

    score: float
    is_inside: bool
    nearest: tuple[str, ...]
    """Known things that are closest to it, the closest first."""


def concepts_digest(concepts: Concepts) -> str:
    """SHA-256 over the texts of all meanings: prototypes belong to one list of them."""
    texts = [meaning.texts for meaning in meanings(concepts)]
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def word_units(text: str) -> list[str]:
    """Content words in the singular, and pairs of neighbouring Chinese characters."""
    found: list[str] = []
    for part in parts(text):
        if _CHINESE_RUN.fullmatch(part):
            found += [part[i : i + 2] for i in range(max(len(part) - 1, 1))]
        else:
            found.append(singular(part))
    return found


def parts(text: str) -> list[str]:
    """Content words and runs of Chinese characters, without function words, in order."""
    found: list[str] = []
    run = ""
    for word in [*words(text), ""]:
        if _CHINESE_RUN.fullmatch(word):
            run += word
            continue
        found += [piece for piece in _BETWEEN.split(_COUNTED.sub("的", run)) if piece]
        run = ""
        if word.isalnum() and word not in _FUNCTION_WORDS:
            found.append(word)
    return found


def known_units(concepts: Concepts) -> frozenset[str]:
    """The word units of everything known."""
    texts = (text for meaning in meanings(concepts) for text in meaning.texts)
    return frozenset(unit for text in texts for unit in word_units(text))


def prompt_statistics(
    prompt: str,
    known: frozenset[str],
    encoder: TextEncoder | None,
    tokenizer: Tokenizer,
    embedded: KnownEmbeddings | None,
) -> Statistics:
    """Measure a prompt. Without an encoder its cosines are 0."""
    units, found = word_units(prompt), parts(prompt)[:MAX_PARTS]
    share = sum(unit in known for unit in units) / max(len(units), 1)
    counts = [len(tokenizer.pieces(part)) / _num_words(part) for part in found]
    pieces = sum(counts) / max(len(counts), 1)
    if encoder is None or embedded is None:
        return Statistics(share, pieces, math.log1p(len(found)), 0.0, 0.0, 0.0, 0.0)
    cosines = embedded.cosines(embeddings(encoder, tokenizer, [prompt, *found]))
    best = cosines.topk(min(_NEAREST, cosines.shape[1]), dim=1).values
    of_parts = best[1:, 0] if found else best[:, 0]
    return Statistics(
        share, pieces, math.log1p(len(found)), float(best[0, 0]), float(best[0].mean()),
        float(of_parts.mean()), float(of_parts.min()),
    )  # fmt: skip


def judge_prompt(
    prompt: str, domain: Domain, encoder: TextEncoder, tokenizer: Tokenizer, concepts: Concepts
) -> Verdict:
    """Whether a prompt is about known things, and which are closest to it."""
    known = known_units(concepts)
    statistics = prompt_statistics(prompt, known, encoder, tokenizer, domain.known)
    score = domain.rule.score(statistics)
    cosines = domain.known.cosines(embeddings(encoder, tokenizer, [prompt]))[0]
    listed = meanings(concepts)
    chinese = bool(_CHINESE_RUN.search(prompt))
    order = [
        listed[index].texts[0]
        for index in cosines.argsort(descending=True).tolist()
        if listed[index].is_object and bool(_CHINESE_RUN.search(listed[index].texts[0])) == chinese
    ]
    nearest = tuple(dict.fromkeys(order))[:3]
    return Verdict(score, score >= domain.rule.threshold, nearest)


def known_embeddings(
    encoder: TextEncoder, tokenizer: Tokenizer, concepts: Concepts
) -> KnownEmbeddings:
    """The mean embedding of each known meaning's texts, centred and of length 1."""
    listed = meanings(concepts)
    made = embeddings(encoder, tokenizer, [text for one in listed for text in one.texts])
    groups = made.split([len(one.texts) for one in listed])
    means = F.normalize(torch.stack([group.mean(0) for group in groups]), dim=1)
    centre = means.mean(0)
    return KnownEmbeddings(centre, F.normalize(means - centre, dim=1))


@torch.no_grad()
def embeddings(
    encoder: TextEncoder, tokenizer: Tokenizer, texts: Sequence[str]
) -> Float[Tensor, "n d"]:
    """Unit pooled states of texts in float32 on the CPU, encoded in batches of similar length."""
    device = encoder.embedding.weight.device
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    made = torch.empty(len(texts), encoder.architecture.channels)
    for start in range(0, len(order), _BATCH):
        chosen = order[start : start + _BATCH]
        tokens, mask = token_batch(tokenizer, [texts[index] for index in chosen], device)
        made[chosen] = encoder(tokens, mask).pooled.float().cpu()
    return F.normalize(made, dim=1)


def _num_words(part: str) -> int:
    """Chinese characters count as words."""
    return len(part) if _CHINESE_RUN.fullmatch(part) else 1


def singular(word: str) -> str:
    """An English word without its plural ending, roughly: it only meets others treated alike."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word.removesuffix(ending) + instead
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
