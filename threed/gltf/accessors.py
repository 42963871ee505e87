"""Accessors: typed arrays in buffers, checked against the bytes that are there.

glTF 2.0 specification, sections 3.6.2 (layout, alignment, sparse values) and 3.6.2.2 (types).
"""

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError
from threed.gltf.document import Entry, GltfFile, child, whole

COMPONENTS: dict[int, np.dtype] = {
    5120: np.dtype("<i1"), 5121: np.dtype("<u1"), 5122: np.dtype("<i2"), 5123: np.dtype("<u2"),
    5125: np.dtype("<u4"), 5126: np.dtype("<f4"),
}  # fmt: skip
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
MAX_COUNT = 6_000_000
"""Elements of an accessor that no bytes of the file stand behind: the corners of two million
separate triangles. Others are as long as the file allows."""


def accessor_values(file: GltfFile, index: object, where: str) -> NDArray:
    """The elements of an accessor, ``(count, width)``, in the type that they are stored in.

    A view of the file where it can be, so that many accessors on one buffer cost nothing.

    Raises:
        InputError: it does not fit its buffer, is too long or of a type that is not read.
    """
    accessor = file.entry("accessors", index, where)
    place = f"accessors[{index}]"
    dtype, width = component_of(accessor, place), _width(accessor, place)
    count = whole(accessor, "count", place, least=1)
    if "bufferView" in accessor:
        values = _viewed(file, accessor, place, (count, width), dtype)
    elif count > MAX_COUNT:
        raise InputError(f"{place} has {count:,} zeros; at most {MAX_COUNT:,} are read")
    else:
        values = np.zeros((count, width), dtype)
    return _with_sparse(file, accessor, place, values) if "sparse" in accessor else values


def float_values(file: GltfFile, index: object, where: str, widths: tuple[int, ...]) -> NDArray:
    """An accessor as float32; normalized integers become [0, 1] or [-1, 1] (section 3.6.2.2).

    Raises:
        InputError: as `accessor_values`; another width, or values that are not finite.
    """
    values = accessor_values(file, index, where)
    if values.shape[1] not in widths:
        raise InputError(f"{where} has {values.shape[1]} components, not {widths}")
    if values.dtype.kind == "f":
        finite = np.isfinite(values).all(1)
        if not finite.all():
            raise InputError(f"{where}: {int((~finite).sum())} of {len(values)} are not finite")
        return values.astype(np.float32)
    if not file.entry("accessors", index, where).get("normalized", False):
        return values.astype(np.float32)
    largest = np.float32(np.iinfo(values.dtype).max)
    return np.maximum(values.astype(np.float32) / largest, np.float32(-1))


def index_values(file: GltfFile, index: object, where: str, num_vertices: int) -> NDArray[np.int64]:
    """Vertex indices, each of a vertex that is there.

    Raises:
        InputError: as `accessor_values`; not unsigned integers, or out of range.
    """
    values = accessor_values(file, index, where)
    if values.dtype.kind != "u" or values.shape[1] != 1:
        raise InputError(f"{where} are not unsigned whole numbers")
    if len(values) and int(values.max()) >= num_vertices:
        raise InputError(
            f"{where} name vertex {int(values.max()):,}, but there are {num_vertices:,}"
        )
    return values[:, 0].astype(np.int64)


def component_of(accessor: Entry, place: str) -> np.dtype:
    """The type of one component.

    Raises:
        InputError: there is no such type.
    """
    dtype = COMPONENTS.get(whole(accessor, "componentType", place))
    if dtype is None:
        raise InputError(f"{place}.componentType is {accessor['componentType']}, which is none")
    return dtype


def stride_of(file: GltfFile, accessor: Entry, place: str) -> int:
    """Bytes from one element to the next."""
    size = component_of(accessor, place).itemsize * _width(accessor, place)
    view = file.entry("bufferViews", accessor.get("bufferView"), place)
    stride = whole(view, "byteStride", place, size, least=1)
    if stride < size:
        raise InputError(f"{place}: elements of {size} bytes lie {stride} bytes apart")
    return stride


def _width(accessor: Entry, place: str) -> int:
    kind = accessor.get("type")
    if not isinstance(kind, str) or kind not in WIDTHS:
        raise InputError(f"{place}.type is {kind!r}; read are {', '.join(WIDTHS)}")
    return WIDTHS[kind]


def _viewed(
    file: GltfFile, accessor: Entry, place: str, shape: tuple[int, int], dtype: np.dtype
) -> NDArray:
    data = file.view_bytes(accessor["bufferView"], place)
    begin, stride = whole(accessor, "byteOffset", place, 0), stride_of(file, accessor, place)
    last = begin + stride * (shape[0] - 1) + dtype.itemsize * shape[1]
    if last > len(data):
        raise InputError(f"{place} reaches to byte {last:,} of a buffer view of {len(data):,}")
    return np.ndarray(shape, dtype, data, begin, (stride, dtype.itemsize))


def _with_sparse(file: GltfFile, accessor: Entry, place: str, values: NDArray) -> NDArray:
    """A copy with the values that are stored one by one."""
    sparse = child(accessor, "sparse")
    where, count = f"{place}.sparse", whole(sparse, "count", f"{place}.sparse", least=1)
    if count > len(values):
        raise InputError(f"{where} replaces {count:,} of {len(values):,} elements")
    given = child(sparse, "indices")
    dtype = component_of(given, where)
    rows = _viewed(file, given | {"type": "SCALAR"}, where, (count, 1), dtype)[:, 0]
    if dtype.kind != "u" or int(rows.max()) >= len(values):
        raise InputError(f"{where} replaces elements that are not there")
    shape = (count, values.shape[1])
    kinds = {"type": accessor["type"], "componentType": accessor["componentType"]}
    changed = values.copy()
    changed[rows] = _viewed(file, child(sparse, "values") | kinds, where, shape, values.dtype)
    return changed
