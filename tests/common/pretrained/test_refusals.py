"""Wrong checkpoints get one message that names file and key, before a weight is read."""

import json
import shutil

import pytest
import torch
from safetensors.torch import save_file

from common.errors import InputError
from common.pretrained.build import build_pretrained_prior
from common.pretrained.check import check_pretrained
from common.pretrained.config import ComputeConfig, PretrainedPriorConfig
from tests.common.pretrained.damage import (
    TEXT,
    UNET,
    VAE,
    as_old_versions_wrote,
    change_json,
    change_tensors,
    copied,
    in_shards,
    loaded,
    with_one,
    without,
)
from tests.common.pretrained.tiny_pipelines import SIZE

UNET_CONFIG, VAE_CONFIG, INDEX = "unet/config.json", "vae/config.json", "model_index.json"


def check(folder, **settings):
    check_pretrained(PretrainedPriorConfig(path=str(folder), **settings), SIZE)


def pickled(folder):
    weights = loaded(folder / UNET)
    (folder / UNET).unlink()
    torch.save(weights, folder / "unet/diffusion_pytorch_model.bin")


def pickled_under_another_name(folder):
    torch.save(loaded(folder / UNET), folder / UNET)


def truncated(folder):
    data = (folder / UNET).read_bytes()
    (folder / UNET).write_bytes(data[: len(data) // 2])


def boasting_header(folder):
    (folder / UNET).write_bytes((2**60).to_bytes(8, "little") + b"{}")


def autoencoder_weights_as_unet(folder):
    shutil.copy(folder / VAE, folder / UNET)


def autoencoder_as_unet(folder):
    shutil.rmtree(folder / "unet")
    shutil.copytree(folder / "vae", folder / "unet")


def unet_as_text_encoder(folder):
    shutil.copy(folder / UNET, folder / TEXT)


def in_one_type(dtype):
    def damage(folder):
        change_tensors(
            folder / UNET, with_one("conv_in.bias", lambda t: t["conv_in.bias"].to(dtype))
        )

    return damage  # fmt: skip


def tensors(path, change):
    return lambda folder: change_tensors(folder / path, change)


def keys(path, **changes):
    return lambda folder: change_json(folder / path, **changes)


def text(path, content):
    return lambda folder: (folder / path).write_text(content, encoding="utf-8")


def renamed(path, name):
    return lambda folder: (folder / path).rename(folder / name)


def shards_elsewhere(folder):
    in_shards(folder / UNET)
    index = folder / f"{UNET}.index.json"
    places = json.loads(index.read_text())["weight_map"]
    change_json(index, weight_map=places | {"conv_in.bias": f"../{VAE}"})


def shard_missing(folder):
    in_shards(folder / UNET)
    next((folder / "unet").glob("*-00002-of-*")).unlink()


def shards_overlap(folder):
    in_shards(folder / UNET)
    first, second = sorted((folder / "unet").glob("*-of-*"))
    save_file(loaded(first) | loaded(second), second)


def smaller_vocabulary(folder):
    change_json(folder / "text_encoder/config.json", vocab_size=500)
    name = "embeddings.token_embedding.weight"
    change_tensors(folder / TEXT, with_one(name, lambda t: t[name][:500].clone()))


def no_tokenizer(folder):
    shutil.rmtree(folder / "tokenizer")


def broken_vocabulary(folder):
    change_json(folder / "tokenizer/tokenizer.json", model={"type": "BPE", "vocab": 3})


MANY = 10**9
WRONG = {
    "missing key": (tensors(UNET, without("conv_in.bias")),
        r"unet/diffusion_pytorch_model.safetensors has no 'conv_in.bias': 1 of the \d+ tensors"),
    "extra key": (tensors(VAE, with_one("decoder.x", lambda t: torch.zeros(1))),
        r"vae/diffusion_pytorch_model.safetensors holds 'decoder.x', which the AutoencoderKL of"),
    "wrong shape": (tensors(TEXT, with_one("final_layer_norm.bias", lambda t: torch.zeros(31))),
        r"text_encoder/model.safetensors: 'final_layer_norm.bias' is 31, and by .*config.json it is"
        " 32"),
    "config of other sizes": (keys(UNET_CONFIG, cross_attention_dim=40),
        r"unet/diffusion_pytorch_model.safetensors: '.*attn2.to_k.weight' is 32 x 32, and by"
        r" .*unet/config.json it is 32 x 40"),
    "quantised": (in_one_type(torch.int8), r"'conv_in.bias' is of type I8; quantised weights"),
    "one weight twice": (tensors(TEXT, lambda t: t | {
        "text_model.final_layer_norm.bias": t["final_layer_norm.bias"].clone()}),
        r"text_encoder/model.safetensors: '.*' and '.*' are the same weight"),
    "truncated": (truncated, r"unet/diffusion_pytorch_model.safetensors holds no safetensors"),
    "header larger than the file": (boasting_header, r"unet/diffusion_pytorch_model.safetensors"),
    "pickle": (pickled, r"model.bin is not read: pickled files can run code.*save_pretrained"),
    "pickle under another name": (pickled_under_another_name,
        r"unet/diffusion_pytorch_model.safetensors holds no safetensors \(it is a pickle"),
    "VAE weights as U-Net": (autoencoder_weights_as_unet,
        r"unet/diffusion_pytorch_model.safetensors has no 'conv_in.bias': .*looks like an auto"),
    "VAE as U-Net": (autoencoder_as_unet,
        r"unet/config.json is of AutoencoderKL, where a UNet2DConditionModel belongs"),
    "U-Net as text encoder": (unet_as_text_encoder, r"text_encoder/model.safetensors has no "
        r"'embeddings.position_embedding.weight': .*\(it looks like a U-Net\)"),
    "no weights": (renamed(VAE, "vae/x"), r"vae/diffusion_pytorch_model.safetensors is missing"),
    "only a variant": (renamed(VAE, "vae/diffusion_pytorch_model.fp16.safetensors"),
        r"is missing: the folder has it as prior.variant=fp16"),
    "shard elsewhere": (shards_elsewhere, r"index.json: names .*\.\./vae/.* no file beside it"),
    "shard missing": (shard_missing, r"model-00002-of-00002.safetensors is missing, and .*names"),
    "shards overlap": (shards_overlap, r"'.*' is in diffusion_pytorch_model-00001-of-00002"),
    "no index": (renamed(INDEX, "x.json"), r"has no model_index.json"),
    "index of another pipeline": (keys(INDEX, _class_name="WanPipeline"),
        r"model_index.json is of a .WanPipeline.; the pretrained prior reads Stable"),
    "index names code": (keys(INDEX, unet=["my_code", "MyUNet"]),
        r"model_index.json: unet is \['my_code', 'MyUNet'\], and .* knows diffusers.UNet2D"),
    "refiner": (keys(INDEX, text_encoder=[None, None]), r"model_index.json has no text_encoder"),
    "no JSON": (text(UNET_CONFIG, "{"), r"unet/config.json cannot be read as JSON"),
    "JSON list": (text(UNET_CONFIG, "[]"), r"unet/config.json holds a JSON list, not an object"),
    "JSON without end": (text(UNET_CONFIG, "[" * 200_000), r"unet/config.json cannot be read"),
    "JSON too large": (text(UNET_CONFIG, " " * 1_000_001), r"config.json is larger than 1,000,000"),
    "no config": (renamed(UNET_CONFIG, "unet/x"), r"unet/config.json is missing"),
    "unknown blocks": (keys(UNET_CONFIG, down_block_types=["A", "B"]),
        r"unet/config.json describes no UNet2DConditionModel: A does not exist"),
    "endless layers": (keys(UNET_CONFIG, layers_per_block=MANY),
        r"unet/config.json: layers_per_block asks for 1,000,000,000 layers"),
    "endless text layers": (keys("text_encoder/config.json", num_hidden_layers=MANY),
        r"text_encoder/config.json: num_hidden_layers asks for 1,000,000,000 layers"),
    "text for a number": (keys(VAE_CONFIG, norm_num_groups="four"),
        r"vae/config.json describes no AutoencoderKL"),
    "no scale": (keys(VAE_CONFIG, scaling_factor=0), r"vae/config.json: scaling_factor is 0, not"),
    "too few means": (keys(VAE_CONFIG, latents_mean=[0.0]), r"latents_mean needs a number"),
    "smaller vocabulary": (smaller_vocabulary,
        r"tokenizer has 5\d\d tokens and its text encoder knows 500"),
    "no tokenizer": (no_tokenizer, r"tokenizer holds no tokenizer: it needs tokenizer.json, or"),
    "broken vocabulary": (broken_vocabulary, r"tokenizer holds no CLIP tokenizer"),
    "short tokenizer": (keys("tokenizer/tokenizer_config.json", model_max_length=20),
        r"tokenizer pads with .* to 20 tokens, and its text encoder reads 77"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_checkpoint_is_one_message_with_file_and_key(checkpoints, tmp_path, name):
    damage, message = WRONG[name]
    folder = copied(checkpoints["sd15"], tmp_path)
    damage(folder)
    with pytest.raises(InputError, match=message):
        check(folder)


OTHER_UNETS = {
    "inpainting": ({"in_channels": 9}, r"in_channels is 9: this U-Net is for inpainting"),
    "edits by instruction": ({"in_channels": 8}, r"in_channels is 8; here it must be 4"),
    "distilled with its guidance": ({"time_cond_proj_dim": 8},
        r"time_cond_proj_dim is 8: .*told the guidance scale"),
    "class labels": ({"num_class_embeds": 5}, r"num_class_embeds is 5: .*told class labels"),
    "predicts variances": ({"out_channels": 8}, r"out_channels is 8; here it must be 4"),
    "other conditions": ({"addition_embed_type": "text", "encoder_hid_dim": None},
        r"addition_embed_type is 'text'; here it must be None"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER_UNETS)
def test_unets_that_are_told_more_are_refused(checkpoints, tmp_path, name):
    from tests.common.pretrained.tiny_pipelines import unet

    changes, message = OTHER_UNETS[name]
    folder = copied(checkpoints["sd15"], tmp_path)
    unet(32, **changes).save_pretrained(folder / "unet")
    with pytest.raises(InputError, match=message):
        check(folder)


def test_models_of_other_checkpoints_do_not_fit(checkpoints, tmp_path):
    from tests.common.pretrained.tiny_pipelines import text_encoder, tokenizer

    folder = copied(checkpoints["sd15"], tmp_path)
    text_encoder(tokenizer(), width=48).save_pretrained(folder / "text_encoder")
    message = r"unet/config.json: cross_attention_dim is 32, and the text encoders make 48"
    with pytest.raises(InputError, match=message):
        check(folder)


def test_prior_of_another_kind_of_picture_is_refused(checkpoints):
    config = PretrainedPriorConfig(path=str(checkpoints["sd15"]))
    with pytest.raises(InputError, match=r"sides divide by 8, not 60 x 80; the nearest are 64 x"):
        check_pretrained(config, (60, 80))
    with pytest.raises(InputError, match=r"draws pictures, not clips"):
        check_pretrained(config, (4, 64, 64))
    with pytest.raises(InputError, match=r"the pretrained prior knows no views"):
        check_pretrained(config, SIZE, has_view=True)


def test_kernels_that_are_not_there_are_refused(checkpoints, monkeypatch):
    config = PretrainedPriorConfig(
        path=str(checkpoints["sd15"]), compute=ComputeConfig(attention="xformers")
    )
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"attention=xformers needs the package 'xformers'"):
        check_pretrained(config, SIZE)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    with pytest.raises(InputError, match=r"xformers has no kernels for device cpu: use sdpa"):
        build_pretrained_prior(config, SIZE)


def same_states(one, other):
    prompts = ["a red cat"]
    latents = torch.randn(1, *one.spec.latent_shape, generator=torch.Generator().manual_seed(1))
    made = []
    for prior in (one, other):
        cond = prior.embed(prompts)
        with torch.no_grad():
            predicted = prior.predict(latents, torch.tensor([500.0]), cond)
            made.append((cond.states, predicted, prior.decode(latents)))
    return all(map(torch.equal, *made))


def test_files_of_old_versions_and_shards_are_read_as_the_same(checkpoints, tmp_path):
    whole = build_pretrained_prior(PretrainedPriorConfig(path=str(checkpoints["sd15"])), SIZE)
    folder = copied(checkpoints["sd15"], tmp_path)
    as_old_versions_wrote(folder)
    in_shards(folder / UNET, 3)
    changed = build_pretrained_prior(PretrainedPriorConfig(path=str(folder)), SIZE)
    assert same_states(whole, changed)


def test_variant_is_read_and_a_missing_one_refused(checkpoints, tmp_path):
    folder = copied(checkpoints["sd15"], tmp_path)
    whole = build_pretrained_prior(PretrainedPriorConfig(path=str(folder)), SIZE)
    with pytest.raises(InputError, match=r"fp16.safetensors is missing: the folder has no variant"):
        check(folder, variant="fp16")
    for path in (UNET, VAE, TEXT):
        (folder / path).rename((folder / path).with_suffix(".half.safetensors"))
    changed = build_pretrained_prior(PretrainedPriorConfig(path=str(folder), variant="half"), SIZE)
    assert same_states(whole, changed)


def test_checkpoint_is_never_filled_with_random_numbers(checkpoints):
    """Two loads are the same to the bit, and nothing of the meta device is left."""
    config = PretrainedPriorConfig(path=str(checkpoints["sdxl"]))
    one, other = (build_pretrained_prior(config, SIZE) for _ in range(2))
    assert same_states(one, other)
    for model in (one.unet, one.autoencoder, *(e.model for e in one.text.encoders)):
        assert not any(t.is_meta for t in (*model.parameters(), *model.buffers()))
        assert not any(t.requires_grad for t in model.parameters())
        assert not model.training


def test_single_files_and_missing_folders_say_what_to_give(tmp_path):
    single = tmp_path / "sd15.safetensors"
    single.write_bytes(b"x")
    with pytest.raises(InputError, match=r"sd15\.safetensors holds no safetensors"):
        check(single)
    with pytest.raises(
        InputError, match=r"has no model_index.json, only single files such as sd15"
    ):
        check(tmp_path)
    with pytest.raises(InputError, match=r"there is no such folder; prior.path takes the folder"):
        check(tmp_path / "nothing")
