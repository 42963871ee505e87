"""A prior of pictures asked about several views."""

import pytest
import torch

from common.embedded.image_unet import View
from tests.threed.distillation.normal_prior import Normal
from threed.distillation.picture_views import PictureViews, view_words


class Spelled(Normal):
    """Remembers what it is asked; a prompt's number is its length."""

    asked: tuple[str, ...] = ()

    def embed(self, prompts):
        self.asked = tuple(prompts)
        return torch.tensor([float(len(prompt)) for prompt in prompts], dtype=torch.float64)


VIEWS = [View(0.0, 10.0), View(95.0, 10.0), View(180.0, 0.0), View(270.0, 70.0)]


def test_each_view_is_said_in_words():
    pictures = Spelled(0.3)
    PictureViews(pictures, 4).embed(["a fox"], [VIEWS])
    assert pictures.asked == ("a fox, front view", "a fox, side view", "a fox, back view",
                              "a fox, overhead view")  # fmt: skip


def test_empty_prompts_stay_empty_and_have_a_row_for_each_view():
    pictures = Spelled(0.3)
    PictureViews(pictures, 3).embed(["", "a fox"])
    assert pictures.asked == ("", "", "", "a fox", "a fox", "a fox")


def test_views_are_judged_each_by_itself():
    pictures, views = Spelled(0.3), PictureViews(Spelled(0.3), 4)
    assert views.spec.latent_shape == (2, 4, 3, 4)
    latents = torch.randn(2, 2, 4, 3, 4, generator=torch.Generator().manual_seed(0),
                          dtype=torch.float64)  # fmt: skip
    times = torch.tensor([300.0, 700.0], dtype=torch.float64)
    cond = views.embed(["a fox", "an owl"], [VIEWS, VIEWS])
    found = views.predict(latents, times, cond)
    for sample, prompt in enumerate(["a fox", "an owl"]):
        for index, view in enumerate(VIEWS):
            told = pictures.embed([f"{prompt}, {view_words(view)}"])
            alone = pictures.predict(
                latents[sample : sample + 1, :, index], times[sample : sample + 1], told
            )
            torch.testing.assert_close(found[sample : sample + 1, :, index], alone)
    torch.testing.assert_close(views.decode(views.encode(latents)), 2 * latents)


@pytest.mark.parametrize(("azimuth", "words"), [
    (0, "front"), (44, "front"), (46, "side"), (134, "side"), (136, "back"), (224, "back"),
    (226, "side"), (314, "side"), (316, "front"), (359, "front"),
])  # fmt: skip
def test_quarters_of_the_circle_have_their_names(azimuth, words):
    assert view_words(View(float(azimuth), 0.0)) == f"{words} view"
