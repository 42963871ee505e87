"""From CLDR labels and keywords to words that people would type.

CLDR writes for look-up: ``flag: Australia``, ``man: red hair``, keywords cut into single words and
mixed with chat slang. Here every text becomes lower case, plain punctuation and natural order, and
what does not describe a picture goes.
"""

import re

from common.kit.palette import COLOUR_NAMES

COLOUR_WORDS = frozenset({*COLOUR_NAMES, "gray"})

_SLANG_TEXT = """
    ily xoxo omg bae bff yolo tmi rofl lol lmao smh fml jk ttyl brb g2g gtg bruh fosho gbsct ftw
    imo idk ikr wtf wth tbh ngl fomo goat lit slay sus simp stan yas yeet adorbs totes breaky
    whatever whatevs feels ugh ew ewe meh duh uhh uh hmm huh aww yay yikes wow woah oops ooh oof
    jel jelly pissed ass boobs hooker lgbt lgbtq genderqueer bestie lolol hahaha haha hehe hubba
    shoo psst shh tsk awww fyi rly srsly obvi cya btw pls plz thx np asap awk brr caw baa eek yup
    hrs deg doo cha gua lai mai mao tao tai tuk bok rip awe bye hey
"""
SLANG = frozenset(_SLANG_TEXT.split())
_STOPWORDS_TEXT = """
    a an and are at be been but by can do don't for from get got had has have he her here him
    his how i i'm if in is it its just know let let's like me my no not of off oh on one only or
    our out please she so some that the their them they this to too up us was we well what when
    where who why will with you your come go going ok okay yes yeah down over more much many new
    old good great bad right left double always every never ago day days
"""
STOPWORDS = frozenset(_STOPWORDS_TEXT.split())

_PHRASES = (
    (re.compile(r"^flag: (.+)$"), r"flag of \1"),
    (re.compile(r"^keycap: (.+)$"), r"keycap \1"),
    (re.compile(r"^(man|woman|person): bald$"), r"bald \1"),
    (re.compile(r"^(man|woman|person): (.+)$"), r"\1 with \2"),
    (re.compile(r"^(family|kiss|couple with heart): (.+)$"), r"\1, \2"),
    (re.compile(r"^(.+): facing right$"), r"\1 facing right"),
    (re.compile(r"^(.+) \((.+)\)$"), r"\1, \2"),
)
_PHRASES_ZH = (
    (re.compile(r"^旗: (.+)$"), r"\1旗"),
    (re.compile(r"^按键: (.+)$"), r"按键\1"),
    (re.compile(r"^(男人|女人|成人): (.+)$"), r"\2的\1"),
    (re.compile(r"^(家庭|情侣|亲吻): (.+)$"), r"\1，\2"),
    (re.compile(r"^(.+): 面向右边$"), r"面向右边的\1"),
)
_COLOUR_ZH = re.compile(r"[浅深淡亮]?[红橙橘黄绿青蓝紫粉棕褐黑白灰金银]{1,3}色?")
_SEPARATORS = re.compile(r"[ '\-]")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": "", "”": "", '"': ""})


def english_name(label: str) -> str:
    """A CLDR short name as a phrase: ``flag: Chad`` becomes ``flag of chad``."""
    text = label.lower().translate(_QUOTES).strip()
    for pattern, replacement in _PHRASES:
        text = pattern.sub(replacement, text)
    return text


def chinese_name(label: str) -> str:
    """A Chinese CLDR short name as a phrase: ``旗: 智利`` becomes ``智利旗``."""
    text = label.lower().translate(_QUOTES).strip()
    for pattern, replacement in _PHRASES_ZH:
        text = pattern.sub(replacement, text)
    return text.replace(" ", "")


def english_alias(text: str, name: str) -> str | None:
    """Another name of the emoji called ``name``, from a shortcode or a Unicode name, or None.

    Refused are code-like texts (digits, ``flag_au``, one letter) and texts with a colour that
    ``name`` lacks: Unicode says BLACK and WHITE for filled and outlined. So are descriptions of
    sequences (``GOLFER, MALE SIGN``).
    """
    cleaned = text.lower().replace("_", " ").translate(_QUOTES).strip()
    words = frozenset(re.findall(r"[^\W_]+", cleaned))
    colours = words & COLOUR_WORDS - frozenset(name.split())
    code = re.search(r"[\d,:]", cleaned) or re.match(r"(ja|flag) ", cleaned)
    same = _SEPARATORS.sub("", cleaned) == _SEPARATORS.sub("", name)
    if len(cleaned) < 3 or code or colours or same or cleaned in STOPWORDS:
        return None
    return cleaned


def english_keyword(text: str, name: str) -> str | None:
    """A keyword of the emoji called ``name``, or None where it adds nothing to see.

    Colours go: alone they are no name, and pixels tell better which colour a thing has.
    """
    cleaned = text.lower().translate(_QUOTES).strip()
    plain = re.fullmatch(r"[^\W\d_]+(?:[ '\-][^\W\d_]+)*", cleaned)
    if not plain or len(cleaned) < 3 or cleaned in SLANG or cleaned in STOPWORDS:
        return None
    words = _english_words(cleaned)
    return None if words <= _english_words(name) or words & COLOUR_WORDS else cleaned


def chinese_keyword(text: str, name: str) -> str | None:
    """A keyword of the emoji called ``name`` in Chinese, or None where it adds nothing to see."""
    cleaned = text.lower().translate(_QUOTES).replace(" ", "")
    if not re.fullmatch(r"[a-z]?[一-鿿]{1,8}", cleaned) or cleaned in name:
        return None
    if _COLOUR_ZH.fullmatch(cleaned):
        return None
    return cleaned


def _english_words(text: str) -> frozenset[str]:
    """The words with a plural ending removed, for comparing a keyword with a name."""
    words = re.findall(r"[^\W\d_]+", text)
    return frozenset(word.removesuffix("s") for word in words)
