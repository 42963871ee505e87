"""A checkpoint in one ``.safetensors`` file, in the layout that it was published in.

The file has weights; what its models are (configs), how prompts are read (tokenizers) and the
noise schedule are in a folder of the same family in diffusers' format, ``prior.components``, which
needs no weights but those of models that the file leaves out. Nothing is converted on disk: each
weight of a model is told where it lies in the file.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common.diffusion.prediction_type import PredictionType
from common.errors import InputError
from common.pretrained.component import Component, read_component, read_config
from common.pretrained.families import Family
from common.pretrained.single_file.autoencoder_names import as_matrix, autoencoder_name
from common.pretrained.single_file.layout import MARKS, OPEN_CLIP, Held, family_of, held_by
from common.pretrained.single_file.text_names import open_clip_weights
from common.pretrained.single_file.transformer_names import flux_weights, sd3_weights
from common.pretrained.single_file.unet_names import unet_name
from common.pretrained.weight_files import StoredTensor, WeightFiles, read_header
from common.pretrained.weight_names import ModelClass

_PICKLES = (".ckpt", ".pt", ".pth", ".bin")
_POSITIONS = "position_ids"
_PROJECTION = "text_projection.weight"


@dataclass(frozen=True)
class SingleFile:
    """A file's header, and the folder that says what its models are."""

    path: Path
    components: Path
    family: Family
    tensors: Mapping[str, StoredTensor]
    """By their names in the file."""
    variant: str | None
    """Of the folder's weights."""

    @property
    def predicts_v(self) -> bool:
        """Whether the file says of itself that its U-Net predicts v (SDXL's finetunes do)."""
        return "v_pred" in self.tensors

    @property
    def zero_terminal_snr(self) -> bool:
        """Whether the file says that it was trained down to pure noise."""
        return "ztsnr" in self.tensors

    def component(
        self, folder: str, model_class: ModelClass, also_stated: tuple[str, ...] = ()
    ) -> Component:
        """One model: the folder's config with the file's weights, or with its own.

        Raises:
            InputError: the config is missing or of another class, or neither has the weights.
        """
        held = held_by(folder, self.family, self.tensors)
        if not held.names:
            try:
                return read_component(
                    self.components / folder, model_class, self.variant, also_stated
                )
            except InputError as missing:
                raise InputError(
                    f"{self.path} has no {folder} (no '{held.prefix}...'), so it would have to be "
                    f"in prior.components: {missing}"
                ) from None
        config = read_config(self.components / folder, model_class, also_stated)
        if model_class == "UNet2DConditionModel":
            config = {**config, **_channels(held, self.tensors)}
        where = self.components / folder / "config.json"
        weights = dict(_renamed(held, self.tensors, model_class, _Numbers(where, config)))
        if model_class == "CLIPTextModelWithProjection":
            weights = _with_projection(weights)
        return Component(
            self.components / folder, model_class, config, WeightFiles((self.path,), weights)
        )


def read_single_file(path: Path, components: Path | None, variant: str | None) -> SingleFile:
    """Read a file's header.

    Raises:
        InputError: it is pickled, damaged, no whole checkpoint, or the folder is not named.
    """
    if path.suffix.lower() in _PICKLES:
        raise InputError(
            f"{path} is a pickle, which can run code, and is not read: get the checkpoint as "
            ".safetensors, or convert it where you trust it (safetensors.torch.save_file of its "
            "state_dict)"
        )
    tensors = {tensor.name: tensor for tensor in read_header(path)}
    family = family_of(tensors)
    if family is None:
        first = min(tensors, default="nothing")
        raise InputError(
            f"{path} holds no U-Net or transformer as Stable Diffusion 1.x to 3.5, XL or FLUX.1 "
            f"were published in a single file (its first tensor is '{first[:80]}'): LoRAs, "
            "ControlNets and embeddings have keys of their own, and of a folder in diffusers' "
            "format prior.path is the folder"
        )
    if components is None:
        raise InputError(
            f"{path} is a single file, which has weights and no tokenizer: set prior.components to "
            f"a folder in diffusers' format of the same family ({family}); its configs, tokenizers "
            "and scheduler are used, and its weights only for models that the file leaves out"
        )
    if not components.is_dir():
        raise InputError(f"prior.components: {components} is no folder")
    return SingleFile(path, components, family, tensors, variant)


def check_family(file: SingleFile, stated: Family) -> None:
    """Refuse a folder of another family than the file's.

    Raises:
        InputError: naming both.
    """
    if stated != file.family:
        raise InputError(
            f"{file.path} is of the family {file.family}, and prior.components "
            f"({file.components}) of {stated}: single files of {', '.join(MARKS)} are read, each "
            "with a folder of its own family"
        )


def as_file_says(
    file: SingleFile, schedule: Any, prediction: PredictionType
) -> tuple[Any, PredictionType]:
    """The folder's schedule and prediction, but for what the file says of itself."""
    if file.predicts_v and prediction == "eps":
        prediction = "v"
    if file.zero_terminal_snr and hasattr(schedule, "zero_terminal_snr"):
        schedule = schedule.model_copy(update={"zero_terminal_snr": True})
    return schedule, prediction


def unused(file: SingleFile, used: tuple[Component, ...]) -> list[str]:
    """Beginnings of names that no model has, such as those of averaged weights."""
    taken = (tensor.name for part in used for tensor in part.weights.tensors.values())
    return sorted(_begins(file.tensors) - _begins(taken))


def _begins(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def _channels(held: Held, tensors: Mapping[str, StoredTensor]) -> dict[str, Any]:
    """What the first convolution says: those for inpainting see five channels more."""
    first = tensors.get(f"{held.prefix}input_blocks.0.0.weight")
    return {} if first is None or len(first.shape) != 4 else {"in_channels": first.shape[1]}


def _renamed(
    held: Held,
    tensors: Mapping[str, StoredTensor],
    model_class: ModelClass,
    numbers: "_Numbers",
) -> Iterator[tuple[str, StoredTensor]]:
    """The tensors by the names that diffusers and transformers give them."""
    for stored in held.names:
        name, tensor = stored.removeprefix(held.prefix), tensors[stored]
        match model_class:
            case "UNet2DConditionModel":
                yield unet_name(name, numbers.whole("layers_per_block", 2)), tensor
            case "AutoencoderKL":
                levels = numbers.config.get("block_out_channels")
                own = autoencoder_name(name, len(levels) if isinstance(levels, list) else 1)
                yield own, as_matrix(own, tensor)
            case "SD3Transformer2DModel":
                yield from sd3_weights(name, tensor, numbers.whole("num_layers", 18))
            case "FluxTransformer2DModel":
                heads = numbers.whole("num_attention_heads", 24)
                inner = heads * numbers.whole("attention_head_dim", 128)
                yield from flux_weights(name, tensor, inner)
            case _ if held.prefix in OPEN_CLIP:
                layers = numbers.whole("num_hidden_layers", 12)
                projects = model_class == "CLIPTextModelWithProjection"
                yield from open_clip_weights(name, tensor, layers, projects)
            case _ if not name.endswith(_POSITIONS):
                yield name, tensor


def _with_projection(weights: dict[str, StoredTensor]) -> dict[str, StoredTensor]:
    """A CLIP stored without its projection has that of no change (Stable Diffusion 3's first)."""
    table = next((t for n, t in weights.items() if n.endswith("token_embedding.weight")), None)
    if _PROJECTION in weights or table is None:
        return weights
    width = table.shape[-1]
    none = replace(table, shape=(width, width), num_bytes=0, layout="identity")
    return weights | {_PROJECTION: none}


@dataclass(frozen=True)
class _Numbers:
    """Whole numbers of a config."""

    file: Path
    config: Mapping[str, Any]

    def whole(self, key: str, default: int) -> int:
        """One of them.

        Raises:
            InputError: it is something else.
        """
        value = self.config.get(key, default)
        if not isinstance(value, int) or value < 1:
            raise InputError(
                f"{self.file}: {key} is {str(value)[:80]!r}; with a single file it is a whole "
                "number"
            )
        return value
