"""The nodes of a glTF scene: which meshes stand where."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError

_MAX_DEPTH = 64


def placed_meshes(tree: dict[str, Any]) -> Iterator[tuple[int, Float[Tensor, "4 4"]]]:
    """The index of each mesh that a scene shows, and its matrix to the world, float64.

    Without a scene, the nodes that are nobody's child are the scene.

    Raises:
        InputError: nodes that do not exist, stand below themselves, or have damaged matrices.
    """
    nodes = tree.get("nodes", [])
    if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
        raise InputError("this glTF is damaged: its nodes are no list of objects")
    visited: set[int] = set()
    waiting = [(root, torch.eye(4, dtype=torch.float64), 0) for root in _roots(tree, nodes)]
    while waiting:
        index, above, depth = waiting.pop(0)
        if type(index) is not int or not 0 <= index < len(nodes):
            raise InputError(f"this glTF is damaged: there is no node {index}")
        if index in visited or depth > _MAX_DEPTH:
            raise InputError(f"this glTF is damaged: node {index} has two places in its scene")
        visited.add(index)
        world = above @ _matrix(nodes[index])
        if type(nodes[index].get("mesh")) is int:
            yield nodes[index]["mesh"], world
        waiting += [(child, world, depth + 1) for child in _list(nodes[index], "children")]


def _roots(tree: dict[str, Any], nodes: list[dict[str, Any]]) -> list[Any]:
    scenes = tree.get("scenes")
    if isinstance(scenes, list) and scenes:
        chosen = tree.get("scene", 0)
        if type(chosen) is not int or not 0 <= chosen < len(scenes):
            raise InputError(f"this glTF is damaged: there is no scene {chosen}")
        return _list(scenes[chosen], "nodes")
    children = {child for node in nodes for child in _list(node, "children")}
    return [index for index in range(len(nodes)) if index not in children]


def _matrix(node: dict[str, Any]) -> Float[Tensor, "4 4"]:
    if "matrix" in node:
        columns = torch.tensor(_numbers(node, "matrix", 16, []), dtype=torch.float64)
        return columns.reshape(4, 4).T
    x, y, z, w = _numbers(node, "rotation", 4, [0.0, 0.0, 0.0, 1.0])
    size = math.sqrt(x * x + y * y + z * z + w * w)
    if size == 0:
        raise InputError("this glTF is damaged: a node's rotation has length 0")
    x, y, z, w = x / size, y / size, z / size, w / size
    matrix = torch.eye(4, dtype=torch.float64)
    matrix[:3, :3] = torch.tensor([
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ], dtype=torch.float64)  # fmt: skip
    matrix[:3, :3] *= torch.tensor(_numbers(node, "scale", 3, [1.0] * 3), dtype=torch.float64)
    matrix[:3, 3] = torch.tensor(_numbers(node, "translation", 3, [0.0] * 3), dtype=torch.float64)
    return matrix


def _numbers(node: dict[str, Any], name: str, count: int, default: list[float]) -> list[float]:
    values = node.get(name, default)
    right = isinstance(values, list) and len(values) == count
    if not right or not all(type(v) in (int, float) and math.isfinite(v) for v in values):
        raise InputError(f"this glTF is damaged: a node's {name} is not {count} numbers")
    return [float(value) for value in values]


def _list(owner: Any, name: str) -> list[Any]:
    found = owner.get(name, []) if isinstance(owner, dict) else None
    if not isinstance(found, list) or not all(type(item) is int for item in found):
        raise InputError(f"this glTF is damaged: {name} is no list of indices")
    return found
