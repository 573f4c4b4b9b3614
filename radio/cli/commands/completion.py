"""`ai-radio completion`: print a script for a shell's completion of commands and options."""

from __future__ import annotations

import argparse


def completion(options: argparse.Namespace) -> None:
    """Print the script for a shell."""
    import shtab

    from radio.cli.parser import parser

    print(shtab.complete(parser(), options.shell))
