import pytest

from common.diffusion.gaussian_config import GaussianPriorConfig
from common.diffusion.guidance_config import CFG, ClassifierGuidance
from common.embedded.prior_config import EmbeddedPriorConfig
from common.embedded.spacetime_dit_config import SpacetimeDiTPriorConfig
from common.errors import InputError
from common.generation.classifier_notes import classifier_notes
from tests.common.zoo.small_zoo import store_classifier, store_prior


@pytest.fixture(scope="module")
def prior(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    store_prior(folder)
    store_classifier(folder)
    return EmbeddedPriorConfig(models_dir=folder)


def test_it_is_said_what_is_steered_to(prior):
    steered = ClassifierGuidance()
    said = classifier_notes(prior, steered, "a blue teapot in the garden")
    assert said == ["guidance classifier steers to: blue teapot"]
    named = ClassifierGuidance(classes=("red", "mug"))
    assert classifier_notes(prior, named, "anything") == ["guidance classifier steers to: red mug"]
    assert classifier_notes(prior, CFG(), "anything") == []
    assert classifier_notes(GaussianPriorConfig(), steered, "anything") == []


def test_a_prompt_without_class_is_refused_with_the_choices(prior):
    with pytest.raises(InputError, match=r"the prompt names none; it knows the things mug, teapot.*"
                       "the colours red, orange.*use guidance.name=cfg"):  # fmt: skip
        classifier_notes(prior, ClassifierGuidance(), "quantum flux")


def test_priors_without_a_classifier_are_refused(tmp_path):
    with pytest.raises(InputError, match="the spacetime_dit prior does not"):
        classifier_notes(SpacetimeDiTPriorConfig(), ClassifierGuidance(), "a car")
    with pytest.raises(InputError, match=r"guidance\.classes is for the embedded prior"):
        classifier_notes(GaussianPriorConfig(), ClassifierGuidance(classes=("red",)), "a red ball")
    store_prior(tmp_path)
    with pytest.raises(InputError, match="needs the model noisy_classifier"):
        classifier_notes(EmbeddedPriorConfig(models_dir=tmp_path), ClassifierGuidance(), "a car")
