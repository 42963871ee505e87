"""threestudio's geometries and optimizers: which scene they are here, and how it learns."""

import math
from collections.abc import Mapping
from typing import Any

from threed.peers.settings import Settings, as_number

_HALF_BOX_M = 0.6
_FINEST = 2048
_MOST_GROWTH = 1e6
_MOST_CELLS = 256
_ENCODING = "system.geometry.pos_encoding_config."
_PARAMS = "system.optimizer.params."


def scene_of(settings: Settings, losses: Mapping[str, float]) -> dict[str, Any]:
    """``method.scene`` with its regularisers."""
    kind = str(settings.get("system.geometry_type", "implicit-volume"))
    rate = _rate(settings)
    if kind == "volume-grid":
        settings.say("system.geometry_type", "method.scene.name voxel_nerf")
        scene = _voxels(settings, rate)
    else:
        known = kind in ("implicit-volume", "implicit-sdf")
        settings.say(
            "system.geometry_type",
            "method.scene.name hash_nerf"
            if known
            else "not known here: taken for a hash-grid NeRF",
        )
        scene = _hash_grid(settings, rate)
    scene["losses"] = {name: value for name, value in losses.items() if value}
    _blob(settings, scene)
    for key in [key for key in settings.values if key.startswith("system.geometry.")]:
        if key not in settings.seen:
            settings.say(key, "no counterpart in scenes here")
    return scene


def _hash_grid(settings: Settings, rate: float) -> dict[str, Any]:
    levels = min(int(settings.number(f"{_ENCODING}n_levels", 16)), 24)
    coarsest = int(settings.positive(f"{_ENCODING}base_resolution", 16))
    growth = min(settings.positive(f"{_ENCODING}per_level_scale", 1.4472692), _MOST_GROWTH)
    finest = math.floor(coarsest * growth ** (levels - 1) + 1e-6)
    table = int(settings.number(f"{_ENCODING}log2_hashmap_size", 19))
    said = {
        "n_levels": "method.scene.num_levels",
        "base_resolution": "method.scene.coarsest_cells",
        "n_features_per_level": "method.scene.num_features",
        "log2_hashmap_size": "method.scene.log2_table"
        + ("; at most 22 here" if table > 22 else ""),
        "per_level_scale": f"method.scene.finest_cells: {finest:,} at the finest level"
        + (f", here at most {_FINEST:,}" if finest > _FINEST else ""),
    }
    for name, meaning in said.items():
        if settings.has(f"{_ENCODING}{name}"):
            settings.say(f"{_ENCODING}{name}", meaning)
    hidden = int(settings.number("system.geometry.mlp_network_config.n_neurons", 64))
    if settings.has("system.geometry.mlp_network_config.n_neurons"):
        settings.say("system.geometry.mlp_network_config.n_neurons", "method.scene.num_hidden")
    return {
        "name": "hash_nerf",
        "num_cells": 128,
        "num_levels": levels,
        "coarsest_cells": coarsest,
        "num_features": int(settings.number(f"{_ENCODING}n_features_per_level", 2)),
        "log2_table": min(table, 22),
        "finest_cells": min(max(finest, coarsest), _FINEST),
        "num_hidden": min(hidden, 256),
        "rate": rate,
        "final_rate": 1.0,
    }


def _voxels(settings: Settings, rate: float) -> dict[str, Any]:
    given = settings.get("system.geometry.grid_size", [100, 100, 100])
    sides = [as_number(side) or 0 for side in (given if isinstance(given, list) else [given])]
    cells = min(max(int(max(sides)) // 2 * 2, 8), _MOST_CELLS)
    settings.say("system.geometry.grid_size", f"method.scene.num_cells {cells}")
    name = str(settings.get("system.optimizer.name", "Adam"))
    return {
        "name": "voxel_nerf",
        "num_cells": cells,
        "coarse_share": 0.0,
        "rate": rate,
        "final_rate": 1.0,
        "optimizer": "adamax" if name == "Adamax" else "adam",
    }


def _rate(settings: Settings) -> float:
    """Of the geometry: its own, its encoding's, or the optimizer's."""
    keys = (f"{_PARAMS}geometry.lr", f"{_PARAMS}geometry.encoding.lr", "system.optimizer.args.lr")
    known = [key for key in keys if settings.has(key)]
    rate = settings.number(known[0], 0.01) if known else 0.01
    if known:
        settings.say(known[0], "method.scene.rate, the same throughout (final_rate 1)")
    for key in [key for key in settings.values if key.startswith("system.optimizer.")]:
        if key in settings.seen or key == f"{_PARAMS}guidance.lr":
            continue
        if key == "system.optimizer.name":
            settings.say(key, "method.scene.optimizer of voxel_nerf; Adam otherwise")
        elif "background" in key:
            settings.say(key, "no counterpart: what is behind the object is transparent")
        elif key.endswith((".betas", ".eps")):
            settings.say(key, "fixed here: betas 0.9 and 0.99, a tiny epsilon (Instant NGP's)")
        else:
            settings.say(key, "no counterpart: one rate for the whole scene")
    return rate


def _blob(settings: Settings, scene: dict[str, Any]) -> None:
    """Magic3D's first density, ``scale (1 - |x| / std)``: 0 where ``|x|`` is ``std``."""
    bias = settings.get("system.geometry.density_bias")
    settings.seen.add("system.geometry.density_bias")
    if bias != "blob_magic3d":
        if settings.has("system.geometry.density_bias"):
            settings.say("system.geometry.density_bias", "no counterpart: scenes begin as a ball")
        return
    radius = settings.positive("system.geometry.radius", 1.0)
    edge = settings.number("system.geometry.density_blob_std", 0.5) / radius * _HALF_BOX_M
    scene["start"] = {"radius_m": round(min(edge, _HALF_BOX_M), 6)}
    settings.say("system.geometry.density_bias", "method.scene.start: a ball, soft at its edge")
    settings.say(
        "system.geometry.density_blob_std",
        f"method.scene.start.radius_m {edge:g}: where raw density is 0",
    )
    if settings.has("system.geometry.density_blob_scale"):
        settings.say(
            "system.geometry.density_blob_scale",
            "fixed here: raw density falls by 6 from the middle to that radius",
        )
