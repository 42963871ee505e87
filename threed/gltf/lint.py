"""The linter: every known way in which a valid glTF file still looks wrong somewhere."""

from collections.abc import Iterator

from threed.gltf import material_checks, shape_checks, structure_checks, texture_checks
from threed.gltf.document import GltfFile
from threed.gltf.findings import SEVERITIES, Finding
from threed.gltf.primitives import primitives


def lint(file: GltfFile) -> list[Finding]:
    """All findings, worst first; at most one of each code.

    Raises:
        InputError: the file is damaged: something in it does not fit.
    """
    return sorted(_findings(file), key=lambda finding: SEVERITIES.index(finding.severity))


def _findings(file: GltfFile) -> Iterator[Finding]:
    yield from structure_checks.extension_findings(file)
    if structure_checks.unknown_extensions(file):
        return
    parts = primitives(file)
    yield from structure_checks.accessor_findings(file)
    yield from structure_checks.node_findings(file)
    yield from structure_checks.attribute_findings(parts)
    yield from structure_checks.color_findings(file)
    yield from structure_checks.material_count_findings(file)
    yield from material_checks.factor_findings(file, parts)
    yield from material_checks.sampler_findings(file)
    yield from material_checks.alpha_findings(file)
    yield from material_checks.side_findings(file, parts)
    yield from material_checks.size_findings(file)
    yield from texture_checks.chart_findings(file, parts)
    yield from shape_checks.face_findings(parts)
    yield from shape_checks.pose_findings(parts)
