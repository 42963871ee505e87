"""Which emoji are variants of a plainer one, read off their code points and CLDR subgroups."""

from collections.abc import Container

from common.training.emoji.emoji_concepts import LookAlike

PERSON, MAN, WOMAN = "1f9d1", "1f468", "1f469"
GENDER_SIGNS = ("-200d-2640", "-200d-2642")
HAIR = ("1f9b0", "1f9b1", "1f9b2", "1f9b3")
FAMILY = {"family": "1f46a", "kiss": "1f48f", "couple with heart": "1f491"}
HOLDING_HANDS = {"1f46b", "1f46c", "1f46d"}
PEOPLE_HOLDING_HANDS = "1f9d1-200d-1f91d-200d-1f9d1"
TWELVE_OCLOCK = "1f55b"
SMALLER = {
    "25aa": "2b1b",  # black small square
    "25fc": "2b1b",
    "25fe": "2b1b",
    "25ab": "2b1c",  # white small square
    "25fb": "2b1c",
    "25fd": "2b1c",
    "1f538": "1f536",  # small orange diamond
    "1f539": "1f537",  # small blue diamond
}
TWINS = {"1f63a": "1f431"}
"""Published with the same picture: grinning cat and cat face."""
SIGN_SUBGROUPS = frozenset(
    {"alphanum", "arrow", "av-symbol", "gender", "religion", "transport-sign", "zodiac"}
)


def lookalike_of(
    key: str, label: str, subgroup: str, keys: Container[str]
) -> tuple[LookAlike | None, str | None]:
    """The kind of look-alike an emoji is, and the plainest emoji of ``keys`` it resembles.

    Args:
        key: the emoji.
        label: its English CLDR short name, which tells families and clock faces.
        subgroup: its CLDR subgroup.
        keys: the emoji that there are pictures of; a resemblance to others does not count.
    """
    if subgroup in ("country-flag", "subdivision-flag"):
        return "country_flag", None
    if subgroup == "keycap":
        return "keycap", None
    if subgroup in SIGN_SUBGROUPS:
        return "sign", None
    for kind, plain in _variant(key, label, subgroup):
        if plain != key and plain in keys:
            return kind, plain
    return None, None


def _variant(key: str, label: str, subgroup: str) -> list[tuple[LookAlike, str]]:
    """What ``key`` would be a variant of, whether that has a picture or not."""
    points = key.split("-")
    variants: list[tuple[LookAlike, str]] = []
    if points[-1] in HAIR and points[0] in (PERSON, MAN, WOMAN):
        variants.append(("hair", points[0]))
    if points[0] in (MAN, WOMAN) and len(points) > 1:
        variants.append(("gender", "-".join([PERSON, *points[1:]])))
    for sign in GENDER_SIGNS:
        if key.endswith(sign):
            variants.append(("gender", key.removesuffix(sign)))
    if subgroup == "family":
        plain = FAMILY.get(label.partition(":")[0])
        variants.append(("family", PEOPLE_HOLDING_HANDS if key in HOLDING_HANDS else plain or key))
    if subgroup == "time" and label.endswith(("o’clock", "-thirty")):
        variants.append(("clock", TWELVE_OCLOCK))
    if key in TWINS:
        variants.append(("twin", TWINS[key]))
    if key in SMALLER:
        variants.append(("size", SMALLER[key]))
    return variants
