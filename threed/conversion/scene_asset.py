"""Gaussians or a field from a file as an asset, with a mesh of them if that is asked for."""

from typing import TYPE_CHECKING

from common.errors import InputError
from threed.asset import Asset
from threed.conversion.mesh_gaussians import MeshedScene, meshed_field, meshed_gaussians
from threed.conversion.nerfacto_grid import nerfacto_grid
from threed.conversion.options import Meshing
from threed.conversion.sources import (
    kind_of,
    placement,
    read_gaussians,
    read_training,
    trained_cloud,
)
from threed.conversion.tidy_mesh import DEFAULT_TEXTURE_PX
from threed.conversion.trained_voxels import meshed_voxels
from threed.measures.cloud_views import MeshBack, mesh_back
from threed.nerfstudio.checkpoint import NerfstudioCheckpoint
from threed.nerfstudio.nerfacto import nerfacto_field
from threed.nerfstudio.voxel_checkpoint import trained_field
from threed.textured_trimesh import textured_trimesh

if TYPE_CHECKING:
    from threed.convert import Convert


def scene_asset(method: "Convert") -> Asset:
    """What the file of ``method`` holds.

    Raises:
        InputError: foreign or damaged, nothing visible in it, or a field without ``meshing``.
    """
    losses: tuple[str, ...] = ()
    if kind_of(method.input) == "checkpoint":
        checkpoint = read_training(method.input)
        if checkpoint.method == "nerfacto":
            return _field_asset(method, checkpoint)
        if checkpoint.method == "extrude":
            return _voxels_asset(method, checkpoint)
        cloud = trained_cloud(checkpoint, method.input, method.dataset)
    else:
        source = read_gaussians(method.input, method.axes)
        cloud, losses = source.cloud, source.losses
    cloud = method.placed(cloud)
    if method.meshing is None:
        return Asset(method.input.stem, None, losses, cloud)
    made = meshed_gaussians(
        cloud, method.meshing, method.max_faces, method.texture_px or DEFAULT_TEXTURE_PX
    )
    back = mesh_back(cloud, made.mesh)
    metrics = {
        "meshing/interior_psnr_db": back.interior_psnr_db,
        "meshing/surface_psnr_db": back.surface_psnr_db,
    }
    if back.silhouette_iou is not None:
        metrics["meshing/silhouette_iou"] = back.silhouette_iou
    notes = (_said_of(made), _compared(back))
    mesh = textured_trimesh(made.mesh)
    return Asset(method.input.stem, mesh, (*losses, *made.losses), cloud, notes, metrics)


def _field_asset(method: "Convert", checkpoint: NerfstudioCheckpoint) -> Asset:
    if placement(method.input, method.dataset) is not None:
        raise InputError(
            "dataset is for splatfacto and extrude; nerfacto's field stays in its training world"
        )
    options = method.meshing or Meshing()
    field = nerfacto_grid(nerfacto_field(checkpoint), options.num_cells)
    made = meshed_field(field, options, method.max_faces, method.texture_px or DEFAULT_TEXTURE_PX)
    losses = (
        "what lies beyond the middle of the training world is left out",
        "colours that depend on the direction become their mean",
    )
    mesh = method.placed_mesh(textured_trimesh(made.mesh))
    return Asset(method.input.stem, mesh, losses, notes=(_said_of(made),))


def _voxels_asset(method: "Convert", checkpoint: NerfstudioCheckpoint) -> Asset:
    transform = placement(method.input, method.dataset)
    made = meshed_voxels(
        trained_field(checkpoint), transform, method.meshing or Meshing(), method.max_faces,
        method.texture_px or DEFAULT_TEXTURE_PX,
    )  # fmt: skip
    losses = ("softness and transparency become a surface",)
    mesh = method.placed_mesh(textured_trimesh(made.mesh))
    return Asset(method.input.stem, mesh, losses, notes=(_said_of(made),))


def _said_of(made: MeshedScene) -> str:
    return (
        f"Meshed: {len(made.mesh.faces):,} faces, whose outlines overlap those of the scene by "
        f"{made.silhouette_iou:.4f} in the renders that it was made from."
    )


def _compared(back: MeshBack) -> str:
    iou = back.silhouette_iou
    overlap = "" if iou is None else f", overlap of outlines {iou:.4f}"
    return (
        f"From six other sides the mesh shows the Gaussians at {back.surface_psnr_db:.1f} dB away "
        f"from outlines, {back.interior_psnr_db:.1f} dB wherever both are opaque{overlap}."
    )
