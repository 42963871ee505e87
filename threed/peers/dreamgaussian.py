"""DreamGaussian's settings (arXiv 2309.16653): what each means here.

Facts of its code that no key says: guidance 100, written ``uncond + s (cond - uncond)``; views from
30 degrees below to 30 above; renders of 128, 256 and 512 pixels, enlarged to 512; the loss is half
the squared gradient summed over the latent and divided by the views; rates of the centres are
multiplied by 10; the first ball has radius 0.5.
"""

import math
from typing import Any

from common.embedded.orbit import HALF_EXTENT_M
from threed.peers.settings import Settings

GUIDANCE = 100.0
_SPATIAL_SCALE = 10.0
_BALL = 0.5
_MOST_VIEWS = 8
_GROWTH = 4
_STAGE_TWO = ("iters_refine", "geom_lr", "texture_lr", "train_geo", "mesh")
_OUTPUT = (
    "outdir",
    "mesh_format",
    "save_path",
    "gui",
    "force_cuda_rast",
    "H",
    "W",
    "density_thresh",
)
_ADAPTIVE = (
    "densify_grad_threshold",
    "percent_dense",
    "opacity_reset_interval",
    "density_start_iter",
)


def is_dreamgaussian(settings: Settings) -> bool:
    """Whether a file is one of its configs."""
    return all(settings.has(key) for key in ("num_pts", "position_lr_init", "iters"))


def dreamgaussian_config(settings: Settings) -> dict[str, Any]:
    """Our config, as plain values; what each number means is noted in the settings."""
    steps = int(settings.positive("iters", 500))
    settings.say("iters", "method.num_steps; stage 1")
    shrink = _framing(settings)
    config: dict[str, Any] = {
        "app": "threed",
        "prompt": str(settings.get("prompt", "")),
        "prior": {"name": "pretrained", "path": "stabilityai/stable-diffusion-2-1-base"},
        "method": {
            "name": "score_distillation",
            "scene": _scene(settings, steps, shrink),
            "loss": {
                "name": "sds",
                "guidance": {"name": "cfg", "guidance_scale": GUIDANCE},
                "weight": "sigma_squared",
            },
            "times": _times(settings),
            "views": _views(settings),
            "num_steps": steps,
        },
    }
    settings.say("prompt", "prompt")
    _without_counterpart(settings)
    return config


def _framing(settings: Settings) -> float:
    """Metres here for a unit there, if the object is to be as large in the picture."""
    radius, fovy = settings.positive("radius", 2.5), settings.positive("fovy", 49.1)
    half = radius * math.tan(math.radians(fovy / 2))
    shrink = HALF_EXTENT_M / half
    settings.say(
        "radius",
        f"cameras here have a fixed lens; {half:.3f} units are half the height "
        f"of a picture there, {HALF_EXTENT_M:g} m here, so a unit is {shrink:.3f} m",
    )
    settings.say("fovy", "degrees from the lower to the upper edge; see radius")
    return shrink


def _scene(settings: Settings, steps: int, shrink: float) -> dict[str, Any]:
    first, last = (
        settings.number(f"position_lr_{end}", default)
        for end, default in (("init", 1e-3), ("final", 2e-5))
    )
    for end, rate in (("init", first), ("final", last)):
        settings.say(
            f"position_lr_{end}",
            f"times {_SPATIAL_SCALE:g} there: {_SPATIAL_SCALE * rate:g} "
            f"units, {_SPATIAL_SCALE * rate * shrink:g} m a step",
        )
    count = int(settings.number("num_pts", 5000))
    settings.say(
        "num_pts",
        f"method.scene.num_gaussians; there is no cap there, here {_GROWTH} times as many",
    )
    until = min(settings.number("density_end_iter", steps) / steps, 1.0)
    settings.say("density_end_iter", f"method.scene.densify_until, a share of the steps: {until:g}")
    settings.say("densification_interval", "method.scene.densify_every")
    rates = {
        "feature_lr": ("colours_rate", 0.01),
        "opacity_lr": ("opacities_rate", 0.05),
        "scaling_lr": ("scales_rate", 0.005),
        "rotation_lr": ("rotations_rate", 0.005),
    }
    scene: dict[str, Any] = {
        "name": "gaussians",
        "num_gaussians": count,
        "max_gaussians": _GROWTH * count,
        "start": {"radius_m": round(_BALL * shrink, 6)},
        "means_rate": _SPATIAL_SCALE * first * shrink,
        "final_means_rate": _SPATIAL_SCALE * last * shrink,
        "densify_every": int(settings.number("densification_interval", 50)),
        "densify_until": until,
        "opacity_loss": 0.0,
        "scale_loss": 0.0,
    }
    for key, (ours, default) in rates.items():
        scene[ours] = settings.number(key, default)
        settings.say(key, f"method.scene.{ours}: the same parameter, the same rate")
    return scene


def _times(settings: Settings) -> dict[str, Any]:
    falls = bool(settings.get("anneal_timestep", True))
    settings.say(
        "anneal_timestep",
        "method.times: noise falls evenly, from 0.98 to 0.02 of all"
        if falls
        else "method.times: noise drawn evenly from 0.02 to 0.98 of all",
    )
    return {"name": "falling" if falls else "uniform", "min_time": 0.02, "max_time": 0.98}


def _views(settings: Settings) -> dict[str, Any]:
    asked = int(settings.number("batch_size", 1))
    taken = min(asked, _MOST_VIEWS)
    said = "method.views.num_views; drawn at random there, evenly round the object here"
    settings.say("batch_size", said if taken == asked else f"{said}; at most {_MOST_VIEWS} here")
    return {
        "num_views": taken,
        "size_px": 512,
        "stages": [{"until": 0.3, "render_px": 128}, {"until": 0.6, "render_px": 256}],
        "min_elevation_deg": -30.0,
        "max_elevation_deg": 30.0,
    }


def _without_counterpart(settings: Settings) -> None:
    settings.say(
        "lambda_sd",
        "a sum over 16,384 elements of a latent there, their mean here; Adam does not see a "
        "factor, and no other loss stands beside it",
    )
    if settings.has("mvdream"):
        settings.say(
            "mvdream",
            "the embedded prior (prior={name: embedded}) judges views together"
            if settings.get("mvdream")
            else "off; views are judged each by itself",
        )
    for key, meaning in {
        "lambda_zero123": "no counterpart: no prior here is told a picture and a turn",
        "negative_prompt": "no counterpart in sds: method.loss csd and nfsd have negative prompts",
        "input": "no counterpart here; a picture's front is threed/image_to_3d's method.input",
        "elevation": "of the input picture; no effect without one",
        "ref_size": "of the input picture; no effect without one",
        "load": "a cloud to begin with: method.start={input: cloud.ply}",
        "invert_bg_prob": "black or white behind renders there, a random grey here",
        "sh_degree": "0 here: the colour is the same from all sides",
        "position_lr_delay_mult": "no counterpart: rates fall geometrically from the first step",
        "position_lr_max_steps": "no counterpart: rates fall until the last step",
    }.items():
        if settings.has(key):
            settings.say(key, meaning)
    for key in _ADAPTIVE:
        if settings.has(key):
            settings.say(
                key,
                "of adaptive density control; here Gaussians move and multiply as "
                "samples do (3DGS as MCMC)",
            )
    for key in _STAGE_TWO:
        if settings.has(key):
            settings.say(key, "of stage 2, which has no counterpart: the texture is baked")
    for key in _OUTPUT:
        if settings.has(key):
            settings.say(key, "of its files and windows; no effect here")
