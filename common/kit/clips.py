"""Clips of kit objects: a motion, one fixed camera, and the ground truth of every frame."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float

from common.kit.catalogue import category_named
from common.kit.instances import instance
from common.kit.kit_object import KitObject
from common.kit.motions import Motion, Track, track
from common.kit.render import KitPictures, joined, render
from common.kit.textured import textured_mesh
from common.kit.views import View, camera_of
from common.raster.mesh import TriangleMesh


@dataclass(frozen=True)
class KitClip:
    """Frames (along the pictures' view axis), their camera and what moved how."""

    frames: KitPictures
    track: Track
    view: View


def render_clip(
    kit_object: KitObject,
    motion: Motion,
    view: View,
    num_frames: int,
    rng: np.random.Generator,
    size: int = 128,
    supersample: int = 2,
) -> KitClip:
    """The object in motion; the camera stands still and sees all of it in every frame."""
    points = np.concatenate([part.mesh.vertices for part in kit_object.parts])
    moving = track(motion, num_frames, rng, points, view)
    meshes = _meshes(kit_object, moving)
    everywhere = torch.cat([mesh.vertices for mesh in meshes])
    camera = camera_of(view, everywhere, size)
    return KitClip(joined([render(mesh, camera, supersample) for mesh in meshes]), moving, view)


def moved(mesh: TriangleMesh, transform: Float[np.ndarray, "4 4"]) -> TriangleMesh:
    """The mesh under an affine move; normals by the inverse transpose."""
    move = torch.from_numpy(transform).float()
    assert mesh.normals is not None
    normals = mesh.normals @ torch.linalg.inv(move[:3, :3])
    return replace(
        mesh,
        vertices=mesh.vertices @ move[:3, :3].T + move[:3, 3],
        normals=torch.nn.functional.normalize(normals, dim=-1),
    )


def _meshes(kit_object: KitObject, moving: Track) -> list[TriangleMesh]:
    """The object's mesh at every frame; a speaking face is built anew for every expression."""
    if moving.speech is None:
        mesh = textured_mesh(kit_object.parts)
        return [moved(mesh, transform) for transform in moving.transforms]
    meshes = []
    for pose, transform in zip(moving.speech.poses, moving.transforms, strict=True):
        posed = instance(
            category_named(kit_object.category),
            kit_object.seed,
            main=kit_object.facts.main,
            accent=kit_object.facts.accent,
            pose=pose,
        )
        meshes.append(moved(textured_mesh(posed.parts), transform))
    return meshes
