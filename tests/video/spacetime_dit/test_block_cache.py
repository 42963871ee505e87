import pytest
import torch

from tests.video.spacetime_dit.small_dit import SIZES, randn, random_dit, some_text
from video.spacetime_dit.architecture import SpacetimeDiTArchitecture
from video.spacetime_dit.block_cache import check_levels, reusing_blocks

FIVE = SIZES.model_copy(update={"num_blocks": 5})
TEXT = some_text(2)
STEPS = (900.0, 700.0, 500.0)


def noised(seed):
    return randn(2, 4, 3, 4, 6, seed=seed)


def walked(dit, reuse):
    made = []
    for seed, timestep in enumerate(STEPS):
        times = torch.full((2,), timestep)
        with reuse.evaluating(TEXT, noised(seed), times):
            made.append(dit(noised(seed), times, TEXT))
    return made


def plainly(dit):
    return [dit(noised(k), torch.full((2,), t), TEXT) for k, t in enumerate(STEPS)]


@pytest.mark.parametrize("attention", ["joint", "factorised"])
def test_every_evaluation_whole_is_the_model_to_the_bit(attention):
    sizes: SpacetimeDiTArchitecture = FIVE.model_copy(update={"attention": attention})
    dit, plain = random_dit(sizes), random_dit(sizes)
    pairs = zip(walked(dit, reusing_blocks(dit, 1)), plainly(plain), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)


@pytest.mark.parametrize("levels", [1, 2])
def test_every_second_evaluation_adds_what_the_middle_added_before(levels):
    """A slow twin: the middle blocks are taken out, and their change put in by hand."""
    dit, twin = random_dit(FIVE), random_dit(FIVE)
    first, _, third = plainly(twin)
    ends: dict[str, torch.Tensor] = {}
    blocks = list(twin.blocks)
    blocks[levels].register_forward_pre_hook(lambda _, given: ends.update(into=given[0]))
    blocks[4 - levels].register_forward_hook(lambda *all_: ends.update(out=all_[2]))
    twin(noised(0), torch.full((2,), STEPS[0]), TEXT)
    change = ends["out"] - ends["into"]

    twin.blocks = torch.nn.ModuleList([*blocks[:levels], *blocks[-levels:]])
    blocks[levels - 1].register_forward_hook(lambda *all_: all_[2] + change)
    second = twin(noised(1), torch.full((2,), STEPS[1]), TEXT)

    found = walked(dit, reusing_blocks(dit, 2, levels))
    assert all(map(torch.equal, found, (first, second, third)))
    assert not torch.equal(second, plainly(random_dit(FIVE))[1])


@pytest.mark.parametrize(("blocks", "levels", "said"), [
    (5, 3, "5 blocks, so 1 to 2"), (5, 0, "5 blocks, so 1 to 2"), (2, 1, "nothing to reuse"),
])  # fmt: skip
def test_levels_leave_something_to_reuse(blocks, levels, said):
    with pytest.raises(ValueError, match=said):
        check_levels(blocks, levels)
