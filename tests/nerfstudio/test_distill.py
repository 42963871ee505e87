import json

import pytest
import torch

from common.errors import InputError
from common.media.images import read_picture
from tests.nerfstudio.conftest import run, train
from tests.threed.optimise.ball_prior import BallPrior, ball
from threed.distillation.loss_config import CSD, SJC
from threed.nerfstudio_plugin.distill_config import DistillPipelineConfig, method_of, prior_of
from threed.nerfstudio_plugin.methods import extrude_distill
from threed.nerfstudio_plugin.model_config import ExtrudeModelConfig
from threed.optimise.distil_scene import distil_scene
from threed.scenes.scene_config import VoxelNerf

STEPS = 8
SMALL = {"view_px": 32, "num_steps": STEPS, "loss": "sds", "min_time": 0.1, "max_time": 0.9}


def pipeline_config(**keys):
    model = ExtrudeModelConfig(num_cells=24, refine_at=(), begin_at_outlines=False, prompt="a ball")
    return DistillPipelineConfig(model=model, **SMALL | keys)


def pipeline_with(prior, **keys):
    """A pipeline that has not loaded the embedded prior, but is given one."""
    pipeline = pipeline_config(**keys).setup(device="cpu", test_mode="test")
    pipeline.judge_by(prior)
    return pipeline.train()


def descended(pipeline, first, last):
    """Steps as nerfstudio's trainer takes them; the optimizers' state goes with the caller."""
    groups = pipeline.get_param_groups()
    rates = extrude_distill.config.optimizers
    made = {name: rates[name]["optimizer"].setup(groups[name]) for name in groups}
    scheduler = rates["density"]["scheduler"]
    scheduler.num_steps = STEPS
    falls = [scheduler.setup().get_scheduler(one, 0.05) for one in made.values()]
    for step in range(first, last):
        for one in made.values():
            one.zero_grad()
        _, terms, _ = pipeline.get_train_loss_dict(step)
        torch.stack(list(terms.values())).sum().backward()
        for one in (*made.values(), *falls):
            one.step()


@pytest.mark.parametrize("loss", ["sds", "sjc"])
def test_steps_are_those_of_distil_scene(loss):
    """The same prior, seed and settings in nerfstudio's terms and in ours: the same scene."""
    pipeline = pipeline_with(BallPrior(ball((0.9, 0.2, 0.1))), loss=loss)
    descended(pipeline, 0, STEPS)
    scene = VoxelNerf(num_cells=24, coarse_share=0.0)
    method = pipeline.method.model_copy(update={"scene": scene})
    steps = distil_scene(method, BallPrior(ball((0.9, 0.2, 0.1))), "a ball")
    *_, last = steps
    wanted, found = last.scene.field(), pipeline.model.field()
    begun = pipeline_config().setup(device="cpu", test_mode="test").model.field()
    assert (wanted.colour - begun.colour).abs().max() > 0.1
    # Adam divides by tiny gradients: rounding shows at nodes that hardly anything sees
    for a, b in ((wanted.density, found.density), (wanted.colour, found.colour)):
        off = (a - b).abs()
        assert off.mean() < 1e-4
        assert off.quantile(0.99) < 1e-3


def test_what_a_loss_remembers_is_in_the_checkpoint():
    """A loss with a learnt baseline, stopped and continued, goes on where it was."""

    def learning(pipeline):
        method = pipeline.method
        loss = method.loss.model_copy(update={"baseline": "learnt"})
        pipeline.method = method.model_copy(update={"loss": loss})
        pipeline.judge_by(pipeline.prior[0])
        return pipeline

    prior = BallPrior(ball((0.9, 0.2, 0.1)))
    whole = learning(pipeline_with(prior))
    for step in range(3):
        whole.get_train_loss_dict(step)
    again = learning(pipeline_with(prior))
    empty = [one.clone() for one in again.get_extra_state()]
    again.load_pipeline(whole.state_dict(), 2)
    for kept, read, begun in zip(
        whole.get_extra_state(), again.get_extra_state(), empty, strict=True
    ):
        assert torch.equal(kept, read)
        assert not torch.equal(kept, begun)
    pulls = [one.get_train_loss_dict(3)[1]["prior"] for one in (whole, again)]
    assert torch.equal(*pulls)


def test_settings_are_ours():
    csd = method_of(pipeline_config(loss="csd", guidance_scale=3.0)).loss
    assert csd == CSD(scale=3.0)
    sjc = method_of(pipeline_config(loss="sjc")).loss
    assert sjc == SJC()
    assert sjc.guidance.guidance_scale == 7.5
    with pytest.raises(ValueError, match="min_elevation_deg 50 is above max_elevation_deg 30"):
        method_of(pipeline_config(min_elevation_deg=50.0))
    with pytest.raises(InputError, match="needs the folder of its checkpoint"):
        prior_of(pipeline_config(prior="pretrained"))
    config = pipeline_config()
    config.model.prompt = "  "
    with pytest.raises(InputError, match="needs a prompt"):
        config.setup(device="cpu", test_mode="val")


def test_command_distils_resumes_and_is_evaluated(place):
    """The embedded prior, a few steps, small views: stopped after two of four or not, the same."""
    told = (
        "--prompt", "a red car", "--pipeline.view-px", "64", "--pipeline.model.num-cells", "16",
        "--pipeline.model.refine-at", "1", "--steps-per-save", "1",
        "--save-only-latest-checkpoint", "False",
    )  # fmt: skip
    folder = train(place, "extrude-distill", "car", *told, "--max-num-iterations", "4")
    kept = folder / "nerfstudio_models"
    again = train(
        place, "extrude-distill", "car-resumed", *told, "--max-num-iterations", "2",
        "--load-checkpoint", str(kept / "step-000000001.ckpt"),
    )  # fmt: skip
    ends = [torch.load(one / "step-000000003.ckpt", weights_only=True)["pipeline"]
            for one in (kept, again / "nerfstudio_models")]  # fmt: skip
    assert not any(key.startswith("prior") for key in ends[0])
    for name in ("_model.voxel_density", "_model.voxel_colour"):
        assert torch.equal(ends[0][name], ends[1][name])
    first = torch.load(kept / "step-000000001.ckpt", weights_only=True)["pipeline"]
    assert not torch.equal(first["_model.voxel_colour"], ends[0]["_model.voxel_colour"])
    run("ns-eval", "--load-config", str(folder / "config.yml"), "--output-path", "car.json",
        "--render-output-path", "car", cwd=place)  # fmt: skip
    results = json.loads((place / "car.json").read_text())["results"]
    assert 0.02 < results["coverage"] < 0.9
    assert results["coverage_std"] < 0.2
    assert read_picture(place / "car" / "eval_0000.png").std() > 5
