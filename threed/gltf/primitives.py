"""The triangles of a glTF scene, part by part, in the world."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError
from threed.gltf.accessors import float_values, index_values
from threed.gltf.document import Entry, GltfFile, child, numbers, whole

MAX_FACES = 2_000_000
MAX_VERTICES = 3 * MAX_FACES
MAX_NODES = 100_000
TRIANGLES, STRIP, FAN = 4, 5, 6


@dataclass(frozen=True, eq=False)
class Primitive:
    """One drawn part: arrays as they stand in the file, and where the scene puts it."""

    name: str
    """Which part it is, for messages."""
    positions: NDArray[np.float32]
    """``n 3``, before ``matrix``."""
    faces: NDArray[np.int64]
    """``m 3``, counter-clockwise from outside unless ``matrix`` mirrors."""
    matrix: NDArray[np.float64]
    """``4 4``, to the world."""
    material: int | None
    """Row of the document's materials; None is glTF's default material."""
    normals: NDArray[np.float32] | None = None
    uvs: NDArray[np.float32] | None = None
    """``n 2`` of the base colour's texture, v *down* from the picture's top, as glTF has it."""
    colors: NDArray[np.float32] | None = None
    """``n 3`` or ``n 4``, linear, in [0, 1]."""

    @property
    def world(self) -> NDArray[np.float64]:
        """Positions in the world."""
        return self.positions @ self.matrix[:3, :3].T + self.matrix[:3, 3]

    @property
    def is_mirrored(self) -> bool:
        """Whether the scene turns it inside out."""
        return bool(np.linalg.det(self.matrix[:3, :3]) < 0)


def primitives(file: GltfFile) -> list[Primitive]:
    """Everything that the file's scene draws as triangles; lines and points are left out.

    Raises:
        InputError: anything that does not fit, and more than 2 million faces in all.
    """
    found: list[Primitive] = []
    num_faces = num_vertices = 0
    for node, matrix in placed_nodes(file):
        index = file.document["nodes"][node].get("mesh")
        if index is None:
            continue
        mesh = file.entry("meshes", index, f"nodes[{node}]")
        for number, entry in enumerate(_listed(mesh, f"meshes[{index}]")):
            where = f"meshes[{index}].primitives[{number}]"
            if whole(entry, "mode", where, TRIANGLES) not in (TRIANGLES, STRIP, FAN):
                continue
            part = _primitive(file, entry, where, matrix)
            num_faces, num_vertices = (
                num_faces + len(part.faces),
                num_vertices + len(part.positions),
            )
            if num_faces > MAX_FACES or num_vertices > MAX_VERTICES:
                raise InputError(
                    f"it has more than {MAX_FACES:,} faces or {MAX_VERTICES:,} vertices; "
                    "simplify it first"
                )
            found.append(part)
    return found


def placed_nodes(file: GltfFile) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """The nodes of the scene, each with its matrix to the world, parents first.

    Raises:
        InputError: nodes in a circle or with two parents, or too many.
    """
    nodes, scenes = file.entries("nodes"), file.entries("scenes")
    if scenes:
        scene = file.entry("scenes", file.document.get("scene", 0), "the document")
        roots = _references(scene, "nodes", "scene")
    else:
        below = {one for node in nodes for one in _references(node, "children", "node")}
        roots = [index for index in range(len(nodes)) if index not in below]
    waiting = [(index, np.eye(4)) for index in reversed(roots)]
    seen: set[int] = set()
    while waiting:
        index, above = waiting.pop()
        node = file.entry("nodes", index, "the scene")
        if index in seen or len(seen) >= MAX_NODES:
            raise InputError(f"nodes[{index}] is there twice, or there are more than {MAX_NODES:,}")
        seen.add(index)
        matrix = above @ node_matrix(node, f"nodes[{index}]")
        yield index, matrix
        below_it = _references(node, "children", f"nodes[{index}]")
        waiting += [(one, matrix) for one in reversed(below_it)]


def node_matrix(node: Entry, where: str) -> NDArray[np.float64]:
    """A node's own transform: its matrix, or translation, rotation and scale.

    Raises:
        InputError: numbers that are none, or a rotation of length zero.
    """
    if "matrix" in node:
        flat = numbers(node, "matrix", np.eye(4).ravel().tolist(), where)
        return np.array(flat).reshape(4, 4).T  # stored column by column
    move = numbers(node, "translation", [0.0] * 3, where)
    quaternion = np.array(numbers(node, "rotation", [0.0, 0.0, 0.0, 1.0], where))
    scale = numbers(node, "scale", [1.0] * 3, where)
    length = np.linalg.norm(quaternion)
    if length < 1e-6:
        raise InputError(f"{where}.rotation is no rotation: its length is {length:.3g}")
    x, y, z, w = quaternion / length
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, :3] *= scale
    matrix[:3, 3] = move
    return matrix


def base_color_texture(file: GltfFile, material: int | None) -> Entry:
    """A material's reference to its base colour texture; empty if it has none."""
    if material is None:
        return {}
    entry = file.entry("materials", material, "a primitive")
    return child(child(entry, "pbrMetallicRoughness"), "baseColorTexture")


def _primitive(file: GltfFile, entry: Entry, where: str, matrix: NDArray[np.float64]) -> Primitive:
    attributes, material = child(entry, "attributes"), entry.get("material")
    positions = float_values(file, attributes.get("POSITION"), f"{where}.POSITION", (3,))
    texture = base_color_texture(file, material)
    given: dict[str, Any] = {}
    wanted = {"normals": ("NORMAL", (3,)), "colors": ("COLOR_0", (3, 4))}
    moved = child(child(texture, "extensions"), "KHR_texture_transform")
    chosen = whole(moved, "texCoord", where, whole(texture, "texCoord", where, 0))
    wanted["uvs"] = (f"TEXCOORD_{chosen}", (2,))
    for field, (name, widths) in wanted.items():
        if name in attributes:
            values = float_values(file, attributes[name], f"{where}.{name}", widths)
            if len(values) != len(positions):
                raise InputError(
                    f"{where} has {len(positions):,} positions and {len(values):,} {name}"
                )
            given[field] = values
    if moved and "uvs" in given:
        given["uvs"] = _moved(given["uvs"], moved, where)
    mode = whole(entry, "mode", where, TRIANGLES)
    faces = _triangles(_corners(file, entry, where, len(positions)), mode, where)
    return Primitive(where, positions, faces, matrix, material, **given)


def _corners(file: GltfFile, entry: Entry, where: str, count: int) -> NDArray[np.int64]:
    if "indices" not in entry:
        return np.arange(count, dtype=np.int64)
    return index_values(file, entry["indices"], f"{where}.indices", count)


def _triangles(corners: NDArray[np.int64], mode: int, where: str) -> NDArray[np.int64]:
    """Rows of three corners from a list, a strip or a fan (section 3.7.2.1)."""
    if mode == TRIANGLES:
        if len(corners) % 3:
            raise InputError(f"{where} has {len(corners):,} corners, which are no whole triangles")
        return corners.reshape(-1, 3)
    if len(corners) < 3:
        raise InputError(f"{where} has {len(corners)} corners, which are no triangle")
    if mode == FAN:
        first = np.broadcast_to(corners[:1], len(corners) - 2)
        return np.stack([corners[1:-1], corners[2:], first], 1)
    rows = np.stack([corners[:-2], corners[1:-1], corners[2:]], 1)
    rows[1::2] = rows[1::2][:, [0, 2, 1]]
    return rows


def _moved(uvs: NDArray[np.float32], transform: Entry, where: str) -> NDArray[np.float32]:
    """``offset + R(rotation) scale uv`` (KHR_texture_transform; rotation is clockwise, v down)."""
    offset = np.array(numbers(transform, "offset", [0.0, 0.0], where))
    scale = np.array(numbers(transform, "scale", [1.0, 1.0], where))
    angle = numbers({"rotation": [transform.get("rotation", 0.0)]}, "rotation", [0.0], where)[0]
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    return ((uvs * scale) @ turn.T + offset).astype(np.float32)


def _listed(mesh: Entry, where: str) -> list[Entry]:
    value = mesh.get("primitives")
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise InputError(f"{where} has no list of primitives")
    return value


def _references(holder: Entry, key: str, where: str) -> list[int]:
    value = holder.get(key, [])
    whole_numbers = isinstance(value, list) and all(
        isinstance(one, int) and not isinstance(one, bool) for one in value
    )
    if not whole_numbers:
        raise InputError(f"{where}.{key} is not a list of whole numbers")
    return value
