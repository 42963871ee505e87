"""The keys of the app that evaluates views and assets."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from common.config import BY_NAME, Config
from common.embedded.prior_config import EmbeddedPriorConfig
from common.evaluation.frame_prompts import ASSET_SETS, AssetSetName
from common.runs.config import RunConfig
from threed.image_to_3d import LiftedPicture
from threed.painting.paint_options import Way
from threed.painting.painting import Painting
from threed.score_distillation import ScoreDistillation
from threed.text_to_3d import TextTo3D

ViewSetName = Literal["objects", "pairs"]
TextureSetName = Literal["held_out"]
PictureSetName = Literal["held_out"]


class EvaluateViews(Config):
    """Views that are drawn together: which side each shows, and whether one object fits all."""

    name: Literal["view_prior"] = "view_prior"
    sets: tuple[ViewSetName, ...] = Field(("objects", "pairs"), min_length=1)
    """Which prompts: kit objects in trained colours, or in colours that training never shows."""
    num_fitted: int = Field(40, ge=0)
    """To the views of so many prompts of a set, evenly chosen, a scene is fitted."""
    asset: TextTo3D = TextTo3D(num_fronts=1, num_view_sets=1)
    """How views are drawn, without choosing, and a scene is fitted; no key of what comes after that
    is read."""


class EvaluateAssets(Config):
    """Assets: what their front shows, and whether their outlines are those of the thing."""

    name: Literal["asset_prior"] = "asset_prior"
    sets: tuple[AssetSetName, ...] = Field(ASSET_SETS, min_length=1)
    """Which prompts."""
    num_truths: int = Field(32, ge=1, le=1000)
    """True instances of the kit that outlines are compared with; the best one counts."""
    num_fronted: int = Field(3, ge=1, le=100)
    """True instances that must all have one front, as the judge sees it, where assets are to."""
    asset: Annotated[TextTo3D | ScoreDistillation, BY_NAME] = TextTo3D()
    """How assets are made."""


class EvaluateTextures(Config):
    """Textures: what the front of a painted true shape shows, seams, and what no view has seen."""

    name: Literal["texture"] = "texture"
    sets: tuple[TextureSetName, ...] = Field(("held_out",), min_length=1)
    """Which prompts; each has a held-out instance of the kit as its mesh, without colours."""
    ways: tuple[Way, ...] = Field(("synchronised", "progressive", "projected"), min_length=1)
    """Ways of painting that are compared, on the same meshes and seeds."""
    painting: Painting = Painting()
    """How meshes are painted, whichever way."""


class EvaluateImageTo3D(Config):
    """Assets made of pictures: whether they show them again, and what their other sides are."""

    name: Literal["image_to_3d"] = "image_to_3d"
    sets: tuple[PictureSetName, ...] = Field(("held_out",), min_length=1)
    """Which prompts; the front of a held-out instance of the kit is the picture of each."""
    picture_px: int = Field(256, ge=64, le=2048)
    """Side of the pictures that are given."""
    fit_true_views: bool = True
    """Whether true views go through the same fit, too: the ceiling of what follows the prior."""
    asset: LiftedPicture = LiftedPicture()
    """How assets are made."""


Method = Annotated[EvaluateViews | EvaluateAssets | EvaluateTextures | EvaluateImageTo3D, BY_NAME]
"""What is evaluated, chosen by its ``name``."""


class EvaluateThreedConfig(RunConfig):
    """Makes views or assets for the committed prompts and scores them."""

    app: Literal["evaluate_threed"] = "evaluate_threed"
    prior: EmbeddedPriorConfig = EmbeddedPriorConfig()
    """The model that is evaluated."""
    judge_dir: Path | None = None
    """Folder of the judge; null is the zoo of Extrude."""
    max_prompts: int | None = Field(None, ge=2)
    """At most so many prompts of each set, evenly chosen; null takes all."""
    method: Method
    """What is made, and how it is scored."""
