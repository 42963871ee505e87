"""The 3-D app: config -> make the asset -> export -> report."""

from common.atomic import write_bytes
from common.media.gltf_extras import embed
from common.report.content import Asset as ShownAsset
from common.report.content import AssetView, Fact
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.provenance import provenance_of
from threed.config import ThreedConfig
from threed.glb import glb_bytes


def check(config: ThreedConfig, apps: Apps) -> list[str]:
    """Refuse wrong inputs; notes on keys that have no effect."""
    config.method.check()
    return []


def estimate(config: ThreedConfig) -> Estimate:
    """Sizes and memory of the run."""
    return config.method.estimate()


def run(config: ThreedConfig, run: Run) -> Outcome:
    """Make the asset, write it, show it."""
    with run.clock.stage("making"):
        asset = config.method.make()
    with run.clock.stage("export"):
        path = run.folder.samples / f"{asset.name}.glb"
        write_bytes(path, embed(glb_bytes(asset.mesh), provenance_of(config, run, "", 0)))
    low, high = asset.mesh.bounds
    facts = (
        Fact("Faces", len(asset.mesh.faces)),
        Fact("Vertices", len(asset.mesh.vertices)),
        Fact("Size", " x ".join(f"{side:.3g}" for side in high - low), "m"),
    )
    view = AssetView("Asset", (ShownAsset(path, path.name, facts),))
    return Outcome((path,), (view,))


APP = App(ThreedConfig, run, estimate, check)
