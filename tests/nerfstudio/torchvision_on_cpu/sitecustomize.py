"""PyPI's torchvision is built for CUDA: beside a PyTorch for the CPU it cannot load its operators.

nerfstudio imports it for other things. With the schemas of the two operators that its modules
mention declared, it can be imported; calling them remains an error. Python runs this file at its
start because the tests put this folder on PYTHONPATH; where torchvision works it does nothing.
"""

import torch

try:
    import torchvision  # noqa: F401
except RuntimeError:
    LIBRARY = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        LIBRARY.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
