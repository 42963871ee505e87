"""What learning from a folder takes, said before it starts: no weight is read.

The U-Net runs once on the meta device, which computes nothing, and every tensor that its gradient
would need is counted.
"""

from contextlib import nullcontext
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from common.adapters.low_rank import LowRank, LowRankConfig
from common.embedded.autoencoder import DOWNSAMPLING
from common.embedded.image_unet import ImageUNetArchitecture, build_image_unet
from common.embedded.tokenizer import MAX_TOKENS
from common.generation.priors import models_folder
from common.pretrained.attention import set_attention
from common.pretrained.checkpoint import read_checkpoint
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.fit import build_skeletons
from common.runs.app import Estimate
from common.training.folder.folder_config import FolderTraining
from common.zoo.models import architecture_of, check_embedded_prior

_LIBRARIES_BYTES = 800 * 2**20
_COPIES = 5
"""Float32 copies of what is trained: itself, averaged, gradient and two moments."""
_DECODED_BYTES = 4 * 300
"""Of features, for each pixel that is encoded or decoded."""
_NUM_TIME_IDS = 6


def folder_estimate(config: FolderTraining, change: LowRankConfig | None, learnt: int) -> Estimate:
    """Sizes, memory and steps.

    Args:
        config: what is taught.
        change: the low-rank change of the U-Net; None if something else is learnt.
        learnt: numbers that are learnt beside it; -1 for all of the U-Net.
    """
    unet, frozen_bytes, cell = _models(config)
    low_rank = None if change is None else LowRank(unet, change, torch.Generator())
    count = _count(unet) if learnt < 0 else learnt
    count += 0 if low_rank is None else _count(low_rank)
    latents = torch.empty(
        config.loop.batch_size, unet.config["in_channels"],
        *(side // cell for side in config.size), device="meta",
    )  # fmt: skip
    gradient = saved_bytes(
        unet, None if low_rank is None else low_rank.to("meta"), latents,
        config.gradient_checkpointing,
    )  # fmt: skip
    batch, steps = config.loop.batch_size, config.loop.num_steps
    memory = _LIBRARIES_BYTES + frozen_bytes + 4 * _COPIES * count + gradient
    sizes = {
        "learnt numbers": f"{count:,}",
        "batch_size": f"{batch} x {config.loop.num_accumulated}",
        "pictures": f"{config.height} x {config.width}",
        "samples": f"{batch * config.loop.num_accumulated * steps:,}",
    }
    return Estimate(sizes, memory + _DECODED_BYTES * prod(config.size), steps)


def saved_bytes(
    unet: Any, low_rank: LowRank | None, latents: Tensor, checkpointed: bool = False
) -> int:
    """Bytes of the tensors that a forward pass of a U-Net on meta keeps for its gradient.

    With gradient checkpointing these are what blocks begin with, and all of the largest block.
    """
    weights = {weight.untyped_storage()._cdata for weight in unet.parameters()}
    places: list[dict[int, Tensor]] = [{}]  # of the whole, and of the block that is computed
    largest = 0

    def keep(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage()._cdata not in weights:
            places[-1][tensor.untyped_storage()._cdata] = tensor
        return tensor

    def block(module: Any, *given: Any) -> Any:
        nonlocal largest
        for one in given:
            if isinstance(one, Tensor):
                keep(one)
        places.append({})
        made = module(*given)
        largest = max(largest, _num_bytes(places.pop()))
        return made

    if checkpointed:
        unet.enable_gradient_checkpointing(block)
    inputs = unet_inputs(unet, len(latents))
    begins = latents.requires_grad_(True)
    change = nullcontext() if low_rank is None else low_rank.applied(unet)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), change:
        unet(begins, torch.zeros(len(latents), device="meta"), **inputs)
    return _num_bytes(places[0]) + largest


def _num_bytes(kept: dict[int, Tensor]) -> int:
    return sum(one.numel() * one.element_size() for one in kept.values())


def unet_inputs(unet: Any, count: int) -> dict[str, Any]:
    """What a U-Net on meta is told of ``count`` samples: prompts of a usual length."""
    config = unet.config
    features = config["cross_attention_dim"]
    width = features if isinstance(features, int) else features[0]
    embedded = config["class_embed_type"] == "projection"
    tokens = MAX_TOKENS if embedded else 77
    told: dict[str, Any] = {
        "encoder_hidden_states": torch.empty(count, tokens, width, device="meta")
    }
    projected = config["projection_class_embeddings_input_dim"]
    if embedded:
        told["class_labels"] = torch.empty(count, projected, device="meta")
    elif config["addition_embed_type"] == "text_time":
        pooled = projected - _NUM_TIME_IDS * config["addition_time_embed_dim"]
        told["added_cond_kwargs"] = {
            "text_embeds": torch.empty(count, pooled, device="meta"),
            "time_ids": torch.empty(count, _NUM_TIME_IDS, device="meta"),
        }
    return told


def _models(config: FolderTraining) -> tuple[Any, int, int]:
    """The U-Net on meta, bytes of all frozen weights, and pixels along a latent cell."""
    if isinstance(config.prior, PretrainedPriorConfig):
        checkpoint = read_checkpoint(config.prior)
        models = build_skeletons(checkpoint, config.prior.clip_skip)
        set_attention(models.denoiser, "sdpa", "meta")
        frozen = sum(_count(model) for model in models.all)
        return models.denoiser, 4 * frozen, checkpoint.downsampling
    manifests = check_embedded_prior(models_folder(config.prior))
    sizes = architecture_of(ImageUNetArchitecture, manifests["image_unet"].architecture)
    with torch.device("meta"):
        unet = build_image_unet(sizes)
    return unet, 4 * sum(one.num_bytes for one in manifests.values()), DOWNSAMPLING


def _count(model: nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters())
