"""From a preset name or file and ``key=value`` arguments to a typed config."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.config.model import Config
from common.config.problems import COMMAND_LINE, ConfigError, Origin, Problem, did_you_mean
from common.config.schema import annotation_at, is_text
from common.config.tree import KeyPath, Tree, dotted, merge, override, read_file
from common.config.validate import validate
from common.runs.apps import Apps

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
"""The presets' folder."""

MAX_BASES = 20


@dataclass(frozen=True)
class Loaded:
    """A typed config, the tree it was read from, and the text it came from."""

    config: Config
    tree: Tree
    source: str


def preset_names() -> list[str]:
    """All presets: paths under ``configs/`` without ``.yaml``; ``base/`` holds parts only."""
    files = sorted(CONFIGS.rglob("*.yaml"))
    names = (file.relative_to(CONFIGS).with_suffix("").as_posix() for file in files)
    return [name for name in names if not name.startswith("base/")]


def find_config(name: str) -> Path:
    """The file of a preset name or of a path to a YAML file."""
    given = Path(name)
    if given.suffix in (".yaml", ".yml"):
        if not given.is_file():
            raise ConfigError.at(Origin(name), "", "there is no such file")
        return given
    preset = CONFIGS / f"{name}.yaml"
    names = preset_names()
    if name not in names:
        hint = did_you_mean(name, names)
        raise ConfigError.at(
            Origin(name),
            "",
            f"there is no preset or .yaml file of this name{hint or '.'} "
            "`python run.py list` shows the presets",
        )
    return preset


def read_composed(path: Path, chain: tuple[Path, ...] = ()) -> Tree:
    """Read a file and lay it over its ``base:`` files (one or a list; later ones win)."""
    path = path.resolve()
    if path in chain:
        loop = " -> ".join(shown(file) for file in (*chain, path))
        raise ConfigError.at(Origin(shown(path)), "base", f"the files include each other: {loop}")
    if len(chain) >= MAX_BASES:
        raise ConfigError.at(Origin(shown(path)), "base", f"more than {MAX_BASES} bases in a row")
    own = read_file(path, shown(path))
    bases = own.values.pop("base", None)
    if bases is None:
        return own
    origin = own.origins[("base",)]
    for key in [key for key in own.origins if key[:1] == ("base",)]:
        del own.origins[key]
    files = bases if isinstance(bases, list) else [bases]
    if not all(isinstance(file, str) for file in files):
        raise ConfigError.at(origin, "base", "must be a file name or a list of file names")
    tree = Tree()
    for file in files:
        base = path.parent / file
        if not base.is_file():
            raise ConfigError.at(origin, "base", f"there is no file '{file}' beside {shown(path)}")
        tree = merge(tree, read_composed(base, (*chain, path)))
    return merge(tree, own)


def shown(path: Path) -> str:
    """A path as messages show it: relative to the working folder where that is shorter."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


def load(
    path: Path,
    arguments: Sequence[str],
    apps: Apps,
) -> Loaded:
    """Read ``path``, apply ``key=value`` arguments, and validate.

    Args:
        path: the YAML file.
        arguments: ``key=value``, later ones win.
        apps: the apps a config can be for.
    """
    tree = read_composed(path)
    return load_tree(tree, path.read_text(encoding="utf-8"), arguments, apps)


def load_tree(
    tree: Tree,
    source: str,
    arguments: Sequence[str],
    apps: Apps,
) -> Loaded:
    """As ``load``, for settings that were read from elsewhere, such as an artefact."""
    # Applied twice: which app it is, and so which settings are text, depends on the arguments.
    roughly = merge(tree, _apply(arguments, None, tree))
    root = apps.config_class(_app(roughly, apps.names))
    tree = merge(tree, _apply(arguments, root, roughly))
    return Loaded(validate(root, tree), tree, source)


def _app(tree: Tree, apps: Sequence[str]) -> str:
    app = tree.values.get("app")
    if isinstance(app, str) and app in apps:
        return app
    origin = tree.origins.get(("app",), tree.origins.get((), COMMAND_LINE))
    known = f"known: {', '.join(apps)}"
    if app is None:
        raise ConfigError.at(origin, "app", f"is required, but not set; {known}")
    raise ConfigError.at(origin, "app", f"no app '{app}'{did_you_mean(str(app), apps)}; {known}")


def _apply(arguments: Sequence[str], root: type[Config] | None, context: Tree) -> Tree:
    tree, problems = Tree(), []
    for argument in arguments:
        key, equals, text = argument.partition("=")
        if not equals or not key:
            problems.append(Problem(COMMAND_LINE, argument, "is not of the form key=value"))
            continue
        path: KeyPath = tuple(key.split("."))
        annotation = None if root is None else annotation_at(root, path, context.values)
        try:
            tree = merge(tree, override(key, text, root is None or is_text(annotation)))
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    return tree


def changed_keys(old: Tree, new: Tree) -> list[str]:
    """The dotted keys whose values differ between two trees."""
    flat_old, flat_new = flatten(old.values), flatten(new.values)
    keys = dict.fromkeys([*flat_old, *flat_new])
    return [dotted(key) for key in keys if flat_old.get(key) != flat_new.get(key)]


def flatten(values: Any, path: KeyPath = ()) -> dict[KeyPath, Any]:
    """Leaf values of a settings tree by path; empty blocks and lists are leaves."""
    if isinstance(values, dict) and values:
        parts = values.items()
    elif isinstance(values, list) and values:
        parts = enumerate(values)  # type: ignore[assignment]
    else:
        return {path: values}
    return {k: v for part, value in parts for k, v in flatten(value, (*path, part)).items()}
