"""A folder of pictures in a duotone, to train the style that `evaluate/lora` measures.

``python -m common.evaluation.toned_pictures <folder>`` draws eight things with the embedded prior,
each in another colour, for prompts that are not those of the evaluation, and writes them toned,
with captions.
"""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from common.atomic import write_text
from common.diffusion.guidance_config import CFG
from common.diffusion.sampler_config import DPMSolverPP2M
from common.evaluation.generated import generate
from common.evaluation.prompt_sets import load_prompt_set
from common.evaluation.tone import Tone, toned
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.zoo.models import ZOO, load_embedded_prior

NUM_PICTURES = 8
_SIDE_PX = 128
_SEED = 7


def write_toned(folder: Path, tone: Tone, models: Path = ZOO, size_px: int = _SIDE_PX) -> None:
    """Draw, tone and write ``00.png`` with ``00.txt``, and so on."""
    prior = load_embedded_prior((size_px, size_px), models)
    pairs = load_prompt_set("pairs", frozenset()).requests
    by_colour = {one.asked[0].colour: one for one in pairs}
    requests = [replace(one, view=None) for one in [*by_colour.values()][:NUM_PICTURES]]
    drawn = generate(
        prior, DPMSolverPP2M(), CFG(guidance_scale=4.0), requests, _SEED, len(requests)
    )
    pictures = toned(torch.cat(list(drawn)), tone)
    folder.mkdir(parents=True, exist_ok=True)
    for index, (request, picture) in enumerate(zip(requests, pictures, strict=True)):
        write_picture(folder / f"{index:02d}.png", to_picture(picture))
        write_text(folder / f"{index:02d}.txt", f"{request.prompt}\n")


if __name__ == "__main__":
    write_toned(Path(sys.argv[1]), Tone())
