"""What a comparison compares: one base run, variants of it, prompts, seeds, metrics."""

from typing import Any, Literal

from pydantic import Field, model_validator

from common.compare.measurements import Better, Metric
from common.config import Config
from common.runs.config import Prompt, RunConfig

MAX_CELLS = 20_000


class Variant(Config):
    """One column of the comparison."""

    label: str = Field(min_length=1, max_length=60)
    """Its name in tables and pictures."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Keys of the base run and their values here; `sampler.num_steps: 10` or nested blocks."""
    tune: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    """Keys and the values to choose among before the comparison; needs `tuning`."""
    broken: bool = False
    """Made wrong on purpose: one of its predictions must fail. Left out of the differences."""


class Wanted(Config):
    """A number of every run, and what makes it good."""

    metric: str = Field(min_length=1)
    """Its name in the runs' report.json; time_s and peak_memory_mb are always there."""
    better: Better | None = None
    """Which direction is an improvement; or `target`."""
    target: float | None = Field(None, allow_inf_nan=False)
    """The value that is right: each run's distance from it is what is ranked and tested."""

    @model_validator(mode="after")
    def _one_aim(self) -> "Wanted":
        if (self.better is None) == (self.target is None):
            said = "neither is set" if self.better is None else "both are set"
            raise ValueError(
                f"metric {self.metric!r} needs either better: higher | lower or target: <number>; "
                f"{said}"
            )
        return self


class MetricConfig(Wanted):
    """One number of every run that is compared."""

    binary: bool = False
    """Whether each run's value is 0 or 1, so that the mean is a rate."""
    claim: bool = True
    """Whether differences are tested; each tested metric makes every claim of the report harder."""
    unit: str = ""
    """Shown in tables and on axes."""

    @property
    def compared(self) -> Metric:
        """What the statistics are told of it."""
        return Metric(self.metric, self.better, self.binary, self.target)

    @model_validator(mode="after")
    def _rates_have_a_direction(self) -> "MetricConfig":
        if self.binary and self.target is not None:
            raise ValueError(
                f"metric {self.metric!r} is binary; of rates higher or lower is better, and "
                "target is for other numbers"
            )
        return self


class Tuning(Wanted):
    """How variants with `tune` get their values: by runs whose seeds are not the comparison's.

    The combination with the best mean of the metric is taken; under a target, that with the least
    mean distance from it.
    """

    num_seeds: int = Field(1, ge=1, le=1000)
    """Runs of each combination and prompt."""
    max_points: int | None = Field(None, ge=1)
    """At most so many combinations of each variant, evenly chosen; of one, the middle one, and
    nothing is run to choose it. Null tries all."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Keys of the base run and their values while tuning; what a variant sets counts more."""
    prompts: tuple[Prompt, ...] = ()
    """What these runs generate; empty takes the comparison's prompts."""


class Prediction(Config):
    """A number that is known beforehand."""

    metric: str = Field(min_length=1)
    """What the runs measure."""
    predicted: str = Field(min_length=1)
    """The metric that says what it should be; runs without it predict nothing."""


class CompareConfig(RunConfig):
    """Runs every variant on every prompt and seed, and reports the differences."""

    app: Literal["compare"] = "compare"
    run: str = Field(min_length=1)
    """Preset or YAML file (relative to the working folder) that the variants change."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Keys of the base run and their values in every run; what a variant sets counts more."""
    variants: tuple[Variant, ...] = ()
    """The variants by name."""
    only: tuple[str, ...] = ()
    """Labels of the variants that are run, the others are left out; empty runs all."""
    grid: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    """Keys and the values to combine; every combination is laid over every variant."""
    prompts: tuple[Prompt, ...] = ()
    """What to generate; empty takes the base run's prompt."""
    num_seeds: int = Field(8, ge=1, le=10_000)
    """Runs of each variant and prompt, with seeds from `seed` on."""
    common_seeds: bool = True
    """Give all variants the same seeds, and so the same noise, and analyse differences in pairs."""
    metrics: tuple[MetricConfig, ...] = Field(min_length=1)
    """What is compared."""
    tuning: Tuning | None = None
    """How variants with `tune` get their values."""
    predictions: tuple[Prediction, ...] = ()
    """Numbers that are checked against what they should be."""
    prediction_level: float = Field(0.999, gt=0.5, lt=1)
    """Level at which the intervals of all predictions hold together (Bonferroni)."""
    max_half_width: float = Field(0.05, gt=0, le=1)
    """Widest half interval, relative to the prediction, that counts as a check."""
    baseline: str | None = None
    """Label of the variant that the others are compared with; null takes the first."""
    output_change: bool = False
    """Hold every sample against the baseline's of the same prompt and seed: cost and PSNR."""
    level: float = Field(0.95, gt=0.5, lt=1)
    """Level of the intervals; claims hold together at this level (Holm)."""
    cells_per_process: int = Field(1, ge=1, le=10_000)
    """Runs done in one process: 1 isolates them; more saves the time of imports."""
    num_shown: int = Field(2, ge=0, le=16)
    """Seeds of each prompt whose clips stand side by side in the report."""

    @property
    def run_variants(self) -> tuple[Variant, ...]:
        """The variants that are run."""
        return tuple(v for v in self.variants if not self.only or v.label in self.only)

    @model_validator(mode="after")
    def _has_two_columns(self) -> "CompareConfig":
        unknown = sorted(set(self.only) - {variant.label for variant in self.variants})
        if unknown:
            raise ValueError(f"only names {unknown[0]!r}, which is no variant's label")
        if len(self.run_variants) < 2 and not self.grid:
            raise ValueError("needs at least two variants, or a grid")
        labels = [variant.label for variant in self.variants]
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise ValueError(f"two variants have the label {twice[0]!r}; each needs its own")
        self._check_tuning()
        if self.output_change and not self.common_seeds:
            raise ValueError("output_change holds samples of the same seeds against each other: "
                             "leave common_seeds true")  # fmt: skip
        names = [metric.metric for metric in self.metrics]
        if not any(metric.claim for metric in self.metrics):
            raise ValueError("no metric has claim: true; there would be nothing to compare")
        again = sorted({name for name in names if names.count(name) > 1})
        if again:
            raise ValueError(f"metric {again[0]!r} is listed twice")
        return self

    def _check_tuning(self) -> None:
        tuned = [variant for variant in self.variants if variant.tune]
        if tuned and self.tuning is None:
            raise ValueError(f"variant {tuned[0].label!r} has `tune`, but `tuning` is not set")
        if self.tuning is not None and not tuned:
            raise ValueError("`tuning` has no effect: no variant has `tune`")
        if tuned and self.grid:
            raise ValueError("`grid` would be laid over tuned variants; use one of both")
        for variant in tuned:
            empty = [key for key, values in variant.tune.items() if not values]
            if empty:
                raise ValueError(f"variant {variant.label!r} has no values for {empty[0]}")
        if self.predictions and self.grid:
            raise ValueError("`predictions` are of variants; `grid` would make several of each")
        if any(variant.broken for variant in self.variants) and not self.predictions:
            raise ValueError("a variant is `broken`, but there are no `predictions` it could fail")
