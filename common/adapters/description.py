"""What adapters' files hold, a line each, for ``run.py inspect``: from headers, no weight is read.

LoRAs and learnt words are told apart by the names and shapes of their tensors.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from common.adapters.lora_file import lora_part
from common.adapters.word_file import MAX_VECTORS, PLAIN_KEY, SDXL_KEYS
from common.errors import InputError

Shapes = Mapping[str, tuple[int, ...]]
"""Of tensors by their names."""


def described_adapter(path: Path, shapes: Shapes) -> list[str]:
    """What a file is, and the key that uses it; nothing where it is no LoRA and no learnt word."""
    return _lora(path, shapes) or _word(path, shapes)


def _lora(path: Path, shapes: Shapes) -> list[str]:
    layers: dict[str, set[str]] = defaultdict(set)
    ranks: dict[str, Counter[int]] = defaultdict(Counter)
    layouts = set()
    try:
        for key, shape in shapes.items():
            component, name, joined, role = lora_part(path, key)
            layers[component].add(name)
            layouts.add("kohya's" if joined else "PEFT's or diffusers'")
            if role == "down" and shape:
                ranks[component][shape[0]] += 1
    except InputError:
        return []
    if not ranks:
        return []
    return [
        f"LoRA in {' and '.join(sorted(layouts))} layout, for prior.loras",
        *(
            f"changes {len(names)} layers of the {component}, rank "
            f"{' or '.join(map(str, sorted(ranks[component])))}"
            for component, names in sorted(layers.items())
        ),
    ]


def _word(path: Path, shapes: Shapes) -> list[str]:
    names = {key: encoder for encoder, key in SDXL_KEYS.items()}
    if shapes and set(shapes) <= set(names):
        word, found = path.stem, {names[key]: shape for key, shape in shapes.items()}
    elif len(shapes) == 1:
        ((key, shape),) = shapes.items()
        word, found = path.stem if key == PLAIN_KEY else key, {"text_encoder": shape}
    else:
        return []
    rows = {name: (1, *shape) if len(shape) == 1 else shape for name, shape in found.items()}
    if any(len(shape) != 2 or not 1 <= shape[0] <= MAX_VECTORS for shape in rows.values()):
        return []
    return [
        f"shaped as the learnt word '{word}' (textual inversion), for prior.embeddings",
        *(f"{count} vectors of {width} numbers for the {name}"
          for name, (count, width) in rows.items()),
    ]  # fmt: skip
