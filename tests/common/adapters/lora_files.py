"""LoRA files of the same random change in every layout that is read."""

import torch
from safetensors.torch import save_file

TARGETS = (
    "to_q", "to_k", "to_v", "to_out.0", "proj_in", "conv1", "conv_in", "q_proj", "out_proj", "fc1",
)  # fmt: skip


def changed_layers(model, every=2):
    """Linear and convolutional layers of the kinds that LoRAs change, some of them."""
    found = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | torch.nn.Conv2d) and name.endswith(TARGETS)
    ]
    return found[::every]


def random_change(module, rank, generator, size=0.3):
    """A and B of one layer."""
    weight = module.weight
    down = size * torch.randn(rank, *weight.shape[1:], generator=generator)
    up = torch.randn(weight.shape[0], rank, *[1] * (weight.ndim - 2), generator=generator)
    return down, size * up


def change_of_models(models, rank=4, seed=0):
    """``{component: {layer: (A, B)}}`` for models by their names."""
    generator = torch.Generator().manual_seed(seed)
    return {
        component: {
            name: random_change(module, rank, generator) for name, module in changed_layers(model)
        }
        for component, model in models.items()
    }


def peft_tensors(changes):
    """As PEFT and current diffusers write them."""
    return {
        f"{component}.{name}.lora_{letter}.weight": matrix
        for component, layers in changes.items()
        for name, pair in layers.items()
        for letter, matrix in zip("AB", pair, strict=True)
    }


def old_tensors(changes):
    """As diffusers wrote them before it used PEFT: linear layers of attention."""
    found = {}
    for component, layers in changes.items():
        for name, pair in layers.items():
            for word, matrix in zip(("down", "up"), pair, strict=True):
                found[f"{component}.{name}.lora_linear_layer.{word}.weight"] = matrix
    return found


KOHYA = {"unet": "lora_unet_", "text_encoder": "lora_te_", "text_encoder_2": "lora_te2_"}


def kohya_tensors(changes, alpha=None, names=lambda component, name: name):
    """As kohya's trainers write them, with text encoders' old prefix."""
    found = {}
    for component, layers in changes.items():
        prefix = KOHYA[component]
        if component == "text_encoder" and "text_encoder_2" in changes:
            prefix = "lora_te1_"
        for name, (down, up) in layers.items():
            own = names(component, name)
            if component != "unet":
                own = f"text_model.{own.removeprefix('text_model.')}"
            joined = prefix + own.replace(".", "_")
            found[f"{joined}.lora_down.weight"] = down
            found[f"{joined}.lora_up.weight"] = up
            if alpha is not None:
                found[f"{joined}.alpha"] = torch.tensor(float(alpha))
    return found


def write(path, tensors, metadata=None):
    """A file of copies, as tensors that share memory cannot be written."""
    save_file({key: value.clone().contiguous() for key, value in tensors.items()}, path, metadata)
    return path
