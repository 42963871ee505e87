"""What the switches of ``compute`` change, and what they leave."""

import pytest
import torch
from diffusers.models import attention_processor as kernels

from common.diffusion.compute_config import FeatureCacheConfig
from common.diffusion.lean_attention import LeanAttention
from common.pretrained.build import build_pretrained_prior
from common.pretrained.check import check_pretrained
from common.pretrained.config import ComputeConfig, PretrainedPriorConfig, TokenMergingConfig
from tests.common.pretrained.damage import TEXT, UNET, VAE, change_json, change_tensors, copied

SIZE = (64, 80)
KERNELS = {
    "sdpa": LeanAttention,
    "plain": kernels.AttnProcessor,
    "sliced": kernels.SlicedAttnProcessor,
}


def prior_of(folder, size=SIZE, **compute):
    config = PretrainedPriorConfig(path=str(folder), compute=ComputeConfig(**compute))
    return build_pretrained_prior(config, size)


def made_by(prior):
    """A prediction, an encoding and a decoding."""
    generator = torch.Generator().manual_seed(2)
    latents = torch.randn(2, *prior.spec.latent_shape, generator=generator)
    height, width = (8 * side for side in prior.spec.latent_shape[1:])
    pictures = torch.rand(2, 3, height, width, generator=generator) * 2 - 1
    with torch.no_grad():
        cond = prior.embed(["a red cat", "(dog:1.2) " * 60])
        predicted = prior.predict(latents, torch.tensor([900.0, 30.0]), cond)
        return predicted, prior.encode(pictures), prior.decode(latents)


@pytest.mark.parametrize("attention", ["plain", "sliced"])
@pytest.mark.parametrize("family", ["sd15", "sd21", "sdxl"])
def test_attention_kernels_agree_and_are_the_asked_ones(checkpoints, family, attention):
    fused, other = (prior_of(checkpoints[family], attention=a) for a in ("sdpa", attention))
    for prior, kernel in ((fused, "sdpa"), (other, attention)):
        for model in (prior.unet, prior.autoencoder):
            used = {type(one) for one in model.attn_processors.values()}
            assert used == {KERNELS[kernel]}
    for one, two in zip(made_by(fused), made_by(other), strict=True):
        # Another order of sums.
        torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [("bfloat16", 0.06), ("float16", 0.01)])
@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_half_types_compute_in_them_and_give_float32(checkpoints, family, dtype, tolerance):
    whole, half = (prior_of(checkpoints[family], dtype=d) for d in ("float32", dtype))
    kind = getattr(torch, dtype)
    assert {p.dtype for p in half.unet.parameters()} == {kind}
    assert half.embed(["x"]).states.dtype == kind
    for one, two in zip(made_by(whole), made_by(half), strict=True):
        assert two.dtype == torch.float32
        # Rounding of every feature by 2^-8 or 2^-11, relative to the features' size.
        assert float((one - two).abs().mean() / one.std()) < tolerance


def test_autoencoder_that_overflows_stays_float32_only_where_float16_would(checkpoints, tmp_path):
    def kind(folder, dtype):
        return next(prior_of(folder, dtype=dtype).autoencoder.parameters()).dtype

    folder = checkpoints["sdxl"]
    assert kind(folder, "float16") == torch.float32
    assert kind(folder, "bfloat16") == torch.bfloat16
    mended = copied(folder, tmp_path)
    change_json(mended / "vae/config.json", force_upcast=False)
    assert kind(mended, "float16") == torch.float16


def test_pictures_do_not_depend_on_how_many_are_decoded_together(checkpoints):
    one, three = (prior_of(checkpoints["sd15"], decode_batch=n) for n in (1, 3))
    for a, b in zip(made_by(one)[1:], made_by(three)[1:], strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


def test_tiles_are_diffusers_own_and_leave_small_pictures(checkpoints, pipelines):
    """Tiles of this autoencoder are 64 px."""
    for size, tiled in (((64, 64), False), ((96, 128), True)):
        plain, tiling = (prior_of(checkpoints["sd15"], size, vae_tiling=t) for t in (False, True))
        for a, b in zip(made_by(plain)[1:], made_by(tiling)[1:], strict=True):
            assert torch.equal(a, b) != tiled
    vae = pipelines["sd15"].vae
    latents = torch.randn(1, *tiling.spec.latent_shape, generator=torch.Generator().manual_seed(4))
    vae.enable_tiling()
    try:
        with torch.no_grad():
            wanted = vae.decode(latents / vae.config.scaling_factor).sample
            torch.testing.assert_close(tiling.decode(latents), wanted, atol=1e-5, rtol=0)
    finally:
        vae.disable_tiling()


def test_gradients_reach_latents_and_pictures(checkpoints):
    prior = prior_of(checkpoints["sdxl"])
    latents = torch.zeros(1, *prior.spec.latent_shape, requires_grad=True)
    cond = prior.embed(["cat"])
    prior.predict(latents, torch.tensor([3.0]), cond).sum().backward()
    assert float(latents.grad.abs().max()) > 0
    pictures = torch.zeros(1, 3, *SIZE, requires_grad=True)
    prior.encode(pictures).sum().backward()
    assert float(pictures.grad.abs().max()) > 0


@pytest.mark.parametrize("stored", [torch.float16, torch.bfloat16, torch.float64])
def test_stored_types_are_converted(checkpoints, tmp_path, stored):
    """Float64 holds float32 exactly; from half types each weight is its own rounding."""
    folder = copied(checkpoints["sd15"], tmp_path)
    for path in (UNET, VAE, TEXT):
        change_tensors(folder / path, lambda t: {key: value.to(stored) for key, value in t.items()})
    whole, changed = prior_of(checkpoints["sd15"]), prior_of(folder)
    for model, other in (
        (whole.unet, changed.unet),
        (whole.autoencoder, changed.autoencoder),
        (whole.text.encoders[0].model, changed.text.encoders[0].model),
    ):
        pairs = zip(model.parameters(), other.parameters(), strict=True)
        assert all(torch.equal(one.to(stored).float(), two) for one, two in pairs)


def test_features_are_used_again_in_every_second_evaluation(checkpoints):
    """The U-Net of two levels has one that is computed every time: compared by its own blocks."""
    plain = prior_of(checkpoints["sd15"])
    reusing = prior_of(checkpoints["sd15"], feature_cache=FeatureCacheConfig(every=2))
    generator = torch.Generator().manual_seed(2)
    cond, other = plain.embed(["a red cat"]), reusing.embed(["a red cat"])
    latents = [torch.randn(1, *plain.spec.latent_shape, generator=generator) for _ in range(3)]
    inner = (plain.unet.down_blocks[1], plain.unet.mid_block, plain.unet.up_blocks[0])
    kept = {}
    with torch.no_grad():
        hooks = [b.register_forward_hook(lambda b, _, made: kept.update({b: made})) for b in inner]
        expected = [plain.predict(latents[0], torch.tensor([900.0]), cond)]
        for hook in hooks:
            hook.remove()
        hooks = [b.register_forward_hook(lambda b, *_: kept[b]) for b in inner]
        expected.append(plain.predict(latents[1], torch.tensor([500.0]), cond))
        for hook in hooks:
            hook.remove()
        expected.append(plain.predict(latents[2], torch.tensor([100.0]), cond))
        for timestep, own, wanted in zip((900.0, 500.0, 100.0), latents, expected, strict=True):
            assert torch.equal(reusing.predict(own, torch.tensor([timestep]), other), wanted)


def test_tokens_are_merged_only_where_there_is_attention_of_full_size(checkpoints):
    config = PretrainedPriorConfig(
        path=str(checkpoints["sd15"]), compute=ComputeConfig(token_merging=TokenMergingConfig())
    )
    for act in (check_pretrained, build_pretrained_prior):
        with pytest.raises(ValueError, match=r"token_merging has nothing to do"):
            act(config, SIZE)
