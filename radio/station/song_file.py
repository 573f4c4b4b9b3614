"""Songs as files: WAV or FLAC with all that is needed to make the song again, and a JSON file.

That description is in the tags of the sound and in the JSON, which holds more. A file is written
under a temporary name and then renamed, so an incomplete song is never seen.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from radio.home import replace_file, write_json
from radio.station.cover import SIZE, cover
from radio.station.cover_tag import add_cover
from radio.station.model_file import model_arrays
from radio.station.share_code import share_code
from radio.station.song_names import fingerprint
from radio.station.wav_comment import append_comment, read_comment

if TYPE_CHECKING:
    from radio.station.station import Station

# kind of file: format and encoding of libsndfile
ENCODINGS = {
    "wav": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
OPUS_RATE = 24_000  # Hz; it knows few rates, and 22,050 is not among them
LONGEST_IN_OPUS = 50_000  # bytes of a tag; libsndfile can't read a file with more
BLOCK = 1 << 16  # samples; libsndfile's Vorbis overflows its stack if it is given a whole song


class Saved(Protocol):
    """The song that is written, from any source."""

    samples: np.ndarray
    sample_rate: int
    name: str
    expected: tuple[float, float] | None
    descent: dict[str, Any]
    key: str


class SongFileError(ValueError):
    """A song's description can't be used, or doesn't fit the station; the message is one line."""


def file_name(name: str, coordinate: np.ndarray) -> str:
    """Return a file name without ending: the song's name and four digits of its coordinate (D,)."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "song"
    return f"{words}-{fingerprint(coordinate) & 0xFFFF:04x}"


def save_song(
    path: Path,
    song: Saved,
    description: dict[str, Any],
    *,
    listener: str,
    rating: float | None,
    picture: bytes = b"",
) -> Path:
    """Write a song, its tags, its JSON and a final song's picture; return the song's path.

    Args:
        path: ends in one of ENCODINGS.
        song: to save.
        description: of `description_of`.
        listener: who saves it.
        rating: of that listener, or None.
        picture: PNG of the path to a final song; empty for others.

    Raises:
        OSError: if it can't be written.
    """
    picture_of_point = cover(np.asarray(description["coordinate"], float))
    write_sound(
        path,
        song.samples,
        song.sample_rate,
        tags=tags_of(description),
        picture=picture_of_point,
    )
    facts = {
        "listener": listener,
        "expected": song.expected,
        "rating": rating,
        "descent": song.descent,
        "key": song.key,
    }
    write_json(path.with_suffix(".json"), {**description, **facts})
    if picture:
        replace_file(path.with_suffix(".png"), lambda temporary: temporary.write_bytes(picture))
    return path


def tags_of(description: dict[str, Any]) -> dict[str, str]:
    """Return the tags of a song, which hold all that is needed to make it again."""
    return {
        "title": description["song"],
        "artist": "AI Radio",
        "album": description["station"],
        "comment": json.dumps(description),
    }


def write_wav(path: Path, samples: np.ndarray, sample_rate: int) -> Path:
    """Write samples (n,) at a rate in Hz as a WAV of 16 bits and return its path.

    Raises:
        OSError: if it can't be written.
    """
    return write_sound(path, samples, sample_rate, kind="wav")


def write_sound(
    path: Path,
    samples: np.ndarray,
    sample_rate: int,
    *,
    kind: str = "",
    tags: dict[str, str] | None = None,
    picture: bytes = b"",
) -> Path:
    """Write samples (n,) and return the path; WAV and FLAC have 16 bits a sample.

    Args:
        path: of the file.
        samples: mono, from -1 to 1.
        sample_rate: Hz.
        kind: one of ENCODINGS; by the path's ending if empty.
        tags: of title, artist, album, comment.
        picture: PNG of a cover of SIZE pixels; empty for none. Only FLAC and MP3 have one.

    Raises:
        OSError: if it can't be written.
    """
    import soundfile

    kind = kind or path.suffix.lstrip(".").lower()
    form, encoding = ENCODINGS[kind]
    if kind == "opus":
        import soxr

        samples, sample_rate = soxr.resample(samples, sample_rate, OPUS_RATE), OPUS_RATE

    def write(temporary: Path) -> None:
        try:
            with soundfile.SoundFile(
                temporary, "w", sample_rate, 1, format=form, subtype=encoding
            ) as file:
                for name, text in (tags or {}).items():
                    too_long = kind == "opus" and len(text.encode()) > LONGEST_IN_OPUS
                    if not (too_long or (kind == "wav" and name == "comment")):
                        setattr(file, name, text)
                clipped = np.clip(samples, -1, 1)
                for start in range(0, len(clipped), BLOCK):
                    file.write(clipped[start : start + BLOCK])
        except soundfile.SoundFileError as error:
            raise OSError(f"{path}: {error}") from error
        if kind == "wav" and tags:
            append_comment(temporary, tags["comment"])
        if picture:
            add_cover(temporary, picture, size=SIZE)

    return replace_file(path, write)


def station_fingerprint(station: Station) -> str:
    """Return a digest that changes when the station, and so the sound of its songs, does."""
    digest = hashlib.sha256(f"{station.grid} {station.beats}".encode())
    weights = [parameter.value for parameter in station.model.generator.parameters()]
    for array in (*weights, *model_arrays(station.model).values()):
        kind = "<f4" if array.dtype.kind == "f" else array.dtype
        digest.update(np.ascontiguousarray(array, kind).tobytes())
    return digest.hexdigest()[:16]


def description_of(
    station: Station, coordinate: np.ndarray, *, beats: int | None = None
) -> dict[str, Any]:
    """Return all that is needed to make the song of a coordinate (D,) again, exactly."""
    made_by = station_fingerprint(station)
    return {
        "song": station.song_name(coordinate),
        "description": station.describe(coordinate),
        "station": station.name,
        "station_fingerprint": made_by,
        "beats": station.beats_of(coordinate, beats),
        "form": station.form_of(coordinate, beats),
        "coordinate": [float(value) for value in coordinate],
        "code": share_code(station.name, made_by, coordinate),
    }


def read_description(path: Path) -> dict[str, Any]:
    """Read the JSON beside a saved song, or the tags of the song itself.

    Raises:
        SongFileError: if it holds something else.
        OSError: if it can't be read.
    """
    try:
        content = json.loads(
            _comment(path)
            if path.suffix.lower().lstrip(".") in ENCODINGS
            else path.read_text("utf-8")
        )
        coordinate = np.array(content["coordinate"], float)
        beats, station = int(content["beats"]), str(content["station"])
        if coordinate.ndim != 1 or not np.isfinite(coordinate).all() or not 1 <= beats <= 1024:
            raise ValueError("its values are out of range")
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        why = f"{type(error).__name__}: {error}"
        raise SongFileError(
            f"{path} is not the description of a song ({why}); "
            "give a saved song, or the .json beside it"
        ) from error
    return {
        **content,
        "coordinate": coordinate.astype(np.float32),
        "beats": beats,
        "station": station,
    }


def _comment(path: Path) -> str:
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            return read_comment(path) if file.format == "WAV" else file.comment
    except soundfile.SoundFileError as error:
        raise ValueError(" ".join(str(error).split())) from error


def check_fits(description: dict[str, Any], station: Station, path: Path) -> None:
    """Check that a station is the one that made a song.

    Raises:
        SongFileError: if it is another.
    """
    made_by = description.get("station_fingerprint")
    if made_by != station_fingerprint(station) or not station.makes(description["coordinate"]):
        raise SongFileError(
            f"{path} was made by another training of station {station.name}; "
            "this one would make another song of it"
        )
