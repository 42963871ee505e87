"""How much memory drawing clips from a checkpoint with a motion module takes."""

from dataclasses import replace

import torch
from einops import repeat

from common.diffusion.compiled import laid_out_bytes
from common.diffusion.lean_unet import make_lean
from common.diffusion.lifted_unet import LiftedUNet, UNetInputs
from common.pretrained.activation_memory import peak_activation_bytes
from common.pretrained.build import set_up, size_ids, torch_dtype
from common.pretrained.checkpoint import read_checkpoint
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.fit import build_skeletons
from common.pretrained.memory import PretrainedNeed, pretrained_need
from video.animatediff.build import Size
from video.animatediff.motion_file import read_motion
from video.animatediff.motion_layers import frame_layers_of
from video.animatediff.sparse_file import read_sparse
from video.motion_config import MotionModuleConfig


def animatediff_need(
    config: PretrainedPriorConfig, motion: MotionModuleConfig, size: Size, together: int
) -> PretrainedNeed:
    """The memory of drawing ``together`` clips of ``(frames, height, width)`` at a time."""
    alone = pretrained_need(config, size[1:], 1, min(size[0], config.compute.decode_batch))
    dtype = torch_dtype(config.compute)
    checkpoint = read_motion(motion.path)
    models = build_skeletons(read_checkpoint(config), config.clip_skip)
    compute = config.compute
    if compute.attention == "xformers":  # as lean as torch's kernel, and not there on meta
        compute = compute.model_copy(update={"attention": "sdpa"})
    set_up(read_checkpoint(config), models, compute, "meta")
    make_lean(models.denoiser)
    layers = torch.nn.Module.to(frame_layers_of(checkpoint, models.denoiser), "meta", dtype)
    lifted = LiftedUNet(torch.nn.Module.to(models.denoiser, dtype), layers)
    count, latent = together * size[0], alone.latent_shape
    channels = models.denoiser.config["in_channels"]
    latents = torch.empty(together, channels, size[0], *latent[1:], dtype=dtype, device="meta")
    tokens = models.text_encoders[0].config.max_position_embeddings
    features = sum(model.config.hidden_size for model in models.text_encoders)
    told = None
    if len(models.text_encoders) == 2:
        pooled = models.text_encoders[1].config.projection_dim
        ids = torch.tensor(size_ids(config.size_condition, size[1:]), device="meta")
        told = {
            "text_embeds": torch.empty(count, pooled, dtype=dtype, device="meta"),
            "time_ids": repeat(ids.float(), "k -> b k", b=count),
        }
    states = torch.empty(count, tokens, features, dtype=dtype, device="meta")
    inputs = UNetInputs(states, added=told)
    times = torch.empty(together, size[0], device="meta")
    frames = torch.empty(together, size[0], device="meta")
    activations = peak_activation_bytes(
        lifted, lambda: lifted(latents, times, inputs, frames=frames)
    )
    added = [read_sparse(one.path).weights for one in motion.sparse_controls]
    stored = [value for weights in (checkpoint.weights, *added) for value in weights.values()]
    own = sum(value.numel() for value in stored) * dtype.itemsize
    own += laid_out_bytes(own, compute.compile)
    return replace(
        alone,
        latent_shape=(latent[0], size[0], *latent[1:]),
        weights_bytes=alone.weights_bytes + own,
        activation_bytes=max(alone.activation_bytes, activations),
    )
