import json
from collections import Counter

import pytest

from common.errors import InputError
from common.evaluation.frame_prompts import (
    ASSET_SETS,
    ASSETS,
    CLIP_SETS,
    CLIPS,
    load_asset_set,
    load_clip_set,
)
from common.judging.asked import check_asked
from common.judging.names import load_names
from common.kit.catalogue import CATEGORIES, category_named
from common.kit.motions import MOTIONS
from common.kit.split import is_colour_held_out, is_motion_held_out, read_split
from common.training.facts.evaluation_frames import asset_prompts, clip_prompts


def test_committed_prompts_are_those_of_the_data():
    assert json.loads(CLIPS.read_text(encoding="utf-8")) == clip_prompts()
    assert json.loads(ASSETS.read_text(encoding="utf-8")) == asset_prompts()


def test_every_set_asks_what_the_judge_can_score():
    clips = [request.asked for name in CLIP_SETS for request in load_clip_set(name)]
    assets = [asked for name in ASSET_SETS for asked in load_asset_set(name)]
    check_asked([*clips, *assets], load_names())


def test_clips_are_of_the_pairs_that_their_set_says():
    held_out, chinese = load_clip_set("held_out"), load_clip_set("held_out_zh")
    pairs = {(one.asked.concept, one.motion) for one in held_out}
    assert pairs == set(read_split().motions)
    assert [(r.asked.concept, r.motion) for r in chinese] == [
        (r.asked.concept, r.motion) for r in held_out
    ]
    assert not any(request.prompt.isascii() for request in chinese)
    trained = load_clip_set("trained")
    assert set(Counter(one.motion for one in trained).values()) == {8}
    assert len({one.motion for one in trained}) == len(MOTIONS)
    assert not any(is_motion_held_out(one.asked.concept, one.motion) for one in trained)
    for one in (*held_out, *trained):
        assert not is_colour_held_out(one.asked.concept, one.asked.colour)
        assert one.prompt.startswith(one.asked.caption), "the motion is said after the object"
        assert one.prompt != one.asked.caption


def test_assets_are_new_to_training_and_one_of_a_kind():
    emoji = load_asset_set("emoji")
    for of_kit in (load_asset_set("held_out"), load_asset_set("fronted")):
        assert all(is_colour_held_out(one.concept, one.colour) for one in of_kit)
        assert len({one.concept for one in of_kit}) == len(of_kit) == 20
    assert not any(category_named(one.concept).front_ambiguous for one in load_asset_set("fronted"))
    assert len({one.concept for one in emoji}) == len(emoji) == 10
    nouns = {category.noun.english for category in CATEGORIES}
    assert not any(one.caption.removeprefix("a ").removeprefix("an ") in nouns for one in emoji)


@pytest.mark.parametrize("text", ["{}", '{"held_out": [{"prompt": "a car"}]}', "["])
def test_damaged_files_are_refused(tmp_path, text):
    path = tmp_path / "clips.json"
    path.write_text(text, encoding="utf-8")
    for load in (load_clip_set, load_asset_set):
        with pytest.raises(InputError, match="no list of prompts"):
            load("held_out", path)
