"""Keys and values of a text that several rows share: computed once instead of for every row.

The frames of a clip are told the same, and what cross-attention makes of a text does not depend on
where it is looked for. So its linear maps see one row of every clip.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from einops import repeat
from torch import Tensor

from common.diffusion.image_attention import cross_attentions


@contextmanager
def text_once(unet: Any, num_alike: int) -> Iterator[None]:
    """Cross-attention takes every ``num_alike`` rows of text that follow each other for one.

    Args:
        unet: of diffusers; it is changed for as long as the context lasts.
        num_alike: rows that are told the same; 1 changes nothing.
    """
    maps = [
        one
        for attention in (cross_attentions(unet) if num_alike > 1 else [])
        for one in (attention.to_k, attention.to_v)
    ]
    before = [one.__dict__.get("forward") for one in maps]  # their class's, or one put in
    for one in maps:
        one.forward = partial(_of_one_row, one.forward, num_alike)
    try:
        yield
    finally:
        for one, own in zip(maps, before, strict=True):
            del one.forward
            if own is not None:
                one.forward = own


def _of_one_row(whole: Callable[[Tensor], Tensor], num_alike: int, rows: Tensor) -> Tensor:
    made = whole(rows[::num_alike])
    if len(made) == 1:
        return made.expand(num_alike, -1, -1)
    return repeat(made, "b l d -> (b f) l d", f=num_alike)
