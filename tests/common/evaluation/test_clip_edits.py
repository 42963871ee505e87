import json

import pytest
import torch

from common.cli.main import main
from common.evaluation.clip_edits import overlap, psnr_of_thing
from common.evaluation.followed_clip import following_clip
from common.zoo.control_net import load_control_net
from common.zoo.models import load_frame_prior, load_prior_models
from run import APPS
from tests.common.zoo.small_zoo import store_control_net, store_frame_layers, store_prior


@pytest.fixture
def evaluate(zoo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def evaluate(*changes):
        arguments = [
            "evaluate/clip_edits", f"prior.models_dir={zoo}", f"judge_dir={zoo}",
            "method.size_px=64", "max_prompts=2", "sampler.num_steps=2", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return evaluate


@pytest.mark.parametrize("follows", ["[]", "[segmentation, canny]"])
def test_run_measures_and_shows_what_was_made(evaluate, zoo, follows):
    store_control_net(zoo)
    code, paths, said = evaluate(f"method.follows={follows}")

    assert code == 0, said
    path = next(p for p in paths if p.name == "figures.json")
    figures = json.loads(path.read_text())
    for name in (
        "drawn motion",
        "picture motion",
        "redrawn colour",
        "redrawn iou",
        "redrawn motion",
    ):
        assert 0 <= figures[name] <= 1
    assert figures["picture psnr_db"] > 0
    assert len(list(path.parent.glob("*.webp"))) == 6


def test_psnr_is_of_the_box_around_the_thing():
    given = torch.full((4, 16, 16), -1.0)
    given[:, 4:8, 4:12] = 1.0
    shown = given.clone()
    shown[:, 12:] = 1.0  # not where the thing is
    assert psnr_of_thing(shown, given) == pytest.approx(10 * torch.log10(torch.tensor(4e10)))
    shown[:, 4:8, 4:12] = 0.8  # a tenth of the range of 2
    assert psnr_of_thing(shown, given) == pytest.approx(20.0, abs=1e-3)


def test_overlap_is_the_mean_over_frames():
    one, other = torch.full((4, 2, 8, 8), -1.0), torch.full((4, 2, 8, 8), -1.0)
    one[3, :, :4] = 1
    other[3, 0, :4] = 1
    other[3, 1, 2:6] = 1
    assert float(overlap(one, other)) == pytest.approx((1 + 2 / 6) / 2)


@torch.no_grad()
def test_frames_follow_their_own_frames_of_the_clip(tmp_path):
    store_prior(tmp_path)
    store_frame_layers(tmp_path, "motion_layers")
    store_control_net(tmp_path)
    models = load_prior_models(tmp_path)
    identities = {kind: one.identity for kind, one in models.items()}
    net = load_control_net(models["image_unet"].model, identities, tmp_path)
    prior = load_frame_prior("motion_layers", 3, (64, 64), tmp_path)
    clip = torch.full((1, 4, 3, 64, 64), -1.0)
    clip[:, :, 1, 16:48, 16:48] = 1.0

    told = following_clip(prior, net, clip, ("segmentation", "canny"))

    region, edges = (one.followed.pictures for one in told.controls)
    assert region.mean((1, 2, 3)).tolist() == [0, 0.25, 0]
    assert edges[1].sum() > 0
    assert edges[[0, 2]].sum() == 0
    assert len(told.pictures.controls) == 2
    assert following_clip(prior, net, clip, ()).controls == ()
