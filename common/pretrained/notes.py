"""What a user should hear before drawing from a checkpoint: keys without effect, long prompts."""

from common.adapters.learnt_words import LearntWords, words_of
from common.adapters.word_file import read_word
from common.errors import InputError
from common.pretrained.checkpoint import Checkpoint, is_far_from_training, read_checkpoint
from common.pretrained.component import unknown_keys
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.location import is_hub_id
from common.pretrained.prompt_chunks import NUM_MARKS, load_tokenizer, num_words
from common.pretrained.single_file.read import unused
from common.pretrained.t5_encoding import t5_tokens


def pretrained_notes(
    config: PretrainedPriorConfig, prompt: str, negative_prompt: str, size: tuple[int, ...]
) -> list[str]:
    """Notes on a config that is valid, but perhaps not what was meant.

    Raises:
        InputError: a prompt's emphasis brackets do not match, or the checkpoint is wrong.
    """
    checkpoint = read_checkpoint(config)
    notes = [
        f"{component.config_file}: {', '.join(keys)} has no effect: {component.model_class} has "
        "no such key"
        for component in checkpoint.components
        if (keys := unknown_keys(component))
    ]
    sizes = checkpoint.text_encoders[0].config
    words = words_of(
        [read_word(one) for one in config.embeddings], "text_encoder",
        int(sizes.get("vocab_size", 49408)), int(sizes.get("hidden_size", 512)),
    )  # fmt: skip
    for key, text in (("prompt", prompt), ("negative_prompt", negative_prompt)):
        notes += _of_prompt(checkpoint, key, text, words)
    return [*notes, *_without_effect(config, checkpoint, size), *_of_size(checkpoint, size[-2:])]


def _of_prompt(checkpoint: Checkpoint, key: str, text: str, words: LearntWords) -> list[str]:
    try:
        tokenizers = [(load_tokenizer(*one), one[1]) for one in checkpoint.tokenizers]
        for tokenizer, kind in tokenizers:
            if kind == "t5":
                t5_tokens(tokenizer, text, checkpoint.t5_tokens)
        first, kind = tokenizers[0]
        count = num_words(first, text, words)
    except InputError as wrong:
        raise InputError(f"{key}: {wrong}") from None
    length = checkpoint.text_encoders[0].config.get("max_position_embeddings", 77)
    room = length - NUM_MARKS
    if count <= room or kind == "t5":
        return []
    if checkpoint.family == "flux":
        return [f"the {key} has {count} tokens: T5 reads them all, CLIP the first {room}"]
    return [
        f"the {key} has {count} tokens and is read in {-(-count // room)} chunks of {room}: words "
        "in different chunks hear less of each other"
    ]


def _without_effect(
    config: PretrainedPriorConfig, checkpoint: Checkpoint, size: tuple[int, ...]
) -> list[str]:
    notes, compute = [], config.compute
    if not is_hub_id(config):
        for key in ("allow_download", "revision"):
            if key in config.model_fields_set:
                notes.append(f"prior.{key} has no effect: prior.path is here")
    notes += _of_single_file(config, checkpoint)
    told_guidance = checkpoint.denoiser.config.get("guidance_embeds")
    if "embedded_guidance" in config.model_fields_set and not told_guidance:
        notes.append("prior.embedded_guidance has no effect: only FLUX.1 dev is told of it")
    if checkpoint.family != "sdxl" and config.size_condition.model_fields_set:
        notes.append("prior.size_condition has no effect: only SDXL is told of sizes")
    if "decode_batch" in compute.model_fields_set and len(size) == 2:
        notes.append("prior.compute.decode_batch has no effect: pictures are decoded one by one")
    tile = checkpoint.autoencoder.config.get("sample_size")
    if compute.vae_tiling and isinstance(tile, int) and max(size[-2:]) <= tile:
        notes.append(
            f"prior.compute.vae_tiling has no effect: pictures of up to {tile} px are one tile"
        )
    return notes


def _of_single_file(config: PretrainedPriorConfig, checkpoint: Checkpoint) -> list[str]:
    file = checkpoint.single_file
    if file is None:
        given = "components" in config.model_fields_set
        return ["prior.components has no effect: prior.path is no single file"] * given
    notes = [
        f"{file.path.name} has no {part.folder.name}: it is {file.components.name}'s"
        for part in checkpoint.components
        if part.weights.files != (file.path,)
    ]
    if others := unused(file, checkpoint.components):
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        notes.append(
            f"{file.path.name}: tensors of {', '.join(others[:3])}{more} belong to none of the "
            "models that draw, and are not used"
        )
    return notes


def _of_size(checkpoint: Checkpoint, size: tuple[int, ...]) -> list[str]:
    if not is_far_from_training(checkpoint, size):
        return []
    trained = checkpoint.trained_size_px
    assert trained is not None
    return [
        f"{checkpoint.path.name} was trained on pictures of {trained[0]} x {trained[1]}; "
        f"{size[0]} x {size[1]} is far from it: set method.height and method.width"
    ]
