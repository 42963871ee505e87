"""An asset that needs no prompt: written, checked and shown."""

import shutil
from pathlib import Path

from common.raster.mesh import TriangleMesh
from common.report.content import Gallery, MediaItem, Note, Section
from common.report.json_report import sample_metrics
from common.runs.app import Outcome, Run
from common.runs.console import LOGGER
from common.runs.provenance import provenance_of
from threed.asset import Asset
from threed.asset_export import artefacts, export_asset, mesh_metrics, shown_asset
from threed.config import ThreedConfig
from threed.dataset_export import write_dataset
from threed.drawable import drawable_mesh
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.splat_files import SplatFiles, write_splat_files
from threed.splat_report import shown_splats, splat_metrics, write_splat_sheet
from threed.turntable import Turntable, framed_turntable, write_turntable


def written_asset(config: ThreedConfig, run: Run, asset: Asset) -> Outcome:
    """Mesh files, files of Gaussians and the dataset, as far as there are any, and their report."""
    for loss in asset.losses:
        LOGGER.warning("read: %s", loss)
    for note in asset.notes:
        LOGGER.info("%s", note)
    paths: list[Path] = []
    sections: list[Section] = []
    metrics: dict[str, float | None] = dict(asset.metrics)
    if asset.mesh is not None:
        files = export_asset(config, run, asset.name, asset.mesh, drawable_mesh(asset.mesh))
        paths += artefacts(files)
        sections += shown_asset(files, asset.mesh)
        metrics |= mesh_metrics(files)
    if asset.cloud is not None:
        stem = asset.name if asset.mesh is None else f"{asset.name}_splats"
        splats, sheet = export_splats(config, run, stem, asset.cloud)
        paths += [file.path for file in splats.files] + [sheet]
        sections += shown_splats(splats, asset.cloud, sheet)
        metrics |= splat_metrics(splats)
    scene = asset.cloud if asset.mesh is None else drawable_mesh(asset.mesh)
    films = _filmed(config, run, asset.name, scene)
    if films:
        sections.append(
            Gallery("From all sides", tuple(MediaItem(one, "Turntable") for one in films))
        )
    paths += films
    paths += export_dataset(config, run, asset.name, scene)
    sections += [Note(note, level="info") for note in asset.notes]
    sections += [Note(f"Lost in reading: {loss}.", level="warning") for loss in asset.losses]
    sample = sample_metrics(config.prompt, 0, config.seed, metrics)
    return Outcome(tuple(paths), tuple(sections), (sample,))


def export_splats(
    config: ThreedConfig, run: Run, stem: str, cloud: GaussianCloud
) -> tuple[SplatFiles, Path]:
    """The files of a cloud, and a sheet of what each shows; what a format loses is said at once."""
    with run.clock.stage("splats"):
        splats = write_splat_files(
            run.folder.samples, stem, cloud, config.export.splats, config.export.splat_axes
        )
        sheet = run.folder.samples / f"{stem}.png"
        write_splat_sheet(sheet, splats, provenance_of(config, run, config.prompt, 0))
    for file in splats.files:
        for loss in file.losses:
            LOGGER.warning(
                "%s: %s (pictures agree to %.1f dB)", file.path.name, loss, file.check.psnr_db
            )
    return splats, sheet


def export_dataset(
    config: ThreedConfig, run: Run, stem: str, scene: TriangleMesh | GaussianCloud | None
) -> list[Path]:
    """The renders for nerfstudio, if any are asked for."""
    views = config.export.dataset_views
    if not views or scene is None:
        return []
    with run.clock.stage("dataset"):
        folder = run.folder.samples / f"{stem}_dataset"
        shutil.rmtree(folder, ignore_errors=True)  # of a run that was stopped
        return [write_dataset(folder, scene, views, config.export.dataset_px)]


def _filmed(
    config: ThreedConfig, run: Run, stem: str, scene: TriangleMesh | GaussianCloud | None
) -> list[Path]:
    """The turntable, unless it is to have no frames."""
    film = config.turntable
    if not film.num_frames or scene is None:
        return []
    with run.clock.stage("turntable"):
        frames = framed_turntable(scene, Turntable(film.num_frames, film.size_px))
        path = run.folder.samples / f"{stem}.mp4"
        record = provenance_of(config, run, config.prompt, 0)
        write_turntable(path, frames, film.background, film.fps, record)
    return [path]
