import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from common.zoo.quantization import pack, quantized, restored, unpack


@given(st.integers(0, 999), st.integers(1, 5), st.sampled_from([(3,), (4, 3, 3), (1,)]))
def test_int8_is_off_by_at_most_half_a_scale(seed, rows, rest):
    weight = torch.randn(rows, *rest, generator=torch.Generator().manual_seed(seed))
    whole, scales = quantized(weight)
    error = (restored(whole, scales) - weight).abs().reshape(rows, -1).amax(1)
    # 1e-6: the rounding of the division and product themselves.
    assert bool((error <= scales / 2 * (1 + 1e-6) + 1e-12).all())


def test_channels_do_not_share_a_scale():
    weight = torch.tensor([[1e-4, -2e-4], [100.0, 50.0]])
    # Half a scale is 1/254 of the largest, so 1/127 of a weight half as large.
    torch.testing.assert_close(restored(*quantized(weight)), weight, rtol=1.001 / 127, atol=0)


def test_channel_of_zeros_stays_zero():
    weight = torch.tensor([[0.0, 0.0], [1.0, -1.0]])
    assert torch.equal(restored(*quantized(weight)), weight)


@pytest.mark.parametrize(("precision", "tolerance"), [("bfloat16", 2**-8), ("float32", 0.0)])
def test_packing_keeps_vectors_and_rounds_weights(precision, tolerance):
    weights = {"a.weight": torch.randn(4, 3), "a.bias": torch.randn(4), "n": torch.tensor(7)}
    back = unpack(pack(weights, precision))
    assert back.keys() == weights.keys()
    torch.testing.assert_close(back["a.weight"], weights["a.weight"], rtol=tolerance, atol=0)
    assert torch.equal(back["a.bias"], weights["a.bias"])
    assert torch.equal(back["n"], weights["n"])


def test_int8_takes_a_quarter_of_the_bytes():
    stored = pack({"w": torch.randn(64, 64)}, "int8")
    assert sum(t.numel() * t.element_size() for t in stored.values()) == 64 * 64 + 4 * 64


def test_int8_weight_without_scales_is_refused():
    stored = pack({"w": torch.randn(2, 2)}, "int8")
    with pytest.raises(InputError, match="no scales"):
        unpack({"w": stored["w"]})
