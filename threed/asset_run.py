"""A run that makes an asset of a prompt: files and report."""

from pathlib import Path

from common.media.contact_sheet import picture_sheet
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.report.content import Axis, Fact, Gallery, MediaItem, Plot, Section, series
from common.report.json_report import sample_metrics
from common.runs.app import Estimate, Outcome, Run
from common.runs.provenance import provenance_of
from threed.asset_export import artefacts, export_asset, mesh_metrics, shown_asset
from threed.candidates_report import shown_candidates, write_candidates
from threed.config import ThreedConfig
from threed.edit_report import edit_metrics, shown_edit, write_edit
from threed.from_prompt import Distillation, FromPrompt
from threed.lifted_views import LiftedViews
from threed.made_asset import MadeAsset
from threed.make_asset import make_asset
from threed.scenes.scene_config import TexturedMesh
from threed.splat_report import shown_splats, splat_metrics
from threed.textured_trimesh import textured_trimesh
from threed.turntable import Turntable, turntable_frames, write_turntable
from threed.view_priors import build_view_prior, latent_shape_of, view_prior_bytes
from threed.written_asset import export_dataset, export_splats

_LIBRARIES_BYTES = 900 * 2**20
_BYTES_PER_NODE = 400
"""Of a scene of colours: values, gradients, moments and the sums of four threads."""


def asset_estimate(config: ThreedConfig, method: FromPrompt) -> Estimate:
    """Sizes and memory of the run."""
    num_views, size_px = method.view_shape
    texture_px: int = method.texture_px
    if isinstance(method, Distillation) and isinstance(method.scene, TexturedMesh):
        texture_px = method.scene.texture_px
    sizes = {
        "views": f"{num_views} x {size_px} x {size_px}",
        "scene": "a mesh"
        if not method.num_cells
        else f"up to {method.num_cells} x {method.num_cells} x {method.num_cells} cells",
        "texture": f"{texture_px} x {texture_px}",
    }
    node_bytes = _BYTES_PER_NODE
    if isinstance(method, Distillation) and method.in_latents:
        channels, height, width = latent_shape_of(config.prior, method)
        sizes["colours"] = f"{channels} latents rendered at {width} x {height}, encoder not used"
        node_bytes = _BYTES_PER_NODE * (1 + channels) // 4
    memory = _LIBRARIES_BYTES + node_bytes * method.num_scenes * method.num_cells**3
    memory += view_prior_bytes(config.prior, method)
    return Estimate(sizes, memory, method.num_evaluations)


def run_asset(config: ThreedConfig, method: FromPrompt, run: Run) -> Outcome:
    """Make the asset, write it with its turntable and the views it was made from."""
    with run.clock.stage("prior"):
        prior = build_view_prior(config.prior, method, run.device)
    made = make_asset(method, config.prompt, prior, config.seed, run)
    placed = made.in_files_world()
    mesh = textured_trimesh(placed.mesh)
    files = export_asset(config, run, "asset", mesh, placed.mesh)
    with run.clock.stage("export"):
        views = _write_views(config, run, made)
        films = _write_turntable(config, run, made)
    facts = (Fact("Overlap of its outlines with the views", 100 * made.silhouette_iou, "%"),)
    items = (*(MediaItem(film, "Turntable", facts) for film in films),
             MediaItem(views, _said_of_pictures(method)))  # fmt: skip
    shown, metrics = shown_asset(files, mesh), mesh_metrics(files)
    others: list[Path] = []
    chosen: list[Path] = []
    if made.candidates is not None:
        chosen.append(write_candidates(run, made.candidates))
        shown = (*shown, shown_candidates(made.candidates, chosen[0]))
    if made.edit is not None:
        sheet = write_edit(run, made.edit)
        others.append(sheet)
        shown = (*shown, *shown_edit(made.edit, sheet))
        metrics |= edit_metrics(made.edit)
    if placed.cloud is not None:
        splats, sheet = export_splats(config, run, "splats", placed.cloud)
        others += [*(file.path for file in splats.files), sheet]
        shown = (*shown, *shown_splats(splats, placed.cloud, sheet))
        metrics |= splat_metrics(splats)
    others += export_dataset(config, run, "asset", placed.cloud or placed.mesh)
    sections = (*shown, Gallery("From all sides", items), *_curves(run))
    sample = sample_metrics(config.prompt, 0, config.seed, metrics)
    return Outcome((*artefacts(files), *others, *films, views, *chosen), sections, (sample,))


def _write_views(config: ThreedConfig, run: Run, made: MadeAsset) -> Path:
    """The drawn views side by side."""
    planes = made.pictures.rgba.permute(0, 3, 1, 2) * 2 - 1
    sheet = picture_sheet([to_picture(plane) for plane in planes], num_columns=len(planes))
    path = run.folder.samples / "views.png"
    write_picture(path, sheet, provenance=provenance_of(config, run, config.prompt, 0))
    return path


def _said_of_pictures(method: FromPrompt) -> str:
    if isinstance(method, LiftedViews):
        return "The views that the prior drew"
    return "The scene before it became a mesh"


def _write_turntable(config: ThreedConfig, run: Run, made: MadeAsset) -> list[Path]:
    film = config.turntable
    if not film.num_frames:
        return []
    frames = turntable_frames(made.mesh, Turntable(film.num_frames, film.size_px))
    path = run.folder.samples / "turntable.mp4"
    record = provenance_of(config, run, config.prompt, 0)
    write_turntable(path, frames, film.background, film.fps, record)
    return [path]


def _curves(run: Run) -> list[Section]:
    """The loss over all steps of fit and distillation."""
    found = []
    for phase in ("fit", "distil"):
        rows = [row for row in run.metrics.read() if row.get(f"{phase}/loss") is not None]
        if len(rows) > 1:
            found.append(
                series(phase, [row["step"] for row in rows], [row[f"{phase}/loss"] for row in rows])
            )
    return [Plot("Optimisation", Axis("Step", ""), Axis("Loss", ""), tuple(found))] if found else []
