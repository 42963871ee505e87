"""What README.md says is so."""

import re
import shlex
from pathlib import Path

import pytest

from common.cli.main import FLAGS
from common.config.load import load, preset_names
from common.config.problems import ConfigError
from run import APPS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"`(?:python )?run\.py ([^`]+)`", README)))
WORDS = ("list", "explain", "resume", "rerun", "inspect", "schema")


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_readme_is_one(command):
    first, *rest = shlex.split(command)
    if first.startswith("<") or first in WORDS or first == "config.yaml":
        return
    assert first in preset_names()
    flags = [word for word in rest if word.startswith("--")]
    assert set(flags) <= set(FLAGS)
    arguments = [word for word in rest if "=" in word and "..." not in word]
    load(ROOT / "configs" / f"{first}.yaml", arguments, APPS)


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", README, re.S))
def test_config_of_the_readme_loads(block, tmp_path):
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    path = tmp_path / "mine.yaml"
    path.write_text(block, encoding="utf-8")
    load(path, (), APPS)


def test_error_of_the_readme_is_what_is_said(tmp_path):
    shown = re.search(r"  error: (\S+):14  (\S+)\n((?:    .*\n)+)", README)
    key, text = shown[2], re.sub(r"^    ", "  ", shown[3], flags=re.M)
    path = tmp_path / "fox.yaml"
    lines = [f"base: {ROOT}/configs/video/text_to_video.yaml", *["# -"] * 11, "guidance:"]
    path.write_text("\n".join([*lines, f"  {key.rpartition('.')[2]}: 3\n"]))
    with pytest.raises(ConfigError) as caught:
        load(path, (), APPS)
    assert str(caught.value) == f"{path}:14  {key}\n{text.rstrip()}"


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)]+)\)", README))
def test_pictures_and_links_of_the_readme_exist(path):
    assert (ROOT / path).is_file()


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`?make (\w+)`?", README):
        assert re.search(rf"^{target}:", makefile, re.M), target
