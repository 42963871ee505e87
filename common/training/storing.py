"""What training has made, as files: a model of the zoo, an adapter, or a checkpoint's folder."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

import safetensors.torch
import torch
from torch import Tensor

from common.atomic import write_bytes, write_json
from common.errors import InputError
from common.json_files import read_object
from common.pretrained.checkpoint import read_checkpoint
from common.training.training import AdapterPackage, AnyPackage, Package, UNetPackage
from common.zoo.quantization import Precision
from common.zoo.storage import save_model

_LENGTH_BYTES = 8
_INDEX = "model_index.json"
_UNET_STEM = "diffusion_pytorch_model"


def store_package(
    folder: Path, package: AnyPackage, precision: Precision, figures: Mapping[str, float]
) -> tuple[Path, ...]:
    """Write it; what is to be used first comes first.

    Args:
        folder: that is there.
        package: whose weights have been rounded to ``precision`` already.
        precision: of weights with two or more axes.
        figures: what was measured of it.
    """
    match package:
        case Package():
            save_model(
                folder, package.kind, package.model.state_dict(), precision,
                kind=package.kind, architecture=package.architecture.model_dump(mode="json"),
                requires=package.requires, figures=figures,
            )  # fmt: skip
            manifest = folder / f"{package.kind}.json"
            return (manifest, *sorted(folder.glob("*.safetensors")))
        case AdapterPackage():
            path = folder / f"{package.stem}.safetensors"
            metadata = dict(package.metadata) | {
                "extrude_figures": json.dumps(dict(figures), sort_keys=True)
            }
            data = safetensors.torch.save(rounded(package.tensors, precision), metadata)
            write_bytes(path, in_order(data))
            return (path,)
        case UNetPackage():
            return (_checkpoint(folder / "checkpoint", package, precision) / _INDEX,)
        case _:
            assert_never(package)


def check_precision(precision: Precision) -> None:
    """Refuse for files that other programs read what only Extrude can.

    Raises:
        InputError: int8.
    """
    if precision == "int8":
        raise InputError(
            "storage.precision int8 is for the models of the zoo; other programs read bfloat16 or "
            "float32"
        )


def rounded(tensors: Mapping[str, Tensor], precision: Precision) -> dict[str, Tensor]:
    """Copies on the CPU; those with two or more axes in bfloat16 if that is asked for."""
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    return {
        name: tensor.detach().to("cpu", dtype if tensor.ndim > 1 else tensor.dtype).contiguous()
        for name, tensor in tensors.items()
    }


def in_order(data: bytes) -> bytes:
    """A safetensors file with its metadata sorted; the library writes it in changing order."""
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    header = json.loads(data[_LENGTH_BYTES : _LENGTH_BYTES + length])
    metadata = dict(sorted(header.pop("__metadata__", {}).items()))
    text = json.dumps({"__metadata__": metadata, **header}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _LENGTH_BYTES)
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text + data[_LENGTH_BYTES + length :]


def _checkpoint(folder: Path, package: UNetPackage, precision: Precision) -> Path:
    """The base's folder with the U-Net's weights in place of its own."""
    base = read_checkpoint(package.base)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    parts = [
        *(part.folder for part in base.components[1:]),
        *(folder for folder, _ in base.tokenizers),
    ]
    names = ["scheduler", *(part.name for part in parts)]
    for name in names:
        shutil.copytree(base.path / name, partial / name)
    index = read_object(base.path / _INDEX)
    left_out = {key: [None, None] for key, value in index.items()
                if isinstance(value, list) and key not in (*names, "unet")}  # fmt: skip
    write_json(partial / _INDEX, {**index, **left_out})
    (partial / "unet").mkdir()
    shutil.copy(base.denoiser.config_file, partial / "unet")
    weights = rounded(package.model.state_dict(), precision)
    data = safetensors.torch.save(weights, {"format": "pt"})
    variant = f".{package.base.variant}" if package.base.variant else ""
    write_bytes(partial / "unet" / f"{_UNET_STEM}{variant}.safetensors", data)
    shutil.rmtree(folder, ignore_errors=True)
    return partial.rename(folder)
