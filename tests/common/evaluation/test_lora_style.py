import json

import pytest
import torch
from safetensors.torch import save_file

from common.adapters.lora_write import lora_content
from common.adapters.low_rank import LowRank, LowRankConfig
from common.cli.main import main
from common.evaluation.tone import Tone, tone_distances
from common.evaluation.toned_pictures import write_toned
from common.media.images import read_picture
from common.media.pixels import from_picture
from common.training.folder.captioned_folder import read_folder
from common.zoo.models import load_prior_models
from run import APPS


@pytest.fixture
def evaluate(zoo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def evaluate(*changes):
        arguments = [
            "evaluate/lora", f"prior.models_dir={zoo}", f"judge_dir={zoo}", "method.size_px=64",
            "max_prompts=3", "sampler.num_steps=2", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return evaluate


def test_nothing_learnt_moves_nothing(evaluate, zoo, tmp_path):
    unet = load_prior_models(zoo)["image_unet"].model
    change = LowRank(unet, LowRankConfig(rank=1), torch.Generator().manual_seed(0))
    path = tmp_path / "lora.safetensors"
    save_file(dict(lora_content(change, "kohya").tensors), path)
    code, paths, said = evaluate(f"prior.loras=[{{path: {path}}}]")
    assert code == 0, said
    figures = json.loads(paths[0].read_text())
    assert figures["moved"] == 0
    assert figures["concept loss"] == 0
    assert figures["lora distance"] == figures["plain distance"] > 0
    assert {"toned distance", "toned top1", "lora top5"} <= set(figures)
    assert read_picture(paths[0].parent / "style.png").ndim == 3


def test_without_loras_it_is_refused(evaluate):
    code, paths, said = evaluate()
    assert (code, paths) == (2, [])
    assert "set prior.loras" in said


def test_training_pictures_have_the_style_and_captions(zoo, tmp_path):
    write_toned(tmp_path / "pictures", Tone(), zoo, 64)
    files = read_folder(tmp_path / "pictures")
    assert len(files) == 8
    pictures = torch.stack([from_picture(read_picture(one.path)) for one in files])
    # Straight colours are rounded to 8 bits; where alpha is small that is all there is.
    assert float(tone_distances(pictures, Tone()).max()) < 0.03
