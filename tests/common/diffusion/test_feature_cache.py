import pytest
import torch
from diffusers import UNet2DConditionModel

from common.diffusion.feature_cache import check_levels, reusing_features

SHAPE = (2, 4, 8, 8)


def unet():
    """Three levels, the inner two with attention."""
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        made = UNet2DConditionModel(
            sample_size=8, in_channels=4, out_channels=4, block_out_channels=(8, 16, 16),
            layers_per_block=1, norm_num_groups=4, cross_attention_dim=12, attention_head_dim=8,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        )  # fmt: skip
    return made.eval().requires_grad_(False)


def noised(seed):
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


class Run:
    """A U-Net that is walked from noise to nothing, with or without a cache."""

    def __init__(self, every=None, levels=1):
        self.unet = unet()
        self.cache = None if every is None else reusing_features(self.unet, every, levels)
        self.cond = torch.ones(2, 5, 12)
        self.calls = {name: 0 for name, _ in self.unet.named_children()}
        self.calls |= {"inner": 0, "outer": 0}
        self.unet.mid_block.resnets[0].register_forward_hook(lambda *_: self.count("inner"))
        self.unet.down_blocks[0].resnets[0].register_forward_hook(lambda *_: self.count("outer"))

    def count(self, name):
        self.calls[name] += 1

    def at(self, timestep, latents, cond=None):
        cond = self.cond if cond is None else cond
        times = torch.full((2,), float(timestep))
        if self.cache is None:
            return self.unet(latents, times, cond).sample
        with self.cache.evaluating(cond, latents, times):
            return self.unet(latents, times, cond).sample


def test_every_evaluation_whole_is_the_unet_to_the_bit():
    plain, cached = Run(), Run(every=1)
    for timestep in (900, 600, 300, 0):
        latents = noised(timestep)
        assert torch.equal(cached.at(timestep, latents), plain.at(timestep, latents))


def test_of_three_evaluations_one_computes_the_inner_blocks():
    run = Run(every=3)
    for timestep in (900, 800, 700, 600, 500, 400, 300):
        run.at(timestep, noised(timestep))
    assert (run.calls["inner"], run.calls["outer"]) == (3, 7)


@pytest.mark.parametrize("levels", [1, 2])
def test_what_is_reused_is_exactly_the_inner_blocks_output(levels):
    """An oracle that puts the outputs of the last whole evaluation in by hand."""
    run, other = Run(every=2, levels=levels), unet()
    whole, after = noised(0), noised(1)
    run.at(900, whole)
    found = run.at(800, after)

    kept = {}
    inner = [*other.down_blocks[levels:], other.mid_block, *other.up_blocks[: 3 - levels]]
    hooks = [
        block.register_forward_hook(lambda block, _, made: kept.__setitem__(block, made))
        for block in inner
    ]
    other(whole, torch.full((2,), 900.0), run.cond)
    for hook in hooks:
        hook.remove()
    for block in inner:
        block.register_forward_hook(lambda block, *_: kept[block])
    expected = other(after, torch.full((2,), 800.0), run.cond).sample
    assert torch.equal(found, expected)
    assert not torch.equal(found, unet()(after, torch.full((2,), 800.0), run.cond).sample)


def test_conditionings_are_kept_apart():
    run, alone = Run(every=2), Run(every=2)
    other = torch.zeros(2, 5, 12)
    for timestep in (900, 800):
        found = run.at(timestep, noised(timestep))
        run.at(timestep, noised(timestep), other)
        expected = alone.at(timestep, noised(timestep))
    assert torch.equal(found, expected)


@pytest.mark.parametrize("begun", [(900, SHAPE), (800, (2, 4, 16, 8))])
def test_more_noise_or_another_size_begins_anew(begun):
    timestep, shape = begun
    run, plain = Run(every=3), Run()
    run.at(900, noised(0))
    latents = torch.randn(shape)
    assert torch.equal(run.at(timestep, latents), plain.at(timestep, latents))


def test_calls_outside_of_evaluations_are_whole():
    run, plain = Run(every=2), Run()
    run.at(900, noised(0))
    latents, times = noised(1), torch.full((2,), 100.0)
    assert torch.equal(run.unet(latents, times, run.cond).sample, plain.at(100, latents))


def test_parts_of_an_evaluation_are_kept_apart():
    """Two windows of one step, each as if it were alone."""
    run, alone = Run(every=2), [Run(every=2), Run(every=2)]
    for timestep in (900, 800):
        times, parts = torch.full((2,), float(timestep)), [noised(timestep), noised(timestep + 1)]
        with run.cache.evaluating(run.cond, parts[0], times):
            for number, latents in enumerate(parts):
                with run.cache.part(number):
                    found = run.unet(latents, times, run.cond).sample
                assert torch.equal(found, alone[number].at(timestep, latents))


def test_windows_are_told_when_the_last_whole_evaluation_was():
    cache, cond, latents = Run(every=2).cache, torch.ones(1), noised(0)
    told = []
    for timestep in (900.0, 800.0, 700.0):
        with cache.evaluating(cond, latents, torch.tensor([timestep])) as whole_at:
            told.append(whole_at)
    assert told == [900, 900, 700]


def test_only_what_is_joined_again_takes_memory():
    run = Run(every=2)
    run.at(900, noised(0))
    (stream,) = run.cache._streams
    *before, last = (kept for _, kept in sorted(stream.kept.items()))
    numbers = [sum(one.untyped_storage().nbytes() // 4 for one in tensors_of(made))
               for made in (*before, last)]  # fmt: skip
    counts = [len(list(tensors_of(made))) for made in before]
    assert numbers[:-1] == counts, "one number each"
    assert numbers[-1] == last.numel()


def tensors_of(made):
    if isinstance(made, torch.Tensor):
        yield made
    else:
        for one in made:
            yield from tensors_of(one)


@pytest.mark.parametrize("levels", [0, 3])
def test_levels_leave_something_to_reuse(levels):
    with pytest.raises(ValueError, match="1 to 2 can be computed every time"):
        check_levels(3, levels)
