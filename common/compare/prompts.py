"""Prompts as clusters: several seeds of one prompt are no independent sample of prompts.

With enough prompts, the means of the prompts are the independent observations, and everything is
done on them: that is the cluster bootstrap, which resamples whole prompts and leaves the seeds
within alone (Davison and Hinkley 1997, section 3.8: resampling the seeds as well would count their
variance twice). With few prompts nothing can be said about other prompts; then the prompts are
taken as fixed, and only the seeds within them are random.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from common.compare.estimates import Population
from common.errors import InputError

FEWEST_PROMPTS = 8
"""Prompts from which on they count as a sample of prompts.

Eight is the first number with which the sign-flip test can use 5 % nearly up (4.7 %) and still
passes Holm's first step for six claims.
"""

Labels = Sequence[str | int]


def population_of(num_prompts: int, num_values: int) -> Population:
    """What a result over so many prompts and values speaks for.

    One seed of each prompt is a sample of prompts whatever their number: nothing else is left.
    """
    sample = num_prompts >= FEWEST_PROMPTS or 1 < num_prompts == num_values
    return "prompts" if sample else "seeds"


def fixed_prompts_note(num_prompts: int) -> str:
    """The caution for a result that speaks for new seeds of the same prompts only."""
    return (
        f"speaks for new seeds of {'this prompt' if num_prompts == 1 else 'these prompts'} only: "
        f"{num_prompts} of the {FEWEST_PROMPTS} prompts needed to speak for others"
    )


def cluster_index(labels: Labels, num_values: int) -> tuple[Int[np.ndarray, " n"], list[str]]:
    """For each value the index of its cluster, and the clusters' names in sorted order."""
    if len(labels) != num_values:
        raise InputError(f"{len(labels)} prompts were given for {num_values} values.")
    names, index = np.unique(np.asarray([str(label) for label in labels]), return_inverse=True)
    return index.reshape(-1).astype(np.int64), [str(name) for name in names]


def cluster_means(
    values: Float[np.ndarray, " n"], index: Int[np.ndarray, " n"]
) -> Float[np.ndarray, " k"]:
    """The mean of each cluster."""
    # Sorted first, so that the sums come out the same to the bit for any order of the rows.
    order = np.lexsort((values, index))
    sums = np.bincount(index[order], weights=values[order])
    return sums / np.bincount(index)


def stratified_error(
    values: Float[np.ndarray, " n"], index: Int[np.ndarray, " n"]
) -> tuple[float, float]:
    """Standard error of the mean of ``k`` fixed clusters' means, and its degrees of freedom.

    ``se^2 = sum_i v_i / m_i / k^2`` with the variance ``v_i`` of the ``m_i`` values in cluster i,
    and the degrees of freedom of Satterthwaite (1946). A cluster with one value borrows the pooled
    variance. There must be fewer clusters than values.
    """
    sizes = np.bincount(index)
    deviations = values - cluster_means(values, index)[index]
    squares = np.bincount(index, weights=deviations**2)
    pooled_df = len(values) - len(sizes)
    single = sizes == 1
    pooled = squares.sum() / pooled_df
    terms = np.where(single, pooled, squares / np.maximum(sizes - 1, 1)) / sizes
    freedoms = np.where(single, pooled_df, np.maximum(sizes - 1, 1))
    error = float(np.sqrt(terms.sum()) / len(sizes))
    if error == 0.0:
        return 0.0, float(pooled_df)
    scaled = terms / terms.sum()
    return error, float(1.0 / (scaled**2 / freedoms).sum())
