import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from common.pretrained.emphasis import weighted_segments


def pairs(prompt):
    return [(segment.text, segment.weight) for segment in weighted_segments(prompt)]


@pytest.mark.parametrize(("prompt", "expected"), [
    ("", [("", 1)]),
    ("a red cat", [("a red cat", 1)]),
    ("a (red) cat", [("a ", 1), ("red", 1.1), (" cat", 1)]),
    ("a ((red)) cat", [("a ", 1), ("red", 1.21), (" cat", 1)]),
    ("a (red:1.3) cat", [("a ", 1), ("red", 1.3), (" cat", 1)]),
    ("a (red : .5 ) cat", [("a ", 1), ("red ", 0.5), (" cat", 1)]),
    ("[dim] (no:0)", [("dim", 1 / 1.1), (" ", 1), ("no", 0)]),
    ("(a [b] c:2)", [("a ", 2), ("b", 2 / 1.1), (" c", 2)]),
    ("(a)(b)", [("ab", 1.1)]),
    ("[(same)] text", [("same text", 1)]),
    (r"\(real\) \[ones\] \\", [("(real) [ones] \\", 1)]),
    (r"(at 16\:9)", [("at 16:9", 1.1)]),
    ("ratio 16:9", [("ratio 16:9", 1)]),
    ("(sky: blue)", [("sky: blue", 1.1)]),
    (r"back\slash", [(r"back\slash", 1)]),
    ("()", [("", 1)]),
])  # fmt: skip
def test_brackets_become_weights(prompt, expected):
    made = pairs(prompt)
    assert [text for text, _ in made] == [text for text, _ in expected]
    for (_, weight), (_, wanted) in zip(made, expected, strict=True):
        assert weight == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(("prompt", "message"), [
    ("a (red cat", r"'(' at character 3 is never closed; write '\(' for a bracket that is text"),
    ("a smile :)", r"')' at character 10 has no '(' to close; write '\)'"),
    ("(a]", "']' at character 3 has no '[' to close"),
    ("[red:0.5]", r"':0.5]' at character 5: square brackets take no weight; write (words:0.5)"),
    ("(red:11)", "weight 11 at character 5 is not within 0 to 10"),
    ("(red:-1)", "weight -1 at character 5 is not within 0 to 10"),
    ("(" * 30 + "red" + ")" * 30, "the brackets around 'red' multiply to 17.4"),
    ("((a:9):9)", "multiply to 81"),
])  # fmt: skip
def test_wrong_brackets_are_said_with_their_place(prompt, message):
    with pytest.raises(InputError, match=re.escape(message)):
        weighted_segments(prompt)


@given(st.text(alphabet=st.characters(exclude_characters="()[]\\")))
def test_text_without_brackets_is_itself(prompt):
    assert pairs(prompt) == [(prompt, 1)]


@given(st.text(alphabet="ab ()[]\\:1.5", max_size=40))
def test_any_text_can_be_written_with_escapes(text):
    escaped = re.sub(r"([()\[\]\\:])", r"\\\1", text)
    assert pairs(escaped) == [(text, 1)]


def slow_twin(prompt):
    """The same notation by recursive descent: characters with their weights."""

    def group(at, closing):
        found, text_start = [], at
        while at < len(prompt):
            sign = prompt[at]
            if sign == closing:
                return found, at
            if sign in "([":
                inner, end = group(at + 1, {"(": ")", "[": "]"}[sign])
                body = prompt[at + 1 : end]
                number = re.search(r":\s*([\d.]+)\s*$", body) if sign == "(" else None
                factor = {"(": 1.1, "[": 1 / 1.1}[sign]
                if number:
                    factor = float(number[1])
                    inner = inner[: len(inner) - (len(body) - number.start())]
                found += [(letter, weight * factor) for letter, weight in inner]
                at = end + 1
            else:
                found.append((sign, 1.0))
                at += 1
        assert closing == "", text_start
        return found, at

    return group(0, "")[0]


@st.composite
def nested_prompts(draw, depth=3):
    """Prompts whose brackets match."""
    parts = []
    for _ in range(draw(st.integers(0, 3))):
        word = draw(st.text("ab ", max_size=4))
        kind = draw(st.sampled_from(["", "()", "[]", "(:)"])) if depth else ""
        inner = draw(nested_prompts(depth - 1)) if kind else ""
        number = draw(st.sampled_from(["1.3", "0.5", "2"]))
        parts.append(
            {"": word, "()": f"({inner}x)", "[]": f"[{inner}x]", "(:)": f"({inner}x:{number})"}[
                kind
            ]
        )
    return "".join(parts)


@given(nested_prompts())
def test_nested_brackets_are_those_of_a_recursive_reader(prompt):
    expected = slow_twin(prompt)
    if any(weight > 10 for _, weight in expected):
        return
    made = [(letter, weight) for text, weight in pairs(prompt) for letter in text]
    assert [letter for letter, _ in made] == [letter for letter, _ in expected]
    for (_, weight), (_, wanted) in zip(made, expected, strict=True):
        assert math.isclose(weight, wanted, rel_tol=1e-9)
