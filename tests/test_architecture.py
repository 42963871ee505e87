"""The rules of the code base that no linter knows."""

import ast
import importlib
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("common", "video", "threed")
MODULES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
PLUGIN = ROOT / "threed" / "nerfstudio_plugin"
"""Subclasses nerfstudio's classes: only where that is installed it can be imported."""
MAX_LINES = 400
MAX_FUNCTION_LINES = 60


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            found.add(node.module or "")
    return found


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_down_only(path):
    package = path.relative_to(ROOT).parts[0]
    above = {"common": {"video", "threed", "run"}, "video": {"threed", "run"},
             "threed": {"video", "run"}}[package]  # fmt: skip
    wrong = {name for name in imports_of(path) if name.split(".")[0] in above}
    assert not wrong, f"{name_of(path)} imports {wrong}"


def test_generating_path_does_not_know_the_object_kit():
    allowed = {"common/kit", "common/training"}
    for path in MODULES:
        if not any(name_of(path).startswith(folder) for folder in allowed):
            kit = {name for name in imports_of(path) if name.startswith("common.kit")}
            assert not kit, f"{name_of(path)} imports {kit}"


def test_only_evaluations_and_training_read_training_data():
    allowed = (
        "common/training", "common/evaluation", "video/training", "video/evaluation",
        "threed/evaluation", "run.py",
    )  # fmt: skip
    for path in MODULES:
        if not name_of(path).startswith(allowed):
            data = {name for name in imports_of(path) if name.startswith("common.training")}
            assert not data, f"{name_of(path)} imports {data}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_is_one_concept_of_readable_size(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_LINES
    assert path.stem not in {"utils", "util", "helpers", "helper", "misc", "base"}
    tree = ast.parse(text)
    if path.name != "__init__.py":
        assert ast.get_docstring(tree), "a module says what it is for"
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= MAX_FUNCTION_LINES, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_randomness_is_explicit(path):
    source = path.read_text(encoding="utf-8")
    for banned in ("torch.manual_seed", "np.random.seed", "random.seed(", "torch.seed("):
        assert banned not in source


def test_importing_any_module_has_no_side_effect_on_files(tmp_path):
    names = [name_of(path).removesuffix(".py").replace("/", ".").removesuffix(".__init__")
             for path in MODULES if PLUGIN not in path.parents]  # fmt: skip
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    bare = {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *names], cwd=tmp_path, env=bare,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_without_nerfstudio_the_plugin_names_its_extra():
    assert importlib.util.find_spec("nerfstudio") is None, "tests/nerfstudio has the plugin's tests"
    for path in sorted(PLUGIN.glob("*.py")):
        name = f"threed.nerfstudio_plugin.{path.stem}".removesuffix(".__init__")
        with pytest.raises(ImportError, match=r"pip install 'extrude\[nerfstudio\]'"):
            importlib.import_module(name)


def test_nobody_but_the_plugin_knows_nerfstudio_or_the_plugin():
    for path in MODULES:
        if PLUGIN not in path.parents:
            known = {
                name for name in imports_of(path)
                if name.split(".")[0] == "nerfstudio" or "nerfstudio_plugin" in name
            }  # fmt: skip
            assert not known, f"{name_of(path)} imports {known}"


def test_entry_points_name_what_the_plugin_defines():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = {name: points for name, points in project["entry-points"].items()
              if name.startswith("nerfstudio.")}  # fmt: skip
    assert {name: set(points) for name, points in groups.items()} == {
        "nerfstudio.method_configs": {"extrude", "extrude-distill"},
        "nerfstudio.dataparser_configs": {"extrude-data"},
    }
    for points in groups.values():
        for target in points.values():
            module, attribute = target.split(":")
            tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text())
            assigned = {name.id for node in tree.body if isinstance(node, ast.Assign)
                        for name in node.targets if isinstance(name, ast.Name)}  # fmt: skip
            assert attribute in assigned, f"{module} defines no {attribute}"


def test_command_line_starts_without_heavy_imports():
    code = "import sys, run, common.cli.listing, common.config.load\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    heavy = {"torch", "numpy", "diffusers", "transformers", "scipy", "matplotlib", "trimesh", "av"}
    assert not heavy & set(done.stdout.split())
