"""What an asset was asked to be: instances of the kit that training never shows."""

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras
from common.embedded.image_unet import View
from common.kit.catalogue import category_named
from common.kit.instances import instance
from common.kit.palette import COLOUR_NAMES, ColourName
from common.kit.render import render
from common.kit.split import is_instance_held_out
from common.kit.textured import textured_mesh
from common.raster.mesh import TriangleMesh
from common.training.kit.kit_orbits import rendered_orbit


def true_shapes(category: str, count: int) -> Iterator[TriangleMesh]:
    """Held-out instances of a category: centred, the longest side a metre, front +Z; no colours.

    Shape does not depend on colour, so an instance matches a caption in any colour.
    """
    for seed in itertools.islice(_held_out_seeds(category), count):
        parts = instance(category_named(category), seed).parts
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
    kind, main = category_named(category), _colour_named(colour)
    for seed in itertools.islice(_held_out_seeds(category), count):
        yield textured_mesh(instance(kind, seed, main=main).parts)


def true_views(mesh: TriangleMesh, cameras: Cameras) -> Float[Tensor, "v h w 4"]:
    """Pictures of an object in the kit's light: premultiplied, sRGB-encoded, in [0, 1]."""
    return render(mesh, cameras).rgba


def true_pictures(
    category: str, colour: str | None, count: int, views: tuple[View, ...]
) -> Iterator[Float[Tensor, "v h w 4"]]:
    """Pictures of these instances in a colour, in the light that the view layers learned from.

    Args:
        category: noun of the kit.
        colour: of the main part, English; None: each instance's own.
        count: instances.
        views: from where, on `common.embedded.orbit`.

    Yields:
        Premultiplied RGBA in [0, 1] of each.
    """
    kind, main = category_named(category), _colour_named(colour)
    for seed in itertools.islice(_held_out_seeds(category), count):
        seen = rendered_orbit(instance(kind, seed, main=main), views)
        yield torch.from_numpy(seen).float() / 255


def _colour_named(name: str | None) -> ColourName | None:
    return next((colour for colour in COLOUR_NAMES if colour == name), None)


def _held_out_seeds(category: str) -> Iterator[int]:
    return (seed for seed in itertools.count() if is_instance_held_out(category, seed))
