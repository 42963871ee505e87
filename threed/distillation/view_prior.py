"""What distillation asks of a prior: several views of one object at a time."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from common.diffusion.prior import PriorSpec
from common.embedded.image_unet import View


@runtime_checkable
class ViewPrior(Protocol):
    """A prior of several views of one object, with a frame axis in its latents."""

    @property
    def spec(self) -> PriorSpec:
        """Shapes, schedule and prediction type."""
        ...

    def embed(
        self, prompts: Sequence[str], views: Sequence[Sequence[View] | None] | None = None
    ) -> Any:
        """Conditioning for prompts, each with a view for every frame."""
        ...

    def predict(self, latents: Tensor, timesteps: Tensor, cond: Any) -> Tensor:
        """The prediction at noised latents ``b c v h w``."""
        ...

    def encode(self, pictures: Tensor) -> Tensor:
        """Pictures ``b c v h w`` in [-1, 1] to latents, RGBA premultiplied; differentiable."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Latents to pictures."""
        ...
