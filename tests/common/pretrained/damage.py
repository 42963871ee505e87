"""Copies of checkpoints in which something is other than it should be."""

import json
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file

UNET = "unet/diffusion_pytorch_model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"
TEXT = "text_encoder/model.safetensors"


def copied(folder: Path, parent: Path) -> Path:
    """A copy that can be changed."""
    return shutil.copytree(folder, parent / "changed")


def loaded(path: Path):
    """A file's tensors in memory of their own: the file can then be written again."""
    return {name: tensor.clone() for name, tensor in load_file(path).items()}


def change_json(path: Path, **changes) -> None:
    """Set keys of a JSON object."""
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | changes), encoding="utf-8")


def change_tensors(path: Path, change) -> None:
    """Replace a file's tensors by what ``change`` makes of them."""
    save_file(change(loaded(path)), path, metadata={"format": "pt"})


def without(name):
    """A change that leaves one tensor out."""
    return lambda tensors: {key: value for key, value in tensors.items() if key != name}


def with_one(name, make):
    """A change that sets one tensor to what ``make`` makes of those there."""
    return lambda tensors: tensors | {name: make(tensors)}


def in_shards(path: Path, count: int = 2) -> None:
    """Split a file as diffusers does, with an index."""
    tensors = loaded(path)
    names = sorted(tensors)
    places = {}
    for number in range(count):
        shard = f"{path.stem}-{number + 1:05d}-of-{count:05d}.safetensors"
        part = {name: tensors[name] for name in names[number::count]}
        save_file(part, path.parent / shard, metadata={"format": "pt"})
        places |= dict.fromkeys(part, shard)
    index = {"metadata": {"total_size": 0}, "weight_map": places}
    path.with_name(f"{path.name}.index.json").write_text(json.dumps(index), encoding="utf-8")
    path.unlink()


def as_old_versions_wrote(folder: Path) -> None:
    """The names that Stable Diffusion 1.5's own files have."""
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}

    def of_vae(tensors):
        renamed = {}
        for name, value in tensors.items():
            if "mid_block.attentions" in name:
                for new, before in old.items():
                    name = name.replace(f".{new}.", f".{before}.")
            renamed[name] = value
        assert renamed.keys() != tensors.keys()
        return renamed

    def of_text(tensors):
        import torch

        prefixed = {f"text_model.{name}": value for name, value in tensors.items()}
        return prefixed | {"text_model.embeddings.position_ids": torch.arange(77)[None]}

    change_tensors(folder / VAE, of_vae)
    change_tensors(folder / TEXT, of_text)
    words = json.loads((folder / "tokenizer/tokenizer.json").read_text(encoding="utf-8"))
    model = words["model"]
    merges = [" ".join(pair) for pair in model["merges"]]
    (folder / "tokenizer/vocab.json").write_text(json.dumps(model["vocab"]), encoding="utf-8")
    text = "\n".join(["#version: 0.2", *merges, ""])
    (folder / "tokenizer/merges.txt").write_text(text, encoding="utf-8")
    (folder / "tokenizer/tokenizer.json").unlink()
