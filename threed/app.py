"""The 3-D app: config -> make the asset -> export -> report."""

from common.errors import InputError
from common.report.content import Note
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.console import LOGGER
from threed.asset_export import artefacts, export_asset, file_metrics, shown_asset
from threed.config import ThreedConfig
from threed.drawable import drawable_mesh
from threed.from_prompt import FromPrompt
from threed.image_to_3d import ImageTo3D
from threed.view_priors import check_view_prior


def check(config: ThreedConfig, apps: Apps) -> list[str]:
    """Refuse wrong inputs; notes on keys that have no effect."""
    if "usdz" in config.export.formats:
        from threed.files.usdz import check_usd

        check_usd()
    if not isinstance(config.method, FromPrompt):
        config.method.check()
        return [f"prompt has no effect on {config.method.name}"] if config.prompt else []
    if not config.prompt.strip() and not isinstance(config.method, ImageTo3D):
        raise InputError("prompt is empty; say what to make: prompt='a red car'")
    return check_view_prior(config.prior, config.method, config.prompt)


def estimate(config: ThreedConfig) -> Estimate:
    """Sizes and memory of the run."""
    if not isinstance(config.method, FromPrompt):
        return config.method.estimate()
    from threed.asset_run import asset_estimate

    return asset_estimate(config, config.method)


def run(config: ThreedConfig, run: Run) -> Outcome:
    """Make the asset, write it, show it."""
    if isinstance(config.method, FromPrompt):
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
