"""The 3-D app: config -> make the asset -> export -> report."""

from common.errors import InputError
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from threed.config import AssetExport, ThreedConfig
from threed.convert import Convert
from threed.edit_3d import Edit3D
from threed.from_prompt import Distillation, FromPrompt
from threed.image_to_3d import ImageTo3D
from threed.reconstruct import Reconstruct
from threed.scenes.scene_config import Gaussians, TexturedMesh
from threed.score_distillation import ScoreDistillation
from threed.texture import Texture
from threed.view_priors import check_view_prior


def check(config: ThreedConfig, apps: Apps) -> list[str]:
    """Refuse wrong inputs; notes on keys that have no effect."""
    if "usdz" in config.export.formats:
        from threed.files.usdz import check_usd

        check_usd()
    if isinstance(config.method, Texture):
        from threed.texture_run import check_texture

        return check_texture(config, config.method)
    if not isinstance(config.method, FromPrompt):
        config.method.check()
        notes = _without_effect(config)
        return [*notes, f"prompt has no effect on {config.method.name}"] if config.prompt else notes
    if not config.prompt.strip() and not isinstance(config.method, ImageTo3D):
        raise InputError("prompt is empty; say what to make: prompt='a red car'")
    if isinstance(config.method, Distillation):
        _check_begun(config.method, config.prompt)
    notes = check_view_prior(config.prior, config.method, config.prompt)
    if isinstance(config.method, Distillation):
        notes += _without_a_grid(config.method) + _of_other_density(config.method)
    return notes


def _check_begun(method: Distillation, prompt: str) -> None:
    """Refuse a file that no scene can begin as, and an edit that changes nothing."""
    if method.start is not None:
        from threed.conversion.placed_source import check_start

        check_start(method.start)
    if isinstance(method, ScoreDistillation) and method.front is not None:
        from threed.front import read_front

        if not method.front.input.is_file():
            raise InputError(f"{method.front.input}: there is no such file")
        read_front(method.front.input)
    if isinstance(method, Edit3D) and method.source_prompt.strip() == prompt.strip():
        raise InputError(
            f"prompt and method.source_prompt are both {prompt!r}; say what the asset is in the "
            "second, and what it becomes in the first"
        )


def _without_a_grid(method: Distillation) -> list[str]:
    """Keys of meshing, which a scene that is a mesh goes without."""
    if not isinstance(method.scene, TexturedMesh):
        return []
    return [
        f"method.{key} has no effect on a scene that is a mesh"
        for key in ("surface", "max_faces", "texture_px")
        if getattr(method, key) != type(method).model_fields[key].default
    ]


def _of_other_density(method: Distillation) -> list[str]:
    """Keys of adaptive density control, which Gaussians that move as samples go without."""
    scene = method.scene
    if not isinstance(scene, Gaussians) or scene.density == "adaptive":
        return []
    return [
        f"method.scene.{key} has no effect with density mcmc"
        for key in ("grow_gradient", "reset_every")
        if getattr(scene, key) != Gaussians.model_fields[key].default
    ]


def _without_effect(config: ThreedConfig) -> list[str]:
    """Refuse formats that the file cannot become; notes on keys that change nothing.

    Raises:
        InputError: formats of meshes for Gaussians that are not to be meshed.
    """
    method = config.method
    if isinstance(method, Reconstruct) and method.meshing is None and config.export.formats:
        raise InputError(
            f"{', '.join(config.export.formats)} hold meshes, and method.meshing is null; add "
            "method.meshing={} to mesh the Gaussians"
        )
    if isinstance(method, Reconstruct) and method.scene.name != "gaussians":
        return _splat_keys(config, "a scene without Gaussians")
    if not isinstance(method, Convert):
        return []
    if method.kind == "gaussians" and method.meshing is None:
        if config.export.formats:
            raise InputError(
                f"{method.input}: holds Gaussians, and {', '.join(config.export.formats)} hold "
                "meshes; add method.meshing={} to mesh them"
            )
        chosen = {"max_faces": method.max_faces, "texture_px": method.texture_px}
        return [f"method.{key} has no effect on Gaussians without method.meshing"
                for key, value in chosen.items() if value is not None]  # fmt: skip
    return _splat_keys(config, "a mesh") if method.kind == "mesh" else []


def _splat_keys(config: ThreedConfig, what: str) -> list[str]:
    default = AssetExport()
    return [f"export.{key} has no effect on {what}" for key in ("splats", "splat_axes")
            if getattr(config.export, key) != getattr(default, key)]  # fmt: skip


def estimate(config: ThreedConfig) -> Estimate:
    """Sizes and memory of the run."""
    if isinstance(config.method, Texture):
        from threed.texture_run import texture_estimate

        return texture_estimate(config, config.method)
    if not isinstance(config.method, FromPrompt):
        return config.method.estimate()
    from threed.asset_run import asset_estimate

    return asset_estimate(config, config.method)


def run(config: ThreedConfig, run: Run) -> Outcome:
    """Make the asset, write it, show it."""
    if isinstance(config.method, FromPrompt):
        from threed.asset_run import run_asset

        return run_asset(config, config.method, run)
    if isinstance(config.method, Texture):
        from threed.texture_run import run_texture

        return run_texture(config, config.method, run)
    from threed.written_asset import written_asset

    if isinstance(config.method, Reconstruct):
        from threed.capture.reconstructed_asset import reconstructed_asset

        return written_asset(config, run, reconstructed_asset(config.method, config.seed, run))
    with run.clock.stage("making"):
        asset = config.method.make()
    return written_asset(config, run, asset)


APP = App(ThreedConfig, run, estimate, check)
"""The keys of the 3-D app."""
