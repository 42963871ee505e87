"""Scenes under an optimizer: what a distillation asks of every representation."""

from typing import Protocol, assert_never, runtime_checkable

import torch
from torch import Tensor

from common.cameras import Cameras
from common.runs.state import State
from threed.optimise.live_gaussians import LiveGaussians
from threed.optimise.live_mesh import LiveMesh
from threed.optimise.live_network_nerf import LiveNetworkNerf
from threed.optimise.live_sdf import LiveSdf
from threed.optimise.live_voxel_nerf import LiveVoxelNerf
from threed.rendering.rendered import Rendered
from threed.scenes.scene_config import (
    Gaussians,
    HashNerf,
    MlpNerf,
    Scene,
    Sdf,
    TexturedMesh,
    VoxelNerf,
)
from threed.scenes.scene_start import SceneStart
from threed.scenes.voxel_field import VoxelField


@runtime_checkable
class LiveScene(Protocol):
    """A scene that learns."""

    def render(self, cameras: Cameras, generator: torch.Generator) -> Rendered:
        """Pictures with gradients."""
        ...

    def terms(self, seen: Rendered, share: float) -> dict[str, Tensor]:
        """Weighted regularisers at ``share`` of all steps."""
        ...

    def descend(self, loss: Tensor, step: int, generator: torch.Generator) -> None:
        """One step of the optimizer, counted from 1, and what else is due after it."""
        ...

    def state(self) -> State:
        """What the scene continues from; its tensors are alive."""
        ...


@runtime_checkable
class LiveField(LiveScene, Protocol):
    """A scene that learns and fills space."""

    def field(self) -> VoxelField:
        """The scene as it is meshed, detached."""
        ...


def live_scene(
    options: Scene,
    num_steps: int,
    seed: int,
    state: State = None,
    start: SceneStart | None = None,
    num_latents: int = 0,
) -> LiveScene:
    """The scene at its start, or as a state has it.

    Args:
        options: which, and how it learns.
        num_steps: of the whole distillation.
        seed: of what the start draws.
        state: from `LiveScene.state` of a scene with the same options and start.
        start: None: the ball of the options.
        num_latents: that fields carry in place of colours; 0 for colours.
    """
    match options:
        case VoxelNerf():
            return LiveVoxelNerf(options, num_steps, state, start, num_latents)
        case HashNerf() | MlpNerf():
            return LiveNetworkNerf(options, num_steps, seed, state, start, num_latents)
        case Gaussians():
            return LiveGaussians(options, num_steps, seed, state, start)
        case Sdf():
            return LiveSdf(options, num_steps, state, start, num_latents)
        case TexturedMesh():
            return LiveMesh(options, num_steps, state, start)
        case _:
            assert_never(options)


def field_of(scene: LiveScene) -> VoxelField:
    """The field of a scene that fills space; for callers that chose no mesh."""
    assert isinstance(scene, LiveField)
    return scene.field()
