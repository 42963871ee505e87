"""What a user should hear before a run: keys that are set and have no effect."""

from common.generation.classifier_notes import classifier_notes
from common.generation.concepts import check_prompts
from common.generation.config import GenerationConfig


def generation_notes(config: GenerationConfig, size: tuple[int, ...]) -> list[str]:
    """Notes on a config that is valid, but perhaps not what was meant.

    Args:
        config: the run's config.
        size: ``(h, w)`` for pictures, ``(f, h, w)`` for clips.
    """
    notes = check_prompts(config, size)
    notes += classifier_notes(config.prior, config.guidance, config.prompt)
    if config.negative_prompt and config.guidance.guidance_scale == 1:
        notes.append("negative_prompt has no effect: guidance_scale is 1, which is no guidance")
    if config.num_samples == 1 and "contact_sheet" in config.model_fields_set:
        notes.append("contact_sheet has no effect: num_samples is 1")
    if config.batch_size > config.num_samples and "batch_size" in config.model_fields_set:
        notes.append(
            f"batch_size {config.batch_size} is more than num_samples {config.num_samples}; "
            f"{config.num_samples} are drawn together"
        )
    return notes
