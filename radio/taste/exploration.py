"""Names of the ways to choose the next song; imports no NumPy, so a command line starts fast."""

from __future__ import annotations

from typing import Literal, get_args

Explore = Literal["random", "greedy", "thompson", "ucb"]
WAYS: tuple[Explore, ...] = get_args(Explore)
DEFAULT_WAY: Explore = "ucb"
