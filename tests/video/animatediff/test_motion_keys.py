import pytest
import torch

from common.errors import InputError
from tests.video.animatediff.small_adapter import adapter
from video.animatediff.motion_keys import (
    adapter_key,
    is_position_table,
    motion_weights,
    original_key,
    to_adapter,
    to_original,
)

PLAIN = "transformer_blocks.0."


@pytest.mark.parametrize(("original", "other"), [
    ("norm.weight", "norm.weight"),
    ("proj_in.bias", "proj_in.bias"),
    (PLAIN + "attention_blocks.0.to_q.weight", PLAIN + "attn1.to_q.weight"),
    (PLAIN + "attention_blocks.1.to_out.0.bias", PLAIN + "attn2.to_out.0.bias"),
    (PLAIN + "norms.0.weight", PLAIN + "norm1.weight"),
    (PLAIN + "norms.1.bias", PLAIN + "norm2.bias"),
    (PLAIN + "ff_norm.weight", PLAIN + "norm3.weight"),
    (PLAIN + "ff.net.0.proj.weight", PLAIN + "ff.net.0.proj.weight"),
    (PLAIN + "ff.net.2.bias", PLAIN + "ff.net.2.bias"),
])  # fmt: skip
@pytest.mark.parametrize("side", ["down_blocks.0", "up_blocks.3", "mid_block"])
def test_names_go_both_ways(side, original, other):
    theirs = f"{side}.motion_modules.1.temporal_transformer.{original}"
    ours = f"{side}.motion_modules.1.{other}"
    assert adapter_key(theirs) == ours
    assert original_key(ours) == theirs


@pytest.mark.parametrize("middle", [False, True])
def test_every_weight_of_diffusers_adapter_comes_back(middle):
    state = adapter(middle).state_dict()
    learnt = {key: value for key, value in state.items() if not is_position_table(key)}
    back = to_adapter(to_original(state))
    assert back.keys() == learnt.keys()
    assert all(torch.equal(back[key], learnt[key]) for key in learnt)


def test_stored_sinusoids_are_told_from_weights():
    assert is_position_table(
        "mid_block.motion_modules.0.temporal_transformer.transformer_blocks.0."
        "attention_blocks.1.pos_encoder.pe"
    )
    assert is_position_table("mid_block.motion_modules.0.transformer_blocks.0.pos_embed.pe")
    assert not is_position_table("mid_block.motion_modules.0.proj_in.weight")


def test_whole_unet_gives_its_motion_modules_alone():
    weight = torch.zeros(1)
    state = {
        "module.down_blocks.0.motion_modules.0.temporal_transformer.norm.bias": weight,
        "module.down_blocks.0.resnets.0.norm1.weight": weight,
    }
    found = motion_weights(state)
    assert list(found) == ["down_blocks.0.motion_modules.0.temporal_transformer.norm.bias"]


@pytest.mark.parametrize("key", ["down_blocks.0.resnets.0.norm1.weight", "motion_modules.0.norm"])
def test_other_weights_are_refused(key):
    with pytest.raises(InputError, match="no weight of"):
        adapter_key(key)
    with pytest.raises(InputError, match="no weight of"):
        original_key(key)
