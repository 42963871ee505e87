"""The commands that run something: a config, a stopped run, an artefact's config, cells."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from common.config.load import Loaded, changed_keys, find_config, load, load_tree, shown
from common.config.text import to_plain, yaml_with_origins
from common.config.tree import Tree
from common.errors import InputError
from common.runs import folder as folders
from common.runs import launch
from common.runs.app import App, Estimate, Outcome
from common.runs.apps import Apps
from common.runs.config import RunConfig
from common.runs.folder import RunFolder
from common.runs.interrupts import Interrupted


def run(name: str, arguments: Sequence[str], flags: Sequence[str], apps: Apps) -> int:
    """Run a preset or file; with a flag, only show what would run."""
    loaded = load(find_config(name), arguments, apps)
    config = cast(RunConfig, loaded.config)
    app = apps.of(loaded.tree.values["app"])
    if "--print-config" in flags:
        _say(yaml_with_origins(to_plain(config), loaded.tree).rstrip())
        return 0
    if "--dry-run" in flags:
        estimate, notes = launch.prepare(app, config, apps)
        _say(_estimate_text(estimate, notes))
        return 0
    return _start(app, loaded, apps)


def rerun(artefact: str, arguments: Sequence[str], apps: Apps) -> int:
    """Run again the config that an artefact carries."""
    from common.media.provenance import read_provenance

    path = Path(artefact)
    if not path.is_file():
        raise InputError(f"{artefact}: there is no such file")
    provenance = read_provenance(path)
    if provenance is None:
        raise InputError(
            f"{artefact} does not say how it was made: it was written with "
            "embed_provenance=false, or its metadata was stripped, or another program made it"
        )
    source = json.dumps(provenance.config, ensure_ascii=False, indent=2) + "\n"
    tree = Tree(dict(provenance.config), {})
    loaded = load_tree(tree, source, arguments, apps)
    return _start(apps.of(loaded.tree.values["app"]), loaded, apps)


def resume(given: str, arguments: Sequence[str], apps: Apps) -> int:
    """Continue a stopped run in place."""
    output_dir = Path(next((a[11:] for a in arguments if a.startswith("output_dir=")), "outputs"))
    arguments = [a for a in arguments if not a.startswith("output_dir=")]
    folder = folders.open_run(given, output_dir)
    loaded = load(folder.config, arguments, apps)
    app = apps.of(loaded.tree.values["app"])
    _check_unchanged(app, folder, loaded, apps)
    if folder.status() == "done":
        print("this run is done; nothing to resume", file=sys.stderr)  # noqa: T201
        return _print_paths(folder, _artefacts(folder))
    return _finish(lambda: launch.resume(app, cast(RunConfig, loaded.config), folder, apps))


def _check_unchanged(app: App, folder: RunFolder, loaded: Loaded, apps: Apps) -> None:
    original = load(folder.config, (), apps)
    keys = changed_keys(original.tree, loaded.tree)
    fixed = [key for key in keys if key.split(".")[0] not in app.changeable]
    if fixed:
        raise InputError(
            f"resume cannot change {', '.join(fixed)}: the result would be of two configs. "
            f"Start a new run, or change only: {', '.join(app.changeable)}"
        )


def cells(listing: str, arguments: Sequence[str], apps: Apps) -> int:
    """Run the configs of a comparison one after the other in this process."""
    from common.compare.worker import run_cells

    if arguments:
        raise InputError("cells takes one file: the list that a comparison wrote")
    return run_cells(Path(listing), apps)


def _start(app: App, loaded: Loaded, apps: Apps) -> int:
    command = ["python", "run.py", *sys.argv[1:]]
    return _finish(lambda: launch.start(app, loaded, command, apps))


def _finish(work: Callable[[], tuple[RunFolder, Outcome]]) -> int:
    try:
        folder, outcome = work()
    except Interrupted as stopped:
        print(  # noqa: T201
            f"interrupted; continue with: python run.py resume {stopped.args[0]}", file=sys.stderr
        )
        return 130
    return _print_paths(folder, outcome.artefacts)


def _artefacts(folder: RunFolder) -> tuple[Path, ...]:
    from common.report.json_report import read_record

    return tuple(folder.path / item.path for item in read_record(folder.path).artefacts)


def _print_paths(folder: RunFolder, artefacts: Sequence[Path]) -> int:
    for path in (*artefacts, folder.path / "report.html"):
        _say(shown(path))
    return 0


def _estimate_text(estimate: Estimate, notes: Sequence[str]) -> str:
    lines = [f"{key}: {value}" for key, value in estimate.sizes.items()]
    lines.append(f"model evaluations: {estimate.steps:,}")
    lines.append(f"peak memory: about {estimate.memory_bytes / 2**20:,.0f} MiB")
    return "\n".join([*lines, *(f"note: {note}" for note in notes), "nothing was run"])


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201
