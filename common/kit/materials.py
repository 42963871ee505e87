"""How surfaces reflect: glTF's metallic-roughness model, and what captions call it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Material:
    """A surface finish. Only finishes with a name may be mentioned in captions."""

    roughness: float
    metallic: float = 0.0
    english: str = ""
    chinese: str = ""


SATIN = Material(0.5)
"""The finish of nearly everything: soft highlights."""
MATTE = Material(0.95)
GLOSSY = Material(0.18)
METAL = Material(0.3, 0.5)
"""Polished metal of crowns, keys and bells, bright enough to keep its colour name."""
GLASS = Material(0.12)
"""Opaque glass, as in window panes and lenses."""
METALLIC = Material(0.24, 0.85, "metallic", "金属")
"""The finish that captions name; nothing else looks like it."""
