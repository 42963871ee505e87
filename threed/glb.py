"""Assets as binary glTF files that open the same everywhere.

Normals and material factors are explicit (metallic 0, roughness 1 unless the source says
otherwise), because glTF's own defaults are fully metallic, which is black under most lights.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import trimesh


def glb_bytes(mesh: "trimesh.Trimesh") -> bytes:
    """The mesh as a binary glTF file, with normals and explicit material factors."""
    data = mesh.export(
        file_type="glb", include_normals=True, tree_postprocessor=_explicit_materials
    )
    assert isinstance(data, bytes)
    return data


def _explicit_materials(tree: dict[str, Any]) -> None:
    """Give every primitive a material, and every material the factors that it leaves out."""
    materials = tree.setdefault("materials", [])
    for mesh in tree["meshes"]:
        for primitive in mesh["primitives"]:
            if "material" not in primitive:
                primitive["material"] = len(materials)
                materials.append({})
    for material in materials:
        factors = material.setdefault("pbrMetallicRoughness", {})
        if "metallicRoughnessTexture" not in factors:
            factors.setdefault("metallicFactor", 0.0)
            factors.setdefault("roughnessFactor", 1.0)
