"""Inflation: a 2-D U-Net of diffusers and frame layers become a net of clips.

``inflate(unet, layers)`` proves what it says: every key of the U-Net's config is carried or refused
by name (`unet_coverage.py`), and with layers of strength 0 the result is the U-Net frame by frame.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from einops import rearrange, repeat
from torch import Tensor

from common.diffusion.frame_attention import Span
from common.diffusion.lifted_unet import FrameLayers, LiftedUNet, UNetInputs
from common.diffusion.temporal_convolution import TemporalConvolution
from common.diffusion.unet_coverage import KeyCoverage, check_coverage
from common.errors import InputError

_IDENTITY_TOLERANCE = 1e-4
"""Rounding of one float32 network at two batch shapes, values about 1; measured 1e-6."""
_HALF_TOLERANCE = 2e-2
"""The same in 16 bits."""
_FRAMES = 2
_TOKENS = 3


@dataclass(frozen=True)
class PlacedLayer:
    """A frame layer of a lifted U-Net."""

    after: str
    """The module of the U-Net whose features it takes."""
    kind: Literal["convolution"] | Span
    """A convolution over frames, or what a transformer's tokens attend to."""
    num_weights: int


@dataclass(frozen=True, eq=False)
class Inflation:
    """A lifted U-Net, and what became of each key of its config."""

    lifted: LiftedUNet
    coverage: list[KeyCoverage]

    @property
    def layers(self) -> list[PlacedLayer]:
        """Every frame layer, in the order in which the U-Net comes to them."""
        names = {id(module): name for name, module in self.lifted.unet.named_modules()}
        return [
            PlacedLayer(
                names[id(spatial)],
                "convolution" if isinstance(layer, TemporalConvolution) else layer.span,
                sum(weight.numel() for weight in layer.parameters()),
            )
            for spatial, layer in self.lifted.layers.places(self.lifted.unet)
        ]


def inflate(unet: Any, layers: FrameLayers) -> Inflation:
    """Lift a U-Net to clips.

    Args:
        unet: any ``UNet2DConditionModel`` of diffusers; it is not changed.
        layers: frame layers for its shape.

    Raises:
        InputError: keys of its config that clips cannot have, named; or layers that at strength 0
            are no identity.
    """
    coverage = check_coverage(unet.config)
    lifted = LiftedUNet(unet, layers)
    check_identity(lifted)
    return Inflation(lifted, coverage)


@torch.no_grad()
def check_identity(lifted: LiftedUNet) -> None:
    """Prove that with ``scale=0`` the lifted U-Net is the U-Net, frame by frame.

    Raises:
        InputError: it is not; the layers are in the wrong places or not residual.
    """
    unet = lifted.unet
    parameter = next(unet.parameters())
    device, dtype = parameter.device, parameter.dtype
    flat, inputs = example_inputs(unet)
    flat, inputs = flat.to(device, dtype), _moved(inputs, device, dtype)
    times = torch.tensor([100.0, 700.0], device=device)
    alone = unet(flat, times, **inputs.arguments(), return_dict=False)[0]
    width = lifted.layers.sizes.condition_channels
    told = repeat(torch.ones(width, device=device), "k -> f k", f=_FRAMES) if width else None
    made = lifted(rearrange(flat, "f c h w -> 1 c f h w"), times[None], inputs, told, scale=0.0)
    off = float((rearrange(made, "1 c f h w -> f c h w") - alone).abs().max())
    tolerance = _IDENTITY_TOLERANCE if dtype == torch.float32 else _HALF_TOLERANCE
    if not off <= tolerance * max(float(alone.abs().max()), 1.0):
        raise InputError(f"the frame layers at scale 0 change the U-Net by {off:.2g}")


def example_inputs(unet: Any) -> tuple[Tensor, UNetInputs]:
    """Random latents of two frames, and all that a U-Net's config asks to be told of them."""
    config, generator = unet.config, torch.Generator().manual_seed(0)
    side = 2 ** len(config.block_out_channels)

    def normal(*shape: int) -> Tensor:
        return torch.randn(_FRAMES, *shape, generator=generator)

    cross = config.cross_attention_dim
    cross = cross if isinstance(cross, int) else cross[0]
    hidden = config.encoder_hid_dim or cross
    width = cross if config.encoder_hid_dim_type is None else hidden
    added: dict[str, Tensor] = {}
    if config.encoder_hid_dim_type in ("text_image_proj", "image_proj"):
        added["image_embeds"] = normal(cross if "text" in config.encoder_hid_dim_type else hidden)
    match config.addition_embed_type:
        case "text_time":
            sizes = 6 * config.addition_time_embed_dim
            pooled = config.projection_class_embeddings_input_dim - sizes
            added |= {"text_embeds": normal(pooled), "time_ids": normal(6).abs() * 100}
        case "text_image":
            added |= {"text_embeds": normal(cross), "image_embeds": normal(cross)}
        case "image" | "image_hint":
            added["image_embeds"] = normal(hidden)
            added["hint"] = normal(3, 8 * side, 8 * side)
    # A hint joins the latents as four channels more.
    own = config.in_channels - (4 if config.addition_embed_type == "image_hint" else 0)
    condition = config.time_cond_proj_dim
    inputs = UNetInputs(
        normal(_TOKENS, width), None, _example_labels(config, normal), added or None,
        time_condition=normal(condition) if condition else None,
    )  # fmt: skip
    return normal(own, side, side), inputs


def _example_labels(config: Any, normal: Any) -> Tensor | None:
    match config.class_embed_type:
        case None:
            return None if config.num_class_embeds is None else torch.arange(_FRAMES)
        case "timestep":
            return torch.arange(_FRAMES) * 10.0
        case "identity":
            own = config.time_embedding_dim or 4 * config.block_out_channels[0]
            return torch.as_tensor(normal(own))
        case _:
            return torch.as_tensor(normal(config.projection_class_embeddings_input_dim))


def _moved(inputs: UNetInputs, device: torch.device, dtype: torch.dtype) -> UNetInputs:
    def move(one: Tensor | None) -> Tensor | None:
        if one is None:
            return None
        return one.to(device, dtype) if one.is_floating_point() else one.to(device)

    added = None
    if inputs.added is not None:
        added = {key: value.to(device, dtype) for key, value in inputs.added.items()}
    return inputs._replace(
        states=inputs.states.to(device, dtype), class_labels=move(inputs.class_labels),
        added=added, time_condition=move(inputs.time_condition),
    )  # fmt: skip
