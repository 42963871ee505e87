"""Writing an asset as GLB, and showing it in a report."""

from pathlib import Path
from typing import TYPE_CHECKING

from common.atomic import write_bytes
from common.media.gltf_extras import embed
from common.report.content import Asset as ShownAsset
from common.report.content import AssetView, Fact
from common.runs.app import Run
from common.runs.provenance import provenance_of
from threed.config import ThreedConfig
from threed.glb import glb_bytes

if TYPE_CHECKING:
    import trimesh


def export_asset(config: ThreedConfig, run: Run, name: str, mesh: "trimesh.Trimesh") -> Path:
    """Write the mesh as GLB with its provenance."""
    with run.clock.stage("export"):
        path = run.folder.samples / f"{name}.glb"
        write_bytes(path, embed(glb_bytes(mesh), provenance_of(config, run, config.prompt, 0)))
    return path


def shown_asset(path: Path, mesh: "trimesh.Trimesh") -> AssetView:
    """The asset in the report's viewer."""
    low, high = mesh.bounds
    facts = (
        Fact("Faces", len(mesh.faces)),
        Fact("Vertices", len(mesh.vertices)),
        Fact("Size", " x ".join(f"{side:.3g}" for side in high - low), "m"),
    )
    return AssetView("Asset", (ShownAsset(path, path.name, facts),))
