"""SparseCtrl at work: pictures of some frames that a clip is drawn through.

A copy of the U-Net's way down with motion modules of one attention, which sees nothing of the noisy
clip but its time and its prompt, and pictures where there are any, with a mask that says where (Guo
et al. 2023, arXiv 2311.16933). What it makes of them is added to the U-Net's skip connections.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from einops import rearrange, repeat
from jaxtyping import Float, Int64
from torch import Tensor, nn

from common.diffusion.frame_attention import FrameTransformerSizes, NormOver
from common.diffusion.lifted_unet import FrameLayers, FrameLayersArchitecture, UNetInputs, put_in
from video.animatediff.motion_layers import check_same
from video.animatediff.sparse_file import MAX_FRAMES, SparseCheckpoint, SparseKind


@dataclass(frozen=True, eq=False)
class SparseControl:
    """An encoder and the pictures that a clip is to show."""

    model: Any
    """A ``ControlNetModel`` whose condition is latents or pixels, and a mask."""
    layers: FrameLayers
    kind: SparseKind
    shown: Mapping[int, Float[Tensor, "k h w"]]
    """The condition of each key frame, without its mask: latents for rgb, pixels in [0, 1] for
    scribble."""
    weight: float = 1.0
    interval: tuple[float, float] = (0.0, 1.0)
    """Diffusion times at which it acts."""
    part: Int64[Tensor, " f"] | None = None
    """Which frames of the clip are drawn, where they are not all."""

    def of_frames(self, frames: Int64[Tensor, " f"]) -> "SparseControl":
        """The same for some frames, of a clip of their own."""
        return replace(self, part=frames if self.part is None else self.part[frames])

    def condition(self, frames: Int64[Tensor, " f"]) -> Float[Tensor, "f c h w"]:
        """Key frames with mask 1, and nothing with mask 0 elsewhere."""
        frames = frames if self.part is None else self.part[frames]
        example = next(iter(self.shown.values()))
        found = example.new_zeros(len(frames), len(example) + 1, *example.shape[1:])
        for place, frame in enumerate(frames.tolist()):
            if frame in self.shown:
                found[place, :-1], found[place, -1] = self.shown[frame], 1.0
        return found


def build_sparse(
    checkpoint: SparseCheckpoint, unet: Any, norm_over: NormOver = "per_frame"
) -> tuple[Any, FrameLayers]:
    """The encoder's networks without gradients, of the U-Net's sizes.

    Raises:
        InputError: weights are missing, left over or of other shapes.
    """
    from diffusers import ControlNetModel
    from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding

    channels = int(unet.config.block_out_channels[0])
    with torch.device("meta"):
        model: Any = ControlNetModel.from_unet(unet, load_weights_from_unet=False)
        if checkpoint.kind == "rgb":
            seen = int(unet.config.in_channels) + 1
            model.controlnet_cond_embedding = nn.Conv2d(seen, channels, 3, padding=1)
        else:
            model.controlnet_cond_embedding = ControlNetConditioningEmbedding(
                channels, conditioning_channels=4
            )
        sizes = FrameLayersArchitecture(
            transformer=FrameTransformerSizes(num_attentions=1, norm_over=norm_over),
            max_frames=MAX_FRAMES,
        )
        layers = FrameLayers(sizes, model)
    title = f"SparseCtrl {checkpoint.kind}"
    for module, weights in ((model, checkpoint.control), (layers, checkpoint.motion)):
        wanted = {key: tuple(value.shape) for key, value in module.state_dict().items()}
        check_same(wanted, {key: tuple(value.shape) for key, value in weights.items()}, title)
        module.load_state_dict(weights, assign=True)
        module.eval().requires_grad_(False)
    return model, layers


def with_sparse_controls(
    controls: Sequence[SparseControl],
    inputs: UNetInputs,
    latents: Float[Tensor, "b c f h w"],
    timesteps: Float[Tensor, " bf"],
    times: Float[Tensor, " bf"],
    frames: Int64[Tensor, " f"],
) -> UNetInputs:
    """Inputs of the U-Net with what the encoders add.

    Args:
        controls: may be empty.
        inputs: without them.
        latents: only their shape and type are looked at.
        timesteps: of every frame.
        times: the same as diffusion times in [0, 1].
        frames: which frames of the clip these are.
    """
    for control in controls:
        low, high = control.interval
        acting = ((times >= low) & (times <= high)).to(latents.dtype) * control.weight
        if bool(acting.any()):
            inputs = _added(inputs, *_features(control, inputs, latents, timesteps, frames), acting)
    return inputs


def _features(
    control: SparseControl,
    inputs: UNetInputs,
    latents: Float[Tensor, "b c f h w"],
    timesteps: Float[Tensor, " bf"],
    frames: Int64[Tensor, " f"],
) -> tuple[tuple[Tensor, ...], Tensor]:
    """What an encoder makes of a clip's key frames."""
    batch, count = latents.shape[0], latents.shape[2]
    nothing = rearrange(torch.zeros_like(latents), "b c f h w -> (b f) c h w")
    condition = control.condition(frames).to(latents)
    places = torch.arange(count, device=latents.device).float().expand(batch, -1)
    with put_in(control.model, control.layers, places, None, 1.0):
        down, middle = control.model(
            nothing, timesteps, encoder_hidden_states=inputs.states,
            controlnet_cond=repeat(condition, "f c h w -> (b f) c h w", b=batch),
            return_dict=False,
        )  # fmt: skip
    return tuple(down), middle


def _added(
    inputs: UNetInputs, down: tuple[Tensor, ...], middle: Tensor, acting: Float[Tensor, " bf"]
) -> UNetInputs:
    shares = rearrange(acting, "n -> n 1 1 1")
    down, middle = tuple(shares * one for one in down), shares * middle
    if inputs.down is not None and inputs.middle is not None:
        down = tuple(one + other for one, other in zip(inputs.down, down, strict=True))
        middle = inputs.middle + middle
    return inputs._replace(down=down, middle=middle)
