"""Writing an asset in all its formats, and showing it in a report."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from common.raster.mesh import TriangleMesh
from common.report.content import Asset as ShownAsset
from common.report.content import AssetView, Cell, Column, Fact, Note, Section, Table
from common.report.json_report import SampleMetrics, sample_metrics
from common.runs.app import Run
from common.runs.console import LOGGER
from common.runs.provenance import provenance_of
from threed.asset_files import AssetFile, write_asset_files
from threed.config import ThreedConfig
from threed.gltf.document import read_gltf
from threed.gltf.lint import lint

if TYPE_CHECKING:
    import trimesh


def export_asset(
    config: ThreedConfig,
    run: Run,
    name: str,
    mesh: "trimesh.Trimesh",
    reference: TriangleMesh,
) -> list[AssetFile]:
    """Write the mesh as GLB with its provenance, and in the formats that were asked for.

    What a format cannot hold is said at once, and in the report.

    Args:
        config: of the run.
        run: where to.
        name: stem of the files.
        mesh: the asset.
        reference: what it was made from, which every file is compared with.
    """
    with run.clock.stage("export"):
        files = write_asset_files(
            run.folder.samples, name, mesh, reference, config.export.formats,
            config.export.texture, provenance_of(config, run, config.prompt, 0),
        )  # fmt: skip
    for file in files:
        for loss in file.losses:
            LOGGER.warning("%s: %s%s", file.path.name, loss, _measured(file))
    return files


def shown_asset(files: Sequence[AssetFile], mesh: "trimesh.Trimesh") -> tuple[Section, ...]:
    """The asset in the report's viewer, how well its files show it, and flaws that remain."""
    low, high = mesh.bounds
    facts = (
        Fact("Faces", len(mesh.faces)),
        Fact("Vertices", len(mesh.vertices)),
        Fact("Size", " x ".join(f"{side:.3g}" for side in high - low), "m"),
    )
    path = files[0].path
    view = AssetView("Asset", (ShownAsset(path, path.name, facts),))
    findings = tuple(Note(str(finding), level="info") for finding in lint(read_gltf(path)))
    return (view, _table(files), *findings)


def file_metrics(config: ThreedConfig, files: Sequence[AssetFile]) -> tuple[SampleMetrics, ...]:
    """`mesh_metrics` as those of a run's one sample."""
    return (sample_metrics(config.prompt, 0, config.seed, mesh_metrics(files)),)


def mesh_metrics(files: Sequence[AssetFile]) -> dict[str, float | None]:
    """``render_back/<format>/psnr_db`` and ``silhouette_iou`` of each file that was read again."""
    values: dict[str, float | None] = {}
    for file in files:
        if file.check is not None:
            name = f"render_back/{file.path.suffix[1:]}"
            values[f"{name}/silhouette_iou"] = file.check.silhouette_iou
            if file.has_colors:
                values[f"{name}/psnr_db"] = file.check.psnr_db
    return values


def artefacts(files: Sequence[AssetFile]) -> tuple[Path, ...]:
    """The files' paths, the GLB first."""
    return tuple(file.path for file in files)


def _table(files: Sequence[AssetFile]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for file in files:
        check = file.check
        rows.append((
            file.path.name,
            round(file.path.stat().st_size / 1e6, 3),
            round(check.psnr_db, 2) if check and file.has_colors else None,
            round(check.silhouette_iou, 5) if check else None,
            "; ".join(file.losses) or "nothing",
        ))  # fmt: skip
    columns = (
        Column("File", align="left"), Column("Size", "MB"), Column("PSNR of colours", "dB"),
        Column("Overlap of outlines"), Column("Lost in this format", align="left"),
    )  # fmt: skip
    caption = (
        "Each file was read again and drawn unshaded from six sides, as was what it was made from; "
        "100 dB and 1 are no difference."
    )
    return Table("Files", columns, tuple(rows), caption=caption)


def _measured(file: AssetFile) -> str:
    if file.check is None or not file.has_colors:
        return ""
    return f" (colours agree to {file.check.psnr_db:.1f} dB)"
