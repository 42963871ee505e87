"""Fits the network that finds the mouths of faces to kit faces whose mouths are known.

    python -m common.training.talking.mouth_fit [models folder]

renders its own faces (no download), prints how far it is off on held-out faces, and stores
``mouth_finder`` beside the autoencoder that it stands on.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.embedded.autoencoder import Autoencoder
from common.embedded.frame_coding import encoded_frames
from common.embedded.mouth import MouthFinder, MouthFinderArchitecture
from common.seeding import stream_seed
from common.training.initial_weights import initial_weights
from common.training.talking.face_shots import FaceShots, held_out_faces, trained_faces
from common.zoo.models import ZOO, Loaded, load_autoencoder
from common.zoo.storage import Manifest, save_model

NUM_FACES, NUM_MOUTHS = 10, 6
"""Of each category, and of each face."""
NUM_STEPS = 700
_BATCH = 48
_PEAK_RATE = 3e-3
_NOISY, _NOISE = 0.5, 0.5
"""Share of faces that are given with noise, and its largest deviation, in those of latents: drawn
faces are not as clear as rendered ones."""
_SHIFT = 2
"""Cells that faces are moved by, at most, in each direction."""


class FaceLatents(NamedTuple):
    """Faces as the autoencoder codes them, each with several mouths."""

    latents: Float[Tensor, "n m z y x"]
    places: Float[Tensor, "n 3"]


@torch.inference_mode()
def coded(autoencoder: Autoencoder, faces: Iterable[FaceShots], flips: bool) -> FaceLatents:
    """The latents of rendered faces, and of their mirror images if asked."""
    latents, places = [], []
    for face in faces:
        place = torch.from_numpy(face.place).float()
        mirrored = place * torch.tensor([-1.0, 1.0, 1.0]) + torch.tensor([1.0, 0.0, 0.0])
        seen = [(face.clip, place), (face.clip.flip(-1), mirrored)]
        for clip, where in seen if flips else seen[:1]:
            found = encoded_frames(autoencoder, clip[None])
            latents.append(rearrange(found, "1 z m y x -> m z y x").float())
            places.append(where)
    return FaceLatents(torch.stack(latents), torch.stack(places))


def fit(
    faces: FaceLatents, architecture: MouthFinderArchitecture, num_steps: int = NUM_STEPS
) -> MouthFinder:
    """The finder of these faces' mouths."""
    with initial_weights(0, "mouth finder"):
        finder = MouthFinder(architecture)
    generator = torch.Generator().manual_seed(stream_seed(0, 0, "mouth places"))
    optimizer = torch.optim.AdamW(finder.parameters(), lr=_PEAK_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, _PEAK_RATE, num_steps + 1, pct_start=0.15
    )
    for _ in range(num_steps):
        latents, places = _batch(faces, generator)
        with torch.autocast("cpu", torch.bfloat16):
            found = finder(latents)
        loss = (found.float() - places).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(finder.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return finder.eval().requires_grad_(False)


def _batch(
    faces: FaceLatents, generator: torch.Generator
) -> tuple[Float[Tensor, "b z y x"], Float[Tensor, "b 3"]]:
    """Faces with any of their mouths, moved by whole cells, some under noise."""
    count, each = faces.latents.shape[:2]
    which = torch.randint(count, (_BATCH,), generator=generator)
    mouth = torch.randint(each, (_BATCH,), generator=generator)
    latents, places = faces.latents[which, mouth], faces.places[which]
    down, right = torch.randint(-_SHIFT, _SHIFT + 1, (2,), generator=generator).tolist()
    latents = latents.roll((down, right), (2, 3))  # round the edges there is nothing
    step = torch.tensor([right, down, 0.0]) / min(latents.shape[2:])
    amount = torch.rand(2, _BATCH, generator=generator)
    noise = _NOISE * amount[0] * (amount[1] < _NOISY)
    drawn = torch.randn(latents.shape, generator=generator)
    return latents + noise[:, None, None, None] * drawn, places + step


@torch.inference_mode()
def figures_of(finder: MouthFinder, faces: FaceLatents) -> dict[str, float]:
    """Mean distances from the true places of closed mouths, in shares of the picture's side."""
    found = finder(faces.latents[:, 0])
    right, down, wide = (found - faces.places).abs().mean(0).tolist()
    return {"right_off": right, "down_off": down, "width_off": wide}


def fit_mouth_finder(
    autoencoder: Loaded, trained: FaceLatents, held_out: FaceLatents, folder: Path
) -> Manifest:
    """Fit to trained faces and store, with figures of held-out ones."""
    sizes = MouthFinderArchitecture(latent_channels=trained.latents.shape[2])
    finder = fit(trained, sizes)
    return save_model(
        folder, "mouth_finder", finder.state_dict(), "int8", kind="mouth_finder",
        architecture=sizes.model_dump(mode="json"),
        requires={"autoencoder": autoencoder.identity},
        figures=figures_of(finder, held_out),
    )  # fmt: skip


def main(folder: Path) -> None:
    """Render, fit, store, and print the figures."""
    autoencoder = load_autoencoder(folder)
    trained = coded(autoencoder.model, trained_faces(NUM_FACES, NUM_MOUTHS), flips=True)
    held_out = coded(autoencoder.model, held_out_faces(1, 1), flips=False)
    print(dict(fit_mouth_finder(autoencoder, trained, held_out, folder).figures))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ZOO)
