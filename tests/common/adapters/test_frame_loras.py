"""LoRAs that change some frames more than others."""

import pytest
import torch

from common.adapters.frame_loras import check_frame_lora, frame_loras
from common.adapters.lora import add_loras
from common.adapters.lora_config import LoraConfig
from common.errors import InputError
from tests.common.adapters.lora_files import change_of_models, peft_tensors, write
from tests.common.pretrained.tiny_pipelines import shaken
from tests.video.animatediff.small_adapter import unet

SCALES = torch.tensor([[0.0, 0.5, 1.0], [0.0, -0.3, 0.0]])


@torch.no_grad()
def test_rows_are_those_of_merged_weights(tmp_path):
    """Linear layers and convolutions; two clips of three frames, and two LoRAs."""
    paths = []
    for seed in (0, 1):
        path = tmp_path / f"{seed}.safetensors"
        write(path, peft_tensors(change_of_models({"unet": unet()}, seed=seed)))
        paths.append(path)
    generator = torch.Generator().manual_seed(3)
    latents = torch.randn(6, 4, 8, 8, generator=generator)
    states = torch.randn(6, 3, 16, generator=generator)
    plain = shaken(unet(), 2)
    loras = frame_loras(plain, [LoraConfig(path=path) for path in paths], SCALES)
    before = plain(latents, 300.0, states).sample
    with loras.acting(2):
        made = plain(latents, 300.0, states).sample
    assert torch.equal(plain(latents, 300.0, states).sample, before), "it is left as it was"
    for frame in range(3):
        merged = shaken(unet(), 2)
        scales = SCALES[:, frame].tolist()
        add_loras({"unet": merged}, [LoraConfig(path=p, scale=s)
                                     for p, s in zip(paths, scales, strict=True)])  # fmt: skip
        wanted = merged(latents, 300.0, states).sample
        torch.testing.assert_close(made[[frame, frame + 3]], wanted[[frame, frame + 3]],
                                   rtol=1e-4, atol=1e-4)  # fmt: skip
    assert float((made[1] - before[1]).abs().max()) > 1e-2
    part = loras.of_frames(torch.tensor([2, 0]))
    with part.acting(1):
        found = plain(latents[[2, 0]], 300.0, states[[2, 0]]).sample
    torch.testing.assert_close(found, made[[2, 0]], rtol=1e-4, atol=1e-4)


def test_text_encoders_have_no_frames(tmp_path):
    from tests.common.pretrained import tiny_pipelines as tiny

    models = {"unet": unet(), "text_encoder": tiny.text_encoder(tiny.tokenizer(), width=16)}
    write(tmp_path / "a.safetensors", peft_tensors(change_of_models(models)))
    with pytest.raises(InputError, match="changes text_encoder too"):
        check_frame_lora(LoraConfig(path=tmp_path / "a.safetensors"))
    check_frame_lora(LoraConfig(path=tmp_path / "a.safetensors", text_scale=0.5))
