from hypothesis import given
from hypothesis import strategies as st

from common.report.plain_text import plain

ANY_TEXT = st.text(alphabet=st.characters(codec=None))


def test_control_characters_become_their_pictures():
    assert plain("a\x00b\x1b[31m\x7f\x85\ud83d!") == "a␀b␛[31m␡\ufffd\ufffd!"


def test_text_that_can_be_drawn_stays():
    assert plain("狐狸 🦊\n\ttab") == "狐狸 🦊\n\ttab"
    assert plain("a\r\nb") == "a\nb"


@given(ANY_TEXT)
def test_plain_text_can_be_encoded_and_stays_plain(text):
    shown = plain(text)
    shown.encode("utf-8")
    assert plain(shown) == shown
    assert not any(ord(letter) < 0x20 and letter not in "\t\n" for letter in shown)
