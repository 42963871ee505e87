"""Text to image with the embedded prior, end to end."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from common.embedded.image_unet import View
from common.embedded.prior_config import EmbeddedPriorConfig
from common.generation.priors import build_prior
from common.generation.view_config import ViewConfig, camera_of
from common.media.images import read_picture, write_picture
from common.media.pixels import composite, from_picture, to_picture
from common.media.provenance import read_provenance
from common.report.json_report import read_record
from tests.common.zoo.small_zoo import store_prior


def pixels(paths):
    return [read_picture(path).astype(int) for path in paths if path.stem.isdigit()]


def test_run_writes_transparent_pictures_a_sheet_and_a_report(draw):
    code, paths, said = draw("seed=3", "export.formats=[png,jpg]")
    assert code == 0, said
    assert [path.name for path in paths] == [
        "000.png", "000.jpg", "001.png", "001.jpg", "contact_sheet.png", "report.html"
    ]  # fmt: skip
    picture = read_picture(paths[0])
    assert picture.shape == (64, 72, 4)
    assert len(np.unique(picture[..., 3])) > 2, "soft edges"
    assert not np.array_equal(picture, read_picture(paths[2])), "another sample"
    flat = np.asarray(Image.open(paths[1]).convert("RGB")).astype(int)
    # JPEG at quality 95 of noise-like pictures.
    assert np.abs(flat - composite(picture, "#ffffff")).mean() < 8
    assert read_picture(paths[4]).shape[2] == 3
    assert read_record(paths[-1].parent).status == "done"
    assert read_provenance(paths[0]).config["prior"]["name"] == "embedded"


def test_pictures_do_not_depend_on_the_batch(draw):
    together = pixels(draw("batch_size=2", "name=two")[1])
    alone = pixels(draw("batch_size=1", "name=one")[1])
    for one, other in zip(alone, together, strict=True):
        # Latents agree to 1e-4; straight colours of nearly transparent pixels divide by alpha.
        solid = np.minimum(one[..., 3], other[..., 3]) > 25
        assert np.abs(one - other)[solid].max() <= 1


def test_view_and_prompt_change_the_picture(draw):
    plain = pixels(draw("name=plain")[1])[0]
    for change in ("method.view.azimuth_deg=90", "prompt=一个蓝色的杯子", "negative_prompt=hat"):
        code, paths, said = draw("name=changed", change)
        assert code == 0, said
        assert np.abs(pixels(paths)[0] - plain).max() > 0, change


def test_front_view_is_said_as_such_and_differs_from_no_view(draw):
    front, none = (pixels(draw("name=x", f"method.view={view}")[1])[0] for view in ("{}", "null"))
    assert np.abs(front - none).max() > 0
    assert camera_of(ViewConfig()) == View(0.0, 12.0)
    assert camera_of(None) is None


def test_straight_pixels_stand_for_the_premultiplied_samples(models, tmp_path):
    """Writing divides colours by alpha, reading multiplies: composites are those of the model."""
    prior = build_prior(EmbeddedPriorConfig(models_dir=models), (64, 72), "cpu")
    latents = torch.randn(1, *prior.spec.latent_shape, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        made = 8 * prior.decode(latents)[0]  # overshoots at both ends
    written = to_picture(made)
    assert (written[..., 3] == 0).any()
    assert (written[..., 3] == 255).any()
    assert not written[written[..., 3] == 0].any(), "invisible pixels are black"
    write_picture(tmp_path / "x.png", written)
    back = (from_picture(read_picture(tmp_path / "x.png")) + 1) / 2
    parts = ((made + 1) / 2).clamp(0, 1)
    wanted = torch.cat([torch.minimum(parts[:3], parts[3:]), parts[3:]])
    # Half a level of alpha, and half a level of the straight colour times alpha.
    assert (back - wanted).abs().max() <= 1.01 / 255
    for grey in (0.0, 0.5, 1.0):
        seen, true = (p[:3] + grey * (1 - p[3:]) for p in (back, wanted))
        assert (seen - true).abs().max() <= 1.51 / 255


def test_dry_run_says_sizes_and_leaves_nothing(draw, tmp_path):
    code, paths, said = draw("--dry-run")
    assert code == 0, said
    lines = [path.name for path in paths]
    assert "latents: 4 x 8 x 9" in lines
    assert not any(tmp_path.iterdir())


def test_notes_are_in_the_log(draw):
    code, paths, said = draw("prompt=" + "epistemology " * 70, "method.view.elevation_deg=80")
    assert code == 0, said
    log = (paths[-1].parent / "run.log").read_text(encoding="utf-8")
    for note in ("tokens of the prompt are not read", "seen nothing like", "80 is outside"):
        assert note in log
        assert note in said


def test_unet_of_other_bases_ends_with_code_2_and_no_folder(draw, models, tmp_path):
    mixed = tmp_path / "mixed"
    shutil.copytree(models, mixed)
    other = tmp_path / "other"
    other.mkdir()
    store_prior(other, seed=1)
    for path in other.glob("autoencoder*"):
        shutil.copy(path, mixed)
    code, paths, said = draw(models_dir=mixed)
    assert (code, paths) == (2, [])
    assert "this image_unet was trained on the autoencoder" in said
    assert "Traceback" not in said
    assert not (tmp_path / "outputs").exists()


def test_damaged_weights_end_with_code_2_and_no_folder(draw, models, tmp_path):
    damaged = tmp_path / "damaged"
    shutil.copytree(models, damaged)
    shard = next(damaged.glob("image_unet*.safetensors"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"\xff")
    code, _, said = draw(models_dir=damaged)
    assert code == 2
    assert "SHA-256" in said
    assert not list((tmp_path / "outputs" / "text_to_image").glob("2*"))


@pytest.mark.parametrize(("change", "message"), [
    ("method.height=32", "not 32 x 72; the nearest are 64 x 72"),
    ("prior={name: gaussian, models_dir: x}", "no such key"),
])  # fmt: skip
def test_wrong_settings_end_with_code_2(draw, tmp_path, change, message):
    code, paths, said = draw(change)
    assert (code, paths) == (2, [])
    assert message in said
    assert not any(tmp_path.iterdir())


def test_view_without_effect_is_refused(draw):
    code, _, said = draw("prior={name: gaussian}", "prompt=a blue star", "method.view={}")
    assert code == 2
    assert "the gaussian prior knows no views" in said
