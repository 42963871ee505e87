"""From posed pictures to an asset: fit, mesh, compare, put back where the dataset has it."""

import torch
from jaxtyping import Float
from torch import Tensor

from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from common.runs.app import Run
from threed.asset import Asset
from threed.capture.fitted_scene import fitted_scene
from threed.capture.posed_object import RADIUS_M, capture_of
from threed.conversion.mesh_gaussians import meshed_pictures, placed_back
from threed.measures.cloud_views import Frame
from threed.measures.consistency import view_psnr
from threed.measures.silhouettes import silhouette_iou
from threed.meshing.gaussian_density import density_field
from threed.reconstruct import Reconstruct
from threed.rendering import gaussians, volume
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.similarity import moved_cloud
from threed.scenes.voxel_field import VoxelField
from threed.textured_trimesh import textured_trimesh
from threed.texturing.bake import Pictures


def reconstructed_asset(method: Reconstruct, seed: int, run: Run) -> Asset:
    """Fit a scene to the pictures and mesh it, in the dataset's place and size.

    The figures ``held_out/...`` compare scene and mesh with pictures that were not fitted.

    Raises:
        InputError: pictures that no fit can begin with.
    """
    with run.clock.stage("pictures"):
        capture = capture_of(method)
    scene = fitted_scene(method.scene, capture.fitted, seed, run)
    cloud = scene if isinstance(scene, GaussianCloud) else None
    shown = {"scene": _drawn(scene, capture.held_out)} if capture.held_out else {}
    notes, mesh = list(capture.notes), None
    # the fit's world has the object's sphere at `RADIUS_M`, the dataset's at the frame's radius
    frame = Frame(capture.frame.centre, capture.frame.radius_m / RADIUS_M)
    if method.meshing is not None:
        with run.clock.stage("mesh and texture"):
            field = scene
            if isinstance(field, GaussianCloud):
                field = density_field(field, method.meshing.num_cells)
            made = meshed_pictures(field, capture.fitted, method.meshing, method.max_faces,
                                   method.texture_px)  # fmt: skip
        notes.append(
            f"Meshed: {len(made.mesh.faces):,} faces, whose outlines overlap those of the fitted "
            f"pictures by {made.silhouette_iou:.4f}."
        )
        if capture.held_out:
            cameras = capture.held_out.cameras
            shown["mesh"] = render_mesh(made.mesh, cameras, lighting=FLAT_LIGHTING).rgba
        mesh = textured_trimesh(placed_back(made.mesh, frame))
    metrics: dict[str, float] = {}
    for name, pictures in shown.items():
        assert capture.held_out is not None
        figures = _compared(pictures, capture.held_out.rgba)
        metrics |= {f"held_out/{name}/{key}": value for key, value in figures.items()}
        notes.append(
            f"{len(pictures)} pictures that were not fitted: the {name} shows them at "
            f"{figures['psnr_db']:.1f} dB ({figures['alpha_box_psnr_db']:.1f} dB in the box of the "
            f"object, overlap of outlines {figures['silhouette_iou']:.4f})."
        )
    if cloud is not None:
        shift = torch.tensor(frame.centre, dtype=torch.float64)
        turn = torch.eye(3, dtype=torch.float64)
        cloud = moved_cloud(cloud, turn, scale=frame.radius_m, shift=shift)
    place = method.input.resolve()
    stem = place.name if place.is_dir() else place.parent.name
    return Asset(stem or "scene", mesh, (), cloud, tuple(notes), metrics)


def _drawn(scene: GaussianCloud | VoxelField, held: Pictures) -> Float[Tensor, "v h w 4"]:
    with torch.no_grad():
        if isinstance(scene, VoxelField):
            return volume.render(scene, held.cameras).rgba
        seen = gaussians.render(scene, held.cameras).rgba
    return torch.cat([seen[..., :3].clamp_min(0).minimum(seen[..., 3:]), seen[..., 3:]], -1)


def _compared(
    shown: Float[Tensor, "v h w 4"], wanted: Float[Tensor, "v h w 4"]
) -> dict[str, float]:
    """Means over the views; PSNR of whole pictures is on black, where premultiplied colours are."""
    squares = (shown - wanted)[..., :3].double().square().mean((1, 2, 3))
    whole = (-10 * squares.clamp_min(1e-10).log10()).mean()
    return {
        "psnr_db": float(whole),
        "alpha_box_psnr_db": float(view_psnr(shown, wanted).mean()),
        "silhouette_iou": float(silhouette_iou(shown[..., 3], wanted[..., 3]).mean()),
    }
