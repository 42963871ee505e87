"""The keys of the 3-D app."""

from typing import Annotated, Literal

from pydantic import Field

from common.config import BY_NAME, Config
from common.embedded.prior_config import EmbeddedPriorConfig
from common.runs.config import PromptText, RunConfig
from threed.asset_formats import Format, SplatFormat, TextureFormat
from threed.convert import Convert
from threed.from_prompt import FromPrompt
from threed.reconstruct import Reconstruct
from threed.texture import Texture
from threed.view_prior_config import ViewPriorConfig

Method = Annotated[Convert | FromPrompt | Reconstruct | Texture, BY_NAME]
"""What the 3-D app can do, chosen by its ``name``."""


class TurntableExport(Config):
    """A film of the asset turning once."""

    num_frames: int = Field(48, ge=0, le=1000)
    """Frames of one round; 0 makes no film."""
    size_px: int = Field(256, ge=16, le=2048, multiple_of=2)
    """Side of the frames."""
    fps: float = Field(16.0, gt=0, le=240)
    """Frames shown in a second."""
    background: str = Field("#ffffff", pattern=r"^#[0-9a-fA-F]{6}$")
    """Colour behind the asset."""


class AssetExport(Config):
    """Which files are written."""

    formats: tuple[Format, ...] = Field((), max_length=5)
    """Beside the GLB, which always is: obj (a folder with its picture), ply (colours at vertices),
    stl (no colours), usdz (needs the extra `usd`), html (a page with a viewer, offline)."""
    texture: TextureFormat = "png"
    """How the GLB keeps pictures: png keeps every texel, jpeg is smaller."""
    splats: tuple[SplatFormat, ...] = Field(("ply",), max_length=5)
    """What Gaussians are written as, where there are any: ply (INRIA's), splat, spz, glb
    (KHR_gaussian_splatting, a Release Candidate), or ckpt (step-*.ckpt of splatfacto)."""
    splat_axes: str | None = Field(None, pattern=r"^[RLUDFB]{3}$")
    """Axes of .ply, .splat and .spz, such as RUB (x right, y up, z backward); null for each
    format's usual ones, RDF, RDF and RUB. A GLB's are fixed."""
    dataset_views: int = Field(0, ge=0, le=1000)
    """Renders from all round written as a dataset for nerfstudio (transforms.json); 0 for none."""
    dataset_px: int = Field(512, ge=16, le=4096)
    """Side of these renders."""


class ThreedConfig(RunConfig):
    """Makes or transforms 3-D assets."""

    app: Literal["threed"] = "threed"
    prompt: PromptText = ""
    """What to make, for methods that make something of words."""
    prior: ViewPriorConfig = EmbeddedPriorConfig()
    """The model that knows what things look like from all sides."""
    method: Method
    """What to do."""
    export: AssetExport = AssetExport()
    """Which files to write."""
    turntable: TurntableExport = TurntableExport()
    """A film of the asset: of its mesh, or of Gaussians that have none."""
