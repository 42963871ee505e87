"""Evaluations with classifier guidance: which are refused before anything is drawn."""

import pytest

from common.diffusion.guidance_config import ClassifierGuidance
from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError
from common.evaluation.app import APP
from common.evaluation.config import EvaluateClips, EvaluateConfig, EvaluateImages
from run import APPS
from tests.common.zoo.small_zoo import store_classifier, store_prior


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    store_prior(folder)
    store_classifier(folder)
    return folder


def checked(folder, method, **guidance):
    prior = EmbeddedPriorConfig(models_dir=folder)
    steered = ClassifierGuidance(**guidance)
    config = EvaluateConfig(name="x", prior=prior, guidance=steered, method=method)
    return APP.check(config, APPS)


def test_prompts_of_things_all_name_a_class(folder):
    sets = ("objects", "objects_zh", "pairs", "accents", "views")
    assert checked(folder, EvaluateImages(sets=sets)) == []


def test_sets_whose_prompts_name_none_are_refused(folder):
    synonyms = EvaluateImages(sets=("synonyms",))
    with pytest.raises(InputError, match=r"prompts of the set synonyms name no class of the class"):
        checked(folder, synonyms)
    assert checked(folder, synonyms, classes=("red", "mug")) == []


def test_other_evaluations_and_folders_without_classifier_are_refused(folder, tmp_path):
    with pytest.raises(InputError, match="motion_prior has no classifier at hand"):
        checked(folder, EvaluateClips())
    store_prior(tmp_path)
    with pytest.raises(InputError, match="needs the model noisy_classifier"):
        checked(tmp_path, EvaluateImages(sets=("objects",)))
