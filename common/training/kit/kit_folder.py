"""A folder of pictures of one kit object that the embedded prior has never seen.

``python -m common.training.kit.kit_folder "frying pan" pictures`` writes eight views to learn from
into ``pictures/known`` and eight others into ``pictures/held_out``: of an instance that training
left out, in a colour that it never showed on this category where there is one.
"""

import itertools
import sys
from pathlib import Path

import numpy as np
from einops import rearrange

from common.atomic import write_text
from common.kit.catalogue import category_named
from common.kit.instances import instance
from common.kit.render import render_views
from common.kit.split import is_instance_held_out, read_split
from common.kit.views import sample_view
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.seeding import stream_seed

NUM_VIEWS = 8


def write_kit_folder(category: str, folder: Path) -> None:
    """Render and write both folders, with captions beside the pictures that are learnt from.

    Raises:
        InputError: there is no such category.
    """
    kind = category_named(category)
    seed = next(seed for seed in itertools.count() if is_instance_held_out(category, seed))
    colours = sorted(colour for name, colour in read_split().colours if name == category)
    one = instance(kind, seed, main=colours[0] if colours else None)
    rng = np.random.default_rng(stream_seed(seed, 0, f"views of {category}"))
    for part in ("known", "held_out"):
        made = render_views(one, [sample_view(rng) for _ in range(NUM_VIEWS)]).rgba
        (folder / part).mkdir(parents=True, exist_ok=True)
        for index, picture in enumerate(made):
            pixels = to_picture(rearrange(picture * 2 - 1, "h w c -> c h w"))
            write_picture(folder / part / f"{index:02d}.png", pixels)
            write_text(folder / part / f"{index:02d}.txt", f"{category}\n")


if __name__ == "__main__":
    write_kit_folder(sys.argv[1], Path(sys.argv[2]))
