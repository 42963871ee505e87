import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.config.problems import ConfigError
from common.config.tree import Tree, merge, override, parse


def values(text):
    return parse(text, "t.yaml")[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4), ("1E5", 1e5), (".5", 0.5), ("5.", 5.0), ("-3", -3), ("0", 0),
        ("on", "on"), ("yes", "yes"), ("True", "True"), ("true", True), ("false", False),
        ("12:30", "12:30"), ("2001-01-01", "2001-01-01"), ("010", "010"), ("0x10", "0x10"),
        ("1_000", "1_000"), ("null", None), ("~", None), ("", None), (".inf", ".inf"),
        (".nan", ".nan"), ("'1'", "1"), ("9" * 40, "9" * 40),
    ],
)  # fmt: skip
def test_parse_scalar_takes_only_unsurprising_types(text, value):
    result = values(f"key: {text}")["key"]
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3", 3, "set twice: here and on line 1"),
        ("a: &x 1\nb: *x", 2, "aliases"),
        ("a: !!python/object:os.system x", 1, "tags are refused"),
        ("a: [1", 1, "not valid YAML"),
        ("a: 1\n b: 2", 2, "not valid YAML"),
        ("? [1, 2]\n: 3", 1, "not a word"),
    ],
)
def test_parse_bad_yaml_names_line(text, line, words):
    with pytest.raises(ConfigError, match=words) as caught:
        parse(text, "t.yaml")
    assert caught.value.problems[0].origin.line == line


def test_parse_deep_nesting_is_refused():
    for depth in (60, 5_000):
        with pytest.raises(ConfigError, match=r"nested deeper|not valid YAML"):
            parse("[" * depth + "]" * depth, "t.yaml")


def test_parse_records_line_of_each_value():
    _, origins = parse("a:\n  b: [1,\n      2]\n", "t.yaml")
    assert str(origins[("a", "b", 1)]) == "t.yaml:3"


def tree(text, source):
    return Tree(*parse(text, source))


def test_merge_other_variant_replaces_block():
    parent = tree("s: {name: euler, num_steps: 3}\nt: {a: 1, b: 2}", "p")
    child = tree("s: {name: ddim}\nt: {b: 3}", "c")
    merged = merge(parent, child)
    assert merged.values == {"s": {"name": "ddim"}, "t": {"a": 1, "b": 3}}
    assert str(merged.origins[("t", "a")]) == "p:2"
    assert str(merged.origins[("t", "b")]) == "c:2"
    assert ("s", "num_steps") not in merged.origins


def test_merge_lists_replace_and_indices_change_one_item():
    parent = tree("w: [1, 2]", "p")
    assert merge(parent, tree("w: [3]", "c")).values == {"w": [3]}
    merged = merge(parent, override("w.1", "5", as_text=False))
    assert merged.values == {"w": [1, 5]}
    assert str(merged.origins[("w", 1)]) == "command line"


@pytest.mark.parametrize("text", ["a cat: asleep", "[x", "12", "true", "{", "null", "*a"])
def test_override_of_text_is_taken_as_it_stands(text):
    assert override("prompt", text, as_text=True).values == {"prompt": text}


def test_override_quoted_text_is_unquoted():
    assert override("prompt", '"a"', as_text=True).values == {"prompt": "a"}


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
blocks = st.dictionaries(st.text("abc", min_size=1, max_size=3), plain, max_size=4)


@given(blocks)
def test_merge_with_itself_and_with_nothing_changes_nothing(block):
    assert merge(Tree(block, {}), Tree(block, {})).values == block
    assert merge(Tree(block, {}), Tree()).values == block
    assert merge(Tree(), Tree(block, {})).values == block


@given(blocks, blocks, blocks)
def test_merge_last_value_wins(a, b, c):
    merged = merge(merge(Tree(a, {}), Tree(b, {})), Tree(c, {})).values
    for key, value in c.items():
        if not isinstance(value, dict):
            unchanged_list = isinstance(merged[key], list)
            assert merged[key] == value or unchanged_list
