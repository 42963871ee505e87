from dataclasses import replace
from pathlib import Path

import pytest

from common.errors import InputError
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_split import (
    SPLIT,
    autoencoder_keys,
    build_split,
    load_split,
    save_split,
)


def test_committed_split_is_what_the_rule_gives(tmp_path: Path) -> None:
    split = build_split(load_concepts())
    assert load_split() == split
    save_split(split, tmp_path / "split.json")
    assert (tmp_path / "split.json").read_bytes() == SPLIT.read_bytes()


def test_split_does_not_depend_on_the_order_of_the_table() -> None:
    concepts = load_concepts()
    assert build_split(dict(reversed(concepts.items()))) == build_split(concepts)


def test_split_sizes_and_disjointness() -> None:
    split = load_split()
    assert [len(keys) for keys in (split.judge_names, split.alignment, split.reconstruction)] == [
        1500, 200, 96,
    ]  # fmt: skip
    assert set(split.alignment) <= set(split.judge_names)
    assert not set(split.alignment) & set(split.reconstruction)


def test_judge_names_leave_out_the_most_confusable() -> None:
    concepts, names = load_concepts(), set(load_split().judge_names)
    outside = {concept.lookalike for key, concept in concepts.items() if key not in names}
    inside = {concepts[key].lookalike for key in names}
    assert None not in outside
    assert not inside & {"country_flag", "twin", "family", "size", "keycap", "clock"}


def test_concepts_of_alignment_have_no_variants() -> None:
    concepts, split = load_concepts(), load_split()
    liked = {concept.like for concept in concepts.values()}
    for key in split.alignment + split.reconstruction:
        assert concepts[key].lookalike is None
        assert key not in liked
        assert len(concepts[key].en.names[0].split()) <= 3


def test_groups_of_alignment_are_proportional() -> None:
    concepts, split = load_concepts(), load_split()
    pooled = split.alignment + split.reconstruction
    for group in {concepts[key].group for key in pooled}:
        of_200 = sum(concepts[key].group == group for key in split.alignment)
        of_96 = sum(concepts[key].group == group for key in split.reconstruction)
        # Both are rounded shares of almost the same pool; removing 200 of it tips at most one.
        assert abs(of_200 / 200 - of_96 / 96) <= 2 / 96


def test_autoencoder_never_sees_the_reconstruction_test() -> None:
    concepts, split = load_concepts(), load_split()
    keys = autoencoder_keys(concepts, split)
    assert len(keys) == len(concepts) - 96
    assert not set(keys) & set(split.reconstruction)


def test_too_few_emoji_refused() -> None:
    concepts = dict(list(load_concepts().items())[:300])
    with pytest.raises(InputError, match=r"300 emoji .* do not make 1500 names"):
        build_split(concepts)
    flagged = {k: replace(c, lookalike="sign", like=None) for k, c in load_concepts().items()}
    with pytest.raises(InputError, match=r"\(0 of them plain\)"):
        build_split(flagged)
