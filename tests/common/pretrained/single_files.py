"""Pipelines of diffusers as one file, named as they were published. Written from the models' side:
for each weight of diffusers, where it goes."""

import re

import torch
from safetensors.torch import save_file

RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0", "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
}  # fmt: skip
UNET = {"conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0",
        "time_embedding.linear_2": "time_embed.2", "add_embedding.linear_1": "label_emb.0.0",
        "add_embedding.linear_2": "label_emb.0.2", "conv_norm_out": "out.0", "conv_out": "out.2",
        "mid_block.resnets.0": "middle_block.0", "mid_block.attentions.0": "middle_block.1",
        "mid_block.resnets.1": "middle_block.2"}  # fmt: skip


def unet_tensors(unet):
    """By the names of the original code, which counts the layers one after the other."""
    places, number = dict(UNET), 1
    for level, block in enumerate(unet.down_blocks):
        attends = hasattr(block, "attentions")
        for layer in range(len(block.resnets)):
            places[f"down_blocks.{level}.resnets.{layer}"] = f"input_blocks.{number}.0"
            if attends:
                places[f"down_blocks.{level}.attentions.{layer}"] = f"input_blocks.{number}.1"
            number += 1
        if block.downsamplers is not None:
            places[f"down_blocks.{level}.downsamplers.0.conv"] = f"input_blocks.{number}.0.op"
            number += 1
    number = 0
    for level, block in enumerate(unet.up_blocks):
        attends = hasattr(block, "attentions")
        for layer in range(len(block.resnets)):
            places[f"up_blocks.{level}.resnets.{layer}"] = f"output_blocks.{number}.0"
            if attends:
                places[f"up_blocks.{level}.attentions.{layer}"] = f"output_blocks.{number}.1"
            number += 1
        if block.upsamplers is not None:
            own = f"output_blocks.{number - 1}.{2 if attends else 1}.conv"
            places[f"up_blocks.{level}.upsamplers.0.conv"] = own
    found = {}
    for name, value in unet.state_dict().items():
        place = next(one for one in places if name.startswith(f"{one}."))
        rest = name.removeprefix(place)
        if ".resnets." in f".{place}":
            layer = rest.split(".")[1]
            rest = rest.replace(layer, RESNET[layer], 1)
        found[f"model.diffusion_model.{places[place]}{rest}"] = value
    return found


def autoencoder_tensors(vae, prefix="first_stage_model."):
    levels = len(vae.config.block_out_channels)
    found = {}
    for name, value in vae.state_dict().items():
        new = re.sub(r"down_blocks\.(\d)\.resnets", r"down.\1.block", name)
        new = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", new)
        new = re.sub(r"up_blocks\.(\d)", lambda m: f"up.{levels - 1 - int(m[1])}", new)
        new = new.replace(".upsamplers.0", ".upsample").replace("conv_shortcut", "nin_shortcut")
        new = re.sub(r"(up\.\d)\.resnets", r"\1.block", new)
        new = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", new)
        new = new.replace("conv_norm_out", "norm_out")
        if "attentions" in new:
            new = new.replace("mid_block.attentions.0", "mid.attn_1").replace("group_norm", "norm")
            new = new.replace("to_out.0", "proj_out").replace("to_", "")
            value = value[:, :, None, None] if value.ndim == 2 else value
        found[f"{prefix}{new}"] = value
    return found


def clip_tensors(model, prefix):
    """As transformers named them when these files were written."""
    names = {key if key.startswith("text_") else f"text_model.{key}": value
             for key, value in model.state_dict().items()}  # fmt: skip
    ids = torch.arange(77)[None]
    return {f"{prefix}{name}": value for name, value in names.items()} | {
        f"{prefix}text_model.embeddings.position_ids": ids
    }


def open_clip_tensors(model, prefix, more_layers=0):
    """As OpenCLIP names them, one matrix for queries, keys and values."""
    state = {name.removeprefix("text_model."): value for name, value in model.state_dict().items()}
    config, found = model.config, {}
    found["positional_embedding"] = state["embeddings.position_embedding.weight"]
    found["token_embedding.weight"] = state["embeddings.token_embedding.weight"]
    for kind in ("weight", "bias"):
        found[f"ln_final.{kind}"] = state[f"final_layer_norm.{kind}"]
    for number in range(config.num_hidden_layers + more_layers):
        old = f"encoder.layers.{min(number, config.num_hidden_layers - 1)}"
        new = f"transformer.resblocks.{number}"
        for kind in ("weight", "bias"):
            parts = [state[f"{old}.self_attn.{one}_proj.{kind}"] for one in "qkv"]
            found[f"{new}.attn.in_proj_{kind}"] = torch.cat(parts)
            for a, b in (("self_attn.out_proj", "attn.out_proj"), ("layer_norm1", "ln_1"),
                         ("layer_norm2", "ln_2"), ("mlp.fc1", "mlp.c_fc"),
                         ("mlp.fc2", "mlp.c_proj")):  # fmt: skip
                found[f"{new}.{b}.{kind}"] = state[f"{old}.{a}.{kind}"]
    if "text_projection.weight" in state:
        found["text_projection"] = state["text_projection.weight"].T
    else:
        found["text_projection"] = torch.randn(config.hidden_size, config.hidden_size)
    found["logit_scale"] = torch.tensor(4.6)
    return {f"{prefix}{name}": value for name, value in found.items()}


def left_over():
    """What training leaves in published files."""
    return {"betas": torch.ones(3), "model_ema.decay": torch.tensor(0.9999)}


def of_sd(pipeline, open_clip=False):
    """Stable Diffusion 1.x, or 2.x with its OpenCLIP, which has a layer more than is used."""
    if open_clip:
        text = open_clip_tensors(pipeline.text_encoder, "cond_stage_model.model.", more_layers=1)
    else:
        text = clip_tensors(pipeline.text_encoder, "cond_stage_model.transformer.")
    return unet_tensors(pipeline.unet) | autoencoder_tensors(pipeline.vae) | text | left_over()


def of_sdxl(pipeline):
    first = clip_tensors(pipeline.text_encoder, "conditioner.embedders.0.transformer.")
    second = open_clip_tensors(pipeline.text_encoder_2, "conditioner.embedders.1.model.")
    return unet_tensors(pipeline.unet) | autoencoder_tensors(pipeline.vae) | first | second


TIME = {"t": "time_text_embed.timestep_embedder", "y": "time_text_embed.text_embedder"}


def of_sd3(pipeline):
    """With the first CLIP's projection left out, as it was published."""
    state = pipeline.transformer.state_dict()
    blocks = pipeline.transformer.config.num_layers
    found = {"pos_embed": state["pos_embed.pos_embed"]}
    for kind in ("weight", "bias"):
        found[f"x_embedder.proj.{kind}"] = state[f"pos_embed.proj.{kind}"]
        found[f"context_embedder.{kind}"] = state[f"context_embedder.{kind}"]
        found[f"final_layer.linear.{kind}"] = state[f"proj_out.{kind}"]
        found[f"final_layer.adaLN_modulation.1.{kind}"] = halves(state[f"norm_out.linear.{kind}"])
        for short, name in TIME.items():
            for number in (1, 2):
                own = f"{short}_embedder.mlp.{2 * number - 2}.{kind}"
                found[own] = state[f"{name}.linear_{number}.{kind}"]
        for number in range(blocks):
            add_sd3_block(found, state, number, kind, last=number == blocks - 1)
    for number in range(blocks):
        old, new = f"transformer_blocks.{number}", f"joint_blocks.{number}"
        for a, b in (("attn.norm_", "x_block.attn.ln_"), ("attn2.norm_", "x_block.attn2.ln_"),
                     ("attn.norm_added_", "context_block.attn.ln_")):  # fmt: skip
            for one in "qk":
                if f"{old}.{a}{one}.weight" in state:
                    found[f"{new}.{b}{one}.weight"] = state[f"{old}.{a}{one}.weight"]
    first = clip_tensors(pipeline.text_encoder, "text_encoders.clip_l.transformer.")
    del first["text_encoders.clip_l.transformer.text_projection.weight"]
    return (
        {f"model.diffusion_model.{name}": value for name, value in found.items()}
        | autoencoder_tensors(pipeline.vae) | first
        | clip_tensors(pipeline.text_encoder_2, "text_encoders.clip_g.transformer.")
        | {f"text_encoders.t5xxl.transformer.{name}": value
           for name, value in pipeline.text_encoder_3.state_dict().items()}
    )  # fmt: skip


def add_sd3_block(found, state, number, kind, last):
    old, new = f"transformer_blocks.{number}", f"joint_blocks.{number}"

    def joined(place, parts):
        return torch.cat([state[f"{old}.{place}.{one}.{kind}"] for one in parts])

    own = ("to_q", "to_k", "to_v")
    added = ("add_q_proj", "add_k_proj", "add_v_proj")
    sides = [("x_block.attn", "attn", own), ("context_block.attn", "attn", added)]
    if f"{old}.attn2.to_q.{kind}" in state:
        sides.append(("x_block.attn2", "attn2", own))
    for stored_as, place, parts in sides:
        found[f"{new}.{stored_as}.qkv.{kind}"] = joined(place, parts)
    modulation = state[f"{old}.norm1_context.linear.{kind}"]
    found[f"{new}.context_block.adaLN_modulation.1.{kind}"] = (
        halves(modulation) if last else modulation
    )
    for a, b in (("attn.to_out.0", "x_block.attn.proj"), ("attn2.to_out.0", "x_block.attn2.proj"),
                 ("attn.to_add_out", "context_block.attn.proj"),
                 ("norm1.linear", "x_block.adaLN_modulation.1"),
                 ("ff.net.0.proj", "x_block.mlp.fc1"), ("ff.net.2", "x_block.mlp.fc2"),
                 ("ff_context.net.0.proj", "context_block.mlp.fc1"),
                 ("ff_context.net.2", "context_block.mlp.fc2")):  # fmt: skip
        if f"{old}.{a}.{kind}" in state:
            found[f"{new}.{b}.{kind}"] = state[f"{old}.{a}.{kind}"]


def of_flux(pipeline):
    """The transformer alone, its names bare, as Black Forest Labs published it."""
    state, found = pipeline.transformer.state_dict(), {}
    tables = {"time_in": "time_text_embed.timestep_embedder", "vector_in":
              "time_text_embed.text_embedder", "guidance_in":
              "time_text_embed.guidance_embedder"}  # fmt: skip
    for kind in ("weight", "bias"):
        for own, name in tables.items():
            if f"{name}.linear_1.{kind}" in state:
                found[f"{own}.in_layer.{kind}"] = state[f"{name}.linear_1.{kind}"]
                found[f"{own}.out_layer.{kind}"] = state[f"{name}.linear_2.{kind}"]
        for own, name in (("txt_in", "context_embedder"), ("img_in", "x_embedder"),
                          ("final_layer.linear", "proj_out")):  # fmt: skip
            found[f"{own}.{kind}"] = state[f"{name}.{kind}"]
        found[f"final_layer.adaLN_modulation.1.{kind}"] = halves(state[f"norm_out.linear.{kind}"])
        for number in range(pipeline.transformer.config.num_layers):
            add_flux_double(found, state, number, kind)
        for number in range(pipeline.transformer.config.num_single_layers):
            old, new = f"single_transformer_blocks.{number}", f"single_blocks.{number}"
            parts = ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp")
            found[f"{new}.linear1.{kind}"] = torch.cat([state[f"{old}.{p}.{kind}"] for p in parts])
            found[f"{new}.linear2.{kind}"] = state[f"{old}.proj_out.{kind}"]
            found[f"{new}.modulation.lin.{kind}"] = state[f"{old}.norm.linear.{kind}"]
    for name, value in state.items():
        if match := re.fullmatch(r"(single_)?transformer_blocks\.(\d+)\.attn\.norm_(added_)?(q|k)"
                                 r"\.weight", name):  # fmt: skip
            single, number, added, one = match.groups()
            norm = f"norm.{'query' if one == 'q' else 'key'}_norm.scale"
            stream = "txt" if added else "img"
            found[f"single_blocks.{number}.{norm}" if single
                  else f"double_blocks.{number}.{stream}_attn.{norm}"] = value  # fmt: skip
    return found


def add_flux_double(found, state, number, kind):
    old, new = f"transformer_blocks.{number}", f"double_blocks.{number}"
    for stream, parts, out, norm, ff in (
        ("img", ("to_q", "to_k", "to_v"), "to_out.0", "norm1", "ff"),
        ("txt", ("add_q_proj", "add_k_proj", "add_v_proj"), "to_add_out", "norm1_context",
         "ff_context"),
    ):  # fmt: skip
        joined = torch.cat([state[f"{old}.attn.{one}.{kind}"] for one in parts])
        found[f"{new}.{stream}_attn.qkv.{kind}"] = joined
        found[f"{new}.{stream}_attn.proj.{kind}"] = state[f"{old}.attn.{out}.{kind}"]
        found[f"{new}.{stream}_mod.lin.{kind}"] = state[f"{old}.{norm}.linear.{kind}"]
        found[f"{new}.{stream}_mlp.0.{kind}"] = state[f"{old}.{ff}.net.0.proj.{kind}"]
        found[f"{new}.{stream}_mlp.2.{kind}"] = state[f"{old}.{ff}.net.2.{kind}"]


def halves(value):
    """Scale and shift change places."""
    return torch.cat([value[len(value) // 2 :], value[: len(value) // 2]])


def stored(tensors, path):
    """Written as a single file; its path."""
    save_file({name: value.contiguous().clone() for name, value in tensors.items()}, path)
    return path
