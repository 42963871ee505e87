"""What turns clips into latents and back: frame by frame, or several frames together."""

from typing import Literal, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from common.shapes import Clips

CodingKind = Literal["frames", "causal"]
"""``frames``: every frame by itself. ``causal``: the first by itself, and each few after it
together, by a causal autoencoder."""


@runtime_checkable
class ClipCoding(Protocol):
    """Clips to latents with as many frames or fewer, and back. A picture is a clip of one frame."""

    def num_latent_frames(self, num_frames: int) -> int:
        """Frames of the latents of a clip of so many frames."""
        ...

    def encode(self, clips: Clips) -> Float[Tensor, "b z g y x"]:
        """Premultiplied RGBA frames in [-1, 1] to latents."""
        ...

    def decode(self, latents: Float[Tensor, "b z g y x"], num_frames: int | None = None) -> Clips:
        """Latents to premultiplied RGBA frames, not clamped.

        Args:
            latents: of clips.
            num_frames: of the clips; None: as many as the latents may hold.

        Raises:
            InputError: a length that so many frames of latents do not have.
        """
        ...

    def drawn_latents(self, drawn: Float[Tensor, "1 f y x"]) -> Float[Tensor, "1 g y x"]:
        """1 where any frame of a latent's is drawn, for cells that are drawn in each frame."""
        ...
