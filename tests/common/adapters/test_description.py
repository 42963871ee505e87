"""What ``run.py inspect`` says of LoRAs, learnt words and checkpoints in one file."""

import torch
from safetensors.torch import save_file

from common.cli.main import main
from run import APPS


def inspect(path, tensors, capsys):
    save_file(tensors, path)
    assert main(["inspect", str(path)], APPS) == 0
    return capsys.readouterr().out


def kohya(name, rank):
    return {
        f"{name}.lora_down.weight": torch.zeros(rank, 8),
        f"{name}.lora_up.weight": torch.zeros(8, rank), f"{name}.alpha": torch.tensor(1.0),
    }  # fmt: skip


def test_loras_say_what_they_change(tmp_path, capsys):
    tensors = kohya("lora_unet_a_to_q", 4) | kohya("lora_unet_a_to_k", 4) | kohya("lora_te_b", 2)
    said = inspect(tmp_path / "style.safetensors", tensors, capsys)
    assert "LoRA in kohya's layout, for prior.loras" in said
    assert "changes 2 layers of the unet, rank 4" in said
    assert "changes 1 layers of the text_encoder, rank 2" in said
    assert "9 tensors" in said
    peft = {"unet.a.to_q.lora_A.weight": torch.zeros(3, 8),
            "unet.a.to_q.lora_B.weight": torch.zeros(8, 3)}  # fmt: skip
    said = inspect(tmp_path / "peft.safetensors", peft, capsys)
    assert "LoRA in PEFT's or diffusers' layout" in said
    other = inspect(tmp_path / "loha.safetensors", {"lora_unet_a.hada_w1_a": torch.ones(2)}, capsys)
    assert "prior.loras" not in other


def test_learnt_words_say_their_vectors(tmp_path, capsys):
    said = inspect(tmp_path / "w.safetensors", {"<disk>": torch.zeros(4, 16)}, capsys)
    assert "the learnt word '<disk>' (textual inversion), for prior.embeddings" in said
    assert "4 vectors of 16 numbers for the text_encoder" in said
    of_sdxl = {"clip_l": torch.zeros(2, 8), "clip_g": torch.zeros(2, 12)}
    said = inspect(tmp_path / "zorp.safetensors", of_sdxl, capsys)
    assert "the learnt word 'zorp'" in said
    assert "2 vectors of 12 numbers for the text_encoder_2" in said
    big = inspect(tmp_path / "big.safetensors", {"weight": torch.zeros(400, 8)}, capsys)
    assert "learnt word" not in big


def test_checkpoints_in_one_file_say_their_family(tmp_path, capsys):
    begin = "model.diffusion_model."
    tensors = {
        f"{begin}input_blocks.0.0.weight": torch.zeros(8, 9, 3, 3),
        "first_stage_model.decoder.conv_in.weight": torch.zeros(1),
    }
    said = inspect(tmp_path / "a.safetensors", tensors, capsys)
    assert "single file, family sd, its U-Net for inpainting (9 channels); for prior.path" in said
    assert "vae: 1 tensors, text_encoder: not in the file" in said
    tensors[f"{begin}label_emb.0.0.weight"] = torch.zeros(1)
    assert "family sdxl" in inspect(tmp_path / "b.safetensors", tensors, capsys)
    bare = {"double_blocks.0.img_attn.qkv.weight": torch.zeros(3, 1)}
    assert "family flux" in inspect(tmp_path / "c.safetensors", bare, capsys)
