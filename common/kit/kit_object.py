"""One built object: its parts, what it is called, and the numbers it was made from."""

from dataclasses import dataclass, replace

import numpy as np

from common.kit.face_pose import FacePose
from common.kit.palette import ColourName
from common.kit.part import Part


@dataclass(frozen=True)
class KitObject:
    """An instance of a category: centred, its longest side 1, its front towards +Z."""

    category: str
    seed: int
    parts: tuple[Part, ...]
    main_colour: ColourName
    accent_colour: ColourName | None
    finish: str
    """What the finish of the main part is called; "" where captions do not mention it."""
    pattern: str
    """What is painted on the main part: "stripes", "dots", "checks" or ""."""
    pattern_colour: ColourName | None
    caption_en: str
    """The fullest English caption."""
    caption_zh: str
    """The fullest Chinese caption."""
    front_ambiguous: bool
    pose: FacePose
    parameters: dict[str, float]
    """Every number drawn for this instance, by name."""

    @property
    def colours(self) -> dict[str, ColourName]:
        """The colour name of every part name; the first part of a name speaks for all."""
        names: dict[str, ColourName] = {}
        for part in self.parts:
            names.setdefault(part.name, part.paint.name)
        return names

    @property
    def num_triangles(self) -> int:
        """Triangles of all parts."""
        return sum(len(part.mesh.faces) for part in self.parts)


def normalised(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts moved and scaled together: bounding box centred, its longest side 1."""
    points = np.concatenate([part.mesh.vertices for part in parts])
    low, high = points.min(axis=0), points.max(axis=0)
    scale = 1.0 / float((high - low).max())
    middle = (low + high) / 2
    return tuple(
        part.with_mesh(replace(part.mesh, vertices=(part.mesh.vertices - middle) * scale))
        for part in parts
    )
