import pytest
import torch

from common.embedded.autoencoder import Autoencoder, AutoencoderArchitecture
from common.embedded.blocks import ResidualBlock, folded, unfolded
from common.errors import InputError

SMALL = AutoencoderArchitecture(
    latent_channels=3, coarse_channels=16, middle_channels=16, fine_channels=8
)


@pytest.mark.parametrize("fine_channels", [0, 8])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (8, 40), (128, 256)])
def test_any_multiple_of_eight_goes_through(height, width, fine_channels):
    model = Autoencoder(SMALL.model_copy(update={"fine_channels": fine_channels}))
    pictures = torch.rand(2, 4, height, width) * 2 - 1
    latents = model.encode(pictures)
    assert latents.shape == (2, 3, height // 8, width // 8)
    assert model.decode(latents).shape == pictures.shape


@pytest.mark.parametrize(("shape", "message"), [
    ((1, 3, 64, 64), "not 3"), ((1, 4, 60, 64), "64 x 64"), ((1, 4, 64, 3), "64 x 8"),
])  # fmt: skip
def test_pictures_that_do_not_fit_are_refused(shape, message):
    with pytest.raises(InputError, match=message):
        Autoencoder(SMALL).encode(torch.zeros(shape))


def test_statistics_standardise_and_decoding_undoes_it():
    model = Autoencoder(SMALL)
    pictures = torch.rand(2, 4, 32, 32)
    raw = model.moments(pictures).mean
    model.latent_mean.copy_(torch.tensor([1.0, -2.0, 0.5]))
    model.latent_std.copy_(torch.tensor([2.0, 0.25, 4.0]))
    expected = (raw[:, 1] + 2.0) / 0.25
    torch.testing.assert_close(model.encode(pictures)[:, 1], expected)
    torch.testing.assert_close(model.decode(model.encode(pictures)), model.decoder(raw))


def test_forward_draws_from_the_posterior_with_the_given_noise():
    model = Autoencoder(SMALL)
    pictures, noise = torch.rand(1, 4, 16, 16), torch.randn(1, 3, 2, 2)
    moments = model.moments(pictures)
    latents = moments.mean + noise * (moments.log_variance / 2).exp()
    torch.testing.assert_close(model(pictures, noise).latents, latents)


def test_residual_block_starts_as_the_identity():
    features = torch.randn(1, 8, 5, 5)
    assert torch.equal(ResidualBlock(8)(features), features)


def test_folding_keeps_neighbourhoods():
    fold, unfold = folded(2, 1, 4), unfolded(2, 4, 1)
    torch.nn.init.dirac_(fold[1].weight)
    torch.nn.init.dirac_(unfold[0].weight)
    torch.nn.init.zeros_(fold[1].bias)
    torch.nn.init.zeros_(unfold[0].bias)
    pixels = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert fold(pixels)[0, :, 0, 0].tolist() == [0, 1, 4, 5]
    assert torch.equal(unfold(fold(pixels)), pixels)


def test_default_fits_the_zoo_budget():
    count = sum(weight.numel() for weight in Autoencoder(AutoencoderArchitecture()).parameters())
    # 6 MB in bfloat16.
    assert 2e6 < count < 3e6
