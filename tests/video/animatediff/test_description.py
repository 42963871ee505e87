"""What ``run.py inspect`` says of motion modules and of U-Nets that are to be lifted."""

import json

import safetensors.torch
import torch
from diffusers import UNet2DConditionModel

from common.cli.main import main
from run import APPS
from tests.video.animatediff.small_adapter import unet


def inspect(path, capsys):
    assert main(["inspect", str(path)], APPS) == 0
    return capsys.readouterr().out


def test_a_unet_says_what_becomes_of_each_key(tmp_path, capsys):
    unet().save_config(tmp_path)
    said = inspect(tmp_path / "config.json", capsys)
    assert "it can be lifted to clips" in said
    assert "irrelevant  sample_size = 8" in said
    for key in UNet2DConditionModel.load_config(tmp_path):
        assert key.startswith("_") or f" {key} = " in said
    config = json.loads((tmp_path / "config.json").read_text()) | {"attention_type": "gated"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    said = inspect(tmp_path / "config.json", capsys)
    assert "it cannot be lifted: attention_type" in said
    assert "refused     attention_type = gated: boxes" in said


def test_a_motion_module_says_its_family_and_other_files_their_tensors(modules, tmp_path, capsys):
    said = inspect(modules["v2"][1], capsys)
    assert "AnimateDiff v2, trained on clips of up to 32 frames, with one in the middle" in said
    assert "linear 0.00085 to 0.012" in said
    assert "tensors," in said
    safetensors.torch.save_file({"a": torch.zeros(2)}, tmp_path / "plain.safetensors")
    said = inspect(tmp_path / "plain.safetensors", capsys)
    assert "motion" not in said
    assert "1 tensors, 8 bytes" in said
    with_control = {"controlnet_cond_embedding.weight": torch.zeros(1),
                    "down_blocks.0.motion_modules.0.norm.weight": torch.zeros(1)}  # fmt: skip
    safetensors.torch.save_file(with_control, tmp_path / "sparse.safetensors")
    assert "SparseCtrl encoder, rgb" in inspect(tmp_path / "sparse.safetensors", capsys)


def test_pickled_motion_modules_and_motion_loras_are_told_apart(modules, tmp_path, capsys):
    weights = safetensors.torch.load_file(modules["v2"][1])
    torch.save({"state_dict": {f"module.{k}": v for k, v in weights.items()}}, tmp_path / "m.ckpt")
    said = inspect(tmp_path / "m.ckpt", capsys)
    assert "AnimateDiff v2, trained on clips of up to 32 frames" in said
    assert f"{len(weights)} tensors, " in said
    place = "{}.attentions.0.transformer_blocks.0.attention_blocks.0.processor.to_q_lora.{}.weight"
    for name, begin, what in (
        ("motion.ckpt", "down_blocks.0.motion_modules.0.temporal_transformer",
         "motion LoRA of 1 attentions, rank 4; for method.motion.loras"),
        ("v3_adapter.ckpt", "down_blocks.0", "for method.motion.domain_adapter"),
    ):  # fmt: skip
        down, up = torch.zeros(4, 32), torch.zeros(32, 4)
        torch.save({place.format(begin, "down"): down, place.format(begin, "up"): up},
                   tmp_path / name)  # fmt: skip
        assert what in inspect(tmp_path / name, capsys)
    torch.save({"weight": torch.zeros(2)}, tmp_path / "other.ckpt")
    assert main(["inspect", str(tmp_path / "other.ckpt")], APPS) == 2
    assert "nerfstudio" in capsys.readouterr().err
