"""True shapes of what an asset was asked to be: instances of the kit that training never shows."""

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras
from common.kit.catalogue import category_named
from common.kit.instances import instance
from common.kit.palette import COLOUR_NAMES
from common.kit.render import render
from common.kit.split import is_instance_held_out
from common.kit.textured import textured_mesh
from common.raster.mesh import TriangleMesh


def true_shapes(category: str, count: int) -> Iterator[TriangleMesh]:
    """Held-out instances of a category: centred, the longest side a metre, front +Z; no colours.

    Shape does not depend on colour, so an instance matches a caption in any colour.
    """
    kind = category_named(category)
    for seed in itertools.islice(_held_out_seeds(category), count):
        parts = instance(kind, seed).parts
        ends = np.cumsum([0, *(len(part.mesh.vertices) for part in parts)])
        faces = [part.mesh.faces + end for part, end in zip(parts, ends[:-1], strict=True)]
        yield TriangleMesh(
            vertices=torch.from_numpy(np.concatenate([p.mesh.vertices for p in parts])).float(),
            faces=torch.from_numpy(np.concatenate(faces)),
        )


def true_object(category: str, colour: str | None) -> TriangleMesh:
    """The first of `true_objects`."""
    return next(true_objects(category, colour, 1))


def true_objects(category: str, colour: str | None, count: int) -> Iterator[TriangleMesh]:
    """`true_shapes` with textures and finishes, their main parts in a colour."""
    main = next((name for name in COLOUR_NAMES if name == colour), None)
    for seed in itertools.islice(_held_out_seeds(category), count):
        yield textured_mesh(instance(category_named(category), seed, main=main).parts)


def true_views(mesh: TriangleMesh, cameras: Cameras) -> Float[Tensor, "v h w 4"]:
    """Pictures of an object in the kit's light: premultiplied, sRGB-encoded, in [0, 1]."""
    return render(mesh, cameras).rgba


def _held_out_seeds(category: str) -> Iterator[int]:
    return (seed for seed in itertools.count() if is_instance_held_out(category, seed))
