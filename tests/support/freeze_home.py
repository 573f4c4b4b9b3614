"""Make a home as this version leaves it, with what it holds in expected.json, for later versions.

    PYTHONPATH=. python tests/support/freeze_home.py tests/radio/home/released/VERSION.tar.xz

Run at each release, and never again for that version: tests/radio/home/test_released_homes.py takes
the home over.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from listening import rate
from tiny_station import tiny_station

from audio_parsing.playback import SilentDevice
from neural_networks.components.parameters import pack
from neural_networks.vae.recurrent_vae import RecurrentVAE
from radio.composer import LocalComposer, shelf
from radio.home import Home
from radio.ratings import Ratings
from radio.session import LastSession, Resume, Session
from radio.station import PointModel, Station
from radio.station.steps import STEP_SIZE

CONFIG = '[keys]\nnext = ["l", "right"]\nforward = "n"\n\n[save]\nkind = "flac"\n'


def freeze(folder: Path) -> None:
    """Write the home: two stations, ratings of two listeners, settings, an interrupted session."""
    shelf.CANDIDATES = 8
    home = Home(folder)
    home.writable()
    (folder / "config.toml").write_text(CONFIG, "utf-8")
    rng = np.random.default_rng(0)
    for listener, name, sequence in (("you", "points", False), ("me", "moving", True)):
        station = tiny_station(name, sequence=sequence)
        if not sequence:
            size = station.latent_size
            vae = RecurrentVAE(STEP_SIZE, latent_size=size, beats=4, hidden=2, rng=rng)
            for parameter in vae.parameters():  # few different values make a small archive
                parameter.value[:] = np.round(16 * parameter.value) / 16
            station.model = PointModel(pack(vae, np.float32).module)  # type: ignore[arg-type]
        station.critic = station.model.new_critic(hidden=8, rng=rng)
        pack(station.critic, np.float32)
        station.save(folder / "stations" / name, dtype=np.float16)
        station = Station.load(folder / "stations" / name)
        composer = LocalComposer(station, listener, home=home, seed=1, background=False)
        for value in (0.75, -0.5, 0.25):
            rate(composer, composer.next_song(), np.array([[2.0, value / 2], [3.0, value]]))
        now = 0.0
        resume = Resume(folder / "session.json", LastSession())
        session = Session(composer, SilentDevice(lambda: now), home=home, resume=resume)  # noqa: B023
        while not session.playing:
            session.tick()
        now = 0.5
        session.tick()
        session.finish()
        composer.close()
    ratings = Ratings(home.ratings)
    rows = [
        [one.key, one.listener, one.station, one.song, one.rating, one.curve.tolist(), one.time]
        for one in ratings.all()
    ]
    sounds = [row[0] for row in rows if ratings.sound(row[0])]
    ratings.close()
    last = json.loads((folder / "session.json").read_text("utf-8"))
    expected = {"ratings": rows, "sounds": sounds, "session": last}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    archive = Path(sys.argv[1]).absolute()
    with tempfile.TemporaryDirectory() as folder:
        freeze(Path(folder))
        shutil.make_archive(str(archive).removesuffix(".tar.xz"), "xztar", folder)
