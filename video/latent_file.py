"""Latents of a clip on disk: frames are added at the end, and read some at a time."""

import os
from math import prod
from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError

_BYTES_EACH = 4


class LatentFile:
    """Float32 latents, a frame after the other, in a file of nothing else.

    State: how many frames there are. So the memory of a clip does not grow with its length.

    Args:
        path: of the file; it is made, or shortened to ``num_frames``.
        frame_shape: of the latents of a frame, ``(c, h, w)``.
        num_frames: that it has already, of a run that is continued.
        device: where frames are wanted.

    Raises:
        InputError: it has fewer.
    """

    def __init__(
        self,
        path: Path,
        frame_shape: tuple[int, int, int],
        num_frames: int = 0,
        device: str = "cpu",
    ):
        self._path, self._frame_shape, self.num_frames = path, frame_shape, num_frames
        self._device = device
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        needed = num_frames * self._frame_bytes
        if path.stat().st_size < needed:
            raise InputError(
                f"{path} has {path.stat().st_size:,} bytes and should have {needed:,}: it was "
                "changed or lost since the run was stopped; start the run again"
            )
        os.truncate(path, needed)

    def append(self, new: Float[Tensor, "c f h w"]) -> None:
        """Add frames; they are on disk when this returns."""
        rows = rearrange(new, "c f h w -> f c h w").to("cpu", torch.float32).contiguous()
        with self._path.open("ab") as file:
            file.write(rows.numpy().tobytes())
            file.flush()
            os.fsync(file.fileno())
        self.num_frames += len(rows)

    def frames(self, begin: int, end: int) -> Float[Tensor, "c f h w"]:
        """The frames from ``begin`` to before ``end``, or to the last there is."""
        count = max(min(end, self.num_frames) - begin, 0)
        with self._path.open("rb") as file:
            file.seek(begin * self._frame_bytes)
            raw = bytearray(file.read(count * self._frame_bytes))
        rows = torch.frombuffer(raw, dtype=torch.float32).view(count, *self._frame_shape)
        return rearrange(rows.to(self._device), "f c h w -> c f h w")

    @property
    def _frame_bytes(self) -> int:
        return _BYTES_EACH * prod(self._frame_shape)
