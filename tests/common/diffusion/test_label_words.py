import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.diffusion.label_words import LabelWords
from common.errors import InputError

WORDS = LabelWords(
    labels=("red ball moving left", "blue ball", "red star", "blue star spinning"),
    aliases={"sphere": "ball", "spins": "spinning", "红": "red", "球": "ball"},
)


@pytest.mark.parametrize(
    ("prompt", "modes"),
    [
        ("", [True, True, True, True]),
        ("  \n", [True, True, True, True]),
        ("a red ball", [True, False, False, False]),
        ("Two RED things, of any kind!", [True, False, True, False]),
        ("stars", [False, False, True, True]),
        ("the sphere", [True, True, False, False]),
        ("it spins", [False, False, False, True]),
        ("一个红色的球", [True, False, False, False]),
    ],
)
def test_prompt_matches_labels_with_all_its_known_words(prompt, modes):
    assert WORDS.matching(prompt).tolist() == modes


def test_named_words_are_listed_once_in_order():
    assert WORDS.named("a ball, a red sphere and balls") == ("ball", "red")


def test_unknown_prompt_lists_the_words_and_the_nearest():
    with pytest.raises(InputError) as caught:
        WORDS.matching("a bal of stra")
    assert str(caught.value) == (
        "the prompt 'a bal of stra' names nothing that this prior knows; did you mean 'ball' and "
        "'star'? It knows: ball, blue, left, moving, red, spinning, star"
    )


def test_words_that_never_meet_are_refused():
    with pytest.raises(InputError, match=r"nothing that is 'red', 'blue' and 'star' at once"):
        WORDS.matching("a red and blue star")


@given(st.text(max_size=300))
def test_any_text_matches_something_or_is_one_clear_error(text):
    try:
        matches = WORDS.matching(text)
    except InputError as error:
        told = str(error)
    else:
        assert matches.any()
        return
    assert len(told) < 400
    assert "\n" not in told
