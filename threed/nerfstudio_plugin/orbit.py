"""Cameras round a scene that has no pictures: where the viewer and evaluations look from."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from nerfstudio.cameras.cameras import Cameras
from nerfstudio.data.datamanagers.base_datamanager import DataManager, DataManagerConfig
from nerfstudio.data.datasets.base_dataset import InputDataset
from nerfstudio.data.scene_box import SceneBox
from nerfstudio.data.utils.dataloaders import FixedIndicesEvalDataloader
from torch.nn import Parameter


@dataclass
class OrbitManagerConfig(DataManagerConfig):
    """Cameras evenly round the scene, on the sphere that the embedded prior knows."""

    _target: type = field(default_factory=lambda: OrbitManager)
    num_cameras: int = 8
    """Cameras round the scene."""
    elevation_deg: float = 15.0
    """How high they stand."""
    picture_px: int = 256
    """Side of their pictures."""
    half_side: float = 0.6
    """The scene's box reaches so far from the origin along each axis."""


class EmptyPictures(InputDataset):
    """Cameras whose pictures show nothing."""

    def __init__(self, cameras: Cameras, half_side: float):
        self.cameras = cameras
        self.scene_box = SceneBox(aabb=torch.tensor([[-half_side] * 3, [half_side] * 3]))
        self.metadata: dict[str, Any] = {}
        self.mask_color = None

    def __len__(self) -> int:
        return len(self.cameras)

    def __getitem__(self, image_idx: int) -> dict[str, Any]:
        camera = self.cameras[image_idx]
        shape = (int(camera.height), int(camera.width), 3)
        return {"image_idx": image_idx, "image": torch.ones(shape)}


class OrbitManager(DataManager):
    """Has cameras and no pictures: what a step sees is the pipeline's affair."""

    config: OrbitManagerConfig

    def __init__(
        self,
        config: OrbitManagerConfig,
        device: torch.device | str = "cpu",
        test_mode: Literal["test", "val", "inference"] = "val",
        world_size: int = 1,
        local_rank: int = 0,
    ):
        from common.embedded.image_unet import View
        from common.embedded.orbit import cameras_on_orbit
        from common.errors import InputError
        from threed.nerfstudio_plugin.cameras import theirs

        if config.data is not None:
            raise InputError(f"extrude-distill makes a scene of a prompt; leave out {config.data}")
        self.config, self.device, self.test_mode = config, device, test_mode
        turn = 360 / config.num_cameras
        views = [View(turn * index, config.elevation_deg) for index in range(config.num_cameras)]
        cameras = theirs(cameras_on_orbit(views, config.picture_px))
        self.train_dataset = EmptyPictures(cameras, config.half_side)
        # nothing to compare with while it trains
        self.eval_dataset = None if test_mode == "val" else self.train_dataset
        super().__init__()

    def setup_train(self) -> None:
        """Nothing to load."""

    def setup_eval(self) -> None:
        """The cameras one after another."""
        self.fixed_indices_eval_dataloader = FixedIndicesEvalDataloader(
            input_dataset=self.eval_dataset, device=self.device
        )
        self.eval_dataloader = self.fixed_indices_eval_dataloader

    def cameras(self) -> Iterator[Cameras]:
        """One after another."""
        for index in range(len(self.train_dataset)):
            yield self.train_dataset.cameras[index : index + 1]

    def get_train_rays_per_batch(self) -> int:
        """Of one picture: a step renders as many as the pipeline has views."""
        return self.config.picture_px**2

    def get_datapath(self) -> Path:
        """Where camera paths are saved."""
        return Path()

    def get_param_groups(self) -> dict[str, list[Parameter]]:
        """None."""
        return {}
