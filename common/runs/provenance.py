"""How the artefacts of a run say how they were made."""

from common.media.provenance import Provenance
from common.runs.app import Run
from common.runs.config import RunConfig
from common.runs.environment import versions


def provenance_of(config: RunConfig, run: Run, prompt: str, sample: int) -> Provenance | None:
    """The record for one artefact, or None when the config says to leave it out.

    The output folder is left out: it does not shape the result, and it is nobody's business. So is
    everything about the moment, so that equal runs write equal bytes.
    """
    if not config.embed_provenance:
        return None
    values = {key: value for key, value in run.config_values.items() if key != "output_dir"}
    return Provenance(
        app=run.config_values["app"], prompt=prompt, seed=config.seed, sample=sample,
        config=values, versions=versions(),
    )  # fmt: skip
