import numpy as np

from common.embedded.tokenizer import load_tokenizer
from common.kit.captions import caption
from common.kit.motions import motion_caption
from common.training.kit.kit_texts import draw_said, everything_said, say


def drawn(count: int = 300):
    rng = np.random.default_rng(0)
    return [draw_said(rng) for _ in range(count)], rng


def test_drawn_objects_have_colours_that_they_can_have():
    for said in drawn()[0]:
        facts = said.facts
        assert facts.main in facts.category.colours
        assert facts.accent is None or facts.accent in facts.category.accents
        assert facts.main != facts.accent
        assert bool(facts.pattern) == (facts.pattern_colour is not None)
        assert facts.category.patterned or not facts.pattern


def test_meaning_is_what_both_languages_say():
    samples, rng = drawn()
    for said in samples:
        english, chinese = say(said, "en", rng), say(said, "zh", rng)
        _, main, accent, pattern_colour, *_ = said.meaning
        words = set(english.replace("-", " ").split())
        for colour in (main, accent, pattern_colour):
            assert colour is None or colour in words, (english, said.meaning)
        assert not chinese.isascii()


def test_equal_meanings_have_equal_plain_captions():
    samples, _ = drawn(3000)
    captions: dict[tuple, set[str]] = {}
    for said in samples:
        facts, mention, motion = said
        text = motion_caption(facts, motion, "en", mention) if motion else caption(facts, mention)
        captions.setdefault(said.meaning, set()).add(text)
    assert all(len(found) == 1 for found in captions.values())
    assert len(captions) > 1000


def test_vocabulary_covers_all_words_of_the_kit():
    tokenizer = load_tokenizer()
    in_bytes = [
        text for text in everything_said()
        if any(piece.startswith("<0x") for piece in tokenizer.pieces(text))
    ]  # fmt: skip
    assert in_bytes == []


def test_clips_are_said_to_do_what_their_object_can():
    samples, rng = drawn(2000)
    moving_ones = [said for said in samples if said.motion]
    assert {said.motion.name for said in moving_ones} >= {"hop", "turntable", "talk"}
    for said in moving_ones:
        assert said.motion.name != "talk" or said.facts.category.talks
        assert say(said, "en", rng).endswith(said.motion.english)
        assert say(said, "zh", rng).endswith(said.motion.chinese)
