"""Upscaling as a user does it, with a small upscaler and with the shipped one."""

import numpy as np
import pytest
import torch

from common.cli.main import main
from common.embedded.upscaler import doubled
from common.media.images import read_picture, write_picture
from common.media.pixels import from_picture, to_picture
from common.runs.folder import RunFolder
from common.upscaling.enlarging import check_enlarging, load_enlarging
from common.upscaling.upscaled import upscaled
from common.zoo.models import load_upscaler
from run import APPS
from tests.common.upscaling.small_upscaler import small_upscaler, store_upscaler


@pytest.fixture
def upscale(tmp_path, monkeypatch, capsys):
    """Run ``image/upscale`` with the small upscaler: exit code, paths and messages."""
    monkeypatch.chdir(tmp_path)
    store_upscaler(tmp_path / "models")

    def upscale(*changes):
        code = main(["image/upscale", f"models_dir={tmp_path / 'models'}", *changes], APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return upscale


def drawing(height=20, width=30):
    """Straight RGBA: a soft disk."""
    y, x = np.mgrid[:height, :width]
    away = np.hypot(y - height / 2, x - width / 2)
    picture = np.full((height, width, 4), (200, 60, 30, 0), np.uint8)
    picture[..., 3] = np.clip(40 * (8 - away), 0, 255)
    return picture


def test_a_picture_is_upscaled_with_its_transparency(upscale, tmp_path):
    write_picture(tmp_path / "a.png", drawing())
    code, paths, said = upscale("input=a.png", "factor=4", "export.formats=[png,jpg]")
    assert code == 0, said
    assert [path.name for path in paths] == ["000.png", "000.jpg", "report.html"]
    image = from_picture(drawing())
    expected = to_picture(upscaled(small_upscaler(), image[None], 4)[0])
    assert np.array_equal(read_picture(paths[0]), expected)
    assert read_picture(paths[1]).shape == (80, 120, 3)


def test_a_folder_is_upscaled_picture_by_picture_and_continues(upscale, tmp_path):
    (tmp_path / "frames").mkdir()
    for index in range(3):
        write_picture(tmp_path / "frames" / f"{index}.png", np.roll(drawing(), index, 1))
    code, paths, said = upscale("input=frames", "factor=2", "checkpoint.every_s=0")
    assert code == 0, said
    assert [path.name for path in paths[:3]] == ["000.png", "001.png", "002.png"]
    alone = upscale("input=frames/2.png", "factor=2", "name=alone")[1]
    assert np.array_equal(read_picture(alone[0]), read_picture(paths[2]))
    first = [path.read_bytes() for path in paths[:3]]
    folder = paths[0].parents[1]
    RunFolder(folder).set_status("running")
    paths[2].unlink()
    kept = sorted((folder / "checkpoints").iterdir())
    for path in kept[-1].iterdir():
        path.unlink()
    kept[-1].rmdir()
    assert main(["resume", str(folder)], APPS) == 0
    assert [path.read_bytes() for path in paths[:3]] == first


@pytest.mark.parametrize(("change", "message"), [
    ("input=missing.png", "missing.png"),
    ("input=empty", "holds 0 pictures"),
    ("models_dir=empty", "no model upscaler"),
])  # fmt: skip
def test_what_cannot_be_done_is_said_before_a_folder_exists(upscale, tmp_path, change, message):
    (tmp_path / "empty").mkdir()
    write_picture(tmp_path / "input.png", drawing())
    code, _, said = upscale(change)
    assert code == 2
    assert message in said
    assert not (tmp_path / "outputs").exists()


def test_pictures_that_would_become_too_large_are_refused():
    check_enlarging(4, (2048, 2048))
    with pytest.raises(ValueError, match="8196x8192"):
        check_enlarging(4, (2048, 2049))


@pytest.mark.parametrize(("preset", "key"), [
    ("image/text_to_image", "method.height"), ("video/text_to_video", "method.height"),
])  # fmt: skip
def test_the_switch_writes_what_is_drawn_at_its_size(preset, key, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    drawn = {}
    for factor in (1, 2):
        arguments = [
            preset, "prior={name: gaussian}", "prompt=a red ball", "num_samples=1",
            "sampler.num_steps=2", f"export.upscale={factor}", f"name=x{factor}",
            "export.formats=[png]", f"{key}=16", "method.width=24",
        ]  # fmt: skip
        if preset.startswith("video"):
            arguments += ["method.num_frames=3", "prompt=a red ball bouncing"]
        assert main(arguments, APPS) == 0
        path = tmp_path / capsys.readouterr().out.splitlines()[0]
        drawn[factor] = read_picture(path)
    assert drawn[2].shape == (32, 48, 4)
    image = from_picture(drawn[1])[None]
    expected = to_picture(load_enlarging(2, "cpu").of(image)[0]).astype(int)
    # What was drawn is rounded to 8 bits in the file; straight colours divide by alpha.
    both = (expected[..., 3] > 64) & (drawn[2][..., 3] > 64)
    assert np.abs(drawn[2].astype(int) - expected)[both].max() <= 12
    assert np.abs(drawn[2].astype(int) - expected)[both].mean() < 1


def test_inpainting_says_that_kept_pixels_are_enlarged_too(tmp_path, capsys):
    write_picture(tmp_path / "a.png", drawing())
    mask = np.zeros((20, 30, 3), np.uint8)
    mask[5:9, 5:9] = 255
    write_picture(tmp_path / "mask.png", mask)
    for factor, said in ((1, False), (2, True)):
        arguments = [
            "image/inpaint", "prior={name: gaussian}", "prompt=a red ball", "--dry-run",
            f"method.input={tmp_path / 'a.png'}", f"method.mask={tmp_path / 'mask.png'}",
            f"export.upscale={factor}",
        ]  # fmt: skip
        assert main(arguments, APPS) == 0
        found = capsys.readouterr()
        assert ("enlarges the pixels that stay too" in found.out + found.err) == said


def test_shipped_upscaler_is_sharper_than_bicubic_interpolation():
    """A disk drawn at 128 px, averaged to 64: closer to itself than bicubic interpolation is."""
    y, x = (np.mgrid[:512, :512] + 0.5) / 512 - 0.5
    inside = (np.hypot(y, x) < 0.31).astype(np.float32)
    alpha = torch.from_numpy(inside.reshape(128, 4, 128, 4).mean((1, 3)))
    color = torch.tensor([0.9, 0.4, 0.1])[:, None, None]
    true = torch.cat([color * alpha, alpha[None]])[None] * 2 - 1
    small = torch.nn.functional.avg_pool2d(true, 2)
    made = upscaled(load_upscaler().model, small, 2)
    errors = [float(((one - true) ** 2).mean()) for one in (made, doubled(small))]
    assert errors[0] < 0.7 * errors[1]
