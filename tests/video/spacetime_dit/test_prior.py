"""The spacetime DiT behind the one seam, and read from disk."""

import pytest
import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.prior import Prior
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DPMSolverPP2M, FlowEuler, UniPC
from common.diffusion.samplers import build_scheduler
from common.embedded.spacetime_dit_config import SpacetimeDiTPriorConfig
from common.errors import InputError
from common.seeding import generators_for
from tests.common.zoo.small_zoo import store_prior
from tests.video.spacetime_dit.small_dit import SIZES, randn, store_dit
from video.spacetime_dit.load import check_spacetime_dit, load_spacetime_dit

SIZE = (3, 64, 72)
TIMES = torch.tensor([300.0, 900.0])


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bases")
    store_prior(folder)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory, bases):
    """A folder as a training run leaves it."""
    folder = tmp_path_factory.mktemp("trained")
    store_dit(folder, bases)
    return folder


@pytest.fixture(scope="module")
def prior(trained, bases):
    config = SpacetimeDiTPriorConfig(models_dir=trained, bases_dir=bases)
    return load_spacetime_dit(config, SIZE, "cpu")


def first_given():
    drawn = torch.ones(1, 3, 8, 9)
    drawn[:, 0] = 0
    return drawn


def test_it_is_a_prior_of_clips(prior):
    assert isinstance(prior, Prior)
    assert prior.spec.latent_shape == (4, 3, 8, 9)
    assert (prior.spec.prediction, prior.spec.image_channels) == ("velocity", 4)
    assert prior.spec.schedule.is_flow
    assert prior.spec.schedule.config.shift == SIZES.shift
    made = prior.predict(randn(2, 4, 3, 8, 9), TIMES, prior.embed(["mug", "红色的杯子"]))
    assert made.shape == (2, 4, 3, 8, 9)


def test_frames_are_coded_one_by_one(prior):
    clip = randn(1, 4, 3, 64, 72).clamp(-1, 1)
    latents = prior.encode(clip)
    assert latents.shape == (1, 4, 3, 8, 9)
    alone = prior.autoencoder.encode(clip[:, :, 1])
    torch.testing.assert_close(latents[:, :, 1], alone, rtol=1e-4, atol=1e-5)
    assert prior.decode(latents).shape == clip.shape


def test_prompt_and_its_absence_differ(prior):
    latents = randn(1, 4, 3, 8, 9)
    said, unsaid = (prior.predict(latents, TIMES[:1], prior.embed([t])) for t in ("a mug", ""))
    assert (said - unsaid).abs().max() > 1e-4


def test_velocity_of_what_is_known_is_exact(prior):
    clean, noise = randn(4, 3, 8, 9, seed=1), randn(2, 4, 3, 8, 9, seed=2)
    knowing = prior.knowing(clean, first_given())
    latents = prior.spec.schedule.add_noise(clean.expand(2, -1, -1, -1, -1), noise, TIMES)

    made = knowing.predict(latents, TIMES, prior.embed(["mug", "cat"]))

    # noise - x, from (z - x) / sigma: rounding of z over a sigma of 0.3.
    torch.testing.assert_close(made[:, :, 0], (noise - clean)[:, :, 0], rtol=1e-5, atol=1e-5)
    plain = prior.predict(latents, TIMES, prior.embed(["mug", "cat"]))
    assert (made - plain)[:, :, 1:].abs().max() > 1e-4, "later frames see it"
    assert prior.known is None


@pytest.mark.parametrize(("sampler", "tolerance"), [
    (FlowEuler(num_steps=4), 1e-5),
    # They tell the model whole timesteps: half of one is 1e-3 of the last step's noise level.
    (DPMSolverPP2M(num_steps=4), 1e-2), (UniPC(num_steps=4), 1e-2),
])  # fmt: skip
def test_every_sampler_of_flows_ends_in_what_is_known(prior, sampler, tolerance):
    clean = randn(4, 3, 8, 9, seed=1)
    knowing = prior.knowing(clean, first_given())
    scheduler = build_scheduler(sampler, prior.spec.schedule, prior.spec.prediction)
    steps = sample(
        knowing, scheduler, prior.embed(["mug"]), prior.embed([""]), CFG(guidance_scale=3.0),
        randn(1, 4, 3, 8, 9), generators_for(0, [0], "sampler"),
    )  # fmt: skip
    *_, last = steps
    torch.testing.assert_close(last.latents[0, :, 0], clean[:, 0], rtol=0, atol=tolerance)
    assert bool(last.latents.isfinite().all())


def test_known_latents_of_another_size_are_refused(prior):
    with pytest.raises(InputError, match=r"of \(4, 2, 8, 9\), and clips of \(4, 3, 8, 9\)"):
        prior.knowing(randn(4, 2, 8, 9), torch.ones(1, 2, 8, 9))


@pytest.mark.parametrize(("size", "message"), [
    ((17, 64, 64), "num_frames is 17; this spacetime DiT was trained on clips of 1 to 16"),
    ((3, 64, 60), "not 64 x 60"), ((3, 512, 64), "not 512 x 64"),
])  # fmt: skip
def test_sizes_that_are_not_drawn_are_refused(trained, bases, size, message):
    config = SpacetimeDiTPriorConfig(models_dir=trained, bases_dir=bases)
    with pytest.raises(InputError, match=message):
        check_spacetime_dit(config, size)


def test_frames_beyond_those_of_training_are_told(bases, tmp_path):
    store_dit(tmp_path, bases, SIZES.model_copy(update={"trained_px": 64}))
    config = SpacetimeDiTPriorConfig(models_dir=tmp_path, bases_dir=bases)
    assert check_spacetime_dit(config, (3, 64, 64)) == []
    (note,) = check_spacetime_dit(config, (3, 64, 128))
    assert "trained on frames of 64 pixels, and 128 are asked for" in note


def test_folder_without_a_model_says_how_to_get_one(tmp_path):
    with pytest.raises(InputError, match=r"has no spacetime_dit\.json: train one") as caught:
        check_spacetime_dit(SpacetimeDiTPriorConfig(models_dir=tmp_path), SIZE)
    assert "train/spacetime_dit" in str(caught.value)


def test_model_of_another_text_encoder_is_refused(trained, tmp_path):
    store_prior(tmp_path, seed=1)
    config = SpacetimeDiTPriorConfig(models_dir=trained, bases_dir=tmp_path)
    for act in (
        lambda: check_spacetime_dit(config, SIZE),
        lambda: load_spacetime_dit(config, SIZE, "cpu"),
    ):
        with pytest.raises(InputError, match="was trained on the autoencoder"):
            act()


def test_another_kind_of_model_is_refused(tmp_path, bases):
    (tmp_path / "spacetime_dit.json").write_bytes((bases / "image_unet.json").read_bytes())
    config = SpacetimeDiTPriorConfig(models_dir=tmp_path, bases_dir=bases)
    with pytest.raises(InputError, match="of kind image_unet, not spacetime_dit"):
        check_spacetime_dit(config, SIZE)


def test_damaged_weights_are_refused(trained, bases, tmp_path):
    for path in trained.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    shard = next(tmp_path.glob("*.safetensors"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    config = SpacetimeDiTPriorConfig(models_dir=tmp_path, bases_dir=bases)
    with pytest.raises(InputError, match="damaged"):
        load_spacetime_dit(config, SIZE, "cpu")
