import pytest

from common.training.emoji.emoji_wording import (
    chinese_keyword,
    chinese_name,
    english_alias,
    english_keyword,
    english_name,
)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("flag: Chad", "flag of chad"),
        ("keycap: 7", "keycap 7"),
        ("man: red hair", "man with red hair"),
        ("woman: bald", "bald woman"),
        ("family: man, woman, girl", "family, man, woman, girl"),
        ("one o’clock", "one o'clock"),
        ("Japanese “here” button", "japanese here button"),
        ("A button (blood type)", "a button, blood type"),
        ("snail", "snail"),
    ],
)
def test_english_name_reads_naturally(label: str, name: str) -> None:
    assert english_name(label) == name


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("旗: 智利", "智利旗"),
        ("按键: 7", "按键7"),
        ("女人: 红发", "红发的女人"),
        ("家庭: 男人女孩", "家庭，男人女孩"),
        ("日文的“免费”按钮", "日文的免费按钮"),
        ("O 型血", "o型血"),
    ],
)
def test_chinese_name_reads_naturally(label: str, name: str) -> None:
    assert chinese_name(label) == name


@pytest.mark.parametrize(
    ("text", "name", "alias"),
    [
        ("direct_hit", "bullseye", "direct hit"),
        ("SOFT ICE CREAM", "ice cream cone", "soft ice cream"),
        ("HEAVY BLACK HEART", "red heart", None),
        ("BLACK CAT", "black cat face", "black cat"),
        ("clock330", "three-thirty", None),
        ("flag_au", "flag of australia", None),
        ("GOLFER, MALE SIGN", "man golfing", None),
        ("star_struck", "star-struck", None),
        ("yes", "thumbs up", None),
        ("x", "cross mark", None),
    ],
)
def test_english_alias_is_a_plain_other_name(text: str, name: str, alias: str | None) -> None:
    assert english_alias(text, name) == alias


@pytest.mark.parametrize(
    ("text", "name", "keyword"),
    [
        ("stocking", "socks", "stocking"),
        ("Sock", "socks", None),
        ("ily", "red heart", None),
        ("143", "red heart", None),
        ("you", "kissing face", None),
        ("up", "arrow", None),
        ("pink", "transgender flag", None),
        ("light blue", "transgender flag", None),
        ("man’s", "shoe", "man's"),
        ("crêpe", "pancakes", "crêpe"),
    ],
)
def test_english_keyword_adds_something_to_see(text: str, name: str, keyword: str | None) -> None:
    assert english_keyword(text, name) == keyword


@pytest.mark.parametrize(
    ("text", "name", "keyword"),
    [
        ("长袜", "袜子", "长袜"),
        ("袜", "袜子", None),
        ("粉红色", "跨性别旗", None),
        ("浅蓝色", "跨性别旗", None),
        ("红心", "爱", "红心"),
        ("00", "四点", None),
        ("lol", "斜眼笑", None),
    ],
)
def test_chinese_keyword_adds_something_to_see(text: str, name: str, keyword: str | None) -> None:
    assert chinese_keyword(text, name) == keyword
