"""The colours of a voxel field at its surface."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from threed.rendering.volume import March, march_rays
from threed.scenes.voxel_field import VoxelField, colour_of, interpolated


@dataclass(frozen=True)
class Shell:
    """The layer around the surface whose colour is the surface's, in cells of the field."""

    outside_cells: float = 1.0
    """How far outside the surface the layer begins; smoothing moves the mesh by less."""
    inside_cells: float = 2.0
    """How far inside it ends."""


def surface_colours(
    field: VoxelField,
    positions: Float[Tensor, "n 3"],
    normals: Float[Tensor, "n 3"],
    shell: Shell | None = None,
) -> Float[Tensor, "n 3"]:
    """What a ray along the inward normal sees within a thin shell, sRGB-encoded, in [0, 1].

    ``(sum w_i c_i + e c(p)) / (sum w_i + e)`` with the weights of volume rendering and a small
    ``e``: the point's own colour counts where the shell is nearly empty. One sample at the point
    would take the colour half way up the density's slope, which pictures hardly constrain.
    """
    chosen = shell or Shell()
    cell = min(field.cell_m)
    outside = chosen.outside_cells * cell
    colours = colour_of(field.colour)
    seen = march_rays(
        field, colours, positions + outside * normals, -normals,
        march=March(step_cells=0.25, reach_m=outside + chosen.inside_cells * cell),
    )  # fmt: skip
    own = interpolated(colours, field, positions)
    faint = 1e-3
    return (seen.features + faint * own) / (seen.opacity[:, None] + faint)
