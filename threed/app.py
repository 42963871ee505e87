"""The 3-D app: config -> make the asset -> export -> report."""

from typing import assert_never

from common.errors import InputError
from common.generation.embedded_prompts import embedded_notes
from common.generation.priors import models_folder
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from threed.asset_export import export_asset, shown_asset
from threed.config import ThreedConfig
from threed.convert import Convert
from threed.text_to_3d import TextTo3D


def check(config: ThreedConfig, apps: Apps) -> list[str]:
    """Refuse wrong inputs; notes on keys that have no effect."""
    match config.method:
        case Convert() as convert:
            convert.check()
            return ["prompt has no effect: convert only reads a file"] if config.prompt else []
        case TextTo3D():
            from common.zoo.models import check_embedded_prior

            if not config.prompt.strip():
                raise InputError("prompt is empty; say what to make: prompt='a red car'")
            folder = models_folder(config.prior)
            check_embedded_prior(folder, "view_layers")
            return embedded_notes(config.prompt, "", folder)
        case _:
            assert_never(config.method)


def estimate(config: ThreedConfig) -> Estimate:
    """Sizes and memory of the run."""
    match config.method:
        case Convert() as convert:
            return convert.estimate()
        case TextTo3D() as method:
            from threed.asset_run import asset_estimate

            return asset_estimate(config, method)
        case _:
            assert_never(config.method)


def run(config: ThreedConfig, run: Run) -> Outcome:
    """Make the asset, write it, show it."""
    match config.method:
        case Convert() as convert:
            with run.clock.stage("making"):
                asset = convert.make()
            path = export_asset(config, run, asset.name, asset.mesh)
            return Outcome((path,), (shown_asset(path, asset.mesh),))
        case TextTo3D() as method:
            from threed.asset_run import run_asset

            return run_asset(config, method, run)
        case _:
            assert_never(config.method)


APP = App(ThreedConfig, run, estimate, check)
"""The keys of the 3-D app."""
