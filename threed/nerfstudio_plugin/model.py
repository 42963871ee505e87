"""The voxel field as a model of nerfstudio: its loop, viewer and commands see a radiance field.

The same pieces as `threed.optimise.fit_views`: begins as a soft visual hull, compares colour and
opacity of drawn pixels, adds the regularisers of the grid, and halves its cells on the way. Rays
come in nerfstudio's axes and are turned into ours; the grid is not.

The field is marched on the CPU. On another device its values go there and back in every step.
"""

from typing import Any

import torch
from nerfstudio.cameras.rays import RayBundle
from nerfstudio.engine.callbacks import (
    TrainingCallback,
    TrainingCallbackAttributes,
    TrainingCallbackLocation,
)
from nerfstudio.engine.optimizers import Optimizers
from nerfstudio.model_components import renderers
from nerfstudio.models.base_model import Model
from nerfstudio.utils import colormaps
from torch import Tensor, nn
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

from common.seeding import generator_for
from threed.nerfstudio.training_world import our_box, ours_of_training
from threed.nerfstudio_plugin.model_config import ExtrudeModelConfig
from threed.nerfstudio_plugin.outlines import outlined_pictures
from threed.optimise.fit_options import FitOptions
from threed.optimise.fit_views import scene_losses
from threed.optimise.hull_start import allowed_nodes, cells_of, emptied, hull_body, hull_box
from threed.optimise.picture_losses import colour_error, opacity_error
from threed.rendering.volume import march_rays
from threed.scenes.blob import ball_density
from threed.scenes.voxel_field import (
    Corner,
    VoxelField,
    colour_of,
    node_positions,
    occupied_cells,
    refined,
    uniform_field,
)
from threed.texturing.bake import Pictures

_GRIDS = ("voxel_density", "voxel_colour", "voxel_allowed")
"""What changes its shape when cells halve."""


class ExtrudeModel(Model):
    """Density and colour at the nodes of a grid."""

    config: ExtrudeModelConfig

    def populate_modules(self) -> None:
        """The ball that everything begins as, on the coarsest grid."""
        super().populate_modules()
        config = self.config
        self.options = FitOptions(
            config.num_cells, (1,) * (len(config.refine_at) + 1),
            lambda_opacity=config.lambda_opacity,
            lambda_colour_variation=config.lambda_colour_variation,
            lambda_bending=config.lambda_bending, lambda_surface=config.lambda_surface,
            hull_margin_px=config.outline_margin_px,
        )  # fmt: skip
        self.coarsest_cells = config.num_cells // 2 ** len(config.refine_at)
        field = ball_in(our_box(self.scene_box.aabb), self.coarsest_cells, config.ball_share)
        self.voxel_density = nn.Parameter(field.density)
        self.voxel_colour = nn.Parameter(field.colour)
        box = torch.tensor([field.low, field.high], dtype=torch.float64)
        self.register_buffer("voxel_box", box)
        allowed = torch.ones_like(field.density, dtype=torch.bool)
        self.register_buffer("voxel_allowed", allowed)
        self.step = 0

    def field(self) -> VoxelField:
        """The field, alive, on the CPU."""
        low, high = (tuple(corner) for corner in self.voxel_box.tolist())
        return VoxelField(self.voxel_density.cpu(), self.voxel_colour.cpu(), low, high)

    def get_param_groups(self) -> dict[str, list[nn.Parameter]]:
        """Raw density and raw colour, each with a rate of its own."""
        return {"density": [self.voxel_density], "colour": [self.voxel_colour]}

    def load_state_dict(self, state_dict: Any, **kwargs: Any) -> Any:
        """The state of any step: cells may have halved since the first."""
        for name in _GRIDS:
            if name in state_dict:
                held = getattr(self, name)
                held.data = held.data.new_empty(state_dict[name].shape)
        return super().load_state_dict(state_dict, **kwargs)

    def get_training_callbacks(
        self, training_callback_attributes: TrainingCallbackAttributes
    ) -> list[TrainingCallback]:
        """Before a step: its number; before the first, the hull; before some, half the cells."""
        before = [TrainingCallbackLocation.BEFORE_TRAIN_ITERATION]
        told = [training_callback_attributes]
        return [
            TrainingCallback(before, self.begin_step),
            TrainingCallback(before, self.begin_at_hull, iters=(0,), args=told),
            TrainingCallback(before, self.halve_cells, iters=self.config.refine_at, args=told),
        ]

    def begin_step(self, step: int) -> None:
        """What a step draws depends on its number alone."""
        self.step = step

    def begin_at_hull(self, attributes: TrainingCallbackAttributes, step: int) -> None:
        """The body that the outlines leave, in a box about it.

        Raises:
            InputError: the outlines have no point of the scene's box in common.
        """
        pictures = self._outlines(attributes)
        if pictures is None:
            return
        options, (rgba, cameras) = self.options, (pictures.rgba, pictures.cameras)
        within = our_box(self.scene_box.aabb)
        margin = options.hull_margin_px
        box = hull_box(rgba[..., 3], cameras, within, self.coarsest_cells, margin)
        field = hull_body(box, rgba, cameras, options.hull_blur_cells)
        self._become(field, pictures, attributes.optimizers)

    def halve_cells(self, attributes: TrainingCallbackAttributes, step: int) -> None:
        """The same field on a grid of half the cells' side; Adam's moments begin anew."""
        with torch.no_grad():
            field = refined(self.field())
        self._become(field, self._outlines(attributes), attributes.optimizers)

    def get_outputs(self, ray_bundle: RayBundle) -> dict[str, Tensor]:
        """Colour on the background, accumulated opacity, and mean distance along each ray.

        Where nothing is seen, the distance is that of the box's far side.
        """
        device = ray_bundle.origins.device
        origins = ours_of_training(ray_bundle.origins.detach().cpu().float())
        directions = ours_of_training(ray_bundle.directions.detach().cpu().float())
        field, cells = self.field(), cells_of(self.voxel_allowed.cpu())
        offsets = None
        if self.training:
            generator = generator_for(0, self.step, "nerfstudio samples")
            offsets = torch.rand(len(origins), generator=generator)
        else:
            cells = cells & occupied_cells(field)
        seen = march_rays(
            field, colour_of(field.colour), origins, directions, occupied=cells, offsets=offsets
        )
        opacity = seen.opacity[:, None]
        low, high = (torch.tensor(corner) for corner in (field.low, field.high))
        far = (origins - (low + high) / 2).norm(dim=-1) + (high - low).norm() / 2
        mean = seen.distance / seen.opacity.clamp_min(1e-6)
        distance = torch.where(seen.opacity > 1e-3, mean, far)[:, None]
        return {
            "rgb": (seen.features + (1 - opacity) * self._background("cpu")).to(device),
            "accumulation": opacity.to(device), "depth": distance.to(device),
        }  # fmt: skip

    def get_loss_dict(
        self,
        outputs: dict[str, Tensor],
        batch: dict[str, Tensor],
        metrics_dict: dict[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Errors of colour and opacity, and the regularisers of the grid, weighted."""
        image = batch["image"].to(outputs["rgb"])
        if image.shape[-1] == 3:
            terms = {"colour": (outputs["rgb"] - image).square().sum(-1).mean()}
        else:
            opacity = outputs["accumulation"][:, 0]
            wanted = torch.cat([image[:, :3] * image[:, 3:], image[:, 3:]], -1)
            rgb = outputs["rgb"] - (1 - opacity[:, None]) * self._background(image.device)
            error = opacity_error(opacity, wanted).mean()
            terms = {
                "colour": colour_error(rgb, opacity, wanted).mean(),
                "opacity": self.options.lambda_opacity * error,
            }
        return terms | scene_losses(self.field(), self.voxel_allowed.cpu(), self.options)

    def get_metrics_dict(
        self, outputs: dict[str, Tensor], batch: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """PSNR on the background."""
        wanted = self._on_background(batch["image"].to(outputs["rgb"]))
        return {"psnr": peak_signal_noise_ratio(outputs["rgb"], wanted, data_range=1.0)}

    def get_image_metrics_and_images(
        self, outputs: dict[str, Tensor], batch: dict[str, Tensor]
    ) -> tuple[dict[str, float], dict[str, Tensor]]:
        """PSNR and structural similarity on the background; picture and render side by side."""
        image = batch["image"].to(outputs["rgb"])
        wanted, rgb = self._on_background(image), outputs["rgb"]
        pair = [one.movedim(-1, 0)[None] for one in (rgb, wanted)]
        metrics = {
            "psnr": float(peak_signal_noise_ratio(*pair, data_range=1.0)),
            "ssim": float(structural_similarity_index_measure(*pair, data_range=1.0)),
        }
        if image.shape[-1] == 4:
            error = (outputs["accumulation"] - image[..., 3:]).abs().mean()
            metrics["opacity_error"] = float(error)
        depth = colormaps.apply_depth_colormap(outputs["depth"], outputs["accumulation"])
        return metrics, {
            "img": torch.cat([wanted, rgb], 1), "depth": depth,
            "accumulation": colormaps.apply_colormap(outputs["accumulation"]),
        }  # fmt: skip

    def get_rgba_image(self, outputs: dict[str, Tensor], output_name: str = "rgb") -> Tensor:
        """Straight colour and opacity."""
        opacity = outputs["accumulation"]
        rgb = outputs[output_name] - (1 - opacity) * self._background(opacity.device)
        return torch.cat([rgb / opacity.clamp_min(1e-6), opacity], -1).clamp(0, 1)

    def _background(self, device: torch.device | str) -> Tensor:
        """The colour behind the object; the viewer and some commands choose their own."""
        if not self.training and renderers.BACKGROUND_COLOR_OVERRIDE is not None:
            return renderers.BACKGROUND_COLOR_OVERRIDE.to(device)
        return torch.full((3,), float(self.config.background == "white"), device=device)

    def _on_background(self, image: Tensor) -> Tensor:
        if image.shape[-1] == 3:
            return image
        background = self._background(image.device)
        return image[..., :3] * image[..., 3:] + (1 - image[..., 3:]) * background

    def _outlines(self, attributes: TrainingCallbackAttributes) -> Pictures | None:
        if not self.config.begin_at_outlines:
            return None
        return outlined_pictures(attributes.pipeline.datamanager.train_dataset)

    def _become(self, field: VoxelField, outlines: Pictures | None, optimizers: Optimizers) -> None:
        """Take over a field of any shape."""
        allowed = torch.ones_like(field.density, dtype=torch.bool)
        if outlines is not None:
            margin = self.options.hull_margin_px
            allowed = allowed_nodes(field, outlines.rgba[..., 3], outlines.cameras, margin)
            field = emptied(field, allowed)
        self.voxel_allowed = allowed.to(self.device)
        self.voxel_box.copy_(torch.tensor([field.low, field.high]))
        for group, value in (("density", field.density), ("colour", field.colour)):
            # a new parameter: graphs of the step before know the old one's shape
            parameter = nn.Parameter(value.detach().to(self.device).clone())
            setattr(self, f"voxel_{group}", parameter)
            optimizer = optimizers.optimizers[group]
            optimizer.state.clear()
            optimizer.param_groups[0]["params"] = [parameter]
            optimizers.parameters[group] = [parameter]


def ball_in(box: tuple[Corner, Corner], num_cells: int, share: float) -> VoxelField:
    """A grey ball in the middle of a box of about cubic cells.

    Args:
        box: low and high corner.
        num_cells: along the longest side.
        share: of the shortest side that the ball's radius is.
    """
    low, high = box
    sides = [b - a for a, b in zip(low, high, strict=True)]
    cell = max(sides) / num_cells
    x, y, z = (max(round(side / cell), 1) + 1 for side in sides)
    field = uniform_field((x, y, z), low=low, high=high)
    middle = torch.tensor([(a + b) / 2 for a, b in zip(low, high, strict=True)])
    density = ball_density(node_positions(field) - middle, share * min(sides))
    return VoxelField(density, field.colour, low, high)
