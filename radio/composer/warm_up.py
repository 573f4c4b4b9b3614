"""Compiles all kernels, and remembers that it was done, so that the wait is announced only once.

Numba caches compiled kernels beside the source, or in a cache folder of the user. A stamp file in
the same place says that all are there; its name depends on what Numba's cache depends on: its
version, Python's, the processor, and the kernels' sources.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

SMALL_BEATS = 4  # a song in which the critic's two convolutions still have something to see
WAIT = "Compiling the kernels for this machine, once; this takes about 30 seconds ..."


def compile_once(
    say: Callable[[], None] = lambda: print(WAIT, file=sys.stderr, flush=True),
) -> None:
    """Compile every kernel that the radio uses, if that was not done before.

    Args:
        say: called before the compilation; writes a line to stderr by default.
    """
    place = stamp()
    if place is not None and place.is_file():
        return
    say()
    _use_every_kernel()
    if place is None:
        return
    try:
        for old in place.parent.glob("compiled-*"):
            old.unlink(missing_ok=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    except OSError:  # a read-only folder: it will be announced again
        pass


def is_compiled() -> bool:
    """Return whether everything was compiled before."""
    place = stamp()
    return place is not None and place.is_file()


def _use_every_kernel() -> None:
    """Train, generate, descend and render at a small size: kernels are compiled by types alone."""
    from dataclasses import replace

    import numpy as np

    from audio_parsing import frames as audio_frames
    from gan.critic_bodies import mixed
    from gan.descent import descend
    from gan.penalties import r1
    from neural_networks.components.parameters import pack
    from radio.station import ABSOLUTE_HOP_LENGTH, SequenceModel, Station
    from radio.taste import Taste, through
    from radio.training import sequence_recipe as recipe
    from radio.training.component_excerpts import RECORDINGS, ComponentExcerpts

    rng = np.random.default_rng(0)
    noise = [rng.random((96, audio_frames.FRAME_SIZE)).astype(np.float16)]
    small = replace(RECORDINGS, components=8, restored=8, steps=12)
    songs = ComponentExcerpts.of(noise, small, seed=0)
    vae = recipe.new_vae(songs, rng=rng)
    recipe.vae_trainer(vae, songs, recipe.by_steps(1), batch=2, seed=0).step(len(songs))
    model = SequenceModel(vae.module, songs.components)  # type: ignore[arg-type]
    critic = model.new_critic(hidden=8, rng=rng)
    options = replace(recipe.GAN, batch_size=2, adversarial_weight=1.0)
    recipe.gan_trainer(vae, pack(critic), songs, options=options, seed=0).step()
    # A bidirectional critic under a penalty compiles the tangents' kernels too.
    penalised = model.new_critic(hidden=8, body=mixed, rng=rng)
    pack(penalised)
    steps = songs.draw(np.arange(2), rng)
    r1(penalised, steps, steps, rng)
    known = recipe.encode_music(model.vae, songs, seed=0, most=2)
    places = np.zeros((len(known.means), 2), np.float32)
    station = Station(
        "noise", "beat", SMALL_BEATS, model, critic, known.means, known.log_variances, places
    )
    taste = Taste(critic, extra=2, model=model)
    coordinates = station.sample(4, rng)
    made, beside = station.decode(coordinates), station.beside(coordinates)
    taste.fit_pool(made, beside)
    taste.observe(taste.features(made, beside)[0], 0.5)
    taste.learn()
    descend(taste.objective(through(station)), coordinates[:1], steps=1)
    samples = station.render(coordinates[0])
    audio_frames.encode(samples, hop_length=ABSOLUTE_HOP_LENGTH)


def stamp() -> Path | None:
    """Return the stamp file of this compilation; None if Numba has no folder for its cache."""
    import llvmlite.binding
    import numba

    from neural_networks.components.kernels import gru as kernels_gru

    kernels = [
        value
        for value in vars(kernels_gru).values()
        if getattr(getattr(value, "stats", None), "cache_path", None)
    ]
    digest = hashlib.sha256(
        f"{numba.__version__} {sys.version} {llvmlite.binding.get_host_cpu_name()}".encode()
    )
    root = Path(__file__).parents[2]
    for package in ("audio_parsing", "neural_networks", "gan", "radio"):
        for source in sorted((root / package).rglob("*.py")):
            content = source.read_bytes()
            if any(mark in content for mark in (b"@kernel", b"register_jitable", b"@intrinsic")):
                digest.update(content)
    if not kernels:  # Numba found no folder for a cache
        return None
    return Path(kernels[0].stats.cache_path) / f"compiled-{digest.hexdigest()[:16]}"
