"""What a format cannot hold of a mesh, said as clauses."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import trimesh

_ONE_COLOUR = 8
_MAPS = {
    "metallicRoughnessTexture": "metallic and roughness",
    "normalTexture": "normal",
    "occlusionTexture": "occlusion",
    "emissiveTexture": "emissive",
}


def map_losses(mesh: "trimesh.Trimesh") -> list[str]:
    """Pictures of the material beside the base colour's."""
    material: Any = getattr(mesh.visual, "material", None)
    names = [name for key, name in _MAPS.items() if getattr(material, key, None) is not None]
    return [f"its maps are left out: {', '.join(names)}"] if names else []


def alpha_losses(mesh: "trimesh.Trimesh") -> list[str]:
    """Transparency of texture or colours."""
    visual: Any = mesh.visual
    material = getattr(visual, "material", None)
    image = getattr(material, "baseColorTexture", None)
    clear = image is not None and image.mode == "RGBA" and image.getextrema()[3][0] < 255
    clear = clear and getattr(material, "alphaMode", None) != "OPAQUE"
    if visual.kind in ("vertex", "face"):
        clear = bool((np.asarray(visual.vertex_colors)[:, 3] < 255).any())
    return ["transparency is left out"] if clear else []


def has_texture(mesh: "trimesh.Trimesh") -> bool:
    """Whether it has a base colour picture that is laid on it."""
    visual: Any = mesh.visual
    image = getattr(getattr(visual, "material", None), "baseColorTexture", None)
    return image is not None and getattr(visual, "uv", None) is not None


def is_painted(mesh: "trimesh.Trimesh") -> bool:
    """Whether its texture shows more than one colour, so that it can be told without light."""
    if not has_texture(mesh):
        return False
    visual: Any = mesh.visual
    extrema = visual.material.baseColorTexture.convert("RGB").getextrema()
    return any(high - low > _ONE_COLOUR for low, high in extrema)
