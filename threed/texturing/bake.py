"""Baking: from a scene, and perhaps the pictures it was made from, to a texture."""

from dataclasses import dataclass, field, replace

from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras
from common.raster.mesh import TriangleMesh
from threed.scenes.voxel_field import VoxelField
from threed.texturing.field_colours import Shell, surface_colours
from threed.texturing.seams import levelled
from threed.texturing.texels import texels_of, texture_from
from threed.texturing.view_colours import ViewWeights, view_colours


@dataclass(frozen=True)
class BakeOptions:
    """How a texture is made."""

    size: int = 1024
    """Texels along each side."""
    supersample: int = 2
    """Samples along each side of a texel; memory and time grow with its square."""
    level_seams: bool = True
    """Whether steps of colour between charts are levelled (`seams`)."""
    shell: Shell = field(default_factory=Shell)
    """Where the field's colours are gathered."""
    views: ViewWeights = field(default_factory=ViewWeights)
    """What pictures have to say."""
    field_weight: float = 0.05
    """What the field has to say beside pictures, whose weights are cosines to a power: at 0 it
    speaks only where no picture sees the surface."""
    given: ViewWeights = field(
        default_factory=lambda: ViewWeights(
            cosine_power=1.0, min_cosine=0.05, min_alpha=0.5, erode_px=0
        )
    )
    """What given pictures have to say: all that they show, up to outlines that the mesh follows."""
    given_weight: float = 100.0
    """How many times as much they weigh as pictures that are drawn."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of an object from known cameras."""

    rgba: Float[Tensor, "v h w 4"]
    """Premultiplied, sRGB-encoded, in [0, 1]."""
    cameras: Cameras


def baked(
    mesh: TriangleMesh,
    scene: VoxelField,
    pictures: Pictures | None = None,
    options: BakeOptions | None = None,
    given: Pictures | None = None,
) -> TriangleMesh:
    """The mesh with a texture: at each texel the weighted mean of pictures and field.

    ``(sum_v w_v c_v + w_f c_f) / (sum_v w_v + w_f)``: `view_colours` gives the pictures' colours
    and weights, `surface_colours` the field's colour. Colours are functions of the surface point,
    so the two sides of a seam differ only by what texels cannot resolve, which is levelled. Without
    pictures it is the field's colours alone.

    Args:
        mesh: with texture coordinates, from `unwrap`.
        scene: the field that the mesh is the surface of.
        pictures: of the same object; their light becomes part of the texture.
        options: None: the defaults.
        given: pictures of the object that are right, whatever the others show.
    """
    chosen = options or BakeOptions()
    texels = texels_of(mesh, chosen.size, chosen.supersample)
    colours = surface_colours(scene, texels.positions, texels.normals, chosen.shell)
    own = max(chosen.field_weight, 1e-6)
    total, share = own * colours, colours.new_full((len(colours), 1), own)
    for shown, weights, times in (
        (pictures, chosen.views, 1.0),
        (given, chosen.given, chosen.given_weight),
    ):
        if shown is None:
            continue
        for view in range(len(shown.cameras)):  # one at a time, which bounds memory
            (seen,), (weight,) = view_colours(
                mesh, texels.positions, texels.normals, shown.rgba[view : view + 1],
                shown.cameras[view], weights,
            )  # fmt: skip
            total += times * weight[:, None] * seen
            share += times * weight[:, None]
    colours = total / share
    textured = replace(mesh, texture=texture_from(texels, colours.clamp(0, 1)))
    return levelled(textured) if chosen.level_seams else textured
