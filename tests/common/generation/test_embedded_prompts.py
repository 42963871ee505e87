import json

import pytest

from common.embedded.concepts import load_concepts
from common.embedded.image_unet import FRONT, View
from common.embedded.tokenizer import MAX_TOKENS
from common.errors import InputError
from common.generation.embedded_prompts import embedded_notes, view_notes


def with_threshold(models, folder, threshold):
    """A copy of the models whose domain begins at ``threshold``."""
    for path in models.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    path = folder / "domain.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["architecture"]["rule"]["threshold"] = threshold
    path.write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.mark.parametrize("prompt", ["a red mug", "红色的杯子"])
def test_prompt_inside_has_no_notes(models, tmp_path, prompt):
    assert embedded_notes(prompt, "", with_threshold(models, tmp_path, 0.0)) == []


def test_prompt_outside_is_said_with_what_to_do(models, tmp_path):
    folder = with_threshold(models, tmp_path, 1.0)
    (note,) = embedded_notes("the epistemology of quarterly tax reports " * 2, "", folder)
    assert "probably seen nothing like 'the epistemology of quarterly tax reports" in note
    assert "...' (score 0." in note
    assert note.endswith("What it knows: python run.py list concepts")
    near = note.partition("Closest to it: ")[2].partition(". What")[0].split(", '")
    names = {name for e in load_concepts().emoji + load_concepts().things for name in e.english[:1]}
    assert len(near) == 3
    assert {name.strip("'") for name in near} <= names


def test_fitted_rule_tells_a_known_name_from_gibberish(models):
    # The words alone decide here, as the text encoder is not trained.
    assert embedded_notes("a red snowman", "", models) == []
    (note,) = embedded_notes("xkjhgf wpqlm asdf qwer zxcv epistemology fiscal audit", "", models)
    assert "probably seen nothing like" in note


def test_unread_words_are_counted_for_each_prompt(models, tmp_path):
    folder = with_threshold(models, tmp_path, 0.0)
    # The start is a token too.
    first, second = embedded_notes("mug " * 100, "hat " * MAX_TOKENS, folder)
    assert first.startswith(f"the last {101 - MAX_TOKENS} tokens of the prompt are not read")
    assert second.startswith("the last 1 tokens of the negative_prompt are not read")
    assert embedded_notes("mug " * (MAX_TOKENS - 1), "", folder) == []


def test_models_without_a_domain_say_so(without_domain):
    (note,) = embedded_notes("mug", "", without_domain)
    assert "has no domain.json" in note
    assert f"common.training.facts.domain_fit {without_domain}" in note


def test_missing_models_are_an_error(tmp_path):
    with pytest.raises(InputError, match="has no autoencoder"):
        embedded_notes("mug", "", tmp_path)


def test_view_from_where_nothing_was_seen_is_noted():
    assert view_notes(FRONT) == view_notes(View(200.0, -10.0)) == []
    (note,) = view_notes(View(0.0, 80.0))
    assert "elevations from -10 to 45 degrees; 80 is outside" in note
