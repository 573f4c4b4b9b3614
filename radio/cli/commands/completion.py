"""`ai-radio completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

import argparse


def completion(options: argparse.Namespace) -> None:
    """Print the script for a shell."""
    import shtab

    from radio.cli.main import parser

    print(shtab.complete(parser(), options.shell))
