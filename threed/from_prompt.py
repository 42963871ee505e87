"""The methods that make an asset of a prompt."""

from threed.score_distillation import ScoreDistillation
from threed.text_to_3d import TextTo3D

FromPrompt = TextTo3D | ScoreDistillation
"""Any of them."""
