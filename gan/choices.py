"""Names of latent distributions and critics; imports no NumPy, so a command line starts fast."""

from __future__ import annotations

from typing import Literal, get_args

Latent = Literal["owner", "total", "gaussian", "mixture", "learned-prior", "posteriors"]
LATENTS: tuple[Latent, ...] = get_args(Latent)
DEFAULT_LATENT: Latent = "posteriors"

CRITICS = ("convolutional", "recurrent", "mixed")
DEFAULT_CRITIC = "convolutional"
