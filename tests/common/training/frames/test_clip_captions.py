import numpy as np
import pytest

from common.kit.catalogue import category_named
from common.kit.instances import instance
from common.kit.motions import MOTIONS, motion_named, suits
from common.training.emoji.emoji_concepts import LANGUAGES
from common.training.emoji.emoji_phrases import Phrase
from common.training.frames.clip_captions import KitClipSubject, draw_clip_caption
from common.training.kit.kit_texts import draw_said
from common.training.pictures.subjects import EmojiSubject
from tests.common.kit.caption_reading import read_chinese, read_english


def test_captions_of_kit_clips_read_back_to_object_and_motion():
    rng = np.random.default_rng(0)
    for index in range(300):
        facts = draw_said(rng).facts
        possible = [motion for motion in MOTIONS if suits(motion, facts.category)]
        motion = possible[index % len(possible)]
        for language in LANGUAGES:
            text = draw_clip_caption(KitClipSubject(facts, motion), language, rng)
            words = motion.english if language == "en" else motion.chinese
            assert text.endswith(words), "a kit clip always says how it moves"
            others = [m for m in MOTIONS if m is not motion]
            assert not any((m.english if language == "en" else m.chinese) in text for m in others)
            subject = text.removesuffix(words).rstrip()
            said = read_english(subject) if language == "en" else read_chinese(subject)
            assert said.category == facts.category.name
            assert said.main in (facts.main, None)
            assert said.accent in (facts.accent, None)


def test_all_details_and_nouns_occur():
    facts = instance(category_named("mug"), 7, main="red").facts
    subject = KitClipSubject(facts, motion_named("hop"))
    rng = np.random.default_rng(0)
    said = {draw_clip_caption(subject, "en", rng) for _ in range(200)}
    assert "a red mug hops up and down" in said
    assert "a red mug with a grey handle hops up and down" in said
    assert len({text.split(" hops")[0].split(" with ")[0].split()[-1] for text in said}) > 1


@pytest.mark.parametrize(("language", "name"), [("en", "rocket"), ("zh", "火箭")])
def test_emoji_say_what_they_are(language, name):
    subject = EmojiSubject("1f680", (Phrase("rocket", 1.0),), (Phrase("火箭", 1.0),))
    assert draw_clip_caption(subject, language, np.random.default_rng(0)) == name
