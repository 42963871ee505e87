"""The methods that make an asset of a prompt, or of a picture of its front, or of an asset."""

from threed.edit_3d import Edit3D
from threed.image_to_3d import ImageTo3D
from threed.score_distillation import ScoreDistillation
from threed.text_to_3d import TextTo3D

FromPrompt = TextTo3D | ImageTo3D | ScoreDistillation | Edit3D
"""Any of them."""
Distillation = ScoreDistillation | Edit3D
"""Those that distil a scene."""
