"""Edit 3-D: an existing asset optimised from what it is to what a prompt says."""

from typing import Literal

from pydantic import model_validator

from common.config import Config
from common.runs.config import Prompt
from threed.distillation.loss_config import DDS, EditLoss
from threed.distillation.times_config import Times, Uniform
from threed.scenes.scene_config import Scene, ShapeLosses, VoxelNerf, Weight
from threed.scenes.start_config import AssetStart
from threed.score_distillation import DistilledScene, check_interval


class Kept(Config):
    """What holds the scene to what it was, beside the prior's pull; 0 leaves a term out."""

    outline: Weight = 1.0
    """Mean squared change of the renders' opacity, from the cameras of the step."""
    colour: Weight = 0.1
    """Mean absolute change of the renders' colour: many small changes give way to a few large."""


class Edit3D(DistilledScene):
    """A mesh, point cloud or cloud of Gaussians edited by words, as a textured mesh."""

    name: Literal["edit_3d"] = "edit_3d"
    start: AssetStart
    """What is edited."""
    source_prompt: Prompt
    """What it is; the run's `prompt` says what it becomes."""
    scene: Scene = VoxelNerf(coarse_share=0.0, losses=ShapeLosses())
    """What is optimised: voxel_nerf, hash_nerf, mlp_nerf, gaussians, sdf or mesh."""
    loss: EditLoss = DDS()
    """Whose gradient: dds, or any loss that makes scenes."""
    times: Times = Uniform(min_time=0.05, max_time=0.95)
    """At which diffusion times: uniform, falling or narrowing."""
    keep: Kept = Kept()
    """How firmly what is not to change is held."""

    @property
    def num_particles(self) -> int:
        """Scenes that are optimised."""
        return 1

    @property
    def in_latents(self) -> bool:
        """Whether the scene carries latents: what is edited has colours."""
        return False

    @property
    def num_scenes(self) -> int:
        """Scenes in memory together: before the edit, and in it."""
        return 2

    @model_validator(mode="after")
    def _fits(self) -> "Edit3D":
        check_interval(self.loss, self.times)
        if isinstance(self.scene, VoxelNerf) and self.scene.coarse_share:
            raise ValueError(
                f"scene.coarse_share {self.scene.coarse_share:g} would blur what is edited; set 0"
            )
        return self
