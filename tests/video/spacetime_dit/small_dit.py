"""A real spacetime DiT, small enough that a forward pass takes milliseconds."""

from pathlib import Path

import torch

from common.embedded.trajectory import Trajectories, TrajectoryArchitecture
from common.zoo.models import load_autoencoder, load_text_encoder
from common.zoo.storage import read_manifest
from tests.common.zoo.small_zoo import store
from video.spacetime_dit.architecture import Patch, SpacetimeDiTArchitecture
from video.spacetime_dit.model import SpacetimeDiT, Text

SIZES = SpacetimeDiTArchitecture(
    latent_channels=4, text_channels=32, channels=32, num_blocks=2, num_heads=2, mlp_factor=2
)
PATCHES = (Patch(), Patch(frames=2), Patch(frames=2, height=1, width=3))


def random_dit(sizes: SpacetimeDiTArchitecture = SIZES, seed: int = 0) -> SpacetimeDiT:
    """A model none of whose weights is zero."""
    with torch.random.fork_rng():
        torch.random.manual_seed(seed)
        model = SpacetimeDiT(sizes)
        for weight in model.parameters():
            torch.nn.init.normal_(weight, std=0.1)
    return model.eval().requires_grad_(False)


def randn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def some_text(count: int, length: int = 5, seed: int = 7) -> Text:
    """States of that many tokens."""
    mask = torch.ones(count, length, dtype=torch.bool)
    return Text(randn(count, length, 32, seed=seed), mask, randn(count, 32, seed=seed + 1))


def store_dit(folder: Path, bases: Path, sizes: SpacetimeDiTArchitecture = SIZES) -> None:
    """A random model on the autoencoder and the text encoder in ``bases``."""
    requires = {
        "autoencoder": load_autoencoder(bases).identity,
        "text_encoder": load_text_encoder(bases).identity,
    }
    if sizes.coding == "causal":
        requires["causal_autoencoder"] = read_manifest(bases, "causal_autoencoder").identity
    store(folder, "spacetime_dit", random_dit(sizes), sizes, requires)


def store_trajectories(folder: Path) -> None:
    """A plan of clips of 3 frames for the text encoder in ``folder``: random moves."""
    sizes = TrajectoryArchitecture(
        features=39, hidden=8, num_modes=2, num_frames=3, num_components=3
    )
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        trajectories = Trajectories(sizes)
        trajectories.components.normal_(std=0.05)
    requires = {"text_encoder": load_text_encoder(folder).identity}
    store(folder, "trajectories", trajectories, sizes, requires)
