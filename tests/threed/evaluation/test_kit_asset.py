import json
import pathlib

import pytest
import torch

from common.cli.main import main
from common.embedded.image_unet import FRONT
from common.errors import InputError
from common.training.kit.asset_truth import true_pictures
from run import APPS
from threed.evaluation.kit_request import kit_request

DISTILLED = (
    "asset.scene.num_cells=16", "asset.num_steps=2", "asset.views.size_px=64",
    "asset.views.num_views=2", "asset.loss={name: sds, baseline: learnt}",
)  # fmt: skip
DRAWN = (
    "asset={name: text_to_3d, size_px: 64, sampler: {num_steps: 2}, num_cells: 16, fit_steps: 4, "
    "distil: {num_steps: 0}, texture_px: 256}",
)


@pytest.fixture
def kit_asset(view_zoo, tmp_path, monkeypatch, capsys):
    """Make and measure one asset: exit code, its metrics with their reasons, messages."""
    monkeypatch.chdir(tmp_path)

    def kit_asset(*changes):
        arguments = ["evaluate/kit_asset", "prompt=a red church", f"prior.models_dir={view_zoo}",
                     f"judge_dir={view_zoo}", "num_truths=2", "noise_draws=2", "num_threads=1",
                     *changes]  # fmt: skip
        code, said = main(arguments, APPS), capsys.readouterr().err
        report = tmp_path / "outputs" / "evaluate_kit_asset" / "latest" / "report.json"
        sample = json.loads(report.read_text())["samples"][0] if report.exists() else {}
        return code, sample, said

    return kit_asset


def test_asset_is_held_against_true_instances(kit_asset):
    code, sample, said = kit_asset(*DISTILLED)

    assert code == 0, said
    found = sample["metrics"]
    assert found["front_top1"] in (0, 1)
    assert found["front_colour"] in (0, 1)
    assert 0 < found["outline_iou"] < 1
    assert found["chamfer_cm"] > 0
    # Two steps leave the first scene's grey, and no true church is that weak in colour.
    assert 0 < found["colour_gain"] < 0.7
    assert found["gradient_noise"] > 0
    assert found["variance_over_noise_baseline"] > 0
    assert found["making_s"] > 0


def test_what_was_not_distilled_has_no_gradient(kit_asset):
    code, sample, said = kit_asset(*DRAWN)

    assert code == 0, said
    assert sample["metrics"]["outline_iou"] > 0
    assert sample["metrics"]["gradient_noise"] is None
    assert "nothing was distilled" in sample["reasons"]["gradient_noise"]


def test_further_assets_tell_how_much_seeds_differ(kit_asset):
    code, sample, said = kit_asset(*DISTILLED, "num_others=1", "noise_draws=0")

    assert code == 0, said
    found = sample["metrics"]
    # Two steps from one grey blob leave nearly the same; true churches differ.
    assert 0 < found["diversity"] < found["diversity_of_true_instances"]
    assert (
        pathlib.Path("outputs") / "evaluate_kit_asset" / "latest" / "parts" / "other-0"
    ).is_dir()


def test_prompt_that_nothing_is_known_of_is_refused(kit_asset):
    code, _, said = kit_asset(*DISTILLED, "prompt=a purple unicorn")
    assert code == 2
    assert "'a purple unicorn' is none of the" in said


def test_requests_say_thing_and_colour():
    asked = kit_request("a purple chick")
    assert (asked.concept, asked.colour) == ("chick", "purple")
    with pytest.raises(InputError, match="committed prompts"):
        kit_request("chick")


def test_true_pictures_are_in_the_colour_that_is_asked():
    red, blue = (next(true_pictures("church", colour, 1, (FRONT,))) for colour in ("red", "blue"))
    solid = red[..., 3] > 0.5
    assert torch.equal(solid, blue[..., 3] > 0.5)
    assert red[solid][:, 0].mean() > red[solid][:, 2].mean() + 0.1
    assert blue[solid][:, 2].mean() > blue[solid][:, 0].mean() + 0.1
