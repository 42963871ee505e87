import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.embedded.concepts import Concepts, KnownEmoji, KnownThing, Term
from common.embedded.domain import (
    MAX_PARTS,
    Domain,
    DomainRule,
    KnownEmbeddings,
    Statistics,
    concepts_digest,
    embeddings,
    judge_prompt,
    known_embeddings,
    known_units,
    parts,
    prompt_statistics,
    word_units,
)
from common.embedded.text_encoder import TextEncoder
from common.embedded.tokenizer import load_tokenizer
from tests.common.zoo.small_zoo import TEXT

CONCEPTS = Concepts(
    emoji=(
        KnownEmoji("animals-nature", "", ("dog face", "hound"), ("狗脸", "小犬")),
        KnownEmoji("flags", "country_flag", ("flag of chad",), ("乍得旗",)),
    ),
    things=(KnownThing(("mug",), ("杯子",), Term("handle", "把手"), ("red",), ("red", "blue")),),
    colours=(Term("red", "红色"), Term("blue", "蓝色")),
    finishes=(Term("stripes", "条纹"),),
    elevation_deg=(-10.0, 45.0),
)


@pytest.fixture(scope="module")
def encoder():
    with torch.random.fork_rng():
        torch.random.manual_seed(3)
        return TextEncoder(TEXT).eval()


@pytest.mark.parametrize(("text", "expected"), [
    ("A picture of the red Mugs, please!", ["red", "mugs", "please"]),
    ("一只红色的小狗", ["红色", "小狗"]),
    ("red 杯子 emoji", ["red", "杯子"]),
    ("的的了 !!! --", []),
    ("", []),
])  # fmt: skip
def test_parts_are_content_words_and_chinese_phrases(text, expected):
    assert parts(text) == expected


def test_units_are_singular_words_and_pairs_of_characters():
    assert word_units("berries, dishes and glass mugs") == ["berry", "dish", "mug"]
    assert word_units("公共汽车") == ["公共", "共汽", "汽车"]
    assert word_units("猫") == ["猫"]


def test_known_share_counts_units_of_known_names():
    known = known_units(CONCEPTS)
    assert {"dog", "face", "mug", "handle", "red", "杯子", "狗脸"} <= known
    share = prompt_statistics("two red mugs on a table", known, None, load_tokenizer(), None)
    assert share.known_share == pytest.approx(2 / 3)
    assert share.nearest == share.part_mean == 0


def test_gibberish_takes_more_pieces_a_word():
    measured = [
        prompt_statistics(text, frozenset(), None, load_tokenizer(), None).pieces
        for text in ("red mug", "xkjhgf wpqlm", "杯子")
    ]
    assert measured[0] == measured[2] == 1
    assert measured[1] > 2


def rule(**weights):
    fields = tuple(weights)
    none, ones = (0.0,) * len(fields), (1.0,) * len(fields)
    return DomainRule(fields, none, ones, tuple(weights.values()), 0.0, 0.5)


def test_score_is_the_logistic_function_of_the_standardised_statistics():
    one = DomainRule(("known_share", "nearest"), (0.5, 0.2), (0.25, 0.1), (2.0, -1.0), 0.3, 0.5)
    measured = Statistics(0.75, 1.0, 1.1, 0.4, 0.3, 0.2, 0.1)
    logit = 0.3 + 2 * (0.75 - 0.5) / 0.25 - (0.4 - 0.2) / 0.1
    assert one.score(measured) == pytest.approx(1 / (1 + math.exp(-logit)), rel=1e-12)


@given(st.floats(-1e6, 1e6))
def test_score_stays_in_its_range(weight):
    made = rule(known_share=weight).score(Statistics(1.0, 1.0, 1.1, 0.0, 0.0, 0.0, 0.0))
    assert 0 <= made <= 1


def test_prompt_without_content_words_is_outside(encoder):
    domain = Domain(known_embeddings(encoder, load_tokenizer(), CONCEPTS), rule(nearest=100.0))
    for text in ("!!! ???", "的的的", "🐱"):
        verdict = judge_prompt(text, domain, encoder, load_tokenizer(), CONCEPTS)
        assert (verdict.score, verdict.is_inside) == (0.0, False)


def test_embeddings_do_not_depend_on_their_batch(encoder):
    texts = ["mug", "a dog with a very long and detailed name", "红色的杯子"]
    together = embeddings(encoder, load_tokenizer(), texts)
    for text, row in zip(texts, together, strict=True):
        alone = embeddings(encoder, load_tokenizer(), [text])[0]
        # Rounding of products of other shapes.
        torch.testing.assert_close(row, alone, rtol=0, atol=1e-5)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(3))


def test_known_name_is_its_own_nearest_meaning(encoder):
    tokenizer = load_tokenizer()
    known = known_embeddings(encoder, tokenizer, CONCEPTS)
    measured = prompt_statistics("mug", known_units(CONCEPTS), encoder, tokenizer, known)
    # 1e-5: rounding; "mug" is the only text of its meaning.
    assert measured.nearest == pytest.approx(1, abs=1e-5)
    assert measured.part_least == pytest.approx(1, abs=1e-5)
    assert measured.near < measured.nearest


def test_least_part_tells_a_strange_word_among_known_ones(encoder):
    tokenizer = load_tokenizer()
    known = known_embeddings(encoder, tokenizer, CONCEPTS)
    measured = prompt_statistics("red mug epistemology", frozenset(), encoder, tokenizer, known)
    alone = prompt_statistics("epistemology", frozenset(), encoder, tokenizer, known)
    assert measured.part_least == pytest.approx(alone.nearest, abs=1e-5)
    assert measured.part_mean == pytest.approx((2 + alone.nearest) / 3, abs=1e-5)


def test_nearest_names_are_objects_in_the_language_of_the_prompt(encoder):
    domain = Domain(known_embeddings(encoder, load_tokenizer(), CONCEPTS), rule(nearest=1.0))
    english = judge_prompt("red mug", domain, encoder, load_tokenizer(), CONCEPTS).nearest
    chinese = judge_prompt("红色杯子", domain, encoder, load_tokenizer(), CONCEPTS).nearest
    assert set(english) == {"mug", "dog face", "flag of chad"}
    assert set(chinese) == {"杯子", "狗脸", "乍得旗"}


def test_long_prompt_is_judged_by_its_beginning(encoder):
    tokenizer, known = load_tokenizer(), known_embeddings(encoder, load_tokenizer(), CONCEPTS)
    long = "mug " * 3000
    measured = prompt_statistics(long, known_units(CONCEPTS), encoder, tokenizer, known)
    assert measured.log_parts == math.log1p(MAX_PARTS)


def test_centre_is_taken_from_every_embedding():
    centre = torch.tensor([1.0, 0.0])
    known = KnownEmbeddings(centre, torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    cosines = known.cosines(torch.tensor([[1.0, 2.0]]))
    torch.testing.assert_close(cosines, torch.tensor([[1.0, 0.0]]))


def test_digest_follows_the_texts():
    other = Concepts(CONCEPTS.emoji[:1], CONCEPTS.things, CONCEPTS.colours, CONCEPTS.finishes,
                     CONCEPTS.elevation_deg)  # fmt: skip
    assert concepts_digest(CONCEPTS) == concepts_digest(CONCEPTS)
    assert concepts_digest(CONCEPTS) != concepts_digest(other)
