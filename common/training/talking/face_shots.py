"""Kit faces seen with many mouths and nothing else changed.

The expression at rest, smile, eyes and gaze are drawn for each face and stay; opening, width and
rounding of the mouth change. Faces obey the kit's split: those of a category whose talking is held
out, and held-out instances, are never among the trained ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8

from common.cameras import Cameras, project
from common.kit.catalogue import CATEGORIES
from common.kit.category import Category
from common.kit.face_pose import VISEMES, FacePose, blended
from common.kit.instances import instance
from common.kit.kit_object import KitObject
from common.kit.part import Part
from common.kit.render import render
from common.kit.speech import LOUDNESS, VOWELS
from common.kit.split import is_motion_held_out
from common.kit.textured import textured_mesh
from common.kit.views import FRONT, View, camera_of
from common.seeding import stream_seed
from common.training.kit.kit_parts import KitPart, near_front_view, objects_of
from common.training.kit.kit_store import to_bytes

SIZE_PX = 128
Mouth = tuple[float, float, float]
"""Opening, width and rounding, each from 0 to 1, as `FacePose` has them."""
CLOSED: Mouth = (0.0, 0.5, 0.0)
MILD = FacePose(smile=0.3)
"""The expression of faces that are measured."""


class FaceShots(NamedTuple):
    """One face, front on or nearly so, once for every mouth."""

    category: str
    pictures: UInt8[np.ndarray, "m h w 4"]
    """Premultiplied RGBA."""
    mouths: Float[np.ndarray, "m 3"]
    place: Float[np.ndarray, " 3"]
    """Of the closed mouth, as `common.embedded.mouth.Places` have it."""

    @property
    def clip(self) -> Float[torch.Tensor, "c m h w"]:
        """The pictures in [-1, 1]."""
        whole = torch.from_numpy(self.pictures).float() / 127.5 - 1
        return rearrange(whole, "m h w c -> c m h w")


def loud_viseme(name: str) -> FacePose:
    """A named mouth shape as kit faces say it: vowels are wide open."""
    shape = VISEMES[name]
    wider = LOUDNESS if name in VOWELS else 1.0
    return replace(shape, mouth_open=min(1.0, wider * shape.mouth_open))


def mouth_of(pose: FacePose) -> Mouth:
    """The mouth of an expression."""
    return pose.mouth_open, pose.mouth_width, pose.rounding


def talking_categories(held_out: bool) -> tuple[Category, ...]:
    """Categories with a mouth, whose talking is held out by the kit's split or is not."""
    return tuple(
        one for one in CATEGORIES
        if one.talks and is_motion_held_out(one.name, "talk") == held_out
    )  # fmt: skip


def trained_faces(per_category: int, num_mouths: int) -> Iterator[FaceShots]:
    """Faces to learn from, seen from near the front: at rest first, then with drawn mouths."""
    for category in talking_categories(held_out=False):
        for one in _objects("train", category, per_category):
            rng = np.random.default_rng(stream_seed(one.seed, 0, f"mouths {category.name}"))
            mouths = [CLOSED, *(drawn_mouth(rng) for _ in range(num_mouths - 1))]
            yield shots_of(one, face_at_rest(rng), mouths, near_front_view(rng))


def measured_objects(per_category: int) -> Iterator[KitObject]:
    """Held-out instances: of trained categories, then of those that are never trained on."""
    for held_out in (False, True):
        for category in talking_categories(held_out):
            yield from _objects("instances", category, per_category)


def held_out_faces(per_category: int, num_mouths: int) -> Iterator[FaceShots]:
    """Held-out faces seen from the front: at rest first, then with drawn mouths."""
    for one in measured_objects(per_category):
        rng = np.random.default_rng(stream_seed(one.seed, 1, f"mouths {one.category}"))
        mouths = [CLOSED, *(drawn_mouth(rng) for _ in range(num_mouths - 1))]
        yield shots_of(one, face_at_rest(rng), mouths)


def face_at_rest(rng: np.random.Generator) -> FacePose:
    """An expression with eyes open; its mouth is to be replaced."""
    smile = float(rng.uniform(0.0, 0.7))
    gaze_x, gaze_y = float(rng.uniform(-0.6, 0.6)), float(rng.uniform(-0.3, 0.3))
    return FacePose(smile=smile, gaze_x=gaze_x, gaze_y=gaze_y)


def drawn_mouth(rng: np.random.Generator) -> Mouth:
    """Between two mouth shapes of speech, or any mouth at all."""
    if rng.random() < 0.3:
        opening, width, rounding = rng.uniform(0, 1, 3).tolist()
        return opening, width, rounding
    start, end = (loud_viseme(name) for name in rng.choice(list(VISEMES), 2).tolist())
    return mouth_of(blended(start, end, float(rng.random())))


def shots_of(
    one: KitObject, rest: FacePose, mouths: list[Mouth], view: View = FRONT, size_px: int = SIZE_PX
) -> FaceShots:
    """A face with each of these mouths, from one camera."""
    parts = [posed_parts(one, rest, mouth) for mouth in mouths]
    meshes = [textured_mesh(some) for some in parts]
    camera = camera_of(view, torch.cat([mesh.vertices for mesh in meshes]), size_px)
    pictures = [to_bytes(render(mesh, camera).rgba)[0] for mesh in meshes]
    place = place_of(posed_parts(one, rest, CLOSED), camera)
    return FaceShots(one.category, np.stack(pictures), np.array(mouths), place)


def posed_parts(one: KitObject, rest: FacePose, mouth: Mouth) -> tuple[Part, ...]:
    """The parts of a face with this mouth."""
    opening, width, rounding = mouth
    pose = replace(rest, mouth_open=opening, mouth_width=width, rounding=rounding)
    facts = one.facts
    return instance(facts.category, one.seed, main=facts.main, accent=facts.accent, pose=pose).parts


def place_of(parts: Sequence[Part], camera: Cameras) -> Float[np.ndarray, " 3"]:
    """Where the closed mouth of a face is seen."""
    (mouth,) = (part.mesh.vertices for part in parts if part.name == "mouth")
    seen, _ = project(camera, torch.from_numpy(mouth).float())
    side = min(camera.height, camera.width)
    low, high = seen[0].amin(0) / side, seen[0].amax(0) / side
    return np.array([*((low + high) / 2).tolist(), float(high[0] - low[0])])


def _objects(
    name: Literal["train", "instances"], category: Category, count: int
) -> Iterator[KitObject]:
    return objects_of(KitPart(name, count, 0), category)
