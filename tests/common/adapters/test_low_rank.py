"""Low-rank changes: against merged weights, and as files that both loaders read."""

import pytest
import safetensors.torch
import torch

from common.adapters.lora import add_loras
from common.adapters.lora_config import LoraConfig
from common.adapters.lora_write import lora_content
from common.adapters.low_rank import LowRank, LowRankConfig
from common.embedded.image_unet import build_image_unet
from common.errors import InputError
from tests.common.adapters.test_lora_merge import of_diffusers, predicted, prior_of
from tests.common.pretrained.conftest import checkpoints, pipelines  # noqa: F401
from tests.common.zoo.small_zoo import UNET

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation"),
    pytest.mark.filterwarnings("ignore:Already found a `peft_config`"),
]
EVERYTHING = ("attention", "feed_forward", "convolutions", "embeddings")


def random_change(unet, targets=EVERYTHING, alpha=3.0):
    """A change whose B is not 0."""
    generator = torch.Generator().manual_seed(0)
    change = LowRank(unet, LowRankConfig(rank=2, alpha=alpha, targets=targets), generator)
    with torch.no_grad():
        for _, up in change.matrices.values():
            up.copy_(0.1 * torch.randn(up.shape, generator=generator))
    return change


def write(change, layout, path):
    content = lora_content(change, layout)
    tensors = {name: tensor.clone() for name, tensor in content.tensors.items()}
    safetensors.torch.save_file(tensors, path, dict(content.metadata))
    return path


def embedded_unet():
    with torch.random.fork_rng():
        torch.random.manual_seed(1)
        return build_image_unet(UNET).eval()


def made(unet):
    generator = torch.Generator().manual_seed(5)
    latents, states, told = (
        torch.randn(*shape, generator=generator) for shape in ((2, 4, 8, 8), (2, 5, 32), (2, 39))
    )
    with torch.no_grad():
        return unet(
            latents, torch.tensor([300.0, 700.0]), encoder_hidden_states=states, class_labels=told
        ).sample


@pytest.mark.parametrize("layout", ["kohya", "peft"])
def test_a_written_file_merged_is_what_was_learnt(tmp_path, layout):
    unet = embedded_unet()
    plain = made(unet)
    change = random_change(unet)
    assert any(name.endswith("conv1") for name in change.layers)
    with change.applied(unet):
        learnt = made(unet)
    assert torch.equal(made(unet), plain), "gone after the context"
    path = write(change, layout, tmp_path / "lora.safetensors")
    add_loras({"unet": unet}, [LoraConfig(path=path, scale=0)])
    assert torch.equal(made(unet), plain), "scale 0 is the U-Net to the bit"
    add_loras({"unet": unet}, [LoraConfig(path=path)])
    assert float((learnt - plain).abs().max()) > 0.05
    # One adds the change to the weights, the other to what the layers make: float32 rounding.
    torch.testing.assert_close(made(unet), learnt, rtol=0, atol=2e-5 * float(learnt.abs().max()))


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
@pytest.mark.parametrize("layout", ["kohya", "peft"])
def test_files_say_the_same_to_diffusers(
    pipelines, checkpoints, tmp_path, family, layout  # noqa: F811
):  # fmt: skip
    change = random_change(pipelines[family].unet, ("attention", "feed_forward", "convolutions"))
    path = write(change, layout, tmp_path / "lora.safetensors")
    ours = predicted(prior_of(checkpoints[family], LoraConfig(path=path, scale=0.7)))
    plain = predicted(prior_of(checkpoints[family]))
    assert float((ours - plain).abs().max()) > 0.05
    theirs = of_diffusers(pipelines[family], [(path, 0.7)])
    torch.testing.assert_close(ours, theirs, atol=2e-5 * max(1, float(theirs.std())), rtol=0)


def test_blocks_that_are_not_named_stay_as_they_are(tmp_path):
    unet = embedded_unet()
    last = f"up_blocks.{len(unet.up_blocks) - 1}"
    sizes = LowRankConfig(targets=("attention", "convolutions"), blocks=("conv_in", last))
    change = LowRank(unet, sizes, torch.Generator().manual_seed(0))
    assert "conv_in" in change.layers
    assert f"{last}.resnets.0.conv1" in change.layers
    assert {name.split(".resnets")[0].split(".attent")[0] for name in change.layers} >= {last}
    assert all(name == "conv_in" or name.startswith(f"{last}.") for name in change.layers)
    file = safetensors.torch.load_file(write(change, "peft", tmp_path / "lora.safetensors"))
    assert len(file) == 2 * len(change.layers)
    with pytest.raises(InputError, match=r"no attention in 'conv_in'; blocks are .*mid_block"):
        LowRank(unet, LowRankConfig(blocks=("conv_in",)), torch.Generator())
    with pytest.raises(InputError, match="in 'up_block'"):
        LowRank(unet, LowRankConfig(blocks=("up_block",)), torch.Generator())


def test_a_kind_of_layers_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="no convolutions that a LoRA could change"):
        LowRank(
            torch.nn.ModuleDict({"to_q": torch.nn.Linear(3, 3)}),
            LowRankConfig(targets=("attention", "convolutions")), torch.Generator(),
        )  # fmt: skip
