"""The random streams of a training: one seed, and one number for each purpose.

    np.random.default_rng((seed, Stream.CALIBRATION))     a generator for one purpose
    Noise(seed, StepStream.PIECES, ...).at(step)      the same for numbered steps, see batches.py

Streams are independent (numpy.random.SeedSequence): a purpose that draws more or fewer numbers
changes no other. NOTE: a seed means these numbers, so they never change.
"""

from __future__ import annotations

from enum import IntEnum, unique


@unique
class Stream(IntEnum):
    """The purposes of generators that are made once."""

    WEIGHTS = 0  # the first weights of a station's networks
    INSTANCE_NOISE = 1  # what is added to songs before the critic
    STARTER_SONGS = 2  # the synthetic songs of a training without music
    CALIBRATION = 4  # the new songs that calibration measures
    PREVIEWS = 7  # the songs that the web page plays during a training
    ENCODINGS = 8  # the excerpts of recordings that tell where songs lie
    MEMORY = 9  # the latents of songs that a station remembers


@unique
class StepStream(IntEnum):
    """The purposes of random numbers that every step, or epoch, draws."""

    ORDER = 1  # the permutation of the examples
    TEST_SET = 2  # the examples that are set apart
    PIECES = 3  # what a loss draws for a piece of a mini-batch
    EXCERPTS = 5  # places and keys of excerpts of recordings
    COMPONENTS = 6  # the same of those that components are measured on
