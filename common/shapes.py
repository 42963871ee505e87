"""The letters of every tensor shape in this project, and the aliases built from them.

=======  =====================================================================
letter   axis
=======  =====================================================================
``b``    batch (samples drawn together)
``c``    channels (latent or image)
``f``    frames of a clip
``h w``  pixels, or latent cells
``v``    views of one object
``r s``  rays, samples along a ray
``n``    points, vertices or Gaussians
``k``    spherical-harmonic coefficients, or mixture modes
``l d``  text tokens, features
=======  =====================================================================

Video tensors are ``b c f h w`` in [-1, 1]; renders are ``b h w c`` in [0, 1]; uint8 pictures
``h w c`` and clips ``f h w c`` exist only at the readers and writers. Pictures with four channels
carry *premultiplied* alpha, so that averaging, filtering and compositing are linear.
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8

Images = Float[torch.Tensor, "b c h w"]
"""Pictures or image latents, in [-1, 1] when they are pictures."""

Clips = Float[torch.Tensor, "b c f h w"]
"""Clips or video latents, in [-1, 1] when they are pictures."""

Latents = Float[torch.Tensor, "b c *axes h w"]
"""Image or video latents: ``axes`` is empty, frames or views."""

Timesteps = Float[torch.Tensor, " b"]
"""Training timesteps, fractional between table entries, one per sample."""

Picture = UInt8[np.ndarray, "h w c"]
"""One decoded picture: 3 channels RGB or 4 channels straight (not premultiplied) RGBA."""

Frames = UInt8[np.ndarray, "f h w c"]
"""A decoded clip: 3 channels RGB or 4 channels straight (not premultiplied) RGBA."""
