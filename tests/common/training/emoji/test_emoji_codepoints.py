import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.training.emoji.emoji_codepoints import emoji_key, emoji_text, has_skin_tone, text_key


@pytest.mark.parametrize(
    ("spelled", "key"),
    [
        ("0037-fe0f-20e3", "37-20e3"),
        ("37-fe0f-20e3", "37-20e3"),
        ("00A9-FE0F", "a9"),
        ("1f40c", "1f40c"),
        ("1f441-fe0f-200d-1f5e8-fe0f", "1f441-200d-1f5e8"),
        ("1f3f4-e0067_e0062_e0065_e006e_e0067", "1f3f4-e0067-e0062-e0065-e006e-e0067"),
        ("1F3F4-E0067-E0062-E0065-E006E-E0067-E007F", "1f3f4-e0067-e0062-e0065-e006e-e0067"),
    ],
)
def test_emoji_key_unifies_spellings(spelled: str, key: str) -> None:
    assert emoji_key(spelled) == key
    assert emoji_key(key) == key


@pytest.mark.parametrize("spelled", ["", "snail", "1f40c.webp", "1f40c-", "-1f40c", "1234567"])
def test_emoji_key_other_text_refused(spelled: str) -> None:
    with pytest.raises(ValueError, match="does not spell code points"):
        emoji_key(spelled)


def test_text_key_of_characters() -> None:
    assert text_key("🐌") == "1f40c"
    assert text_key("7️⃣") == "37-20e3"
    assert text_key("❤") == text_key("❤️") == "2764"


@given(st.text(st.characters(exclude_characters="\ufe0f\U000e007f"), min_size=1, max_size=6))
def test_text_key_inverts_emoji_text(text: str) -> None:
    assert emoji_text(text_key(text)) == text


def test_skin_tone_marks_variants_only() -> None:
    assert has_skin_tone("1f44b-1f3fb")
    assert has_skin_tone("1f9d1-1f3ff-200d-1f680")
    assert not has_skin_tone("1f44b")
    assert not has_skin_tone("1f3fb")
