"""The safetensors files of one model: which there are, and what their headers say.

Only safetensors are read: other formats can run code. The headers are read and validated by the
safetensors library; no weights are read here.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from common.errors import InputError
from common.json_files import MAX_INDEX_BYTES, read_object

_FOREIGN = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".h5", ".msgpack", ".onnx")
_MAX_FILES = 1000
_LENGTH_BYTES = 8

Layout = Literal["stored", "transposed", "halves_swapped", "identity"]
"""How numbers lie in a file against the model: as they are, columns as rows, the second half of
the rows first, or not at all, as the matrix is that of no change."""


@dataclass(frozen=True)
class StoredTensor:
    """What a header says of one tensor, or of some rows of it."""

    file: Path
    name: str
    """Its name in the file."""
    shape: tuple[int, ...]
    """In the model."""
    dtype: str
    """As safetensors writes it, such as F16."""
    start: int
    """Its first byte in the file."""
    num_bytes: int
    layout: Layout = "stored"

    def rows(self, begin: int, end: int) -> "StoredTensor":
        """Some rows of a tensor that is stored as it is.

        Raises:
            InputError: it has no such rows.
        """
        if not self.shape or not 0 <= begin < end <= self.shape[0]:
            raise InputError(f"{self.file}: '{self.name}' has no rows {begin} to {end}")
        row = self.num_bytes // self.shape[0]
        return replace(
            self, shape=(end - begin, *self.shape[1:]),
            start=self.start + begin * row, num_bytes=(end - begin) * row,
        )  # fmt: skip


@dataclass(frozen=True)
class WeightFiles:
    """All files of a model's weights."""

    files: tuple[Path, ...]
    tensors: Mapping[str, StoredTensor]

    @property
    def label(self) -> str:
        """The file, or the first of several and how many there are."""
        more = len(self.files) - 1
        return f"{self.files[0]}" + (f" and {more} more" if more else "")


def read_weight_files(folder: Path, stem: str, variant: str | None) -> WeightFiles:
    """Find a model's files and read their headers.

    Args:
        folder: of the model, such as ``unet``.
        stem: of its files: ``diffusion_pytorch_model`` or ``model``.
        variant: such as ``fp16``; None for files without one.

    Raises:
        InputError: there are none, only other formats or variants, or they are damaged.
    """
    files = _find(folder, stem, variant)
    tensors: dict[str, StoredTensor] = {}
    for path in files:
        for tensor in read_header(path):
            if tensor.name in tensors:
                other = tensors[tensor.name].file.name
                raise InputError(f"{path}: '{tensor.name}' is in {other} too")
            tensors[tensor.name] = tensor
    return WeightFiles(files, tensors)


def _find(folder: Path, stem: str, variant: str | None) -> tuple[Path, ...]:
    mark = f".{variant}" if variant else ""
    whole = folder / f"{stem}{mark}.safetensors"
    if whole.is_file():
        return (whole,)
    index = folder / f"{stem}.safetensors.index{mark}.json"
    if index.is_file():
        return _of_index(index)
    raise InputError(f"{whole} is missing{_instead(folder, stem, variant)}")


def _of_index(index: Path) -> tuple[Path, ...]:
    """The files that an index of shards names; they are in its own folder."""
    places = read_object(index, MAX_INDEX_BYTES).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise InputError(f"{index} has no weight_map: it is no index of safetensors files")
    names = sorted({json.dumps(name) for name in places.values()})
    files = []
    for quoted in names[:_MAX_FILES]:
        name = json.loads(quoted)
        if not isinstance(name, str) or Path(name).name != name or "\\" in name:
            raise InputError(f"{index}: names {quoted[:80]}, which is no file beside it")
        if not name.endswith(".safetensors"):
            raise InputError(f"{index}: names {name}, which is no safetensors file")
        if not (index.parent / name).is_file():
            raise InputError(f"{index.parent / name} is missing, and {index.name} names it")
        files.append(index.parent / name)
    if len(names) > _MAX_FILES:
        raise InputError(f"{index}: names {len(names)} files; at most {_MAX_FILES} are read")
    return tuple(files)


def _instead(folder: Path, stem: str, variant: str | None) -> str:
    """What is there instead of the wanted file, and what to do about it."""
    if not folder.is_dir():
        return f": {folder} is no folder, the checkpoint is incomplete"
    names = sorted(path.name for path in folder.iterdir())
    mark = re.compile(
        rf"{stem}\.([\w-]+?)(-\d+-of-\d+)?\.safetensors|{stem}\.safetensors\.index\.([\w-]+)\.json"
    )
    variants = sorted({m[1] or m[3] for m in map(mark.fullmatch, names) if m} - {variant})
    if variant and f"{stem}.safetensors" in names:
        return f": the folder has no variant {variant}; leave prior.variant out"
    if variants:
        return f": the folder has it as prior.variant={' or '.join(variants)}"
    foreign = [name for name in names if name.endswith(_FOREIGN)]
    if foreign:
        return (
            f", and {folder / foreign[0]} is not read: pickled files can run code. Get the "
            "checkpoint with safetensors, or convert it where you trust it: diffusers' "
            "from_pretrained and save_pretrained write them"
        )
    return ": the checkpoint is incomplete, get it again"


def read_header(path: Path) -> list[StoredTensor]:
    """The entries of a header, which the library has found to be consistent with the file.

    Raises:
        InputError: the file is damaged, or holds no safetensors.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt"):
            pass
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            header = json.loads(file.read(length))
    except (SafetensorError, OSError, ValueError) as broken:
        raise InputError(f"{path} holds no safetensors{_why(path)}: {broken}") from None
    data = _LENGTH_BYTES + length
    return [
        StoredTensor(
            path,
            name,
            tuple(entry["shape"]),
            entry["dtype"],
            data + entry["data_offsets"][0],
            entry["data_offsets"][1] - entry["data_offsets"][0],
        )
        for name, entry in header.items()
        if name != "__metadata__"
    ]


def _why(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(2)
    if start in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        return " (it is a pickle under that name, which can run code)"
    return " (it is damaged or of another format; get it again)"
