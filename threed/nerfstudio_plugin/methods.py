"""What ``ns-train`` lists: ``extrude`` fits posed pictures, ``extrude-distill`` obeys a prompt.

nerfstudio loads this module whenever any of its commands starts, so it imports configs alone;
models and priors are imported when they are built.
"""

from typing import Any

from nerfstudio.configs.base_config import MachineConfig, ViewerConfig
from nerfstudio.engine.trainer import TrainerConfig
from nerfstudio.pipelines.base_pipeline import VanillaPipelineConfig
from nerfstudio.plugins.types import MethodSpecification

from threed.nerfstudio_plugin.dataparser import ExtrudeDataParserConfig
from threed.nerfstudio_plugin.distill_config import DistillPipelineConfig
from threed.nerfstudio_plugin.model_config import ExtrudeModelConfig
from threed.nerfstudio_plugin.pixels import StepPixelsManagerConfig
from threed.nerfstudio_plugin.rates import FallingRateConfig, GridAdamConfig

FIT_STEPS = 400
DISTILL_STEPS = 400


def _grid_rates(rate: float, num_steps: int) -> dict[str, Any]:
    """Optimizers of raw density and raw colour."""
    return {
        group: {
            "optimizer": GridAdamConfig(lr=rate),
            "scheduler": FallingRateConfig(num_steps=num_steps),
        }
        for group in ("density", "colour")
    }


extrude = MethodSpecification(
    config=TrainerConfig(
        method_name="extrude",
        machine=MachineConfig(device_type="cpu"),
        max_num_iterations=FIT_STEPS,
        steps_per_eval_batch=0,
        steps_per_eval_image=100,
        steps_per_eval_all_images=0,
        steps_per_save=100,
        pipeline=VanillaPipelineConfig(
            datamanager=StepPixelsManagerConfig(
                dataparser=ExtrudeDataParserConfig(),
                train_num_rays_per_batch=4096,
                eval_num_rays_per_batch=4096,
            ),
            model=ExtrudeModelConfig(),
        ),
        optimizers=_grid_rates(0.2, FIT_STEPS),
        viewer=ViewerConfig(num_rays_per_chunk=1 << 20),
        vis="viewer",
    ),
    description="Extrude's voxel field, fitted to posed pictures of an object, on the CPU.",
)

extrude_distill = MethodSpecification(
    config=TrainerConfig(
        method_name="extrude-distill",
        machine=MachineConfig(device_type="cpu"),
        max_num_iterations=DISTILL_STEPS,
        steps_per_eval_batch=0,
        steps_per_eval_image=0,
        steps_per_eval_all_images=0,
        steps_per_save=50,
        pipeline=DistillPipelineConfig(
            model=ExtrudeModelConfig(begin_at_outlines=False, refine_at=(120,)),
            num_steps=DISTILL_STEPS,
        ),
        optimizers=_grid_rates(0.05, DISTILL_STEPS),
        viewer=ViewerConfig(num_rays_per_chunk=1 << 20),
        vis="viewer",
    ),
    description='Extrude\'s voxel field, distilled from a prior: --prompt "a red car", on the CPU.',
)
