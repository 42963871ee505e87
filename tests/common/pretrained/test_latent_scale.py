import torch

from common.pretrained.latent_scale import latent_scale

PLAIN = {"scaling_factor": 0.5, "shift_factor": None, "latents_mean": None, "latents_std": None}
ENCODED = torch.tensor([[3.0, -1.0]]).reshape(1, 2, 1, 1)


def rows(tensor):
    return tensor.reshape(-1).tolist()


def test_scale_multiplies():
    scale = latent_scale(PLAIN)
    assert rows(scale.to_latents(ENCODED)) == [1.5, -0.5]
    assert rows(scale.from_latents(scale.to_latents(ENCODED))) == [3.0, -1.0]


def test_shift_is_taken_off_before_the_scale():
    scale = latent_scale(PLAIN | {"shift_factor": 1.0})
    assert rows(scale.to_latents(ENCODED)) == [1.0, -1.0]
    assert rows(scale.from_latents(scale.to_latents(ENCODED))) == [3.0, -1.0]


def test_means_and_deviations_are_of_each_channel():
    scale = latent_scale(PLAIN | {"latents_mean": [1.0, 2.0], "latents_std": [2.0, 4.0]})
    assert rows(scale.to_latents(ENCODED)) == [0.5, -0.375]
    assert rows(scale.from_latents(scale.to_latents(ENCODED))) == [3.0, -1.0]


def test_latents_of_another_type_keep_it():
    assert latent_scale(PLAIN).from_latents(ENCODED.to(torch.bfloat16)).dtype == torch.bfloat16
