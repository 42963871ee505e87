"""Contrastive losses between two sides of a batch that should find each other."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor


def contrastive_loss(
    first: Float[Tensor, "b d"],
    second: Float[Tensor, "b d"],
    meanings: Int64[Tensor, " b"],
    temperature: Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """Symmetric InfoNCE (van den Oord et al. 2018; Radford et al. 2021), aware of equal meanings.

    With ``s_ij`` the cosine of row ``i`` of ``first`` and row ``j`` of ``second`` over the
    temperature, the loss is the cross entropy of picking a row of the same meaning, both ways.
    Other rows of the same meaning count as neither right nor wrong.
    """
    scores = F.normalize(first.float(), dim=1) @ F.normalize(second.float(), dim=1).T / temperature
    same = meanings[:, None] == meanings[None, :]
    others = same & ~torch.eye(len(meanings), dtype=torch.bool, device=same.device)
    scores = scores.masked_fill(others, -torch.inf)
    target = torch.arange(len(meanings), device=same.device)
    return (F.cross_entropy(scores, target) + F.cross_entropy(scores.T, target)) / 2


def top_k_share(
    queries: Float[Tensor, "q d"],
    candidates: Float[Tensor, "n d"],
    right: list[set[int]],
    k: int,
) -> float:
    """Share of the queries with a right candidate among the ``k`` of highest cosine."""
    scores = F.normalize(queries.float(), dim=1) @ F.normalize(candidates.float(), dim=1).T
    best = scores.topk(min(k, scores.shape[1]), dim=1).indices.tolist()
    hits = [bool(answers & set(row)) for answers, row in zip(right, best, strict=True)]
    return sum(hits) / len(hits)
