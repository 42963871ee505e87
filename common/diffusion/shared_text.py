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


class SharedText:
    """Cross-attention of a U-Net that can take rows of text which follow each other for one.

    State: how many rows are told the same at present.
    """

    def __init__(self, unet: Any):
        """Put it into a U-Net of diffusers, which computes as before until rows are alike."""
        self._num_alike = 1
        for attention in cross_attentions(unet):
            for one in (attention.to_k, attention.to_v):
                one.forward = partial(self._mapped, one.forward)

    @contextmanager
    def alike(self, count: int) -> Iterator[None]:
        """Every ``count`` rows that follow each other are told the same, while this lasts."""
        before, self._num_alike = self._num_alike, count
        try:
            yield
        finally:
            self._num_alike = before

    def _mapped(self, whole: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
        if self._num_alike == 1:
            return whole(rows)
        made = whole(rows[:: self._num_alike])
        if len(made) == 1:
            return made.expand(self._num_alike, -1, -1)
        return repeat(made, "b l d -> (b f) l d", f=self._num_alike)
