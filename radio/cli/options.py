"""Options that several commands share: a function for each, which adds it to a parser."""

from __future__ import annotations

import argparse
from pathlib import Path

from gan.choices import LATENTS
from radio.cli.values import between, whole
from radio.home import KINDS, normal
from radio.station import FASTEST_TEMPO, SLOWEST_TEMPO

HOME = "folder for all data (default: AI_RADIO_HOME, else the platform's data folder)"
LATENT = (
    "distribution that new songs are drawn from (default: the station's). posteriors: around songs"
    " of the training set; mixture: between them; gaussian, total: a Gaussian over all of them,"
    " with or without correlations; owner: the same with sigma^2 = sum sigma_i^2, the formula of"
    " the original project; learned-prior: a fitted mixture of Gaussians"
)
NOVELTY = (
    "how new songs are, of stations that remember what they learned: 0 makes the songs that they"
    " learned, 0.4 new ones between two of them, 1 songs that follow none (default: 0.4)"
)


def home(each: argparse.ArgumentParser, default: str | None) -> None:
    """Add --home."""
    each.add_argument("--home", metavar="DIR", default=default, help=HOME)


def shared(
    each: argparse.ArgumentParser, *names: str, default: str | None = argparse.SUPPRESS
) -> None:
    """Add options that several commands share, by name."""
    add = each.add_argument
    if "station" in names:
        text = "station to use (default: starter)"
        add("--station", type=normal, metavar="NAME", default=default, help=text)
    if "listener" in names:
        text = "whose ratings (default: me)"
        add("--listener", type=normal, metavar="NAME", default=default, help=text)
    if "seed" in names:
        text = "the same seed makes the same songs"
        add("--seed", type=whole(0, 2**32 - 1), metavar="N", default=default, help=text)
    if "latent" in names:
        add("--latent", choices=LATENTS, default=default, help=LATENT)
    if "novelty" in names:
        add("--novelty", type=between(0, 1), default=default, metavar="X", help=NOVELTY)
    if "beats" in names:
        text = "length of a song (default: the station's)"
        add("--beats", type=whole(4, 2048), default=default, metavar="N", help=text)
    if "learned beats" in names:
        text = "length of a song (default: 64)"
        add("--beats", type=int, choices=(16, 32, 64, 128), default=default, help=text)


def bpm(each: argparse.ArgumentParser) -> None:
    """Add --bpm."""
    text = "tempo of the song, for stations that encode tempo separately (default: estimated)"
    each.add_argument("--bpm", type=between(SLOWEST_TEMPO, FASTEST_TEMPO), metavar="N", help=text)


def soundfont(each: argparse.ArgumentParser) -> None:
    """Add --soundfont."""
    text = "SoundFont that plays scores, by fluidsynth (default: the synthesizer of the radio)"
    each.add_argument("--soundfont", metavar="FILE", type=Path, help=text)


def output(each: argparse.ArgumentParser, what: str, *, beside: bool = False) -> None:
    """Add --output, whose default is the current folder, or that of the input."""
    text = f"{what} (default: {'beside the input' if beside else 'the current folder'})"
    default = None if beside else Path(".")
    each.add_argument("--output", metavar="DIR|FILE", type=Path, default=default, help=text)


def kind(each: argparse.ArgumentParser) -> None:
    """Add --kind."""
    text = "format of the files (default: wav, or the ending of --output)"
    each.add_argument("--kind", choices=KINDS, help=text)
