"""What nerfstudio finds of us, and what it must not load for that."""

import subprocess
import sys

import torch

from tests.nerfstudio.conftest import environment
from tests.nerfstudio.object_dataset import lopsided
from tests.nerfstudio.test_border import model_of
from threed.nerfstudio_plugin.methods import extrude
from threed.nerfstudio_plugin.rates import FallingRateConfig
from threed.optimise.rates import fallen

DISCOVERED = """
import sys
from nerfstudio.configs.method_configs import all_methods
from nerfstudio.configs.dataparser_configs import all_dataparsers
assert {"extrude", "extrude-distill"} <= set(all_methods), sorted(all_methods)
assert "extrude-data" in all_dataparsers, sorted(all_dataparsers)
print(*sorted(name for name in sys.modules if name.split(".")[0] in
              ("common", "video", "threed", "diffusers", "transformers", "peft", "numba")))
"""


def test_discovery_imports_configs_alone():
    found = subprocess.run(
        [sys.executable, "-c", DISCOVERED], env=environment(), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    names = found.stdout.splitlines()[-1].split()
    plugin = "threed.nerfstudio_plugin"
    light = {f"{plugin}.{one}" for one in (
        "dataparser", "distill_config", "methods", "model_config", "orbit", "pixels", "rates",
    )}  # fmt: skip
    assert set(names) == {"threed", plugin, *light}


def test_rates_fall_as_in_our_own_loops_and_are_plain_numbers():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = extrude.config.optimizers["density"]["optimizer"].setup([parameter])
    schedule = FallingRateConfig(left=0.2, num_steps=5).setup().get_scheduler(optimizer, 0.2)
    for step in range(1, 9):
        (rate,) = schedule.get_last_lr()
        assert type(rate) is float
        assert abs(rate - 0.2 * fallen(1.0, 0.2, min(step, 5), 5)) < 1e-12
        optimizer.step()
        schedule.step()


def test_opaque_pictures_are_compared_on_their_background():
    """The gradient of the error of white pictures, where they are opaque, reaches the colours."""
    model = model_of(lopsided()).train()
    outputs = {"rgb": torch.full((4, 3), 0.5, requires_grad=True), "accumulation": torch.ones(4, 1)}
    terms = model.get_loss_dict(outputs, {"image": torch.ones(4, 3)})
    assert float(terms["colour"]) == 0.75
    assert "opacity" not in terms
    terms["colour"].backward()
    assert torch.allclose(outputs["rgb"].grad, torch.full((4, 3), -0.25))
