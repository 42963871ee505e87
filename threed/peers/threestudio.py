"""threestudio's settings: what each means here.

Facts of its code that no key says: guidance of SDS and SJC is ``cond + s (cond - uncond)``, which
is a true scale of ``s + 1`` (with Perp-Neg, and of VSD, it is ``uncond + s (cond - uncond)``);
renders are enlarged to 512 pixels before they are encoded; the loss is half the squared gradient
summed over the latent, divided by the views; views are spread evenly in azimuth.
"""

from typing import Any

from threed.peers.schedules import Ramp, ramp_of
from threed.peers.settings import Settings
from threed.peers.threestudio_scene import scene_of
from threed.peers.threestudio_views import views_of

LATENT_ELEMENTS = 4 * 64 * 64
_WEIGHTS = {
    "sds": "sigma_squared",
    "dreamfusion": "sigma_squared",
    "uniform": "uniform",
    "fantasia3d": "alpha_sigma_squared",
}
_GUIDANCES = (
    "stable-diffusion-guidance",
    "stable-diffusion-vsd-guidance",
    "stable-diffusion-unified-guidance",
    "deep-floyd-guidance",
)
_BOOKKEEPING = (
    "tag",
    "exp_root_dir",
    "name",
    "use_timestamp",
    "trainer.",
    "checkpoint.",
    "system.loggers.",
    "system.cleanup_after_",
    "data.eval_",
    "data.n_val_views",
    "data.n_test_views",
    "data_type",
    "system_type",
    "system.guidance.half_precision",
    "system.guidance.enable_",
    "system.guidance.max_items_eval",
    "system.prompt_processor_type",
)
_SHADING = ("system.material", "data.light_", "system.renderer", "system.background")


def is_threestudio(settings: Settings) -> bool:
    """Whether a file is one of its configs."""
    return settings.has("system_type") and settings.has("data_type")


def threestudio_config(settings: Settings) -> dict[str, Any]:
    """Our config, as plain values; what each number means is noted in the settings."""
    steps = int(settings.positive("trainer.max_steps", 10_000))
    settings.say("trainer.max_steps", "method.num_steps")
    loss = _loss(settings)
    # hifa compares pictures
    latents = settings.get("system_type") == "sjc-system" and loss["name"] != "hifa"
    config: dict[str, Any] = {
        "app": "threed",
        "prompt": str(settings.get("system.prompt_processor.prompt", "")),
        "seed": int(settings.number("seed", 0)),
        "prior": {"name": "pretrained", "path": _checkpoint(settings)},
        "method": {
            "name": "score_distillation",
            "scene": scene_of(settings, _losses(settings, steps)),
            "colours": "latents" if latents else "rgb",
            "loss": loss,
            "times": _times(settings, steps),
            "views": views_of(settings, latents, steps),
            "num_steps": steps,
        },
    }
    settings.say("seed", "seed")
    settings.say(
        "system_type",
        "latents are rendered: method.colours=latents"
        if latents
        else "guidance and geometry say what it is here",
    )
    settings.say("system.prompt_processor.prompt", "prompt")
    _without_counterpart(settings)
    return config


def _checkpoint(settings: Settings) -> str:
    default = "stabilityai/stable-diffusion-2-1-base"
    path = str(settings.get("system.guidance.pretrained_model_name_or_path", default))
    said = "prior.path: a folder, or a hub id with prior.allow_download=true"
    if path == "runwayml/stable-diffusion-v1-5":
        said += "; this id was deleted in 2024, take a mirror"
    if "DeepFloyd" in path:
        said += "; DeepFloyd's pixels are not read here, take a Stable Diffusion"
    settings.say("system.guidance.pretrained_model_name_or_path", said)
    if settings.has("system.prompt_processor.pretrained_model_name_or_path"):
        settings.say(
            "system.prompt_processor.pretrained_model_name_or_path",
            "the prior brings its own text encoder",
        )
    return path


def _loss(settings: Settings) -> dict[str, Any]:
    kind = str(settings.get("system.guidance_type", _GUIDANCES[0]))
    known = kind in _GUIDANCES
    vsd = "vsd" in kind or settings.get("system.guidance.guidance_type") == "vsd"
    written = settings.number("system.guidance.guidance_scale", 7.5 if vsd else 100.0)
    perp_neg = bool(settings.get("system.prompt_processor.use_perp_neg", False))
    scale = written if vsd or perp_neg else written + 1
    form = "uncond + s (cond - uncond)" if vsd or perp_neg else "cond + s (cond - uncond)"
    settings.say(
        "system.guidance.guidance_scale",
        f"{form} there, so method.loss.guidance.guidance_scale {scale:g}",
    )
    settings.say(
        "system.guidance_type",
        "method.loss" if known else "not known here: taken for score distillation sampling",
    )
    guidance: dict[str, Any] = {"name": "cfg", "guidance_scale": scale}
    if perp_neg:
        guidance = {"name": "perp_neg", "guidance_scale": scale, "other_sides": True}
        settings.say(
            "system.prompt_processor.use_perp_neg",
            "method.loss.guidance perp_neg with other_sides, a quarter of the circle to each side",
        )
    if vsd:
        return _variational(settings, guidance)
    if settings.get("system.guidance.use_sjc", False):
        settings.say("system.guidance.use_sjc", "method.loss.name sjc")
        reduced = bool(settings.get("system.guidance.var_red", True))
        settings.say("system.guidance.var_red", "method.loss.variance_reduction")
        return {"name": "sjc", "guidance": guidance, "variance_reduction": reduced}
    weighting = str(settings.get("system.guidance.weighting_strategy", "sds"))
    weight = _WEIGHTS.get(weighting, "sigma_squared")
    settings.say(
        "system.guidance.weighting_strategy",
        f"method.loss.weight {weight}"
        + ("" if weighting in _WEIGHTS else ", as the name is not known here"),
    )
    if settings.get("system.guidance.use_img_loss", False):
        settings.say("system.guidance.use_img_loss", "method.loss.name hifa")
        return {"name": "hifa", "guidance": guidance, "weight": weight}
    return {"name": "sds", "guidance": guidance, "weight": weight}


def _variational(settings: Settings, guidance: dict[str, Any]) -> dict[str, Any]:
    rate = settings.number("system.optimizer.params.guidance.lr", 1e-4)
    settings.say("system.optimizer.params.guidance.lr", "method.loss.rate, of the LoRA")
    if settings.has("system.guidance.pretrained_model_name_or_path_lora"):
        settings.say(
            "system.guidance.pretrained_model_name_or_path_lora",
            "no counterpart: the LoRA is of the prior itself",
        )
    return {"name": "vsd", "guidance": guidance, "weight": "sigma_squared", "rate": rate}


def _times(settings: Settings, steps: int) -> dict[str, Any]:
    low, high = (
        ramp_of(key, settings.get(key, default))
        for key, default in (
            ("system.guidance.min_step_percent", 0.02),
            ("system.guidance.max_step_percent", 0.98),
        )
    )
    settings.say("system.guidance.min_step_percent", _said_of_time("min_time", low, low.last))
    times: dict[str, Any] = {
        "name": "uniform",
        "min_time": min(low.first, low.last),
        "max_time": high.first,
    }
    annealed = settings.get("system.guidance.max_step_percent_annealed")
    if annealed is not None:
        start = settings.number("system.guidance.anneal_start_step", steps)
        high = Ramp(
            high.first,
            settings.number("system.guidance.max_step_percent_annealed", 0.5),
            start,
            start,
        )
        for key in ("max_step_percent_annealed", "anneal_start_step"):
            settings.say(f"system.guidance.{key}", "method.times.late_max_time, late_from")
    if settings.get("system.guidance.sqrt_anneal", False):
        settings.say("system.guidance.sqrt_anneal", "method.times falling with power 0.5")
        low_most = min(low.first, low.last)
        return {"name": "falling", "power": 0.5, "min_time": low_most, "max_time": high.first}
    ends = max(low.ends, high.ends)
    moving = [ramp for ramp in (low, high) if ramp.first != ramp.last]
    if annealed is None and ends and all((r.begins, r.ends) == (0.0, ends) for r in moving):
        for name, ramp in (("min", low), ("max", high)):
            said = f"{ramp}, as method.times.{name}_time and late_{name}_time"
            settings.say(f"system.guidance.{name}_step_percent", said)
        return {
            "name": "narrowing", "min_time": low.first, "max_time": high.first,
            "late_min_time": low.last, "late_max_time": high.last,
            "until": min(ends / steps, 1.0),
        }  # fmt: skip
    settings.say("system.guidance.max_step_percent", _said_of_time("max_time", high, high.first))
    if high.last != high.first and high.middle < steps:
        times |= {
            "late_max_time": max(high.last, times["min_time"]),
            "late_from": high.middle / steps,
        }
    return times


def _said_of_time(name: str, ramp: Ramp, taken: float) -> str:
    said = f"a share of all noise levels, as method.times.{name}"
    if ramp.first == ramp.last:
        return said
    return f"{said}: {ramp}; here {taken:g}, changed at most once, half way through that ramp"


def _losses(settings: Settings, steps: int) -> dict[str, float]:
    """Regularisers by our name, as weights of a loss that is a mean and not a sum."""
    main = next(
        (key for key in ("system.loss.lambda_sds", "system.loss.lambda_vsd") if settings.has(key)),
        "system.loss.lambda_sds",
    )
    whole = max(ramp_of(main, settings.get(main, 1.0)).last, 1e-12)
    settings.say(
        main,
        f"a sum over {LATENT_ELEMENTS:,} elements of a latent there, their mean "
        f"here: weights beside it are divided by {LATENT_ELEMENTS * whole:,.0f}",
    )
    names = {
        "lambda_sparsity": "sparsity",
        "lambda_opaque": "binarity",
        "lambda_emptiness": "emptiness",
        "lambda_depth": "centre_depth",
        "lambda_orient": "orientation",
        "lambda_z_variance": "depth_variance",
    }
    losses: dict[str, float] = {}
    for key, ours in names.items():
        full = f"system.loss.{key}"
        if not settings.has(full):
            continue
        ramp = ramp_of(full, settings.get(full, 0.0))
        first, last = (value / (LATENT_ELEMENTS * whole) for value in (ramp.first, ramp.last))
        losses[ours] = first if ours == "emptiness" else last
        said = f"method.scene.losses.{ours} {losses[ours]:.3g}"
        if ours == "emptiness":
            losses["late_emptiness"] = last
            said += (
                f", then {last:.3g} in the second half (there from step {ramp.begins:g} of "
                f"{steps}); of cells here, of samples on rays there"
            )
        elif ramp.first != ramp.last:
            said += f" throughout; {ramp} there"
        settings.say(full, said)
    return losses


def _without_counterpart(settings: Settings) -> None:
    for key in settings.values:
        if key.startswith("system.prompt_processor.") and key not in settings.seen:
            perp = "perp_neg" in key
            settings.say(
                key,
                "no counterpart: weights of other sides are threestudio's defaults here"
                if perp
                else "no counterpart: a quarter of the circle is front, as much back",
            )
        elif key.startswith(_SHADING) and key not in settings.seen:
            settings.say(key, "no counterpart: renders here have no light and no background")
        elif key.startswith(_BOOKKEEPING) and key not in settings.seen:
            settings.say(key, "of its files, logs and test views; no effect here")
        elif key == "system.loss.lambda_lora":
            settings.say(key, "no counterpart: the LoRA has an optimizer of its own")
