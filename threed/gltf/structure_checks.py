"""Flaws of a glTF file's skeleton: extensions, bounds, alignment, nodes, missing parts."""

from collections.abc import Iterator

import numpy as np

from common.errors import InputError
from threed.gltf.accessors import accessor_values, component_of, stride_of
from threed.gltf.document import Entry, GltfFile, child, entries, numbers, whole
from threed.gltf.findings import Finding, listed
from threed.gltf.primitives import Primitive, placed_nodes

KNOWN_EXTENSIONS = frozenset({
    "EXT_texture_webp", "KHR_lights_punctual", "KHR_materials_anisotropy",
    "KHR_materials_clearcoat", "KHR_materials_dispersion", "KHR_materials_emissive_strength",
    "KHR_materials_ior", "KHR_materials_iridescence", "KHR_materials_pbrSpecularGlossiness",
    "KHR_materials_sheen", "KHR_materials_specular", "KHR_materials_transmission",
    "KHR_materials_unlit", "KHR_materials_variants", "KHR_materials_volume",
    "KHR_mesh_quantization", "KHR_node_visibility", "KHR_texture_transform",
    "KHR_xmp_json_ld", "KHR_gaussian_splatting",
})  # fmt: skip
"""Extensions without which the triangles of a file can still be read as they are."""
MAX_MATERIALS = 16


def unknown_extensions(file: GltfFile) -> list[str]:
    """Required extensions that the geometry cannot be read without."""
    required = file.document.get("extensionsRequired", [])
    names = [str(one) for one in required] if isinstance(required, list) else []
    return [name for name in names if name not in KNOWN_EXTENSIONS]


def extension_findings(file: GltfFile) -> Iterator[Finding]:
    """Required extensions that viewers may lack."""
    unknown = unknown_extensions(file)
    if unknown:
        yield Finding(
            "unknown-required-extension", "error",
            f"needs {', '.join(unknown)}: programs without it must refuse the file, and its "
            "contents are not checked here",
            "export without compression or other required extensions",
        )  # fmt: skip


def accessor_findings(file: GltfFile) -> Iterator[Finding]:
    """Positions without true bounds, and data that lie across the grid of their type."""
    no_bounds, wrong_bounds = [], []
    for index in sorted(_positions(file)):
        accessor = file.entries("accessors")[index]
        if not {"min", "max"} <= accessor.keys():
            no_bounds.append(index)
        elif not _bounds_hold(file, accessor, index):
            wrong_bounds.append(index)
    if no_bounds:
        yield Finding(
            "missing-position-bounds", "error",
            f"{listed('accessors', no_bounds)} of positions have no min and max, which glTF "
            "demands; viewers frame and cull by them",
            "write min and max of every POSITION accessor",
        )  # fmt: skip
    if wrong_bounds:
        yield Finding(
            "wrong-position-bounds", "error",
            f"{listed('accessors', wrong_bounds)} of positions state a min and max that are not "
            "those of their data; viewers cut the mesh off or lose it",
            "compute min and max from the data as stored, in float32",
        )  # fmt: skip
    crooked = [index for index, one in enumerate(file.entries("accessors"))
               if not _is_aligned(file, one, index)]  # fmt: skip
    if crooked:
        yield Finding(
            "misaligned-accessor", "error",
            f"{listed('accessors', crooked)} do not begin at a multiple of their component's "
            "size, or have rows that are no multiple of 4 bytes; some programs refuse or crash",
            "pad buffer views and rows to 4 bytes",
        )  # fmt: skip


def node_findings(file: GltfFile) -> Iterator[Finding]:
    """Nodes whose matrices turn meshes inside out."""
    mirrored = [
        index for index, matrix in placed_nodes(file)
        if "mesh" in file.document["nodes"][index] and np.linalg.det(matrix[:3, :3]) < 0
    ]  # fmt: skip
    if mirrored:
        yield Finding(
            "mirrored-node", "warning",
            f"the matrices of {listed('nodes', mirrored)} mirror; programs that do not turn the "
            "faces back show the inside",
            "apply the transform to the vertices and reverse the faces",
        )  # fmt: skip


def attribute_findings(parts: list[Primitive]) -> Iterator[Finding]:
    """Parts without normals."""
    bare = [part.name for part in parts if part.normals is None]
    if bare:
        yield Finding(
            "missing-normals", "warning",
            f"{listed('no normals in', bare)}: viewers must shade every face flat, so that "
            "curved surfaces look faceted",
            "export with normals",
        )  # fmt: skip


def color_findings(file: GltfFile) -> Iterator[Finding]:
    """Vertex colours that are probably encoded, where glTF has them linear."""
    suspected = []
    for where, primitive in _primitive_entries(file):
        index = child(primitive, "attributes").get("COLOR_0")
        if index is None:
            continue
        values = accessor_values(file, index, where)[:, :3]
        # Full and none are the same in both, and what else fits into bytes is rarely linear.
        if values.dtype == np.uint8 and bool(((values != 0) & (values != 255)).any()):
            suspected.append(where)
    if suspected:
        yield Finding(
            "srgb-vertex-colors", "warning",
            f"{listed('COLOR_0 of', suspected)} is stored in bytes, as sRGB colours are, but "
            "glTF reads it as linear light: colours look washed out (suspected)",
            "convert to linear light and store 16-bit or float components",
        )  # fmt: skip


def material_count_findings(file: GltfFile) -> Iterator[Finding]:
    """More materials than a mobile viewer likes."""
    used = {str(primitive.get("material")) for _, primitive in _primitive_entries(file)}
    if len(used) > MAX_MATERIALS:
        yield Finding(
            "many-materials", "info",
            f"{len(used)} materials are drawn one after another, which is slow on phones",
            f"put the textures on one page; up to {MAX_MATERIALS} materials pass here",
        )  # fmt: skip


def _primitive_entries(file: GltfFile) -> Iterator[tuple[str, Entry]]:
    for number, mesh in enumerate(file.entries("meshes")):
        for row, primitive in enumerate(entries(mesh, "primitives")):
            yield f"meshes[{number}].primitives[{row}]", primitive


def _positions(file: GltfFile) -> set[int]:
    given = (child(one, "attributes").get("POSITION") for _, one in _primitive_entries(file))
    count = len(file.entries("accessors"))
    return {index for index in given if isinstance(index, int) and 0 <= index < count}


def _bounds_hold(file: GltfFile, accessor: Entry, index: int) -> bool:
    values = accessor_values(file, index, "a primitive")
    none = [0.0] * values.shape[1]
    try:
        stated = [numbers(accessor, key, none, f"accessors[{index}]") for key in ("min", "max")]
    except InputError:
        return False
    low, high = values.min(0).astype(float), values.max(0).astype(float)
    # Decimal texts of float32 numbers may be cut to six digits; that hurts no viewer.
    slack = 1e-5 * max(float(np.abs([low, high]).max()), 1e-30)
    return bool((np.abs([stated[0] - low, stated[1] - high]) <= slack).all())


def _is_aligned(file: GltfFile, accessor: Entry, index: int) -> bool:
    place = f"accessors[{index}]"
    if "bufferView" not in accessor or str(accessor.get("type")).startswith("MAT"):
        return True
    view = file.entry("bufferViews", accessor["bufferView"], place)
    size = component_of(accessor, place).itemsize
    inside = whole(accessor, "byteOffset", place, 0)
    begin = inside + whole(view, "byteOffset", place, 0)
    stride = stride_of(file, accessor, place)
    is_vertex_data = "byteStride" in view or index in _vertex_accessors(file)
    return inside % size == 0 and begin % size == 0 and not (is_vertex_data and stride % 4)


def _vertex_accessors(file: GltfFile) -> set[object]:
    return {
        index for _, one in _primitive_entries(file)
        for index in child(one, "attributes").values() if isinstance(index, int)
    }  # fmt: skip
