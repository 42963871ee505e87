"""What the kit's README says is so."""

import re
import textwrap
from pathlib import Path

import pytest
from PIL import Image

from common.kit.catalogue import CATEGORIES
from common.kit.motions import MOTIONS
from common.kit.split import read_split

ROOT = Path(__file__).parents[3]
README = (ROOT / "common/kit/README.md").read_text(encoding="utf-8")
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"```python\n(.*?)\n *```", README, re.S)]


@pytest.mark.parametrize("block", BLOCKS, ids=["use", "adding"])
def test_code_of_the_readme_runs(block: str):
    assert "assert" in block
    exec(compile(block, "README.md", "exec"), {})


def test_numbers_of_the_readme_are_true():
    assert f"{len(CATEGORIES)} categories" in README
    assert f"{sum(category.talks for category in CATEGORIES)} categories have a mouth" in README
    assert f"{len(read_split().colours)} pairs, a tenth; never" in README
    assert f"{len(read_split().motions)} pairs, a tenth |" in README
    bands = [f"[{low:g}, {high:g})" for low, high in read_split().azimuth_bands_deg]
    assert f"{bands[0]}, {bands[1]} and {bands[2]} degrees" in README
    assert len(MOTIONS) == 10


@pytest.mark.parametrize("path", re.findall(r"!\[[^]]*\]\(([^)]+)\)", README))
def test_pictures_of_the_readme_are_there_and_small(path: str):
    picture = ROOT / "common/kit" / path
    assert picture.stat().st_size < 300_000
    with Image.open(picture) as image:
        assert min(image.size) > 500


def test_files_that_the_readme_names_exist():
    for name in re.findall(r"`((?:common|tests)/[\w/]+\.\w+)`", README):
        assert (ROOT / name).is_file(), name
