"""2,000 fuzzed configs and command lines: exit code 0 or 2, no traceback, nothing half-written."""

import contextlib
import copy
import io
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import run
from common.cli.main import main
from common.config.load import CONFIGS, flatten, preset_names, read_composed
from common.config.schema import walk
from common.config.tree import dotted

PRESETS = preset_names()
TREES = {name: read_composed(CONFIGS / f"{name}.yaml").values for name in PRESETS}
PATHS = {name: sorted(flatten(tree), key=dotted) for name, tree in TREES.items()}
KEYS = sorted({key.path for app in run.APPS.names for key in walk(run.APPS.config_class(app))})

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
    | st.sampled_from(["", "a red ball", "../..", "🐱", "\x00", "1e-4", "~", "{", "[1", "#ff0000"])
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "num_steps", "a", ""]), inner, max_size=3)
    ),
    max_leaves=6,
)
keys = st.sampled_from(KEYS) | st.text("abn._0", max_size=12)
arguments = st.builds(
    lambda key, value, raw: f"{key}={raw if value is None else value}",
    keys, values, st.text(max_size=20),
)  # fmt: skip
flags = st.sampled_from(["--dry-run", "--print-config"])


def call(argv: list[str]) -> tuple[int, str]:
    """Exit code and stderr of a command line, run in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(argv, run.APPS)
    return code, err.getvalue()


def check(argv: list[str], folder: Path, left: set[str]) -> None:
    code, err = call(argv)
    assert code in (0, 2), argv
    assert (code == 2) == bool(err.startswith("error: ")) or code == 0
    assert "Traceback" not in err
    assert {path.name for path in folder.iterdir()} == left


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@settings(max_examples=800)
@given(st.sampled_from(PRESETS), st.lists(arguments, max_size=4), flags)
def test_fuzzed_arguments_of_presets(folder, preset, extra, flag):
    check([preset, *extra, flag], folder, set())


def with_changes(tree: dict, changes: list[tuple[tuple, object]]) -> dict:
    """The tree with values set at paths; a path that leads through no block is passed over."""
    for path, value in changes:
        node = tree
        for part in path[:-1]:
            if isinstance(node, dict):
                node = node.setdefault(part, {})
            elif isinstance(node, list) and isinstance(part, int) and part < len(node):
                node = node[part]
        if isinstance(node, dict):
            node[path[-1]] = value
    return tree


@st.composite
def changed_presets(draw) -> dict:
    name = draw(st.sampled_from(PRESETS))
    tree = copy.deepcopy(TREES[name])
    known = st.sampled_from(PATHS[name]) | st.sampled_from(KEYS).map(
        lambda key: tuple(key.split("."))
    )
    changes = draw(st.lists(st.tuples(known.filter(bool), values), max_size=4))
    return with_changes(tree, changes)


@pytest.mark.slow
@settings(max_examples=600)
@given(changed_presets(), flags)
def test_fuzzed_config_files(folder, tree, flag):
    path = folder / "fuzzed.yaml"
    path.write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    check([str(path), flag], folder, {"fuzzed.yaml"})


@pytest.mark.slow
@settings(max_examples=300)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
def test_fuzzed_bytes_as_config(folder, data):
    path = folder / "fuzzed.yaml"
    path.write_bytes(data)
    check([str(path), "--dry-run"], folder, {"fuzzed.yaml"})


COMMANDS = ("list", "explain", "inspect", "resume", "rerun", "cells", "schema", "--help")
words = st.text(max_size=20).map(lambda text: text.replace("\x00", "")) | st.sampled_from(
    [*PRESETS, *COMMANDS, *KEYS, "--print-config", "--dry-run", ".", "/", "..", "outputs"]
)


@pytest.mark.slow
@settings(max_examples=300)
@given(st.sampled_from(COMMANDS) | words, st.lists(words, max_size=3))
def test_fuzzed_command_lines(folder, first, rest):
    argv = [first, *rest]
    if first in PRESETS:
        argv.append("--dry-run")
    check(argv, folder, set())


def test_fuzzing_reaches_both_outcomes(folder):
    # Were every example refused, or every one accepted, the tests above would show little.
    assert call(["smoke/video", "seed=3", "--dry-run"])[0] == 0
    assert call(["smoke/video", "seed=x", "--dry-run"])[0] == 2
    assert list(folder.iterdir()) == []
