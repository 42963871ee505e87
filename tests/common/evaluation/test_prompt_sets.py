import json

import pytest

from common.embedded.image_unet import FRONT
from common.errors import InputError
from common.evaluation.prompt_sets import AZIMUTHS_DEG, PROMPTS, SET_NAMES, load_prompt_set
from common.judging.asked import check_asked
from common.judging.names import load_names
from common.kit.split import is_colour_held_out
from common.training.emoji.emoji_split import load_split
from common.training.emoji.emoji_synonyms import held_out_words, load_synonyms
from common.training.facts.evaluation_prompts import evaluation_prompts

TOLD = frozenset({"car", "mug"})


def test_committed_prompts_are_those_of_the_data():
    assert json.loads(PROMPTS.read_text(encoding="utf-8")) == evaluation_prompts()


@pytest.mark.parametrize("name", SET_NAMES)
def test_every_set_asks_what_the_judge_can_score(name):
    prompts = load_prompt_set(name, TOLD)
    names = load_names()
    known = {one.key for one in names.emoji} | {one.key for one in names.objects}
    asked = [one for request in prompts.requests for one in request.asked if one.concept in known]
    check_asked(asked, names)
    answerable = [r for r in prompts.requests if any(one.concept in known for one in r.asked)]
    assert len(answerable) == len(prompts.requests) > 10


def test_sets_hold_what_their_names_say():
    emoji = load_prompt_set("emoji", TOLD)
    assert {r.asked[0].concept for r in emoji.requests} == set(load_split().alignment)
    chinese = load_prompt_set("emoji_zh", TOLD)
    assert [r.asked[0].concept for r in chinese.requests] == [
        r.asked[0].concept for r in emoji.requests
    ]
    latin = [r.prompt for r in chinese.requests if r.prompt.isascii()]
    assert len(latin) < 5, "names such as SOS are the same in Chinese"
    for request in load_prompt_set("pairs", TOLD).requests:
        assert is_colour_held_out(request.asked[0].concept, request.asked[0].colour)
    for name in ("objects", "objects_zh", "accents"):
        for request in load_prompt_set(name, TOLD).requests:
            assert not is_colour_held_out(request.asked[0].concept, request.asked[0].colour)
            assert request.view == FRONT
            assert not held_out_words(request.prompt)
    for request in load_prompt_set("accents", TOLD).requests:
        assert request.asked[0].accent in request.prompt
    synonyms = load_prompt_set("synonyms", TOLD)
    assert [r.prompt for r in synonyms.requests] == [s.prompt for s in load_synonyms()]


def test_views_go_round_the_categories_that_can_be_told():
    requests = load_prompt_set("views", TOLD).requests
    assert {r.asked[0].concept for r in requests} == TOLD
    cars = [r for r in requests if r.asked[0].concept == "car"]
    assert tuple(r.view.azimuth_deg for r in cars) == AZIMUTHS_DEG
    assert all(r.asked[0].azimuth_deg == r.view.azimuth_deg for r in requests)


def test_damaged_prompts_are_refused(tmp_path):
    path = tmp_path / "prompts.json"
    path.write_text('{"emoji": [{"prompt": "cat"}]}', encoding="utf-8")
    with pytest.raises(InputError, match=r"prompts\.json"):
        load_prompt_set("emoji", TOLD, path)


def test_pictures_of_chinese_emoji_prompts_are_named_in_english():
    assert {one.asked[0].language for one in load_prompt_set("emoji_zh", TOLD).requests} == {"en"}
    assert {one.asked[0].language for one in load_prompt_set("objects_zh", TOLD).requests} == {"zh"}
