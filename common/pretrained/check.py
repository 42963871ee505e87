"""What is refused before anything runs: the checkpoint, its models, the size, the kernels."""

from common.adapters.lora import check_lora_files
from common.control.read import read_followed
from common.diffusion.feature_cache import check_levels
from common.diffusion.token_merging import merged_layers
from common.errors import InputError
from common.pretrained.attention import check_attention, check_kernel
from common.pretrained.build import check_transformer_settings
from common.pretrained.checkpoint import check_mask, check_size, read_checkpoint
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.controlnet import read_control
from common.pretrained.fit import build_skeletons, load_tokenizers
from common.pretrained.ip_adapter import check_adapter
from common.pretrained.words import words_of_encoders


def check_pretrained(
    config: PretrainedPriorConfig,
    size: tuple[int, ...],
    has_view: bool = False,
    num_frames: int = 1,
    inpaints: bool = False,
) -> None:
    """Refuse what a checkpoint cannot draw; no weights are read.

    Args:
        config: of the prior.
        size: ``(height, width)`` in pixels.
        has_view: whether the picture is asked for from a view.
        num_frames: of the clips that are made of pictures; controls may have one for each.
        inpaints: whether part of a given picture or clip is drawn anew.

    Raises:
        InputError: the checkpoint is missing, wrong or of another kind, or does not fit.
    """
    if has_view:
        raise InputError(
            "the pretrained prior knows no views: leave view out, or use prior.name=embedded"
        )
    check_attention(config.compute.attention)
    checkpoint = read_checkpoint(config)
    check_kernel(checkpoint, config.compute.attention)
    check_transformer_settings(checkpoint, config)
    check_size(checkpoint, size)
    check_mask(checkpoint, inpaints)
    checkpoint.schedule_at(size)
    models = build_skeletons(checkpoint, config.clip_skip)
    tokenizers = load_tokenizers(checkpoint, models)
    words_of_encoders(config.embeddings, models, tokenizers)
    if config.compute.feature_cache is not None:
        check_levels(len(models.denoiser.down_blocks), config.compute.feature_cache.levels)
    if config.compute.token_merging is not None:
        merged_layers(models.denoiser)
    check_lora_files(models.by_name, config.loras)
    if config.image_prompt is not None:
        check_adapter(config.image_prompt, models.denoiser)
    for control in config.controls:
        read_control(control.path, control.variant, checkpoint)
        read_followed(control, (num_frames, *size))
