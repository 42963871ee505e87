"""The methods that make an asset of a prompt, or of a picture of its front."""

from threed.image_to_3d import ImageTo3D
from threed.score_distillation import ScoreDistillation
from threed.text_to_3d import TextTo3D

FromPrompt = TextTo3D | ImageTo3D | ScoreDistillation
"""Any of them."""
