"""Each config's loss is the pure function it stands for, told what the config says."""

import pytest
import torch

from common.diffusion.guidance_config import CFG
from common.errors import InputError
from tests.threed.distillation.normal_prior import Normal, drawn
from threed.distillation.bridge import bridge_gradient
from threed.distillation.control_variate import no_past
from threed.distillation.csd import csd_gradient
from threed.distillation.hifa import picture_gradient
from threed.distillation.loss_config import CSD, ISM, NFSD, RFDS, SDI, SDS, SJC, VSD, Bridge, HiFA
from threed.distillation.loss_gradient import Draw, loss_gradient
from threed.distillation.nfsd import nfsd_gradient
from threed.distillation.sds import sds_gradient
from threed.distillation.sjc import sjc_gradient
from threed.distillation.vsd import vsd_gradient

TIMES = torch.tensor([480.0], dtype=torch.float64)
STRONG = CFG(guidance_scale=7.5)


class Words(Normal):
    """Prompts are numbers; words that follow add 10 a letter."""

    def embed(self, prompts):
        values = []
        for prompt in prompts:
            number, _, words = prompt.partition(", ")
            values.append(float(number or 0) + 10 * len(words))
        return torch.tensor(values, dtype=torch.float64)


PRIOR = Words(0.3)


def found(loss, past=None):
    noise = drawn(1, 1)
    draw = Draw(drawn(0, 1), TIMES, noise, [torch.Generator().manual_seed(0)], drawn(4, 1))
    past = past or no_past()
    return loss_gradient(loss, PRIOR, "2", lambda words: PRIOR.embed([words]), draw, past)


def said(*words):
    return [PRIOR.embed([word]) for word in words]


@pytest.mark.parametrize(("loss", "expected"), [
    (SDS(guidance=STRONG, weight="uniform"),
     lambda x, n: sds_gradient(PRIOR, x, TIMES, n, *said("2", ""), STRONG, "uniform")),
    (SDS(guidance=STRONG, baseline="none"),
     lambda x, n: sds_gradient(PRIOR, x, TIMES, n, *said("2", ""), STRONG, baseline=0.0)),
    (HiFA(guidance=STRONG, weight="uniform"),
     lambda x, n: sds_gradient(PRIOR, x, TIMES, n, *said("2", ""), STRONG, "uniform")),
    (SJC(guidance=STRONG, variance_reduction=False),
     lambda x, n: sjc_gradient(PRIOR, x, TIMES, n, *said("2", ""), STRONG,
                               variance_reduction=False)),
    (CSD(scale=2.0, negative_scale=0.5, negative_prompt="5"),
     lambda x, n: csd_gradient(PRIOR, x, TIMES, n, *said("2", "", "5"), scale=2.0,
                               negative_scale=0.5)),
    (NFSD(scale=3.0, negative_prompt="5"),
     lambda x, n: nfsd_gradient(PRIOR, x, TIMES, n, *said("2", "", "5"), scale=3.0)),
    (Bridge(scale=4.0, bad_words="ab"),
     lambda x, n: bridge_gradient(PRIOR, x, TIMES, n, *said("2", "2, ab"), scale=4.0)),
])  # fmt: skip
def test_config_reaches_its_loss(loss, expected):
    ours, past = found(loss)
    theirs = expected(drawn(0, 1), drawn(1, 1))
    assert torch.equal(ours.gradient, theirs.gradient)
    assert torch.equal(ours.denoised, theirs.denoised)
    assert float(past.squares.sum()) == 0


@pytest.mark.parametrize("kind", [ISM, SDI, RFDS])
def test_losses_with_settings_of_their_own_pull_towards_the_prompt(kind):
    ours, _ = found(kind(guidance=STRONG))
    # guidance 7.5 from 0 to 2 leads to 15: far above every element of the latent
    assert float(ours.gradient.mean()) < 0


def test_learnt_baseline_is_sds_at_first_and_then_learns():
    loss = SDS(guidance=STRONG, baseline="learnt")
    first, past = found(loss)
    assert torch.equal(first.gradient, found(SDS(guidance=STRONG))[0].gradient)
    second, _ = found(loss, past)
    assert not torch.equal(second.gradient, first.gradient)
    assert float(past.squares.sum()) > 0


def test_hifa_has_a_gradient_of_the_renders_too():
    ours, _ = found(HiFA(guidance=STRONG, picture_scale=0.5))
    theirs = picture_gradient(PRIOR, drawn(4, 1), ours, TIMES)
    torch.testing.assert_close(ours.pictures, 0.5 * theirs)
    assert found(SDS(guidance=STRONG))[0].pictures is None


def particles(count):
    times = TIMES.expand(count)
    generators = [torch.Generator().manual_seed(index) for index in range(count)]
    draw = Draw(drawn(0, count), times, drawn(1, count), generators, drawn(0, count))

    def says(words):
        return PRIOR.embed([words] * count)

    return draw, says


def test_vsd_of_a_closed_form_takes_the_particles_for_a_normal_distribution():
    draw, says = particles(5)
    ours, _ = loss_gradient(VSD(guidance=STRONG), PRIOR, "2", says, draw, None)
    mean, var = draw.latents.mean(0), float(draw.latents.var(0).mean())

    class Renders(Normal):
        def predict(self, latents, timesteps, cond):
            alpha, sigma = (value[0] for value in self.spec.schedule.alpha_sigma(timesteps))
            eps = sigma * (latents - alpha * mean) / (alpha**2 * var + sigma**2)
            return alpha * eps - sigma * (latents - sigma * eps) / alpha  # v

    theirs = vsd_gradient(
        PRIOR, Renders(var), draw.latents, draw.timesteps, draw.noise, says("2"), says(""),
        says("2"), STRONG,
    )  # fmt: skip
    torch.testing.assert_close(ours.gradient, theirs.gradient, rtol=1e-9, atol=1e-11)


def test_vsd_of_a_closed_form_needs_two_particles():
    draw, says = particles(1)
    with pytest.raises(InputError, match="num_particles to 2 or more"):
        loss_gradient(VSD(), PRIOR, "2", says, draw, None)
