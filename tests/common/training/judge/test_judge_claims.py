import numpy as np
import pytest

from common.kit.captions import Facts, Mention, nouns
from common.kit.catalogue import CATEGORIES, category_named
from common.kit.split import is_colour_held_out, read_split
from common.training.judge.judge_claims import (
    NUM_CONTRARY,
    Claim,
    contrary_claims,
    drawn_claim,
    fact_codes,
    truths,
)

CAR = category_named("car")
RED = Facts(CAR, "red", "white")
BLUE = Facts(CAR, "blue", "white")
HOUSE = Facts(category_named("house"), "red", "white")
METALLIC = Facts(CAR, "red", "white", "metallic", "金属")
STRIPED = Facts(category_named("mug"), "red", "blue", "", "", "stripes", "white")


def said(facts: Facts, **mention: bool) -> Claim:
    return Claim(facts, Mention(**mention), "en", facts.category.noun.english)


def is_true(claim: Claim, facts: Facts) -> bool:
    return bool(truths(fact_codes(facts)[None], claim.codes[None])[0, 0])


def test_bare_noun_is_true_of_every_object_of_the_category():
    bare = said(RED, main=False)
    assert bare.text == "a car"
    assert [is_true(bare, one) for one in (RED, BLUE, METALLIC, HOUSE)] == [True, True, True, False]


def test_named_colour_has_to_agree():
    assert is_true(said(RED), METALLIC)
    assert not is_true(said(RED), BLUE)
    assert not is_true(said(RED), HOUSE)


def test_mentioned_accent_finish_and_pattern_have_to_agree():
    assert not is_true(said(METALLIC, finish=True), RED)
    assert is_true(said(RED, accent=True), METALLIC)
    assert not is_true(said(RED, accent=True), Facts(CAR, "red", "black"))
    striped = said(STRIPED, pattern=True)
    assert striped.text == "a red mug with white stripes"
    plain = Facts(STRIPED.category, "red", "blue")
    assert not is_true(striped, plain)
    assert is_true(said(plain, accent=True), STRIPED)


def test_what_an_object_lacks_is_not_claimed():
    cheese = Facts(category_named("cheese"), "yellow")
    claim = said(cheese, accent=True, finish=True, pattern=True)
    assert claim.text == "a wedge of yellow cheese"
    assert is_true(claim, cheese)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_drawn_captions_are_true_and_contrary_ones_false(language):
    rng = np.random.default_rng(0)
    for category in CATEGORIES:
        for facts in (Facts(category, "red", "blue" if category.accent else None),
                      Facts(category, "green", "white" if category.accent else None)):  # fmt: skip
            claim = drawn_claim(facts, language, rng)
            assert is_true(claim, facts)
            contrary = contrary_claims(claim, rng)
            assert 1 <= len(contrary) <= NUM_CONTRARY
            for false in contrary:
                assert not is_true(false, facts)
                assert false.text != claim.text
                assert false.noun == claim.noun


def test_contrary_claims_exchange_the_two_colours():
    rng = np.random.default_rng(0)
    claim = said(RED, accent=True)
    texts = {false.text for _ in range(20) for false in contrary_claims(claim, rng)}
    assert "a white car with a red roof" in texts
    assert "a blue car with a white roof" in texts
    assert "a red car with a blue roof" in texts


def test_held_out_pairs_are_never_claimed():
    rng = np.random.default_rng(0)
    for name, held_out in sorted(read_split().colours):
        category = category_named(name)
        main = next(c for c in category.usual if not is_colour_held_out(name, c))
        accent = held_out if category.accent and held_out != main else None
        facts = Facts(category, main, accent)
        for _ in range(5):
            for false in contrary_claims(drawn_claim(facts, "en", rng), rng):
                assert not (false.mention.main and is_colour_held_out(name, false.facts.main))


def test_synonyms_are_drawn_but_never_held_out_ones():
    rng = np.random.default_rng(0)
    for category in (CAR, category_named("cap"), category_named("gift")):
        facts = Facts(category, "red")
        drawn = {drawn_claim(facts, "en", rng).noun for _ in range(100)}
        assert drawn == set(nouns(category))
        assert not drawn & set(category.noun.held_out_synonyms)
