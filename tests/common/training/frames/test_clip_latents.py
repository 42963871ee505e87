from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from common.embedded.autoencoder import Autoencoder
from common.kit.catalogue import category_named
from common.training.emoji.emoji_clips import (
    EmojiClip,
    EmojiClips,
    clip_index,
    load_clips,
    store_clips,
)
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_packages import CLIPS
from common.training.emoji.emoji_split import load_split
from common.training.frames import clip_latents
from common.training.frames.clip_latents import chosen_clips, emoji_clip_latents, kit_clip_latents
from common.training.frames.orbit_latents import orbit_latents
from common.training.kit import kit_clips, kit_orbits
from common.training.kit.clip_parts import ClipPart
from common.training.kit.kit_clips import load_kit_clips, prepare_kit_clips
from common.training.kit.kit_orbits import load_orbits, prepare_orbits
from common.training.kit.kit_parts import KitPart
from common.training.pictures import latent_files
from common.training.pictures.latent_files import encoded_once, halved, latent_path
from common.training.pictures.latent_sets import LOOKALIKE_WEIGHT, encode_pixels
from common.zoo.models import Loaded
from tests.common.training.small_training import ARCHITECTURE, disks

ROUNDING = {"atol": 2e-3, "rtol": 2e-3}
"""Half precision, and sums in another order in a batch of another size."""


@pytest.fixture(scope="module")
def autoencoder() -> Loaded:
    """Untrained, but real."""
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        return Loaded(Autoencoder(ARCHITECTURE).eval(), "a" * 64)


@pytest.fixture
def small(monkeypatch):
    """The kit cut down to two categories at 32 px."""
    for module, names in ((kit_clips, ("star", "heart")), (kit_orbits, ("star", "die"))):
        monkeypatch.setattr(module, "CATEGORIES", tuple(map(category_named, names)))
        monkeypatch.setattr(module, "SIZE_PX", 32)


def test_encoding_keeps_the_order_whatever_the_blocks(tmp_path, autoencoder, monkeypatch):
    pixels = disks(7, 32)
    monkeypatch.setattr(latent_files, "_BLOCK", 3)
    path = tmp_path / "some.npy"
    found = encoded_once(path, autoencoder, [pixels[:5], pixels[5:]], "cpu")
    assert (found.shape, found.dtype) == ((7, 4, 4, 4), np.float16)
    np.testing.assert_allclose(found, encode_pixels(autoencoder, pixels, "cpu"), **ROUNDING)
    again = encoded_once(path, Loaded(None, "a" * 64), [pixels], "cpu")
    np.testing.assert_array_equal(found, again)


def test_encoding_that_is_killed_leaves_nothing(tmp_path, autoencoder, monkeypatch):
    calls = []

    def killed(*arguments):
        if calls:
            raise KeyboardInterrupt
        calls.append(1)
        return encode_pixels(*arguments)

    monkeypatch.setattr(latent_files, "_BLOCK", 3)
    monkeypatch.setattr(latent_files, "encode_pixels", killed)
    with pytest.raises(KeyboardInterrupt):
        encoded_once(tmp_path / "some.npy", autoencoder, [disks(7, 32)], "cpu")
    assert not list(tmp_path.iterdir())


def test_latents_belong_to_one_autoencoder_and_one_data_set(tmp_path, autoencoder):
    one = latent_path(tmp_path, autoencoder, "clips", "0" * 64)
    assert one != latent_path(tmp_path, Loaded(None, "b" * 64), "clips", "0" * 64)
    assert one != latent_path(tmp_path, autoencoder, "clips", "1" * 64)


def test_kit_clips_come_with_what_they_show(tmp_path, autoencoder, small):
    part = ClipPart("pairs", 1)
    list(prepare_kit_clips(tmp_path, part))
    found = kit_clip_latents(autoencoder, tmp_path, "cpu", part)
    sets = load_kit_clips(tmp_path, part)
    assert found.latents.shape == (3, 16, 4, 4, 4)
    said = [(s.facts.category.name, s.motion.name) for s in found.subjects]
    assert said == [("star", "grow"), ("heart", "slide left"), ("heart", "spin")]
    np.testing.assert_array_equal(found.views, np.tile(np.float32([0, 12]), (3, 1)))
    wanted = encode_pixels(autoencoder, np.array(sets[1].frames(1)), "cpu")
    np.testing.assert_allclose(found.latents[2], wanted, **ROUNDING)


def test_latents_at_half_of_the_side_are_of_the_mean_of_four_pixels(tmp_path, autoencoder):
    pixels = disks(3, 64)
    means = pixels.reshape(3, 32, 2, 32, 2, 4).mean((2, 4))
    assert np.abs(halved(pixels) - means).max() <= 0.5
    assert (halved(np.full((1, 2, 2, 4), 255, np.uint8)) == 255).all()
    found = encoded_once(tmp_path / "half.npy", autoencoder, [pixels], "cpu", halve=True)
    small = encode_pixels(autoencoder, halved(pixels), "cpu")
    np.testing.assert_allclose(found, small, **ROUNDING)


def test_clips_at_half_of_the_side_are_kept_apart(tmp_path, autoencoder, small):
    part = ClipPart("pairs", 1)
    list(prepare_kit_clips(tmp_path, part))
    whole = kit_clip_latents(autoencoder, tmp_path, "cpu", part)
    half = kit_clip_latents(autoencoder, tmp_path, "cpu", part, halve=True)
    assert half.subjects == whole.subjects
    assert [side * 2 for side in half.latents.shape[-2:]] == list(whole.latents.shape[-2:])


def test_orbits_come_with_what_they_show_and_from_where(tmp_path, autoencoder, small):
    part = KitPart("instances", 2, 3)
    list(prepare_orbits(tmp_path, part))
    found = orbit_latents(autoencoder, tmp_path, "cpu", part)
    sets = load_orbits(tmp_path, part)
    assert found.latents.shape == (4, 3, 4, 4, 4)
    np.testing.assert_array_equal(found.views[2], np.float32([(0, 12), (120, 12), (240, 12)]))
    assert [subject.facts for subject in found.subjects] == [
        shot.facts for one in sets for shot in one.shots
    ]
    wanted = encode_pixels(autoencoder, np.array(sets[1].pictures(0)), "cpu")
    np.testing.assert_allclose(found.latents[2], wanted, **ROUNDING)


def a_clip(key: str, shard: int, first: int, num: int) -> EmojiClip:
    return EmojiClip(key, shard, first, num, num * 42)


def test_animations_for_training_and_for_measuring_are_told_apart():
    reserved = load_split().reconstruction[0]
    concepts = load_concepts()
    plain = next(k for k, c in concepts.items() if not c.lookalike and k != reserved)
    like = next(k for k, c in concepts.items() if c.lookalike)
    clips = EmojiClips(
        (
            a_clip(plain, 0, 0, 20), a_clip(reserved, 0, 20, 30),
            a_clip("2615", 1, 0, 15), a_clip(like, 1, 15, 72),
        ),
        (np.zeros((50, 8, 8, 4), np.uint8), np.zeros((87, 8, 8, 4), np.uint8)),
    )  # fmt: skip
    frames = np.arange(137, dtype=np.float16)[:, None, None, None]
    seen, unseen = (chosen_clips(clips, frames, held_out) for held_out in (False, True))
    assert [subject.key for subject in seen.subjects] == [plain, like]
    assert [subject.key for subject in unseen.subjects] == [reserved]
    assert seen.first.tolist() == [0, 65]
    assert seen.num.tolist() == [20, 72]
    assert seen.weights == (1.0, LOOKALIKE_WEIGHT)
    assert unseen.first.tolist() == [20]


def test_windows_stay_inside_their_animation():
    clips = EmojiClips((a_clip("2615", 0, 10, 40),), (np.zeros((90, 8, 8, 4), np.uint8),))
    found = chosen_clips(clips, np.arange(90, dtype=np.float16)[:, None, None, None], False)
    drawn = np.concatenate([found.draw(0, np.random.default_rng(i)) for i in range(60)]).ravel()
    assert set(drawn.astype(int).tolist()) == set(range(10, 50))


def save_clip(path: Path, levels: range) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [Image.new("RGBA", (16, 16), (level, level, level, 255)) for level in levels]
    frames[0].save(
        path, format="WEBP", save_all=True, append_images=frames[1:], lossless=True, duration=42
    )


def test_emoji_animations_are_encoded_frame_by_frame(tmp_path, autoencoder, monkeypatch):
    monkeypatch.setattr(clip_latents, "SIZE_PX", 16)
    keys = ("1f602", "1f600", "1f680", "1f60e")
    for shard, (key, package) in enumerate(zip(keys, CLIPS, strict=True)):
        save_clip(tmp_path / key / f"assets/{key}.webp", range(40 * shard, 40 * shard + 16 + shard))
        index = clip_index(tmp_path, 16, shard)
        store_clips(tmp_path / key, index, 16, shard, package.sha256)
    found = emoji_clip_latents(autoencoder, tmp_path, "cpu")
    assert tuple(subject.key for subject in found.subjects) == keys
    assert found.num.tolist() == [16, 17, 18, 19]
    assert found.first.tolist() == [0, 16, 33, 51]
    stored = load_clips(tmp_path, 16)
    wanted = encode_pixels(autoencoder, np.array(stored.frames(stored.clips[2])), "cpu")
    np.testing.assert_allclose(found.frames[33:51], wanted, **ROUNDING)
