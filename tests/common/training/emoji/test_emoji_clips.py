from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.errors import InputError
from common.training.emoji.emoji_clips import clip_index, load_clips, store_clips
from common.training.emoji.npm_package import NpmPackage

PACKAGES = tuple(NpmPackage(f"clips-{i}", "1.0.0", "MIT", str(i) * 64, "", 1) for i in range(2))


def save_clip(path: Path, levels: list[int]) -> None:
    """An animation with frames of one grey level each, 40 ms a frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [Image.new("RGBA", (8, 8), (level, level, level, 255)) for level in levels]
    frames[0].save(
        path, format="WEBP", save_all=True, append_images=frames[1:], lossless=True, duration=40
    )


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """A cache with two packages: three animations, one still, one skin-tone variant."""
    first, second = tmp_path / "one", tmp_path / "two"
    save_clip(first / "assets/1f602.webp", [10, 20, 30])
    save_clip(first / "assets/1f600.webp", [40, 50])
    save_clip(first / "assets/1f44b-1f3fb.webp", [1, 2, 3])
    save_clip(first / "assets/1f40c.webp", [99])
    save_clip(second / "assets/1f680.webp", [60, 70, 80, 90])
    for shard, folder in enumerate((first, second)):
        index = clip_index(tmp_path / "cache", 4, shard)
        store_clips(folder, index, 4, shard, PACKAGES[shard].sha256)
    return tmp_path / "cache"


def test_load_clips_finds_every_frame(prepared: Path) -> None:
    loaded = load_clips(prepared, 4, PACKAGES)
    levels = {clip.key: loaded.frames(clip)[:, 0, 0, 0].tolist() for clip in loaded.clips}
    assert levels == {"1f600": [40, 50], "1f602": [10, 20, 30], "1f680": [60, 70, 80, 90]}
    assert [shard.shape for shard in loaded.shards] == [(5, 4, 4, 4), (4, 4, 4, 4)]
    assert all((loaded.frames(clip)[..., 3] == 255).all() for clip in loaded.clips)


def test_frames_are_views_of_the_mapped_file(prepared: Path) -> None:
    loaded = load_clips(prepared, 4, PACKAGES)
    frames = loaded.frames(loaded.clips[0])
    assert isinstance(frames, np.memmap)
    assert np.shares_memory(frames, loaded.shards[0])


def test_clip_keeps_its_time(prepared: Path) -> None:
    clip = load_clips(prepared, 4, PACKAGES).clips[1]
    assert (clip.num_frames, clip.duration_ms, clip.fps) == (3, 120, 25.0)


def test_load_clips_needs_every_package(prepared: Path) -> None:
    clip_index(prepared, 4, 1).unlink()
    with pytest.raises(InputError, match=r"no animations of clips-1@1\.0\.0 at 4 px"):
        load_clips(prepared, 4, PACKAGES)


def test_store_clips_without_animation_refused(tmp_path: Path) -> None:
    save_clip(tmp_path / "package/assets/1f40c.webp", [99])
    with pytest.raises(InputError, match="1 emoji and no animation"):
        store_clips(tmp_path / "package", tmp_path / "clips.json", 4, 0, "0" * 64)
    assert [path.name for path in tmp_path.iterdir()] == ["package"]
