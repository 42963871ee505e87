"""LoRAs in models: against diffusers' own, in every layout."""

import json

import pytest
import torch
from torch.nn import functional

from common.adapters.lora import add_loras
from common.adapters.lora_config import LoraConfig
from common.adapters.lora_file import LoraLayer
from common.adapters.lora_merge import change_of
from common.errors import InputError
from common.pretrained.build import build_pretrained_prior
from common.pretrained.config import PretrainedPriorConfig
from common.seeding import generators_for, randn
from tests.common.adapters.lora_files import (
    change_of_models,
    kohya_tensors,
    old_tensors,
    peft_tensors,
    write,
)
from tests.common.pretrained.conftest import checkpoints, pipelines  # noqa: F401
from tests.common.pretrained.tiny_pipelines import SIZE

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation"),
    pytest.mark.filterwarnings("ignore:Already found a `peft_config`"),  # PEFT on a second LoRA
]
PROMPTS = ["a red cat in the house"]


def models_of(pipeline):
    names = ("unet", "text_encoder", "text_encoder_2")
    return {name: getattr(pipeline, name) for name in names if getattr(pipeline, name, None)}


def prior_of(folder, *loras):
    return build_pretrained_prior(PretrainedPriorConfig(path=str(folder), loras=loras), SIZE)


def predicted(prior):
    """What the changed text encoders and U-Net make of one latent."""
    latents = randn(prior.spec.latent_shape, generators_for(3, range(1), "latents"))
    with torch.no_grad():
        return prior.predict(latents, torch.tensor([500.0]), prior.embed(PROMPTS))


def of_diffusers(pipeline, files_and_scales):
    """The same by diffusers with PEFT."""
    names = [f"l{number}" for number in range(len(files_and_scales))]
    try:
        for name, (path, _) in zip(names, files_and_scales, strict=True):
            pipeline.load_lora_weights(path.parent, weight_name=path.name, adapter_name=name)
        pipeline.set_adapters(names, [scale for _, scale in files_and_scales])
        states, _, *pooled = pipeline.encode_prompt(
            PROMPTS[0], device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=False
        )
        told = {}
        if pooled:
            told = {"text_embeds": pooled[0], "time_ids": torch.tensor([[*SIZE, 0, 0, *SIZE]])}
        latents = randn((4, SIZE[0] // 8, SIZE[1] // 8), generators_for(3, range(1), "latents"))
        with torch.no_grad():
            return pipeline.unet(
                latents, torch.tensor([500.0]), encoder_hidden_states=states,
                added_cond_kwargs=told, return_dict=False,
            )[0]  # fmt: skip
    finally:
        pipeline.unload_lora_weights()


LAYOUTS = {
    "peft": lambda changes: (peft_tensors(changes), None),
    "peft with alpha": lambda changes: (
        peft_tensors(changes),
        {"format": "pt", "lora_adapter_metadata": json.dumps({
            f"{component}.{key}": value
            for component, layers in changes.items()
            for key, value in (
                ("r", 4), ("lora_alpha", 6), ("target_modules", list(layers)),
            )
        })},
    ),
    "kohya": lambda changes: (kohya_tensors(changes, alpha=3), None),
}  # fmt: skip


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_predictions_are_those_of_diffusers(pipelines, checkpoints, tmp_path, family, layout):  # noqa: F811
    changes = change_of_models(models_of(pipelines[family]))
    path = write(tmp_path / "lora.safetensors", *LAYOUTS[layout](changes))
    ours = predicted(prior_of(checkpoints[family], LoraConfig(path=path, scale=0.7)))
    plain = predicted(prior_of(checkpoints[family]))
    assert float((ours - plain).abs().max()) > 0.05, "the LoRA must count"
    theirs = of_diffusers(pipelines[family], [(path, 0.7)])
    # One adds the change to the weight, the other to the layer's output: float32 rounding.
    torch.testing.assert_close(ours, theirs, atol=2e-5 * max(1, float(theirs.std())), rtol=0)


def test_several_add_up_as_in_diffusers(pipelines, checkpoints, tmp_path):  # noqa: F811
    models = models_of(pipelines["sd15"])
    paths = [
        write(tmp_path / f"{seed}.safetensors", peft_tensors(change_of_models(models, seed=seed)))
        for seed in (0, 1)
    ]
    scaled = list(zip(paths, (0.8, -0.5), strict=True))
    configs = [LoraConfig(path=path, scale=scale) for path, scale in scaled]
    ours = predicted(prior_of(checkpoints["sd15"], *configs))
    theirs = of_diffusers(pipelines["sd15"], scaled)
    torch.testing.assert_close(ours, theirs, atol=2e-5 * max(1, float(theirs.std())), rtol=0)


def test_old_names_say_the_same_as_new_ones(pipelines, checkpoints, tmp_path):  # noqa: F811
    changes = change_of_models({"unet": pipelines["sd15"].unet})
    linear = {"unet": {name: pair for name, pair in changes["unet"].items() if pair[0].ndim == 2}}
    made = [
        predicted(prior_of(checkpoints["sd15"], LoraConfig(path=write(tmp_path / name, tensors))))
        for name, tensors in (("a", old_tensors(linear)), ("b", peft_tensors(linear)))
    ]
    assert torch.equal(*made)


def test_scale_0_is_the_model_to_the_bit_and_text_scale_is_its_own(
    pipelines, checkpoints, tmp_path  # noqa: F811
):  # fmt: skip
    changes = change_of_models(models_of(pipelines["sd15"]))
    path = write(tmp_path / "lora.safetensors", peft_tensors(changes))
    plain = prior_of(checkpoints["sd15"])
    off = prior_of(checkpoints["sd15"], LoraConfig(path=path, scale=0))
    assert torch.equal(predicted(off), predicted(plain))
    of_unet = prior_of(checkpoints["sd15"], LoraConfig(path=path, text_scale=0))
    assert torch.equal(of_unet.embed(PROMPTS).states, plain.embed(PROMPTS).states)
    assert not torch.equal(predicted(of_unet), predicted(plain))


def test_a_convolution_in_tuckers_form():
    """``up (mid (down x))`` of three convolutions, with the middle one's kernel."""
    generator = torch.Generator().manual_seed(0)
    down, mid, up = (
        torch.randn(*shape, generator=generator)
        for shape in ((3, 5, 1, 1), (3, 3, 3, 3), (4, 3, 1, 1))
    )
    layer = LoraLayer("x", False, down, up, mid, alpha=6.0)
    picture = torch.randn(2, 5, 8, 8, generator=generator)
    inner = functional.conv2d(functional.conv2d(picture, down), mid, padding=1)
    wanted = 2 * functional.conv2d(inner, up)
    made = functional.conv2d(picture, change_of(layer, (4, 5, 3, 3)), padding=1)
    torch.testing.assert_close(made, wanted, atol=1e-4, rtol=1e-5)


def test_files_for_other_models_are_refused_and_nothing_is_changed(
    pipelines, checkpoints, tmp_path  # noqa: F811
):  # fmt: skip
    changes = change_of_models(models_of(pipelines["sdxl"]))
    xl = write(tmp_path / "xl.safetensors", peft_tensors(changes))
    with pytest.raises(InputError, match="another family"):
        prior_of(checkpoints["sd15"], LoraConfig(path=xl))
    unet = torch.nn.ModuleDict({"to_q": torch.nn.Linear(4, 4)})
    before = unet["to_q"].weight.detach().clone()
    row, column = torch.ones(1, 4), torch.ones(4, 1)
    good = {"unet.to_q.lora_A.weight": row, "unet.to_q.lora_B.weight": column}
    lost = {"unet.to_x.lora_A.weight": row, "unet.to_x.lora_B.weight": column}
    size = {"unet.to_q.lora_A.weight": torch.ones(1, 5)}
    for bad, message in ((lost, "1 of 2 layers"), (size, r"\(4, 5\)")):
        path = write(tmp_path / "bad.safetensors", good | bad)
        with pytest.raises(InputError, match=message):
            add_loras({"unet": unet}, [LoraConfig(path=path)])
    assert torch.equal(unet["to_q"].weight, before)
