"""Names of motion modules in three layouts: AnimateDiff's, HotshotXL's, diffusers' adapters'.

The tensors are the same. The original has one more level (``temporal_transformer``), lists of
attentions and norms, and stores the sinusoid of each attention; the adapter numbers attentions and
norms, and keeps one sinusoid a block, a formula that both regenerate. HotshotXL has the original's
lists, in ``temporal_attentions`` that hold the transformers themselves, and another name for the
sinusoid.
"""

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

from common.errors import InputError

_ORIGINAL = re.compile(
    r"(?P<side>down_blocks\.\d+|up_blocks\.\d+|mid_block)\.motion_modules\.(?P<index>\d+)"
    r"\.temporal_transformer\.(?P<rest>.+)"
)
_ADAPTER = re.compile(
    r"(?P<side>down_blocks\.\d+|up_blocks\.\d+|mid_block)\.motion_modules\.(?P<index>\d+)"
    r"\.(?P<rest>.+)"
)
_PAIRS = (
    ("attention_blocks.0.", "attn1."), ("attention_blocks.1.", "attn2."),
    ("norms.0.", "norm1."), ("norms.1.", "norm2."), ("ff_norm.", "norm3."),
)  # fmt: skip
_POSITIONS = re.compile(r"\.(pos_encoder\.(pe|positional_encoding)|pos_embed\.pe)$")
BLOCK_TABLE = ".pos_embed.pe"
"""The end of an adapter's sinusoid, which both attentions of a block share."""
_HOTSHOT_TABLE = ".pos_encoder.positional_encoding"
_HOTSHOT = re.compile(
    r"(?P<side>down_blocks\.\d+|up_blocks\.\d+)\.temporal_attentions\.(?P<rest>.+)"
)


def is_position_table(key: str) -> bool:
    """Whether a tensor is a stored sinusoid, which holds nothing that was learnt."""
    return _POSITIONS.search(key) is not None


def from_hotshot(key: str) -> str:
    """The name in the original's layout of a weight in HotshotXL's; sinusoids keep their ending.

    Raises:
        InputError: it is no weight of a HotshotXL motion module.
    """
    found = _HOTSHOT.fullmatch(key)
    if found is None:
        raise InputError(f"'{key}' is no weight of a HotshotXL motion module")
    index, _, rest = found["rest"].partition(".")
    return f"{found['side']}.motion_modules.{index}.temporal_transformer.{rest}"


def to_hotshot(original: str) -> str:
    """The name in HotshotXL's layout of a weight in the original's.

    Raises:
        InputError: it is no weight of a motion module that HotshotXL has.
    """
    found = _ORIGINAL.fullmatch(original)
    if found is None or found["side"] == "mid_block":
        raise InputError(f"'{original}' has no place in a HotshotXL motion module")
    rest = re.sub(r"\.pos_encoder\.pe$", _HOTSHOT_TABLE, found["rest"])
    return f"{found['side']}.temporal_attentions.{found['index']}.{rest}"


def adapter_key(original: str) -> str:
    """The name in diffusers' layout of a weight in the original's.

    Raises:
        InputError: it is no weight of a motion module.
    """
    found = _ORIGINAL.fullmatch(original)
    if found is None:
        raise InputError(f"'{original}' is no weight of an AnimateDiff motion module")
    return f"{found['side']}.motion_modules.{found['index']}.{_renamed(found['rest'], _PAIRS)}"


def original_key(adapter: str) -> str:
    """The name in the original's layout of a weight in diffusers'.

    Raises:
        InputError: it is no weight of a motion adapter.
    """
    found = _ADAPTER.fullmatch(adapter)
    if found is None or found["rest"].startswith("temporal_transformer."):
        raise InputError(f"'{adapter}' is no weight of a motion adapter")
    rest = _renamed(found["rest"], tuple((new, old) for old, new in _PAIRS))
    return f"{found['side']}.motion_modules.{found['index']}.temporal_transformer.{rest}"


def to_adapter(original: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights in diffusers' layout; stored sinusoids are left out."""
    return {adapter_key(key): value for key, value in original.items()
            if not is_position_table(key)}  # fmt: skip


def to_original(adapter: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights in the original's layout, without sinusoids."""
    return {original_key(key): value for key, value in adapter.items()
            if not is_position_table(key)}  # fmt: skip


def block_tables(original: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The stored sinusoids in diffusers' layout, one for both attentions of a block.

    Raises:
        InputError: a block's attentions have different ones, which that layout cannot hold.
    """
    found: dict[str, Tensor] = {}
    for key, value in original.items():
        if not is_position_table(key):
            continue
        block = key.partition(".attention_blocks.")[0].replace(".temporal_transformer.", ".")
        other = found.setdefault(f"{block}{BLOCK_TABLE}", value)
        if value.is_meta or other is value:
            continue
        if other.shape != value.shape or not bool((other == value).all()):
            raise InputError(
                f"the attentions of {block} have different sinusoids; diffusers keeps one a block"
            )
    return found


def attention_tables(blocks: Mapping[str, Tensor], wanted: Iterable[str]) -> dict[str, Tensor]:
    """The reverse, for the original's names of sinusoids that a block's one stands for."""
    found = {}
    for key in wanted:
        block = key.partition(".attention_blocks.")[0].replace(".temporal_transformer.", ".")
        if f"{block}{BLOCK_TABLE}" in blocks:
            found[key] = blocks[f"{block}{BLOCK_TABLE}"]
    return found


def motion_weights(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The motion modules of a whole U-Net's weights, or of a file that holds them alone.

    ``module.`` in front of every name, as parallel training leaves it, is taken away.
    """
    plain = {key.removeprefix("module."): value for key, value in state.items()}
    plain = {
        from_hotshot(key) if ".temporal_attentions." in key else key: value
        for key, value in plain.items()
    }
    return {key: value for key, value in plain.items() if ".motion_modules." in key}


def _renamed(rest: str, pairs: Iterable[tuple[str, str]]) -> str:
    for old, new in pairs:
        # A part of the name, not a piece of one: "norms.1." of a block, after a dot.
        rest = re.sub(rf"(?<=\.){re.escape(old)}", new, rest)
    return rest
