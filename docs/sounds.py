"""Make the sound examples of README, docs/index.md and docs/frames.md.

python docs/sounds.py            writes docs/sounds/*.mp3
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from audio_parsing.frames import SAMPLE_RATE, decode, encode, transpose
from audio_parsing.starter import hop_length, render, starter_songs
from radio.home import SHIPPED, STARTER
from radio.station import Station, key_coordinate, tempo_coordinate
from radio.station.mastering import master
from radio.training import canonical_frames

FOLDER = Path(__file__).parent / "sounds"
BEATS = 16  # of all but the last, which is a whole song


def write(name: str, samples: np.ndarray) -> None:
    """Write samples (n,), levelled, as MP3."""
    import soundfile

    soundfile.write(FOLDER / f"{name}.mp3", master(samples, fade=SAMPLE_RATE // 2), SAMPLE_RATE)


def main() -> None:
    """Encode and decode a song as frames and by the station, and compose a new one."""
    FOLDER.mkdir(exist_ok=True)
    station = Station.load(SHIPPED / STARTER)
    songs = {song.tune: song for song in starter_songs()[::3]}
    song = songs["ode_to_joy"]
    hop = hop_length(song.bpm)
    samples = render(song, SAMPLE_RATE)[: BEATS * 24 * hop]
    frames = encode(samples, hop_length=hop)
    write("original", samples)
    write("frames_and_back", decode(frames, hop_length=hop))
    write("a_fourth_higher", decode(transpose(frames, 5), hop_length=hop))
    write("twice_as_slow", decode(frames[: len(frames) // 2], hop_length=2 * hop))

    def coordinate(tune: str) -> np.ndarray:
        song = songs[tune]
        z, _ = station.model.reconstruct(station.model.to_steps(canonical_frames(song)[None]))
        beside = np.array([[tempo_coordinate(song.bpm), key_coordinate(song.transposition)]])
        return station.at(z, beside)[0]

    first, second = coordinate("ode_to_joy"), coordinate("twinkle")
    rng = np.random.default_rng(7)
    made = {
        "reconstructed": first,
        "half_way": (first + second) / 2,
        "composed": station.sample(1, rng)[0],
    }
    for name, place in made.items():
        write(name, station.render(place.astype(np.float32), beats=BEATS))
    write("song", station.render(made["composed"].astype(np.float32)))


if __name__ == "__main__":
    main()
