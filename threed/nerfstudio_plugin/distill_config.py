"""Settings of score distillation in nerfstudio's loop; priors are imported when they are built."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nerfstudio.data.datamanagers.base_datamanager import DataManagerConfig
from nerfstudio.pipelines.base_pipeline import VanillaPipelineConfig

from threed.nerfstudio_plugin.orbit import OrbitManagerConfig

if TYPE_CHECKING:
    from threed.score_distillation import ScoreDistillation
    from threed.view_prior_config import ViewPriorConfig


def distill_pipeline(config: "DistillPipelineConfig", **kwargs: Any) -> Any:
    """The pipeline of a config."""
    from threed.nerfstudio_plugin.distill import DistillPipeline

    return DistillPipeline(config, **kwargs)


@dataclass
class DistillPipelineConfig(VanillaPipelineConfig):
    """A scene that a prior likes from everywhere, for the prompt of the model's config."""

    _target: Any = field(default_factory=lambda: distill_pipeline)
    datamanager: DataManagerConfig = field(default_factory=OrbitManagerConfig)
    """Where the viewer and evaluations look from."""
    prior: Literal["embedded", "pretrained"] = "embedded"
    """The small models that come with Extrude, or a checkpoint of Stable Diffusion."""
    prior_path: Path | None = None
    """Folder of the checkpoint, for the pretrained prior."""
    loss: Literal["sds", "sjc", "csd", "nfsd", "ism", "sdi", "rfds", "bridge", "vsd", "hifa"] = (
        "sds"
    )
    """Whose gradient, with the settings of our presets but for the guidance."""
    guidance_scale: float | None = None
    """uncond + s (cond - uncond), or the scale of what csd, nfsd and bridge take in its place;
    None for the loss's default."""
    min_time: float = 0.02
    """Least diffusion time that is asked about."""
    max_time: float = 0.98
    """Most diffusion time that is asked about."""
    num_views: int = 4
    """Views of a step, evenly round the object at a random turn."""
    view_px: int = 128
    """Side of their pictures."""
    min_elevation_deg: float = -10.0
    """Lowest view."""
    max_elevation_deg: float = 30.0
    """Highest view."""
    num_steps: int = 400
    """Steps of the whole distillation, for terms that change half-way."""
    seed: int = 0
    """Of views, times and noise."""
    lambda_emptiness: float = 0.0
    """Fog costs more than matter (SJC)."""
    lambda_centre_depth: float = 0.0
    """How much nearer the picture's middle is than its border (SJC)."""
    lambda_colour_variation: float = 0.003
    """Total variation of colour."""
    lambda_bending: float = 0.0
    """Squared Laplacian of raw density."""
    lambda_surface: float = 0.003
    """Area of all surfaces."""
    lambda_binarity: float = 0.0
    """Entropy of rendered opacity."""
    lambda_sparsity: float = 0.0
    """Little is covered."""


def method_of(config: DistillPipelineConfig) -> "ScoreDistillation":
    """The same distillation in our own terms, checked as a preset is.

    Raises:
        pydantic.ValidationError: values out of range, or that do not go together.
    """
    from threed.score_distillation import ScoreDistillation

    loss: dict[str, Any] = {"name": config.loss}
    if config.guidance_scale is not None:
        whole = config.loss in ("csd", "nfsd", "bridge")
        scale = {"scale": config.guidance_scale}
        guided = {"guidance": {"name": "cfg", "guidance_scale": config.guidance_scale}}
        loss |= scale if whole else guided
    return ScoreDistillation.model_validate({
        "loss": loss,
        "times": {"name": "uniform", "min_time": config.min_time, "max_time": config.max_time},
        "views": {
            "num_views": config.num_views, "size_px": config.view_px,
            "min_elevation_deg": config.min_elevation_deg,
            "max_elevation_deg": config.max_elevation_deg,
        },
        "scene": {"name": "voxel_nerf", "losses": {
            term: getattr(config, f"lambda_{term}")
            for term in ("emptiness", "centre_depth", "colour_variation", "bending", "surface",
                         "binarity", "sparsity")
        }},
        "num_steps": config.num_steps,
    })  # fmt: skip


def prior_of(config: DistillPipelineConfig) -> "ViewPriorConfig":
    """The prior in our own terms.

    Raises:
        InputError: a path for the embedded prior, or none for the pretrained one.
    """
    from common.embedded.prior_config import EmbeddedPriorConfig
    from common.errors import InputError
    from common.pretrained.config import PretrainedPriorConfig

    if (config.prior_path is None) != (config.prior == "embedded"):
        raise InputError(
            f"prior {config.prior} with prior_path {config.prior_path}: the pretrained prior needs "
            "the folder of its checkpoint, the embedded one has none"
        )
    if config.prior_path is None:
        return EmbeddedPriorConfig()
    return PretrainedPriorConfig(path=str(config.prior_path))
