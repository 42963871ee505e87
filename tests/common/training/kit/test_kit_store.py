import shutil
from pathlib import Path

import pytest

from common.kit import catalogue
from common.kit.catalogue import category_named
from common.kit.instances import instance
from common.training.kit import kit_clips, kit_pictures
from common.training.kit.kit_store import digest_with, facts_of, object_entry, sources_digest


@pytest.fixture
def own_sources(tmp_path, monkeypatch):
    """A copy of the kit's sources that may be changed."""
    folder = Path(catalogue.__file__).parent
    for path in [*folder.glob("*.py"), *folder.glob("*.json")]:
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(catalogue, "__file__", str(tmp_path / "catalogue.py"))
    return tmp_path


def digests() -> tuple[str, str]:
    """Of what still pictures and clips are made by."""
    return sources_digest(kit_pictures._DRAW_NOTHING), sources_digest(kit_clips._MOVE_NOTHING)


@pytest.mark.parametrize(
    ("changed", "pictures", "clips"),
    [
        ("palette.py", True, True),
        ("split.json", True, True),
        ("motions.py", False, True),
        ("speech.py", False, True),
        ("clips.py", False, True),
        ("captions.py", False, False),
    ],
)
def test_change_of_the_kit_voids_what_depends_on_it(own_sources, changed, pictures, clips):
    before = digests()
    with (own_sources / changed).open("a", encoding="utf-8") as source:
        source.write("\n")
    assert tuple(new != old for new, old in zip(digests(), before, strict=True)) == (
        pictures,
        clips,
    )


def test_settings_count_one_by_one():
    found = {digest_with("a"), digest_with("a", 1), digest_with("a", 1.0), digest_with("a", 1, 1)}
    assert len(found) == 4
    assert digest_with("a", 12, 3) != digest_with("a", 1, 23)


@pytest.mark.parametrize("name", ["mug", "tulip", "star", "balloon"])
def test_facts_of_an_object_survive_the_index(name):
    category = category_named(name)
    for seed in range(4):
        facts = instance(category, seed).facts
        assert facts_of(object_entry(seed, facts)) == facts
