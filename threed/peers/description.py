"""``run.py inspect <a peer's YAML>``: what it means here, and our config that says the same."""

import re
from pathlib import Path
from typing import Any

from common.atomic import write_text
from common.config.problems import Origin
from common.config.text import yaml_text
from common.config.tree import Tree
from common.config.validate import validate
from common.errors import InputError
from threed.config import ThreedConfig
from threed.peers.dreamgaussian import dreamgaussian_config, is_dreamgaussian
from threed.peers.settings import Settings, read_settings
from threed.peers.threestudio import is_threestudio, threestudio_config

_MOST_SHOWN = 60


def described_peer(path: Path) -> list[str]:
    """What every number means here, a line each; writes ``<name>.extrude.yaml`` where one stands.

    Raises:
        InputError: not the config of a system that is known, or values that mean nothing.
    """
    settings = read_settings(path)
    if settings.has("app") or settings.has("base"):
        return ["a config of Extrude; `python run.py <it> --print-config` shows all its keys"]
    system, values = _imported(path, settings)
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem).strip("-") or "imported"
    config = {"name": name, "description": f"From settings of {system}."} | values
    validate(ThreedConfig, Tree(config, {(): Origin(str(path))}))
    target = Path(f"{name}.extrude.yaml")
    written = _written(target, f"# {system}'s {path.name}\n{yaml_text(config)}")
    lines = [f"settings of {system}, and what they mean here"]
    lines += [
        f"  {one.key} = {_short(one.value)}: {one.meaning}"
        for one in settings.said
        if settings.has(one.key)
    ]
    lines += [
        f"  {one.key} (not set; its default): {one.meaning}"
        for one in settings.said
        if not settings.has(one.key)
    ]
    lines += [
        f"  {key} = {_short(settings.values[key])}: read together with those above"
        for key in settings.unsaid()
    ]
    lines += [f"unknown here: {key} = {_short(settings.values[key])}" for key in settings.unknown()]
    return [*lines, written]


def _imported(path: Path, settings: Settings) -> tuple[str, dict[str, Any]]:
    if is_threestudio(settings):
        return "threestudio", threestudio_config(settings)
    if is_dreamgaussian(settings):
        return "DreamGaussian", dreamgaussian_config(settings)
    raise InputError(
        f"{path}: is no config of Extrude (app, base), threestudio (system_type, data_type) or "
        "DreamGaussian (num_pts, position_lr_init, iters)"
    )


def _written(target: Path, text: str) -> str:
    """Write the config, unless another file is there."""
    run = f"run it with: python run.py {target} prior.path=<checkpoint>"
    if target.exists():
        if target.read_text(encoding="utf-8") == text:
            return f"{target} says the same already; {run}"
        return f"{target} is there already and differs; move it away to have this one written"
    write_text(target, text)
    return f"written: {target}; {run}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."
