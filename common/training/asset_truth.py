"""True shapes of what an asset was asked to be: instances of the kit that training never shows."""

import itertools
from collections.abc import Iterator

import numpy as np
import torch

from common.kit.catalogue import category_named
from common.kit.instances import instance
from common.kit.split import is_instance_held_out
from common.raster.mesh import TriangleMesh


def true_shapes(category: str, count: int) -> Iterator[TriangleMesh]:
    """Held-out instances of a category: centred, the longest side a metre, front +Z; no colours.

    Shape does not depend on colour, so an instance matches a caption in any colour.
    """
    kind = category_named(category)
    seeds = (seed for seed in itertools.count() if is_instance_held_out(category, seed))
    for seed in itertools.islice(seeds, count):
        parts = instance(kind, seed).parts
        ends = np.cumsum([0, *(len(part.mesh.vertices) for part in parts)])
        faces = [part.mesh.faces + end for part, end in zip(parts, ends[:-1], strict=True)]
        yield TriangleMesh(
            vertices=torch.from_numpy(np.concatenate([p.mesh.vertices for p in parts])).float(),
            faces=torch.from_numpy(np.concatenate(faces)),
        )
