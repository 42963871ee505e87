"""One built object: its parts, what it is called, and the numbers it was made from."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from common.kit.captions import FULL, Facts, caption
from common.kit.face_pose import FacePose
from common.kit.palette import ColourName
from common.kit.part import Part


@dataclass(frozen=True)
class KitObject:
    """An instance of a category: centred, its longest side 1, its front towards +Z."""

    seed: int
    parts: tuple[Part, ...]
    facts: Facts
    pose: FacePose
    parameters: dict[str, float]
    """Every number drawn for this instance, by name."""

    @property
    def category(self) -> str:
        """The category's name."""
        return self.facts.category.name

    @property
    def caption_en(self) -> str:
        """The fullest English caption."""
        return caption(self.facts, FULL, "en")

    @property
    def caption_zh(self) -> str:
        """The fullest Chinese caption."""
        return caption(self.facts, FULL, "zh")

    @property
    def front_ambiguous(self) -> bool:
        """The back looks like the front, or nearly."""
        return self.facts.category.front_ambiguous

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


@dataclass(frozen=True)
class Frame:
    """The move that centres an object and scales its longest side to 1."""

    middle: Float[np.ndarray, "3"]
    scale: float


def bounding_frame(parts: tuple[Part, ...]) -> Frame:
    """The frame of parts as a builder returned them."""
    points = np.concatenate([part.mesh.vertices for part in parts])
    low, high = points.min(axis=0), points.max(axis=0)
    return Frame((low + high) / 2, 1.0 / float((high - low).max()))


def framed(parts: tuple[Part, ...], frame: Frame) -> tuple[Part, ...]:
    """The parts moved and scaled together."""
    return tuple(
        part.with_mesh(
            replace(part.mesh, vertices=(part.mesh.vertices - frame.middle) * frame.scale)
        )
        for part in parts
    )
