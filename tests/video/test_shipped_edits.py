"""What the shipped models make of a given clip, by the command that the preset documents."""

import numpy as np
import pytest
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.cli.main import main
from common.embedded.framing import boxes_of
from common.embedded.moves import moved
from common.evaluation.clip_edits import overlap
from common.media.clips import write_clip
from common.media.pixels import from_picture, to_frames
from common.media.video_read import read_clip
from run import APPS

SIDE, FRAMES = 128, 16


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A green disc at the upper left that slides down to the right, growing and turning."""
    rows, columns = torch.meshgrid(*[torch.arange(SIDE) + 0.5] * 2, indexing="ij")
    alpha = ((((rows - 40) ** 2 + (columns - 36) ** 2).sqrt() - 20).clamp(-0.5, 0.5) - 0.5).neg()
    colour = torch.tensor([0.1, 0.7, 0.2])[:, None, None] * (0.8 + 0.2 * (columns > 36))
    picture = 2 * torch.cat([colour * alpha, alpha[None]]) - 1
    tracks = torch.linspace(0, 1, FRAMES)[:, None] * torch.tensor([0.3, 0.25, 0.3, 0.3, 0.8])
    path = tmp_path_factory.mktemp("given") / "clip.webp"
    write_clip(path, to_frames(moved(picture[None], tracks[None])[0]), 8.0)
    return path


def frames_of(path) -> Float[Tensor, "c f h w"]:
    return torch.stack([from_picture(frame) for frame in read_clip(path).frames], 1)


def test_a_clip_in_another_colour_keeps_its_place_and_its_motion(
    clip, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    followed = (
        f"prior.controls=[{{kind: segmentation, image: {clip}, preprocessor: silhouette}}, "
        f"{{kind: canny, image: {clip}, preprocessor: canny}}]"
    )
    code = main(
        ["video/video_to_video", f"method.input={clip}", "prompt=a red ball slides to the left",
         "method.strength=1", followed, "export.formats=[webp]"],
        APPS,
    )  # fmt: skip
    said = capsys.readouterr()
    assert code == 0, said.err
    given = frames_of(clip)
    made = frames_of(next(tmp_path / p for p in said.out.split() if p.endswith(".webp")))
    assert made.shape == given.shape
    # The disc covers a third of the way of what the prompt tells: 0.97 was seen.
    assert float(overlap(given, made)) > 0.8
    where, there = (boxes_of(rearrange(one, "c f h w -> f c h w")) for one in (given, made))
    assert np.abs((where - there).numpy()).max() < 0.06
    visible = (made[3] > 0).to(made)
    red, green = (((made[c] + 1) / 2 * visible).sum() / visible.sum() for c in (0, 1))
    assert float(red) > 1.5 * float(green)
