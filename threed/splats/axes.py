"""Which way the axes of a splat file point, in words and in letters.

Three letters say where +x, +y and +z point, as someone sees it who stands before the object and
looks at its front: R right or L left, U up or D down, F forward (away from them, into the picture)
or B backward (toward them).

=======  ==================================  ====================================================
letters  axes                                who writes them
=======  ==================================  ====================================================
``RUB``  x right, y up, z backward           this project, glTF (front +Z), OpenGL, .spz
``RDF``  x right, y down, z forward          COLMAP and so INRIA's trainer: .ply and .splat
``RFU``  x right, y forward, z up            nerfstudio and Blender (front -Y)
``LDB``  x left, y down, z backward          a .ply for PlayCanvas, which turns files about z
``RUF``  x right, y up, z forward            Unity: a mirror image of all the above
=======  ==================================  ====================================================

The letters are a viewer's. Who names axes from the object's own place, with its front forward,
calls ours ``LUF``: .spz's documentation does so for glTF, and programs that follow it turn a .ply
about z rather than x on its way to glTF, so that its front comes out as the back.

Nothing in most files says which it is: scenes stand as their cameras did when they were taken. The
formats' defaults are what their writers usually mean, and readers and writers take another.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.similarity import moved_cloud

OURS = "RUB"
_WORDS = {
    "R": (0, 1.0, "right"), "L": (0, -1.0, "left"),
    "U": (1, 1.0, "up"), "D": (1, -1.0, "down"),
    "B": (2, 1.0, "backward"), "F": (2, -1.0, "forward"),
}  # fmt: skip


def axes_matrix(axes: str) -> Float[Tensor, "3 3"]:
    """The matrix that takes a file's coordinates to ours (+Y up, front +Z): a signed permutation.

    Raises:
        InputError: not three letters that name each direction of space once.
    """
    known = [_WORDS[letter] for letter in axes if letter in _WORDS]
    if len(axes) != 3 or sorted(axis for axis, _, _ in known) != [0, 1, 2]:
        raise InputError(
            f"axes are three letters for the directions of x, y and z, one each of R or L, U or D, "
            f"F or B, such as RDF (x right, y down, z forward); got '{axes}'"
        )
    matrix = torch.zeros(3, 3, dtype=torch.float64)
    for column, (axis, sign, _) in enumerate(known):
        matrix[axis, column] = sign
    return matrix


def axes_in_words(axes: str) -> str:
    """``RDF`` is "x right, y down, z forward"."""
    axes_matrix(axes)
    pairs = zip("xyz", axes, strict=True)
    return ", ".join(f"{name} {_WORDS[letter][2]}" for name, letter in pairs)


def from_axes(cloud: GaussianCloud, axes: str) -> GaussianCloud:
    """A cloud as it stands in a file, turned into our world: centres, bodies and colours."""
    return cloud if axes == OURS else moved_cloud(cloud, axes_matrix(axes))


def to_axes(cloud: GaussianCloud, axes: str) -> GaussianCloud:
    """A cloud of our world as a file with these axes has it: undoes `from_axes`."""
    return cloud if axes == OURS else moved_cloud(cloud, axes_matrix(axes).T.contiguous())
