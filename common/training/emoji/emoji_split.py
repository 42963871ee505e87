"""Which emoji which test uses: the fixed split, a pure function of the caption table.

``data/emoji_split.json`` holds the result of :func:`build_split`, so that the split stays what it
is; a test compares the two.

- ``judge_names`` (1,500): the names that the judge chooses from. The least confusable come first:
  emoji that are no look-alike, then sign, gender, hair, clock, keycap, size, family, country_flag,
  twin; within a kind in the order of SHA-256 of ``judge/<key>``.
- ``alignment`` (200): the concepts for text alignment: no look-alike and without variants, a name
  of at most three words, no flag and no symbol; groups in proportion to their size (largest
  remainder), within a group in the order of SHA-256 of ``alignment/<key>``.
- ``reconstruction`` (96): emoji that the autoencoder never sees, neither as still nor as clip:
  chosen like ``alignment`` and from the same pool, without its 200, by ``reconstruction/<key>``.

The judge is tested on stills it was trained on (there is one picture of each), but with
augmentations it never saw: training draws them from ``generator_for(seed, row,
TRAIN_AUGMENTATION)``, tests from ``generator_for(seed, row, TEST_AUGMENTATION)`` with the seeds
``TEST_SEEDS``.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from common.atomic import write_text
from common.errors import InputError
from common.training.emoji.emoji_concepts import DATA, EmojiConcept, LookAlike

SPLIT = DATA / "emoji_split.json"
NUM_JUDGE_NAMES = 1500
NUM_ALIGNMENT = 200
NUM_RECONSTRUCTION = 96
MAX_ALIGNMENT_WORDS = 3
TRAIN_AUGMENTATION = "emoji augmentation, training"
TEST_AUGMENTATION = "emoji augmentation, test"
TEST_SEEDS = (0, 1, 2, 3)

_CONFUSABLE: tuple[LookAlike | None, ...] = (
    None,
    "sign",
    "gender",
    "hair",
    "clock",
    "keycap",
    "size",
    "family",
    "country_flag",
    "twin",
)


@dataclass(frozen=True)
class EmojiSplit:
    """Keys for each test, each tuple sorted."""

    judge_names: tuple[str, ...]
    alignment: tuple[str, ...]
    reconstruction: tuple[str, ...]


def build_split(concepts: dict[str, EmojiConcept]) -> EmojiSplit:
    """Apply the rules above.

    Raises:
        InputError: there are too few emoji.
    """
    ranked = sorted(
        concepts, key=lambda key: (_CONFUSABLE.index(concepts[key].lookalike), _hash("judge", key))
    )
    pool = _plain_concepts(concepts)
    alignment = _proportional(concepts, pool, NUM_ALIGNMENT, "alignment")
    rest = [key for key in pool if key not in alignment]
    reconstruction = _proportional(concepts, rest, NUM_RECONSTRUCTION, "reconstruction")
    if len(ranked) < NUM_JUDGE_NAMES or len(rest) < NUM_RECONSTRUCTION:
        raise InputError(
            f"{len(ranked)} emoji ({len(pool)} of them plain) do not make {NUM_JUDGE_NAMES} names, "
            f"{NUM_ALIGNMENT} concepts for alignment and {NUM_RECONSTRUCTION} for reconstruction"
        )
    return EmojiSplit(
        judge_names=tuple(sorted(ranked[:NUM_JUDGE_NAMES])),
        alignment=tuple(sorted(alignment)),
        reconstruction=tuple(sorted(reconstruction)),
    )


def autoencoder_keys(concepts: Iterable[str], split: EmojiSplit) -> tuple[str, ...]:
    """The emoji whose stills and clips the autoencoder may see."""
    return tuple(key for key in concepts if key not in split.reconstruction)


def save_split(split: EmojiSplit, path: Path = SPLIT) -> None:
    """Write the split, one test a line."""
    rows = [f"{json.dumps(name)}: {json.dumps(keys)}" for name, keys in asdict(split).items()]
    write_text(path, "{\n" + ",\n".join(rows) + "\n}\n")


def load_split(path: Path = SPLIT) -> EmojiSplit:
    """The committed split.

    Raises:
        InputError: the file is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return EmojiSplit(**{name: tuple(keys) for name, keys in content.items()})
    except (OSError, ValueError, TypeError, AttributeError) as broken:
        raise InputError(f"{path} is no split of the emoji: {broken!r}") from broken


def _plain_concepts(concepts: dict[str, EmojiConcept]) -> list[str]:
    """Emoji that show one clear thing with a short name and have no variants."""
    with_variants = {concept.like for concept in concepts.values()}
    return [
        key
        for key, concept in concepts.items()
        if concept.lookalike is None
        and key not in with_variants
        and concept.group not in ("symbols", "flags")
        and len(concept.en.names[0].split()) <= MAX_ALIGNMENT_WORDS
    ]


def _proportional(
    concepts: dict[str, EmojiConcept], pool: list[str], num: int, purpose: str
) -> set[str]:
    """``num`` keys of the pool, each group by its share (largest remainder method)."""
    members: dict[str, list[str]] = {}
    for key in sorted(pool, key=lambda key: _hash(purpose, key)):
        members.setdefault(concepts[key].group, []).append(key)
    exact = {group: num * len(keys) / max(len(pool), 1) for group, keys in members.items()}
    quota = {group: int(share) for group, share in exact.items()}
    by_remainder = sorted(exact, key=lambda group: (quota[group] - exact[group], group))
    for group in by_remainder[: max(num - sum(quota.values()), 0)]:
        quota[group] += 1
    return {key for group, keys in members.items() for key in keys[: quota[group]]}


def _hash(purpose: str, key: str) -> str:
    return hashlib.sha256(f"{purpose}/{key}".encode()).hexdigest()
