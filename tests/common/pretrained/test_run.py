"""Text to image with a pretrained checkpoint, as a user runs it."""

import numpy as np
import pytest
import torch

from common.cli.main import main
from common.config.load import load_tree
from common.config.tree import Tree
from common.generation.priors import build_prior, check_prior
from common.media.images import read_picture
from common.media.pixels import to_picture
from common.media.provenance import read_provenance
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.memory import pretrained_need
from common.report.json_report import read_record
from common.seeding import generators_for, randn
from run import APPS

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")


@pytest.fixture
def draw(tmp_path, monkeypatch, capsys, checkpoints):
    """Run ``image/stable_diffusion``: exit code, lines and messages."""
    monkeypatch.chdir(tmp_path)

    def draw(*changes, family="sd15"):
        arguments = [
            "image/stable_diffusion", f"prior.path={checkpoints[family]}", "prompt=a (red:1.2) cat",
            "negative_prompt=blurry", "method.height=64", "method.width=80", "sampler.num_steps=2",
            "num_samples=2", "device=cpu", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, said.out.splitlines(), said.err

    return draw


@pytest.mark.parametrize("family", ["sd15", "sd21", "sdxl"])
def test_run_writes_opaque_pictures_and_a_report(draw, tmp_path, family):
    code, lines, said = draw(family=family)
    assert code == 0, said
    paths = [tmp_path / line for line in lines]
    assert [path.name for path in paths] == [
        "000.png", "001.png", "contact_sheet.png", "report.html"
    ]  # fmt: skip
    pictures = [read_picture(path) for path in paths[:2]]
    assert pictures[0].shape == (64, 80, 3)
    assert not np.array_equal(*pictures)
    record = read_record(paths[-1].parent)
    assert record.status == "done"
    assert read_provenance(paths[0]).config["prior"]["name"] == "pretrained"


def test_batches_and_seeds_mean_the_same_as_for_other_priors(draw, tmp_path):
    together, alone, other = (
        [read_picture(tmp_path / line).astype(int) for line in draw(*changes)[1][:2]]
        for changes in (("batch_size=2",), ("batch_size=1",), ("seed=1",))
    )
    for one, two, three in zip(together, alone, other, strict=True):
        assert np.abs(one - two).max() <= 1
        assert np.abs(one - three).max() > 1


def test_same_yaml_runs_on_the_offline_prior(draw, tmp_path):
    code, lines, said = draw("prior={name: gaussian}", "prompt=a red star", "negative_prompt=")
    assert code == 0, said
    assert read_picture(tmp_path / lines[0]).shape == (64, 80, 4)


def test_dry_run_counts_the_weights_and_leaves_nothing(draw, tmp_path, checkpoints):
    code, lines, said = draw("--dry-run", family="sdxl")
    assert code == 0, said
    assert "size: 3 x 64 x 80" in lines
    assert "latents: 4 x 8 x 10" in lines
    assert "model evaluations: 8" in lines
    assert not any(tmp_path.iterdir())


def test_estimate_is_the_libraries_and_what_the_checkpoint_needs(draw, checkpoints):
    _, lines, _ = draw("--dry-run", "batch_size=2")
    (said,) = (line for line in lines if line.startswith("peak memory: about "))
    need = pretrained_need(PretrainedPriorConfig(path=str(checkpoints["sd15"])), (64, 80), 2)
    latents = 20 * 2 * 4 * 4 * 8 * 10
    expected = (450 + 90) * 2**20 + need.peak_bytes + latents
    assert said == f"peak memory: about {expected / 2**20:,.0f} MiB"


def test_notes_say_what_has_no_effect(draw):
    code, lines, said = draw(
        "--dry-run", "prior.allow_download=true", "prior.size_condition.crop_top_left_px=[1, 2]",
        "prior.compute.decode_batch=4", "prior.compute.vae_tiling=true", "method.height=8",
        "method.width=8", f"prompt={'red cat ' * 50}",
    )  # fmt: skip
    assert code == 0, said
    notes = "\n".join(line for line in lines if line.startswith("note: "))
    for part in (
        "the prompt has 100 tokens and is read in 2 chunks of 75",
        "prior.allow_download has no effect: prior.path is here",
        "prior.size_condition has no effect: only SDXL",
        "prior.compute.decode_batch has no effect",
        "prior.compute.vae_tiling has no effect: pictures of up to 64 px are one tile",
        "was trained on pictures of 64 x 64; 8 x 8 is far from it",
    ):
        assert part in notes


def test_fitting_config_has_no_notes(draw):
    assert not [line for line in draw("--dry-run", family="sdxl")[1] if line.startswith("note: ")]


@pytest.mark.parametrize(("change", "message"), [
    ("prompt=a smile :)", r"prompt: ')' at character 10 has no '(' to close; write '\)'"),
    ("negative_prompt=(bad", "negative_prompt: '(' at character 1 is never closed"),
    ("method.view={}", "the pretrained prior knows no views"),
    ("prior.clip_skip=3", "prior.clip_skip is 3"),
    ("prior.path=nothing/here", "nothing/here is no folder here, and as a hub id it is not in the"),
    ("prior.compute.attention=flash", "prior.compute.attention"),
    ("sampler={name: flow_euler}", "sampler flow_euler needs a prior on a flow schedule"),
])  # fmt: skip
def test_wrong_settings_end_with_code_2(draw, tmp_path, monkeypatch, change, message):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    code, lines, said = draw(change)
    assert (code, lines) == (2, [])
    assert message in said
    assert "Traceback" not in said
    assert not list(tmp_path.glob("outputs/*/2*"))


def test_config_without_a_path_says_that_it_is_needed(capsys):
    assert main(["image/text_to_image", "prior={name: pretrained}"], APPS) == 2
    said = capsys.readouterr().err
    assert "prior.path\n  is required, but not set" in said


def test_config_reads_its_blocks():
    prior = {
        "name": "pretrained", "path": "x", "clip_skip": 1,
        "size_condition": {"original_size_px": [64, 80]}, "compute": {"dtype": "bfloat16"},
    }  # fmt: skip
    values = {"app": "image", "name": "x", "prompt": "mug", "prior": prior}
    config = load_tree(Tree(values, {}), "", (), APPS).config.prior
    assert isinstance(config, PretrainedPriorConfig)
    assert config.size_condition.original_size_px == (64, 80)
    assert config.compute.dtype == "bfloat16"
    assert not config.allow_download


def test_prior_of_the_config_draws_what_the_run_drew(draw, tmp_path, checkpoints):
    """The picture of one step: noise of the seed, one prediction, decoded."""
    from common.diffusion.guidance_config import CFG
    from common.diffusion.sample import sample
    from common.diffusion.sampler_config import DPMSolverPP2M
    from common.diffusion.samplers import build_scheduler

    _, lines, _ = draw("num_samples=1", "sampler.num_steps=1", "seed=9", family="sd21")
    config = PretrainedPriorConfig(path=str(checkpoints["sd21"]))
    check_prior(config, (64, 80))
    prior = build_prior(config, (64, 80), "cpu")
    noise = randn(prior.spec.latent_shape, generators_for(9, [0], "latents"))
    scheduler = build_scheduler(DPMSolverPP2M(num_steps=1), prior.spec.schedule, "v")
    (step,) = sample(
        prior, scheduler, prior.embed(["a (red:1.2) cat"]), prior.embed(["blurry"]),
        CFG(guidance_scale=7.5), noise, generators_for(9, [0], "sampler"),
    )  # fmt: skip
    with torch.inference_mode():
        expected = to_picture(prior.decode(step.latents)[0])
    assert np.abs(read_picture(tmp_path / lines[0]).astype(int) - expected).max() <= 1
