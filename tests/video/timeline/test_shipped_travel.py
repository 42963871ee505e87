"""That things drawn by the repository's own models become what later prompts say."""

import numpy as np

from common.cli.main import main
from common.media.images import read_picture
from run import APPS


def test_red_car_turns_blue(tmp_path):
    keys = '{4: "a red car slides to the left", 12: "a blue car slides to the left"}'
    assert main([
        "video/text_to_video", "prompt=a red car slides to the left", "method.height=96",
        "method.width=96", "num_samples=1", "sampler.num_steps=8", "export.formats=[png]",
        f"method.timeline.prompts={{keys: {keys}}}", f"output_dir={tmp_path}", "name=car",
    ], APPS) == 0  # fmt: skip
    shown = sorted((tmp_path / "car").glob("2*/samples/000_frames/*.png"))
    frames = np.stack([read_picture(path) for path in shown]).astype(float)
    alpha = frames[..., 3:]
    red, _, blue = ((frames[..., :3] * alpha).sum((1, 2)) / alpha.sum((1, 2))).T
    assert (red - blue)[:5].min() > 30
    assert (blue - red)[12:].min() > 30
    columns = np.arange(96) + 0.5
    centres = (alpha[..., 0].sum(1) @ columns) / alpha.sum((1, 2, 3)) / 96
    assert centres[-1] < centres[0] - 0.1, "it slides on"
