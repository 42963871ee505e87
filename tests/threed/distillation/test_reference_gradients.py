"""Each loss on a random U-Net in the shape of SD 1.5, against its equation written out again.

The references know neither `Prior` nor `NoiseSchedule`: diffusers' U-Net is called directly, noise
levels are diffusers' table.
"""

import pytest
import torch
from diffusers import DDIMScheduler

from common.diffusion.guidance_config import CFG
from tests.threed.distillation.tiny_unet import TinyPrior
from threed.distillation.control_variate import ControlVariate
from threed.distillation.dds import dds_gradient
from threed.distillation.loss_config import CSD, ISM, NFSD, RFDS, SDI, SDS, SJC, VSD, Bridge, HiFA
from threed.distillation.loss_gradient import Draw, loss_gradient
from threed.distillation.past import past_of

PRIOR = TinyPrior(torch.float64)
TABLE = DDIMScheduler(
    beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000
).alphas_cumprod.double()  # fmt: skip
TIMES = torch.tensor([150, 300, 700])
STRONG = CFG(guidance_scale=7.5)
CLOSE = {"rtol": 1e-5, "atol": 1e-9}
"""Float64; the bar is 1e-5."""


def drawn(seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, 4, 8, 8, generator=generator, dtype=torch.float64)


X, NOISE, PICTURES = drawn(0), drawn(1), drawn(2)


def level(t):
    alpha2 = TABLE[t][:, None, None, None]
    return alpha2.sqrt(), (1 - alpha2).sqrt()


def eps(z, t, words):
    with torch.no_grad():
        return PRIOR.network(z, t, encoder_hidden_states=PRIOR.embed([words] * 3)).sample


def cfg(z, t, scale=7.5):
    empty = eps(z, t, "")
    return empty + scale * (eps(z, t, "a fox") - empty)


ALPHA, SIGMA = level(TIMES)
Z = ALPHA * X + SIGMA * NOISE
W = SIGMA**2


def ddim_up(z, start, end, noise):
    (a, s), (b, r) = level(start), level(end)
    return b * (z - s * noise) / a + r * noise


def found(loss, past=None):
    draw = Draw(X, TIMES.double(), NOISE, [torch.Generator()] * 3, PICTURES)
    return loss_gradient(
        loss, PRIOR, "a fox", lambda words: PRIOR.embed([words] * 3), draw, past
    )[0]  # fmt: skip


def ism():
    rows = []
    for row, t in enumerate(TIMES.tolist()):
        z, at = X, 0
        for stop in [*range(200, t - 80, 200), t - 80]:
            start, end = torch.full((3,), at), torch.full((3,), stop)
            z, at = ddim_up(z, start, end, eps(z, start, "")), stop
        start, end = torch.full((3,), at), torch.full((3,), t)
        own = eps(z, start, "")
        later = ddim_up(z, start, end, own)
        alpha, sigma = level(end)
        rows.append((sigma / alpha * (cfg(later, end) - own))[row])
    return torch.stack(rows)


def sdi():
    z = X
    for step in range(10):
        start, end = TIMES * step // 10, TIMES * (step + 1) // 10
        z = ddim_up(z, start, end, cfg(z, start, -7.5))
    noise = (z - ALPHA * X) / SIGMA
    return SIGMA / ALPHA * (cfg(z, TIMES) - noise)


def nfsd():
    empty, rest = eps(Z, TIMES, ""), eps(Z, TIMES, "unrealistic, blurry, low quality")
    late = (TIMES >= 0.2 * 999)[:, None, None, None]
    return W * (7.5 * (eps(Z, TIMES, "a fox") - empty) + torch.where(late, empty - rest, empty))


def rfds():
    u = SIGMA / (ALPHA + SIGMA)
    noise = cfg(Z, TIMES)
    clean = (Z - SIGMA * noise) / ALPHA
    return torch.sigmoid(u) * ((noise - clean) - (NOISE - X))


def csd():
    empty = eps(Z, TIMES, "")
    return W * (2 * (eps(Z, TIMES, "a fox") - empty) + 0.5 * (empty - eps(Z, TIMES, "bad")))


def perturbed(reduced):
    ratio = SIGMA / ALPHA
    moved = X + ratio * NOISE
    denoised = moved - ratio * cfg(moved / (1 + ratio**2).sqrt(), TIMES)
    return -(denoised - (X if reduced else moved)) / ratio


INTERVAL, STRIDE = 80 / 999, 200 / 999
CASES = {
    "sds": (SDS(guidance=STRONG), lambda: W * (cfg(Z, TIMES) - NOISE)),
    "sds_x0": (SDS(guidance=STRONG, weight="reconstruction"),
               lambda: X - (Z - SIGMA * cfg(Z, TIMES)) / ALPHA),
    "sds_none": (SDS(guidance=STRONG, baseline="none"), lambda: W * cfg(Z, TIMES)),
    "sjc": (SJC(guidance=STRONG), lambda: perturbed(True)),
    "sjc_15": (SJC(guidance=STRONG, variance_reduction=False), lambda: perturbed(False)),
    "csd": (CSD(scale=2.0, negative_scale=0.5, negative_prompt="bad"), csd),
    "nfsd": (NFSD(), nfsd),
    "ism": (ISM(guidance=STRONG, interval=INTERVAL, stride=STRIDE), ism),
    "sdi": (SDI(guidance=STRONG, eta=0.0), sdi),
    "rfds": (RFDS(guidance=STRONG), rfds),
    "bridge": (Bridge(scale=30.0, bad_words="dull"),
               lambda: W * 30 * (eps(Z, TIMES, "a fox") - eps(Z, TIMES, "a fox, dull"))),
    "hifa": (HiFA(guidance=STRONG), lambda: W * (cfg(Z, TIMES) - NOISE)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_the_equation_written_out(name):
    loss, reference = CASES[name]
    torch.testing.assert_close(found(loss).gradient, reference(), **CLOSE)


def test_sjc_is_sds_of_uniform_weight():
    ours, theirs = (
        found(loss).gradient
        for loss in (SJC(guidance=STRONG), SDS(guidance=STRONG, weight="uniform"))
    )
    # Relative to the largest element, about 20.
    assert float((ours - theirs).abs().max()) < 1e-12 * float(theirs.abs().max())


def test_hifa_pulls_pictures_to_the_decoded_estimate():
    clean = (Z - SIGMA * cfg(Z, TIMES)) / ALPHA
    expected = 0.1 * W * ALPHA / SIGMA * (PICTURES - 0.5 * clean)
    torch.testing.assert_close(found(HiFA(guidance=STRONG)).pictures, expected, **CLOSE)


def test_dds_is_a_difference_of_two_predictions():
    reference = drawn(3)

    def cond(words):
        return PRIOR.embed([words] * 3)

    ours = dds_gradient(
        PRIOR, X, reference, TIMES.double(), NOISE, cond("a fox"), cond("a cat"), cond(""), STRONG
    )
    theirs = ALPHA * reference + SIGMA * NOISE
    empty = eps(theirs, TIMES, "")
    before = empty + 7.5 * (eps(theirs, TIMES, "a cat") - empty)
    torch.testing.assert_close(ours.gradient, W * (cfg(Z, TIMES) - before), **CLOSE)


def test_learnt_baseline_takes_its_share_of_the_noise():
    products = torch.arange(32, dtype=torch.float64) / 40
    past = ControlVariate(products, torch.ones(32, dtype=torch.float64))
    levels = (TIMES / 999 * 32).long()
    share = products[levels][:, None, None, None]
    ours = found(SDS(guidance=STRONG, baseline="learnt"), past).gradient
    torch.testing.assert_close(ours, W * (cfg(Z, TIMES) - share * NOISE), **CLOSE)


def test_vsd_takes_off_what_the_changed_network_predicts():
    loss = VSD(guidance=STRONG, rank=2)
    past = past_of(loss, PRIOR, 0)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in past._lora.weights:
            weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
    merged = TinyPrior(torch.float64)
    layers = dict(merged.network.named_modules())
    for name, (down, up) in past._lora.change.matrices.items():
        layers[name].weight += (up @ down).detach()
    with torch.no_grad():
        own = merged.network(Z, TIMES, encoder_hidden_states=PRIOR.embed(["a fox"] * 3)).sample
    ours = found(loss, past).gradient
    # The LoRA computes in float32.
    torch.testing.assert_close(ours, W * (cfg(Z, TIMES) - own), rtol=1e-5, atol=1e-5)
