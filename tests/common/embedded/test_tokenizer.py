import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.embedded.tokenizer import PAD, START, build_tokenizer, byte_piece, load_tokenizer
from common.errors import InputError

HEAD = [PAD, START, *(byte_piece(byte) for byte in range(256))]


def test_words_are_cut_by_the_longest_pieces():
    tokenizer = build_tokenizer([*HEAD, "snow", "##man", "##m", "##an", "s", "红"])
    assert tokenizer.pieces("Snowman, 红") == ["snow", "##man", byte_piece(0x2C), "红"]


def test_uncovered_characters_become_bytes():
    tokenizer = build_tokenizer([*HEAD, "a"])
    assert tokenizer.pieces("狗") == [byte_piece(byte) for byte in "狗".encode()]


def test_case_and_accents_do_not_matter():
    tokenizer = load_tokenizer()
    assert tokenizer.encode("CAFÉ  Noir") == tokenizer.encode("cafe noir")
    assert tokenizer.encode("Ａｐｐｌｅ") == tokenizer.encode("apple"), "full-width letters"


@given(st.text(max_size=60))
def test_every_text_has_tokens_of_the_vocabulary(text):
    tokenizer = load_tokenizer()
    numbers = tokenizer.encode(text)
    assert numbers[0] == 1
    assert all(1 <= number < tokenizer.num_tokens for number in numbers)
    assert 0 not in numbers


def test_words_that_people_type_are_single_tokens():
    tokenizer = load_tokenizer()
    for word in ("puppy", "crimson", "teapot", "snowman", "狗", "红"):
        assert tokenizer.pieces(word) == [word]


@pytest.mark.parametrize(("pieces", "message"), [
    (HEAD[:-1], "begins with"), ([*HEAD, "dog", "dog"], "'dog' occurs twice"),
])  # fmt: skip
def test_damaged_vocabulary_is_refused(pieces, message):
    with pytest.raises(InputError, match=message):
        build_tokenizer(pieces)
