import pytest

from common.errors import InputError
from common.training.emoji_concepts import load_concepts
from common.training.emoji_kit import shared_concepts


def test_shared_concepts_are_keys_best_first() -> None:
    kit = {"car": ("🚗", "🚙"), "heart": ("❤️",), "blob": ()}
    assert shared_concepts(kit, load_concepts()) == {"car": ("1f697", "1f699"), "heart": ("2764",)}


def test_emoji_without_picture_refused() -> None:
    with pytest.raises(InputError, match="no emoji picture for"):
        shared_concepts({"shovel": ("🪏",)}, load_concepts())


def test_two_categories_with_one_best_match_refused() -> None:
    with pytest.raises(InputError, match="van and car both have 1f697"):
        shared_concepts({"car": ("🚗",), "van": ("🚗", "🚐")}, load_concepts())
