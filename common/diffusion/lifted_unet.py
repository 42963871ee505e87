"""A frozen 2-D U-Net with frame transformers put in: pictures become clips, or consistent views.

The U-Net stays what it is: the layers are put in for the length of one call, after each layer's
spatial attention (or its residual block where it has none), which is where AnimateDiff has them.
Convolutions over frames, after every residual block, and attention over space and time make it a
3-D U-Net instead. So every U-Net of diffusers' ``UNet2DConditionModel`` can be lifted with all its
own options, and with ``scale=0`` the result is the U-Net itself, frame by frame.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor, nn

from common.config import Config
from common.diffusion.compiled import compile_parts
from common.diffusion.frame_attention import FrameTransformer, FrameTransformerSizes, Span
from common.diffusion.temporal_convolution import TemporalConvolution
from common.errors import InputError

Strength = float | Float[Tensor, " bf"]
"""Of frame layers, in all frames or in each."""
FrameLayer = FrameTransformer | TemporalConvolution


LevelSpan = Span | Literal["nothing"]
"""What the frame transformers of a level attend to, or that it has none."""


class FrameLayersArchitecture(Config):
    """The frame transformers of one U-Net; the defaults are AnimateDiff's third version."""

    transformer: FrameTransformerSizes = FrameTransformerSizes()
    """Sizes of each."""
    spans: tuple[LevelSpan, ...] = ()
    """What tokens attend to at each level of the U-Net, the finest first; empty: their place.
    everywhere is full attention over space and time; nothing: no attention among frames there."""
    convolution_frames: Literal[0, 3, 5, 7] = 0
    """Frames that convolutions after every residual block see, which make the U-Net a 3-D U-Net; 0
    for none, as in AnimateDiff."""
    in_middle: bool = False
    """Whether the middle block has one too, as in AnimateDiff's second version."""
    max_frames: int = Field(32, ge=1, le=1024)
    """Frames of the longest clip that they were trained on."""
    condition_channels: int = Field(0, ge=0, le=8192)
    """Features of what each frame is conditioned on, beside its noise level; 0 for none."""
    first_alone: bool = False
    """Whether clips are drawn in two parts: the first frame by itself, then the others, given it
    (Emu Video, Girdhar et al. 2023, arXiv 2311.10709)."""
    shared_noise: float = Field(0.0, ge=0, lt=1)
    """Share of the noise's variance that all frames have in common (PYoCo's mixed noise, Ge et al.
    2023, arXiv 2305.10474): what the U-Net makes of each frame is alike from the start."""


class FrameLayers(nn.Module):
    """Frame transformers in the places of diffusers' ``MotionAdapter``, with its names.

    Args:
        sizes: The layers' sizes.
        unet: The U-Net that they are for, or a ControlNet, which has no way up; only its shape is
            looked at.
    """

    def __init__(self, sizes: FrameLayersArchitecture, unet: Any):
        super().__init__()
        levels = tuple(unet.config.block_out_channels)
        own: LevelSpan = "place"
        spans = sizes.spans or (own,) * len(levels)
        if len(spans) != len(levels):
            raise InputError(
                f"spans has {len(spans)} levels, the U-Net has {len(levels)}: {levels} channels"
            )
        self.sizes = sizes
        self.embed_condition = _condition_embedding(sizes, unet)
        self.down_blocks = nn.ModuleList(
            _BlockLayers(channels, len(block.resnets), sizes, span)
            for channels, block, span in zip(levels, unet.down_blocks, spans, strict=True)
        )
        middle = unet.mid_block is not None and (sizes.in_middle or sizes.convolution_frames)
        self.mid_block = None
        if middle:
            span = spans[-1] if sizes.in_middle else "nothing"
            self.mid_block = _BlockLayers(levels[-1], 1, sizes, span, len(unet.mid_block.resnets))
        ups = getattr(unet, "up_blocks", None)
        self.up_blocks = nn.ModuleList(
            _BlockLayers(channels, len(block.resnets), sizes, span)
            for channels, block, span in zip(
                reversed(levels), ups or [], reversed(spans), strict=ups is not None
            )
        )

    def places(self, unet: Any) -> Iterator[tuple[nn.Module, FrameLayer]]:
        """Each frame layer with the module of ``unet`` that it comes after, in their order."""
        pairs: list[tuple[Any, Any]] = [
            *zip(unet.down_blocks, self.down_blocks, strict=True),
            *zip(getattr(unet, "up_blocks", None) or [], self.up_blocks, strict=True),
        ]
        if self.mid_block is not None:
            pairs.append((unet.mid_block, self.mid_block))
        for block, layers in pairs:
            yield from zip(block.resnets, layers.temporal_convolutions, strict=False)
            attentions = getattr(block, "attentions", None)
            spatial = block.resnets if attentions is None else attentions
            yield from zip(spatial, layers.motion_modules, strict=False)


class _BlockLayers(nn.Module):
    def __init__(
        self,
        channels: int,
        count: int,
        sizes: FrameLayersArchitecture,
        span: LevelSpan,
        num_residual: int | None = None,
    ):
        super().__init__()
        own, width = sizes.transformer, sizes.convolution_frames
        self.motion_modules = nn.ModuleList()
        if span != "nothing":
            self.motion_modules.extend(FrameTransformer(channels, own, span) for _ in range(count))
        self.temporal_convolutions = nn.ModuleList()
        if width:
            self.temporal_convolutions.extend(
                TemporalConvolution(channels, width, own.norm_groups)
                for _ in range(num_residual or count)
            )


class UNetInputs(NamedTuple):
    """What a U-Net is told of each frame, the frames of a clip one after the other."""

    states: Float[Tensor, "bf l d"]
    """Text states for cross-attention."""
    mask: Bool[Tensor, "bf l"] | None = None
    """Where there are states."""
    class_labels: Tensor | None = None
    """Features ``(bf, k)`` that join the time embedding, or numbers of classes or times ``(bf,)``,
    as the U-Net's ``class_embed_type`` says."""
    added: dict[str, Tensor] | None = None
    """What SDXL is told beside the text: its pooled state and sizes."""
    down: tuple[Tensor, ...] | None = None
    """What is added to the skip connections, by ControlNets."""
    middle: Tensor | None = None
    """What is added to the middle block's features."""
    time_condition: Float[Tensor, "bf k"] | None = None
    """What joins the features of the time, such as a guidance scale (``time_cond_proj_dim``)."""

    def arguments(self) -> dict[str, Any]:
        """As diffusers' U-Nets take them."""
        return {
            "encoder_hidden_states": self.states,
            "encoder_attention_mask": self.mask,
            "class_labels": self.class_labels,
            "timestep_cond": self.time_condition,
            "added_cond_kwargs": self.added,
            "down_block_additional_residuals": self.down,
            "mid_block_additional_residual": self.middle,
        }


class LiftedUNet(nn.Module):
    """A U-Net and the frame layers that lift it.

    Not for two threads at once: while it runs, the layers are hooked into the U-Net.
    """

    def __init__(self, unet: Any, layers: FrameLayers):
        super().__init__()
        self.unet, self.layers = unet, layers

    def forward(
        self,
        latents: Float[Tensor, "b c f h w"],
        timesteps: Float[Tensor, "b f"],
        inputs: UNetInputs,
        condition: Float[Tensor, "bf k"] | None = None,
        frames: Float[Tensor, "b f"] | None = None,
        scale: Strength = 1.0,
    ) -> Float[Tensor, "b d f h w"]:
        """The U-Net's prediction for every frame.

        Args:
            latents: Noised latents.
            timesteps: Noise level of each frame.
            inputs: What the U-Net is told of each frame.
            condition: What the frame layers are told of each frame, if they take a condition.
            frames: Time of each frame, counted in frames; 0, 1, 2, ... if left out.
            scale: Strength of the frame layers, in all frames or in each; 0 leaves the U-Net alone.
        """
        batch, _, num_frames = latents.shape[:3]
        if frames is None:
            frames = torch.arange(num_frames, device=latents.device).float().expand(batch, -1)
        flat_timesteps = rearrange(timesteps, "b f -> (b f)")
        flat = rearrange(latents, "b c f h w -> (b f) c h w")
        embedded = self._embedded(flat, flat_timesteps, condition)
        with put_in(self.unet, self.layers, frames, embedded, scale):
            made = self.unet(
                flat.contiguous(memory_format=torch.channels_last),
                flat_timesteps,
                **inputs.arguments(),
                return_dict=False,
            )[0]
        return rearrange(made, "(b f) c h w -> b c f h w", f=num_frames)

    def _embedded(self, flat: Tensor, timesteps: Tensor, condition: Tensor | None) -> Tensor | None:
        if self.layers.embed_condition is None:
            return None
        if condition is None:
            raise InputError(
                f"these frame layers need a condition of {self.layers.sizes.condition_channels} "
                "features for each frame"
            )
        time = self.unet.get_time_embed(sample=flat, timestep=timesteps)
        return self.layers.embed_condition(torch.cat([time, condition.to(time)], 1))


def compile_lifted(lifted: LiftedUNet, device: str) -> None:
    """Compile residual blocks, spatial attention and frame layers, but not what is hooked between.

    Raises:
        InputError: nothing to compile with is there.
    """
    from diffusers.models.resnet import ResnetBlock2D

    places = list(lifted.layers.places(lifted.unet))
    parts = {id(part): part for pair in places for part in pair}
    parts |= {id(one): one for one in lifted.unet.modules() if isinstance(one, ResnetBlock2D)}
    compile_parts(parts.values(), device)


@contextmanager
def put_in(
    unet: Any, layers: FrameLayers, frames: Tensor, condition: Tensor | None, scale: Strength
) -> Iterator[None]:
    """The frame layers in their places, for as long as the context lasts."""
    hooks = []
    for spatial, layer in layers.places(unet):

        def after(module: nn.Module, given: Any, made: Any, layer: FrameLayer = layer) -> Any:
            if isinstance(made, tuple):
                return (layer(made[0], frames, condition, scale), *made[1:])
            return layer(made, frames, condition, scale)

        hooks.append(spatial.register_forward_hook(after))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _condition_embedding(sizes: FrameLayersArchitecture, unet: Any) -> nn.Sequential | None:
    """From a condition and the features of the noise level to what modulates each layer."""
    hidden = sizes.transformer.condition_channels
    if bool(sizes.condition_channels) != bool(hidden):
        raise InputError(
            f"condition_channels is {sizes.condition_channels} and "
            f"transformer.condition_channels is {hidden}: set both, or neither"
        )
    if not hidden:
        return None
    given = sizes.condition_channels + int(unet.config.block_out_channels[0])
    return nn.Sequential(nn.Linear(given, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
