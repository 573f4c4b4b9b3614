"""Compiles kernels before they are needed, and remembers that it was done.

    compile_once()                  every kernel that the radio uses
    compile_once(part=TRAINING)     those that a training needs
    compile_once(part=PLAYING)      those that make songs and learn from ratings, about half
    is_compiled(part), compiled_part()

Numba caches compiled kernels beside the source, or in a cache folder of the user. A stamp file in
the same place says that all of a part are there; its name depends on what Numba's cache depends on:
its version, Python's, the processor, and the kernels' sources.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neural_networks.components.parameters import FlatParameters
    from radio.station import Station
    from radio.taste import Taste
    from radio.training.component_excerpts import ComponentExcerpts

SMALL_BEATS = 4  # a song in which the critic's two convolutions still have something to see
WAIT = "Compiling the kernels for this machine, once; this takes about 30 seconds ..."
# parts, as their stamps are named; each holds those before it
PARTS = PLAYING, TRAINING, EVERYTHING = "playing", "training", "compiled"
# how many functions are compiled for them on register tiles: benchmarks/compile_time.py
COUNTS = {PLAYING: 51, TRAINING: 71, EVERYTHING: 78}


def compile_once(
    say: Callable[[], None] = lambda: print(WAIT, file=sys.stderr, flush=True),
    *,
    part: str = EVERYTHING,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Compile the kernels of a part, if that was not done before.

    Args:
        say: called before the compilation; writes a line to stderr by default.
        part: PLAYING, TRAINING or EVERYTHING.
        report: called with how many functions are compiled, and of how many.
    """
    if is_compiled(part):
        return
    say()
    _compile(part, report)
    place = stamp(part)
    if place is None:
        return
    try:
        for old in place.parent.glob(f"{part}-*"):
            old.unlink(missing_ok=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    except OSError:  # a read-only folder: it will be announced again
        pass


def is_compiled(part: str = EVERYTHING) -> bool:
    """Return whether all kernels of a part were compiled before."""
    return compiled_part() in PARTS[PARTS.index(part) :]


def compiled_part() -> str | None:
    """Return the largest part whose kernels were all compiled before; None if there is none."""
    for part in reversed(PARTS):
        place = stamp(part)
        if place is not None and place.is_file():
            return part
    return None


def _compile(part: str, report: Callable[[int, int], None]) -> None:
    """Do what a session does, at a small size, and report every function that Numba compiles."""
    from numba.core import event

    class Counter(event.Listener):
        done = 0

        def on_start(self, event: Any) -> None:
            report(min(self.done, COUNTS[part]), COUNTS[part])

        def on_end(self, event: Any) -> None:
            self.done += 1

    with event.install_listener("numba:compile", Counter()):
        _use_kernels(part)


def _use_kernels(part: str) -> None:
    """Generate, render and learn; then train; then descend: types alone count."""
    import numpy as np

    from audio_parsing import frames as audio_frames
    from neural_networks.components.parameters import pack
    from radio.station import SequenceModel, Station
    from radio.taste import Taste, insight_of
    from radio.training import sequence_recipe as recipe
    from radio.training.component_excerpts import RECORDINGS, ComponentExcerpts

    rng = np.random.default_rng(0)
    noise = [rng.random((96, audio_frames.FRAME_SIZE)).astype(np.float16)]
    small = replace(RECORDINGS, components=8, restored=8, steps=12)
    songs = ComponentExcerpts.of(noise, small, seed=0)
    vae = recipe.new_vae(songs, rng=rng)
    model = SequenceModel(vae.module, songs.components)  # type: ignore[arg-type]
    critic = model.new_critic(hidden=8, rng=rng)
    pack(critic)
    means = rng.standard_normal((2, model.latent_size)).astype(np.float32)
    places = np.zeros((2, 2), np.float32)
    station = Station("noise", "beat", SMALL_BEATS, model, critic, means, means, places)
    taste = Taste(critic, extra=2, model=model)
    coordinates = station.sample(4, rng)
    made, beside = station.decode(coordinates), station.beside(coordinates)
    station.render(coordinates[0])
    taste.fit_pool(made, beside)
    taste.observe(taste.features(made, beside)[0], 0.5)
    taste.learn()
    moments = taste.predict_moments(made[:, :1], beside[:1])[:, 0]
    insight_of(station, taste, made[:, 0], coordinates[0], moments)
    if part != PLAYING:
        _train(vae, songs, station)
    if part == EVERYTHING:
        _descend(station, taste)


def _train(vae: FlatParameters, songs: ComponentExcerpts, station: Station) -> None:
    """Make a step of each training, and encode a song as a file is encoded."""
    import numpy as np

    from audio_parsing import frames as audio_frames
    from audio_parsing.highpass import HighPass
    from neural_networks.components.parameters import pack
    from radio.station import ABSOLUTE_HOP_LENGTH
    from radio.training import sequence_recipe as recipe

    rng = np.random.default_rng(0)
    recipe.vae_trainer(vae, songs, recipe.by_steps(1), batch=2, seed=0).step(len(songs))
    critic = pack(station.model.new_critic(hidden=8, rng=rng))
    options = replace(recipe.GAN, batch_size=2)
    recipe.gan_trainer(vae, critic, songs, options=options, seed=0).step()
    recipe.encode_music(station.model.vae, songs, seed=0, most=2)
    samples = station.render(station.sample(1, rng)[0])
    samples = HighPass(20.0, station.sample_rate).filter(samples)
    audio_frames.encode(samples, hop_length=ABSOLUTE_HOP_LENGTH)


def _descend(station: Station, taste: Taste) -> None:
    """Make a step of the descent to a final song, and one back through a recurrent critic."""
    import numpy as np

    from gan.critic_bodies import mixed
    from gan.descent import descend
    from neural_networks.components.parameters import pack
    from radio.taste import through

    rng = np.random.default_rng(0)
    coordinates = station.sample(1, rng)
    descend(taste.objective(through(station)), coordinates, steps=1)
    critic = station.model.new_critic(hidden=8, body=mixed, rng=rng)
    pack(critic)
    scores, cache = critic.forward(station.decode(coordinates))
    critic.input_gradient(np.ones_like(scores), cache)


def stamp(part: str = EVERYTHING) -> Path | None:
    """Return the stamp file of a part; None if Numba has no folder for its cache."""
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
            if any(
                mark in content
                for mark in (b"@kernel", b"@body", b"register_jitable", b"@intrinsic")
            ):
                digest.update(content)
    if not kernels:  # Numba found no folder for a cache
        return None
    return Path(kernels[0].stats.cache_path) / f"{part}-{digest.hexdigest()[:16]}"
