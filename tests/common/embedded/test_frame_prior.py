from pathlib import Path

import pytest
import torch
from torch import Tensor

from common.diffusion.frame_windows import FrameWindows
from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DPMSolverPP2M
from common.diffusion.samplers import build_scheduler
from common.embedded.frame_prior import FramePrior
from common.embedded.image_unet import FRONT, View
from common.embedded.shared_noise import mixed_noise
from common.errors import InputError
from common.seeding import generators_for, randn
from common.zoo.models import load_frame_layers, load_frame_prior, load_prior_models
from tests.common.zoo.small_zoo import store_frame_layers, store_prior

AROUND = tuple(View(90.0 * step, 12.0) for step in range(4))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zoo")
    store_prior(folder)
    store_frame_layers(folder, "motion_layers")
    store_frame_layers(folder, "view_layers")
    return folder


@pytest.fixture(scope="module")
def clips(folder: Path) -> FramePrior:
    return load_frame_prior("motion_layers", 4, (64, 64), folder)


@pytest.fixture(scope="module")
def views(folder: Path) -> FramePrior:
    return load_frame_prior("view_layers", 4, (64, 64), folder)


def latents(count: int = 2, seed: int = 0) -> Tensor:
    return torch.randn(count, 4, 4, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_a_sample_has_a_frame_axis(clips: FramePrior) -> None:
    assert clips.spec.latent_shape == (4, 4, 8, 8)
    times = torch.tensor([300.0, 700.0])

    made = clips.predict(latents(), times, clips.embed(["mug", "红色的杯子"]))

    assert made.shape == (2, 4, 4, 8, 8)
    alone = clips.predict(latents()[1:], times[1:], clips.embed(["红色的杯子"]))
    # The same clip in a padded batch of two: other matrix shapes, hence rounding.
    torch.testing.assert_close(made[1:], alone, rtol=1e-4, atol=1e-4)


def test_frames_reach_each_other(clips: FramePrior) -> None:
    cond, times = clips.embed(["mug"]), torch.tensor([300.0])
    changed = latents(1)
    changed[:, :, 3] += 0.5

    made = clips.predict(changed, times, cond) - clips.predict(latents(1), times, cond)

    assert float(made[:, :, 0].abs().max()) > 1e-4


def test_each_view_is_told_to_its_own_frame(views: FramePrior) -> None:
    order = [2, 0, 3, 1]
    times = torch.tensor([300.0])
    cond = views.embed(["mug"], [AROUND])
    shuffled = views.embed(["mug"], [tuple(AROUND[index] for index in order)])

    made = views.predict(latents(1), times, cond)
    made_shuffled = views.predict(latents(1)[:, :, order], times, shuffled)

    # Views have no order: rounding of sums in another order is all that differs.
    torch.testing.assert_close(made_shuffled, made[:, :, order], rtol=1e-4, atol=1e-4)
    blind = views.predict(latents(1), times, views.embed(["mug"]))
    assert float((blind - made).abs().max()) > 1e-4


def test_a_given_first_frame_is_what_sampling_ends_in(clips: FramePrior) -> None:
    first = latents(seed=5)[:, :, 0]
    scheduler = build_scheduler(DPMSolverPP2M(num_steps=6), clips.spec.schedule, "v")
    noise = randn(clips.spec.latent_shape, generators_for(0, range(2), "latents"))
    cond = clips.embed(["mug", "car"], first=first)
    uncond = clips.embed(["", ""], first=first)

    *_, last = sample(
        clips, scheduler, cond, uncond, CFG(guidance_scale=3.0), noise,
        generators_for(0, range(2), "sampler"),
    )  # fmt: skip

    # float32 of two predictions whose guided sum is exact: (1 - s) + s of the same v.
    torch.testing.assert_close(last.latents[:, :, 0], first, rtol=0, atol=1e-4)
    assert float((last.latents[:, :, 1] - first).abs().mean()) > 0.1


def test_the_other_frames_see_the_given_one_without_noise(clips: FramePrior) -> None:
    times, first = torch.tensor([600.0]), latents(1, seed=5)[:, :, 0]
    noised_otherwise = latents(1)
    noised_otherwise[:, :, 0] = 7.0

    made = clips.predict(latents(1), times, clips.embed(["mug"], first=first))
    other = clips.predict(noised_otherwise, times, clips.embed(["mug"], first=first))
    another_first = clips.predict(latents(1), times, clips.embed(["mug"], first=first + 1))

    assert torch.equal(made[:, :, 1:], other[:, :, 1:])
    assert float((made[:, :, 1:] - another_first[:, :, 1:]).abs().max()) > 1e-4


def test_windows_show_each_frame_its_own_view(folder: Path) -> None:
    windows = FrameWindows(4, 2, 1, "straight", "flat")
    prior = load_frame_prior("view_layers", 2, (64, 64), folder).in_windows(windows)
    pair = load_frame_prior("view_layers", 2, (64, 64), folder)
    times, noised = torch.tensor([300.0]), latents(1)

    made = prior.predict(noised, times, prior.embed(["mug"], [AROUND]))

    alone = [
        pair.predict(noised[:, :, at : at + 2], times, pair.embed(["mug"], [AROUND[at : at + 2]]))
        for at in range(3)
    ]
    wanted = torch.zeros_like(noised)
    for at, part in enumerate(alone):
        wanted[:, :, at : at + 2] += part
    wanted[:, :, 1:3] /= 2  # frames in two windows
    torch.testing.assert_close(made, wanted, rtol=1e-5, atol=1e-5)


def test_frames_are_encoded_and_decoded_like_pictures(clips: FramePrior) -> None:
    pictures = torch.rand(2, 4, 4, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1

    codes = clips.encode(pictures)
    back = clips.decode(codes)

    alone = clips.pictures.encode(pictures[1, :, 2][None])
    torch.testing.assert_close(codes[1, :, 2][None], alone, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        back[1, :, 2][None], clips.pictures.decode(codes[1, :, 2][None]), rtol=1e-4, atol=1e-4
    )


def test_wrong_numbers_are_refused(clips: FramePrior, folder: Path) -> None:
    with pytest.raises(InputError, match="has 4 frames, and 2 views are given"):
        clips.embed(["mug"], [(FRONT, FRONT)])
    with pytest.raises(InputError, match="1 prompts and 2 first frames"):
        clips.embed(["mug"], first=latents()[:, :, 0])
    with pytest.raises(InputError, match="1 prompts and views of 2"):
        clips.embed(["mug"], [None, None])
    with pytest.raises(InputError, match="up to 16 frames together; num_frames is 17"):
        load_frame_prior("motion_layers", 17, (64, 64), folder)


def test_layers_of_another_unet_are_refused(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    store_prior(tmp_path, seed=1)

    with pytest.raises(InputError, match="motion_layers was trained on the"):
        load_frame_prior("motion_layers", 4, (64, 64), tmp_path)


def test_missing_layers_are_named_with_what_to_do(tmp_path: Path) -> None:
    store_prior(tmp_path)

    with pytest.raises(InputError, match=r"has no view_layers: .*train/view_layers"):
        load_frame_prior("view_layers", 4, (64, 64), tmp_path)


def test_loaded_layers_leave_the_unet_as_it_is_at_scale_zero(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = load_prior_models(folder)
    load_frame_layers("view_layers", models, folder)
    monkeypatch.setattr(
        "common.diffusion.frame_attention.FrameTransformer.forward",
        lambda self, features, *_: features * 1.01,
    )

    with pytest.raises(InputError, match="at scale 0 change the U-Net"):
        load_frame_layers("view_layers", models, folder)


def test_hidden_first_frames_are_where_sampling_ends_but_are_not_seen(clips: FramePrior) -> None:
    times, first = torch.tensor([600.0]), latents(1, seed=5)[:, :, 0]

    hidden = clips.predict(latents(1), times, clips.embed(["mug"], first=first, hidden=True))

    plain = clips.predict(latents(1), times, clips.embed(["mug"]))
    seen = clips.predict(latents(1), times, clips.embed(["mug"], first=first))
    assert torch.equal(hidden[:, :, 1:], plain[:, :, 1:])
    assert torch.equal(hidden[:, :, 0], seen[:, :, 0])


def test_mixed_noise_is_normal_with_the_share_as_covariance_of_frames() -> None:
    drawn = torch.randn(1, 4, 4, 100, 100, generator=torch.Generator().manual_seed(0))

    mixed = mixed_noise(drawn, 0.3)

    found = torch.cov(mixed.transpose(1, 2).reshape(3, -1))
    # 40,000 draws: deviations of 0.005 and 0.007
    torch.testing.assert_close(
        found, torch.full((3, 3), 0.3) + 0.7 * torch.eye(3), rtol=0, atol=0.04
    )
    assert torch.equal(mixed_noise(drawn, 0.0), drawn[:, :, :-1])


def test_noise_of_a_sample_is_its_own(clips: FramePrior) -> None:
    both = clips.noise(generators_for(0, range(2), "latents"))
    assert torch.equal(clips.noise(generators_for(0, [1], "latents")), both[1:])
    assert both.shape[1:] == clips.spec.latent_shape
