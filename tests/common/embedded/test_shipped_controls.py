"""What the ControlNet in the repository does to pictures; `evaluate/control` is the measurement.

Few prompts at few steps would tell if weights, kinds or the U-Net no longer belonged together.
"""

from statistics import fmean

import pytest
import torch

from common.control.followed import Followed
from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DPMSolverPP2M
from common.diffusion.samplers import build_scheduler
from common.embedded.controls import EmbeddedControl
from common.evaluation.control_scores import silhouette_iou
from common.seeding import generators_for, randn
from common.training.control.control_truth import control_truth
from common.training.pose.pose_scores import pose_scores
from common.training.pose.pose_trainer import found_poses
from common.zoo.control_net import load_control_net
from common.zoo.models import ZOO, check_embedded_prior, load_embedded_prior
from common.zoo.pose_estimator import load_pose_estimator

CATEGORIES = ("car", "teapot", "chair", "guitar", "cactus", "anchor")
KINDS = ("segmentation", "canny")
POSED = ("cat face", "fox face", "panda face", "bear face", "robot", "snowman")


@pytest.fixture(scope="module")
def prior():
    return load_embedded_prior((128, 128))


@pytest.fixture(scope="module")
def net(prior):
    identities = {kind: one.identity for kind, one in check_embedded_prior().items()}
    return load_control_net(prior.unet, identities, ZOO)


@torch.no_grad()
def drawn(prior, controls, categories=CATEGORIES):
    prior.controls = controls
    scheduler = build_scheduler(DPMSolverPP2M(num_steps=10), prior.spec.schedule, "v")
    places = range(len(categories))
    *_, last = sample(
        prior, scheduler, prior.embed([f"a red {name}" for name in categories]),
        prior.embed([""] * len(categories)), CFG(guidance_scale=4.0),
        randn(prior.spec.latent_shape, generators_for(0, places, "latents")),
        generators_for(0, places, "sampler"),
    )  # fmt: skip
    return prior.decode(last.latents)


@pytest.mark.slow
def test_outlines_follow_those_of_held_out_objects_in_other_views(prior, net):
    truths = [control_truth(name, KINDS, 1, 128) for name in CATEGORIES]

    def overlap(pictures):
        pairs = zip(pictures, truths, strict=True)
        return fmean(silhouette_iou(picture, truth.picture) for picture, truth in pairs)

    alone = overlap(drawn(prior, ()))
    for kind in KINDS:
        shown = torch.stack([truth.controls[kind] for truth in truths])
        followed = Followed(shown, torch.ones(len(truths)), (0.0, 1.0))
        assert overlap(drawn(prior, (EmbeddedControl(net, kind, followed),))) > alone + 0.1, kind


@pytest.mark.slow
def test_joints_follow_those_of_held_out_objects_in_other_views(prior, net):
    truths = [control_truth(name, ("pose",), place, 128)
              for place, name in enumerate(POSED)]  # fmt: skip

    def off(pictures):
        made = found_poses(load_pose_estimator(), list((pictures + 1) / 2))
        return pose_scores(made, [truth.pose for truth in truths])["pose/error"]

    shown = torch.stack([truth.controls["pose"] for truth in truths])
    followed = Followed(shown, torch.ones(len(truths)), (0.0, 1.0))
    alone = off(drawn(prior, (), POSED))
    assert off(drawn(prior, (EmbeddedControl(net, "pose", followed),), POSED)) < 0.85 * alone
