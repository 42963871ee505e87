"""A run that paints a mesh: files, figures and report."""

from pathlib import Path

from einops import rearrange

from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError
from common.media.clips import write_clip
from common.media.contact_sheet import picture_sheet
from common.media.images import write_picture
from common.media.pixels import composite, to_picture
from common.report.content import Fact, Gallery, MediaItem, Note
from common.report.json_report import sample_metrics
from common.runs.app import Estimate, Outcome, Run
from common.runs.console import LOGGER
from common.runs.provenance import provenance_of
from threed.asset_export import artefacts, export_asset, mesh_metrics, shown_asset
from threed.config import ThreedConfig
from threed.mesh_files import check_mesh_file
from threed.painting.painted import Painted, paint
from threed.painting.painted_mesh import bare_mesh, check_region
from threed.painting.painters import build_painter, check_painter, painter_bytes
from threed.texture import Texture
from threed.textured_trimesh import textured_trimesh
from threed.turntable import Turntable, turntable_frames

_LIBRARIES_BYTES = 900 * 2**20
_BYTES_PER_SAMPLE = 110
"""Of a texel's samples: positions, normals, colours and weights."""
_BYTES_PER_INPUT_BYTE = 16


def check_texture(config: ThreedConfig, method: Texture) -> list[str]:
    """Refuse wrong inputs before anything runs; notes on the prompt."""
    if not config.prompt.strip():
        raise InputError("prompt is empty; say what the mesh is: prompt='a red car'")
    check_mesh_file(method.input)
    if method.mask is not None or method.materials:
        check_region(method)
    if method.delight and not isinstance(config.prior, EmbeddedPriorConfig):
        raise InputError(
            "method.delight takes off the light that the embedded prior draws, and what light a "
            "checkpoint draws is not known: leave it out"
        )
    return check_painter(config.prior, method, config.prompt)


def texture_estimate(config: ThreedConfig, method: Texture) -> Estimate:
    """Sizes and memory of the run."""
    options = method.options
    count = sum(len(one.views) for one in options.rounds)
    size, samples = method.texture_px, (method.texture_px * method.supersample) ** 2
    sizes = {
        "method.input": f"{method.input} ({method.input.stat().st_size:,} bytes)",
        "views": f"{count} x {method.size_px} x {method.size_px}, "
        f"{method.largest_group} at a time",
        "texture": f"{size} x {size}",
    }  # fmt: skip
    memory = _LIBRARIES_BYTES + _BYTES_PER_SAMPLE * samples
    memory += _BYTES_PER_INPUT_BYTE * method.input.stat().st_size
    memory += painter_bytes(config.prior, method)
    return Estimate(sizes, memory, method.num_evaluations)


def run_texture(config: ThreedConfig, method: Texture, run: Run) -> Outcome:
    """Paint the mesh, write it with its texture, turntable and views."""
    with run.clock.stage("mesh"):
        bare = bare_mesh(method)
    with run.clock.stage("prior"):
        painter = build_painter(config.prior, method, run.device)
    painted = paint(config.prompt, config.seed, method, bare, painter, run)
    files = export_asset(config, run, "textured", textured_trimesh(painted.own), painted.own)
    with run.clock.stage("export"):
        pictures = _write_pictures(config, run, painted)
        films = _write_turntable(config, run, painted)
    for loss in bare.losses:
        LOGGER.warning("read: %s", loss)
    metrics = mesh_metrics(files) | painted.figures
    facts = _facts(painted.figures)
    items = (*(MediaItem(film, "Turntable", facts) for film in films),
             MediaItem(pictures[0], "The views that were painted"),
             MediaItem(pictures[1], "The texture"))  # fmt: skip
    page = bare.page
    said = f"Texture coordinates: {page.way}, stretch {page.figures.stretch_l2:.2f}, " \
           f"{page.figures.coverage:.0%} of the page used."  # fmt: skip
    notes = [Note(f"{one[0].upper()}{one[1:]}.", level="info") for one in page.reasons]
    notes += [Note(said, level="info")]
    notes += [Note(f"Lost in reading: {loss}.", level="warning") for loss in bare.losses]
    shown = shown_asset(files, textured_trimesh(painted.own))
    sections = (*shown, Gallery("From all sides", items), *notes)
    sample = sample_metrics(config.prompt, 0, config.seed, metrics)
    return Outcome((*artefacts(files), *films, *pictures), sections, (sample,))


def _facts(figures: dict[str, float]) -> tuple[Fact, ...]:
    return (
        Fact("Texels that a view shows", 100 * figures["seen"], "%"),
        Fact("Of 32 views, filled from neighbours", 100 * figures["guessed"], "%"),
        Fact("Step across seams over step between texels", figures["seam_ratio"]),
        Fact("Painted views shown again", figures["shown_again_db"], "dB"),
    )


def _write_pictures(config: ThreedConfig, run: Run, painted: Painted) -> tuple[Path, Path]:
    """The painted views side by side, and the texture."""
    record = provenance_of(config, run, config.prompt, 0)
    planes = rearrange(painted.pictures.rgba, "v h w c -> v c h w") * 2 - 1
    sheet = picture_sheet([to_picture(one) for one in planes], num_columns=len(planes))
    views, texture = run.folder.samples / "views.png", run.folder.samples / "texture.png"
    write_picture(views, sheet, provenance=record)
    assert painted.mesh.texture is not None
    pixels = (painted.mesh.texture.clamp(0, 1) * 255).round().byte().numpy()
    write_picture(texture, pixels, provenance=record)
    return views, texture


def _write_turntable(config: ThreedConfig, run: Run, painted: Painted) -> list[Path]:
    film = config.turntable
    if not film.num_frames:
        return []
    frames = turntable_frames(painted.mesh, Turntable(film.num_frames, film.size_px))
    path = run.folder.samples / "turntable.mp4"
    record = provenance_of(config, run, config.prompt, 0)
    write_clip(path, composite(frames, film.background), film.fps, provenance=record)
    return [path]
