"""LoRAs on the embedded prior, end to end on untrained models."""

import numpy as np
import pytest
import torch

from common.zoo.models import load_prior_models
from tests.common.adapters.lora_files import change_of_models, kohya_tensors, peft_tensors, write
from tests.common.image.test_embedded_run import pixels


@pytest.fixture
def loras(models, tmp_path):
    """The same change in two layouts."""
    changes = change_of_models({"unet": load_prior_models(models)["image_unet"].model})
    return [
        write(tmp_path / f"{name}.safetensors", tensors)
        for name, tensors in (("peft", peft_tensors(changes)), ("kohya", kohya_tensors(changes)))
    ]


def test_a_lora_changes_pictures_and_at_scale_0_does_not(draw, loras):
    def drawn(*changes):
        code, paths, said = draw("num_samples=1", *changes)
        assert code == 0, said
        return pixels(paths)[0]

    plain = drawn()
    made = [drawn(f"prior.loras=[{{path: {path}}}]") for path in loras]
    assert np.array_equal(*made)
    assert np.abs(made[0] - plain).max() > 2
    assert np.array_equal(drawn(f"prior.loras=[{{path: {loras[0]}, scale: 0}}]"), plain)
    back = f"prior.loras=[{{path: {loras[0]}, scale: 2}}, {{path: {loras[1]}, scale: -2}}]"
    # Adding and taking away again rounds; straight colours of faint pixels divide by alpha.
    assert np.abs(drawn(back) - plain)[plain[..., 3] > 25].max() <= 1


def test_a_lora_of_another_model_ends_with_code_2(draw, loras, tmp_path):
    pair = torch.ones(1, 2), torch.ones(2, 1)
    other = write(tmp_path / "other.safetensors", peft_tensors({"text_encoder": {"x": pair}}))
    for path, message in ((other, "changes the model text_encoder"), ("none", "missing")):
        code, paths, said = draw(f"prior.loras=[{{path: {path}}}]")
        assert (code, paths) == (2, [])
        assert message in said
        assert "Traceback" not in said
