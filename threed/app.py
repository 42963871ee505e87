"""The 3-D app: config -> make the asset -> export -> report."""

from common.errors import InputError
from common.generation.embedded_prompts import embedded_notes
from common.generation.priors import models_folder
from common.report.content import Note
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.console import LOGGER
from threed.asset_export import artefacts, export_asset, file_metrics, shown_asset
from threed.config import ThreedConfig
from threed.drawable import drawable_mesh
from threed.text_to_3d import TextTo3D


def check(config: ThreedConfig, apps: Apps) -> list[str]:
    """Refuse wrong inputs; notes on keys that have no effect."""
    if "usdz" in config.export.formats:
        from threed.files.usdz import check_usd

        check_usd()
    if not isinstance(config.method, TextTo3D):
        config.method.check()
        return [f"prompt has no effect on {config.method.name}"] if config.prompt else []
    from common.zoo.models import check_embedded_prior, check_prior_loras

    if not config.prompt.strip():
        raise InputError("prompt is empty; say what to make: prompt='a red car'")
    folder = models_folder(config.prior)
    check_prior_loras(check_embedded_prior(folder, "view_layers"), config.prior.loras)
    return embedded_notes(config.prompt, "", folder)


def estimate(config: ThreedConfig) -> Estimate:
    """Sizes and memory of the run."""
    if not isinstance(config.method, TextTo3D):
        return config.method.estimate()
    from threed.asset_run import asset_estimate

    return asset_estimate(config, config.method)


def run(config: ThreedConfig, run: Run) -> Outcome:
    """Make the asset, write it, show it."""
    if isinstance(config.method, TextTo3D):
        from threed.asset_run import run_asset

        return run_asset(config, config.method, run)
    with run.clock.stage("making"):
        asset = config.method.make()
    reference = drawable_mesh(asset.mesh)
    for loss in asset.losses:
        LOGGER.warning("read: %s", loss)
    files = export_asset(config, run, asset.name, asset.mesh, reference)
    lost = tuple(Note(f"Lost in reading: {loss}.", level="warning") for loss in asset.losses)
    sections = (*shown_asset(files, asset.mesh), *lost)
    return Outcome(artefacts(files), sections, file_metrics(config, files))


APP = App(ThreedConfig, run, estimate, check)
"""The keys of the 3-D app."""
