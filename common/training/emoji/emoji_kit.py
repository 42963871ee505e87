"""Which concepts the emoji and the object kit have in common.

The kit says for each category which emoji show the same thing, as characters; here they become keys
of pictures. A judge that was trained on emoji alone is asked to name the kit's front renders of
these categories.
"""

from collections.abc import Container, Mapping

from common.errors import InputError
from common.training.emoji.emoji_codepoints import text_key


def shared_concepts(
    emoji_of: Mapping[str, tuple[str, ...]], keys: Container[str]
) -> dict[str, tuple[str, ...]]:
    """The emoji keys of each category that has emoji, the best match first.

    Args:
        emoji_of: the characters that each category names; may be empty.
        keys: the emoji that there are pictures of.

    Raises:
        InputError: a category names an emoji without a picture, or two name the same best match.
    """
    shared = {name: tuple(map(text_key, texts)) for name, texts in emoji_of.items() if texts}
    missing = {name: key for name, of in shared.items() for key in of if key not in keys}
    if missing:
        raise InputError(f"no emoji picture for: {missing}")
    best: dict[str, str] = {}
    for name, of in shared.items():
        if of[0] in best:
            raise InputError(f"{name} and {best[of[0]]} both have {of[0]} as best match")
        best[of[0]] = name
    return shared
