"""The command line as typed: in processes of its own, on a real terminal, with all its errors."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from listening import rate
from tiny_station import remembering, tiny_station

from gan.choices import CRITICS
from gan.critic_bodies import BODIES
from radio.cli import main as cli
from radio.cli.commands.generate import Target
from radio.cli.commands.train import Account
from radio.cli.parser import COMMANDS
from radio.cli.progress import Progress, duration
from radio.composer import LocalComposer, compile_once, is_compiled, stamp
from radio.composer.warm_up import WAIT
from radio.errors import UsageError, explain
from radio.home import Home
from radio.ratings import Ratings
from radio.remote import ask
from radio.training import TrainingOptions

ROOT = Path(__file__).parents[3]


def run(
    *arguments: object, given: str = "", timeout: float = 150, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `ai-radio` and return what it did."""
    return subprocess.run(
        [sys.executable, "-m", "radio", *map(str, arguments)],
        input=given,
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=ROOT,
        env={**os.environ, **environment},
    )


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert done.stderr.startswith("ai-radio: ") and done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr
    assert done.stdout == ""


@pytest.fixture(scope="module")
def stations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a station, made once."""
    folder = tmp_path_factory.mktemp("stations")
    tiny_station().save(folder / "tiny")
    return folder


@pytest.fixture
def radio_home(home: Path, stations: Path) -> Path:
    """The home of this test, with the tiny station and a damaged one."""
    shutil.copytree(stations, home / "stations")
    (home / "stations" / "broken").mkdir()
    content = (stations / "tiny" / "station.npz").read_bytes()
    (home / "stations" / "broken" / "station.npz").write_bytes(content[: len(content) // 2])
    return home


def test_help_is_quick_starts_with_examples_and_names_every_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = os.times()
    done = run("--help")
    after = os.times()
    assert done.returncode == 0 and done.stdout.startswith("examples:\n  ai-radio ")
    # The processor's time, which does not depend on what else this machine does.
    assert (
        after.children_user + after.children_system - before.children_user - before.children_system
        < 0.3
    )
    for command in COMMANDS:
        assert f"    {command} " in done.stdout
        with pytest.raises(SystemExit) as ended:
            cli.main([command, "--help"])
        assert ended.value.code == 0
        assert f"ai-radio {command} [-h]" in capsys.readouterr().out


def test_nothing_heavy_is_imported_to_read_arguments() -> None:
    code = "import sys, radio.cli.main; radio.cli.main.parser().parse_args(['play']); "
    code += "print([m for m in ('numpy', 'numba') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["paly"], ["'paly'", "--help"]),
        (["--beats", "3"], ["3"]),
        (["train", "x", "--station", "y", "--beats", "33"], ["33"]),
        (["play", "--beats", "-16"], ["-16"]),
        (["--seed", "-1"], ["'-1'"]),
        (["generate", "--latent", "cube"], ["--latent", "cube", "learned-prior"]),
        (
            ["train", "--starter", "--station", "x", "--critic", "human"],
            ["--critic", "human", "mixed"],
        ),
        (["--explore", "wild"], ["wild"]),
        (["generate", "--count", "0"], ["'0'"]),
        (["generate", "--count", "many"], ["'many'"]),
        (["generate", "--count", "1e3"], ["'1e3'"]),
        (["train", "x", "--station", "y", "--minutes", "0"], ["'0'"]),
        (["train", "x", "--station", "y", "--minutes", "nan"], ["'nan'"]),
        (["train", "x", "--station", "y", "--steps", "1.5"], ["'1.5'"]),
        (["train", "", "--station", "y"], ["is empty"]),
        (["train", "x", "--station", "y", "--steps", "5", "--minutes", "5"], ["not allowed"]),
        (["starter", "--output", "x", "--count", "97"], ["'97'"]),
        (["starter"], ["--output"]),
        (["reconstruct"], ["FILE"]),
        (["continue"], ["FILE"]),
        (["morph", "a.wav"], ["FILE"]),
        (["morph", "a.wav", "b.wav", "--song", "1.5"], ["1.5"]),
        (["generate", "--volume", "11"], ["--volume"]),
        (["generate", "--seed=--"], ["--seed=--"]),
        (["generate", "--novelty", "1.1"], ["1.1"]),
        (["play", "--novelty", "much"], ["'much'"]),
    ],
)
def test_wrong_numbers_and_words_are_one_line(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    written = capsys.readouterr()
    assert caught.value.code == 2 and written.out == ""
    assert written.err.startswith("ai-radio: ") and written.err.count("\n") == 1
    for word in words:
        assert word in written.err


def test_bad_folders_of_music_are_one_line(
    radio_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "notes.txt").write_text("no music")
    mine = ["--station", "mine"]
    asked: list[tuple[list[object], list[str]]] = [
        ([], ["no music", "--starter"]),
        ([tmp_path], ["--station"]),
        ([tmp_path / "none", *mine], ["does not exist", "none"]),
        ([tmp_path, "--starter", *mine], ["not both"]),
        ([tmp_path, "--station", "../mine"], ["name of a station"]),
        ([tmp_path, *mine, "--invented", "2"], ["--invented", "give it with --starter"]),
        ([tmp_path, *mine, "--fresh", "2"], ["--fresh", "give it with --starter"]),
        ([tmp_path / "file", *mine], ["is not readable audio"]),
        ([tmp_path / "empty", *mine, "--steps", 1], ["empty", "no audio"]),
    ]
    for arguments, words in asked:
        assert cli.main(["train", *map(str, arguments)]) == 2
        written = capsys.readouterr()
        line = written.err.removeprefix(_compiling())
        assert line.startswith("ai-radio: ") and line.count("\n") == 1 and written.out == ""
        assert all(word in line for word in words)
    done = run("train", tmp_path / "texts", *mine, "--steps", 1)
    passed_over, line, _ = done.stderr.split("\n")
    assert passed_over.endswith("1 file passed over: 1 .txt")
    assert done.returncode == 2 and line.startswith("ai-radio: ") and "no audio" in line
    assert not (radio_home / "stations" / "mine" / "station.npz").exists()


@pytest.mark.parametrize(
    "command", ["play", "generate", "final", "reconstruct", "continue", "morph"]
)
def test_bad_stations_are_one_line(
    radio_home: Path, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(tmp_path / "song.wav", np.zeros(22050), 22050)
    count = {"reconstruct": 1, "continue": 1, "morph": 2}.get(command, 0)
    files = count * [str(tmp_path / "song.wav")]
    for station, word in (
        ("nowhere", "no station"),
        ("broken", "broken"),
        ("a/b", "name of a station"),
    ):
        assert cli.main([command, *files, "--station", station]) == 2
        written = capsys.readouterr()
        assert (
            written.out == ""
            and written.err.startswith("ai-radio: ")
            and written.err.count("\n") == 1
        )
        assert word in written.err
    assert not (radio_home / "ratings.db").exists(), "nothing was made on the way"


def test_bad_stations_are_one_line_in_a_process_of_its_own(radio_home: Path) -> None:
    assert_one_line(run("play", "--station", "nowhere"), "no station")
    assert_one_line(run("generate", "--station", "broken"), "broken")


def test_a_home_that_cannot_be_written_is_one_line(radio_home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    done = run("--home", tmp_path / "file" / "home", "train", "--starter", "--station", "mine")
    assert_one_line(done, "can't write to the home", "--home")
    shutil.copytree(radio_home / "stations", tmp_path / "home" / "stations")
    if not _made_read_only(tmp_path / "home"):
        pytest.skip("a read-only folder can't be made here")
    try:
        made = cli.main(
            [
                "--home",
                str(tmp_path / "home"),
                "generate",
                "--station",
                "tiny",
                "--output",
                str(tmp_path / "out"),
            ]
        )
        assert made == 0, "songs can be made all the same"
    finally:
        _made_read_only(tmp_path / "home", undo=True)


@pytest.mark.parametrize(
    ("picture", "words"), [("x.txt", ".png, .svg or .pdf"), ("nowhere/x.png", "no folder nowhere")]
)
def test_a_picture_that_cannot_be_drawn_is_told_before_a_training(
    picture: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["train", "--starter", "--station", "x", "--plot", picture]) == 2
    assert words in capsys.readouterr().err


def test_the_choices_of_a_critic_are_those_that_exist() -> None:
    assert CRITICS == tuple(BODIES)


def _made_read_only(folder: Path, *, undo: bool = False) -> bool:
    """Revoke or restore write permission; for root, by a read-only mount."""
    if sys.platform == "win32":
        return False
    if os.geteuid():
        folder.chmod(0o755 if undo else 0o555)
        return True
    commands = (
        [["umount", folder]]
        if undo
        else [["mount", "--bind", folder, folder], ["mount", "-o", "remount,bind,ro", folder]]
    )
    return all(
        shutil.which(command[0]) and subprocess.run(command, capture_output=True).returncode == 0
        for command in commands
    )


def test_a_damaged_or_newer_database_is_one_line_and_left_alone(radio_home: Path) -> None:
    database = radio_home / "ratings.db"
    database.write_bytes(b"no database at all, but long enough to be read as one" * 100)
    before = database.read_bytes()
    assert_one_line(run("--station", "tiny", given="q\n"), "damaged", str(database))
    assert database.read_bytes() == before
    assert cli.main(["doctor"]) == 1


def test_the_radio_on_a_pipe(radio_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = "0.5\nn\ns\nseven\n"
    done = run("--station", "tiny", "--seed", 3, given=typed, PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    errors = done.stderr.replace(_compiling(), "").splitlines()
    assert all(line.startswith("import time:") for line in errors)
    # what this process and the composer's imported before and after their messages had a file
    errors += [line for log in radio_home.rglob("*.log") for line in log.read_text().splitlines()]
    imported = {line.split("|")[-1].strip() for line in errors}
    assert {"radio.composer.taste_learner", "radio.session.playback"} <= imported
    assert not {"matplotlib", "scipy.signal", "scipy.stats", "starlette"} & imported
    lines = done.stdout.splitlines()
    assert lines[0].startswith("AI Radio    tiny / me    0 songs rated")
    assert sum(line.startswith(("  1  ", "  2  ")) for line in lines) == 2 and not any(
        line.startswith("  4  ") for line in lines
    )
    # on a busy machine the second song, of 1.6 s, is over before the lines are, and rated too
    kept, *_ = Ratings(radio_home / "ratings.db").of("me", "tiny")
    assert kept.rating == 0.5 and not kept.skipped, "rated by hand"
    saved = next(line for line in lines if line.startswith("Saved ")).removeprefix("Saved ")
    assert soundfile.info(saved).duration == pytest.approx(1.6, abs=0.4)
    again = radio_home / "again.wav"
    assert (
        cli.main(
            ["generate", "--like", str(Path(saved).with_suffix(".json")), "--output", str(again)]
        )
        == 0
    )
    assert again.read_bytes() == Path(saved).read_bytes()
    capsys.readouterr()
    assert cli.main(["--home", str(radio_home), "stations", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(one["name"], bool(one["problem"])) for one in listed if not one["shipped"]] == [
        ("broken", True),
        ("tiny", False),
    ]


def _compiling() -> str:
    return WAIT + "\n"


def test_generate_writes_songs_that_the_seed_decides(
    radio_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        cli.main(
            [
                "generate",
                "--station",
                "tiny",
                "--count",
                "3",
                "--seed",
                "5",
                "--output",
                str(tmp_path / "a"),
            ]
        )
        == 0
    )
    assert (
        cli.main(
            [
                "generate",
                "--station",
                "tiny",
                "--count",
                "3",
                "--seed",
                "5",
                "--output",
                str(tmp_path / "b"),
            ]
        )
        == 0
    )
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in "ab"
    )
    assert len(first) == 3 and first == second and all(name.endswith(".wav") for name in first)
    assert (
        cli.main(
            [
                "generate",
                "--station",
                "tiny",
                "--seed",
                "5",
                "--latent",
                "owner",
                "--output",
                str(tmp_path / "c"),
            ]
        )
        == 0
    )
    assert not {path.name for path in (tmp_path / "c").iterdir()} & set(first)
    capsys.readouterr()
    assert (
        cli.main(
            [
                "generate",
                "--station",
                "tiny",
                "--beats",
                "16",
                "--output",
                str(tmp_path / "one.wav"),
                "--json",
            ]
        )
        == 0
    )
    (facts,) = json.loads(capsys.readouterr().out)
    assert facts["path"] == str(tmp_path / "one.wav") and facts["beats"] == 16
    assert soundfile.info(facts["path"]).duration == pytest.approx(facts["seconds"], abs=0.01)


def test_outputs_that_cannot_hold_the_songs_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="more than one song"):
        Target(tmp_path / "songs.wav", single=False)
    (tmp_path / "file").write_text("x")
    for output in ("file", "file/songs"):
        with pytest.raises((UsageError, OSError)) as caught:
            Target(tmp_path / output, single=False)
        assert "\n" not in (explain(caught.value) or "\n")
    assert (
        Target(tmp_path / "new" / "song.WAV", single=True).path("name")
        == tmp_path / "new" / "song.WAV"
    )
    assert Target(tmp_path / "new", single=True).path("name") == tmp_path / "new" / "name.wav"


def test_the_final_song_needs_ratings(
    radio_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["final", "--station", "tiny", "--output", str(tmp_path)]) == 2
    assert "has rated no song" in capsys.readouterr().err
    composer = LocalComposer(tiny_station(), "me", home=Home(radio_home), seed=1, background=False)
    for rating in (1.0, -1.0):
        rate(composer, composer.next_song(), rating)
    composer.close()
    assert (
        cli.main(
            [
                "final",
                "--station",
                "tiny",
                "--seed",
                "1",
                "--output",
                str(tmp_path / "final.wav"),
                "--json",
            ]
        )
        == 0
    )
    (facts,) = json.loads(capsys.readouterr().out)
    assert (
        facts["path"] == str(tmp_path / "final.wav")
        and str(tmp_path / "final.json") in facts["files"]
        and facts["expected"] > 0
        and facts["uncertainty"] > 0
    )
    assert json.loads((tmp_path / "final.json").read_text())["descent"]["path"]


def test_generate_makes_songs_as_new_as_they_are_asked_for(
    radio_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    station = remembering(tiny_station("mindful", grid="absolute"))
    station.save(radio_home / "stations" / "mindful")
    made = {}
    for novelty in (None, "0", "0.4", "1"):
        asked = [] if novelty is None else ["--novelty", novelty]
        where = ["--station", "mindful", "--seed", "1", "--output", str(tmp_path), "--json"]
        assert cli.main(["generate", *asked, *where]) == 0
        made[novelty] = json.loads(capsys.readouterr().out)[0]["coordinate"]
    assert made[None] == made["0.4"]
    assert made["0"][8] == 1 and made["1"][8] == pytest.approx(0, abs=1e-6)
    assert cli.main(["generate", "--station", "tiny", "--novelty", "0.5"]) == 2
    assert "remembers no songs" in capsys.readouterr().err


def test_songs_go_on_and_songs_lie_between(
    radio_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    station = tiny_station("moving", grid="absolute")
    station.save(radio_home / "stations" / "moving")
    files = []
    for number in range(2):
        song = station.sample(1, np.random.default_rng(number))[0]
        files.append(str(tmp_path / f"{number}.wav"))
        soundfile.write(files[-1], station.render(song, beats=8), station.sample_rate)
    there = ["--station", "moving", "--output", str(tmp_path / "out"), "--json"]
    assert cli.main(["continue", *files, "--beats", "4", "--seed", "1", *there]) == 0
    facts = json.loads(capsys.readouterr().out)
    for one in facts:
        assert soundfile.info(one["path"]).duration == pytest.approx(one["seconds"], abs=0.01)
        assert one["seconds"] - one["new_from"] == pytest.approx(4 * 0.48, abs=0.01)
    assert cli.main(["morph", *files, "--count", "3", *there]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [one["shares"]["events"] for one in facts] == [0, 0.5, 1]
    assert len({Path(one["path"]).read_bytes() for one in facts}) == 3
    assert cli.main(["continue", str(tmp_path / "none.ogg"), "--station", "moving"]) == 2
    written = capsys.readouterr()
    assert written.out == "" and written.err.count("\n") == 1


def test_reconstruct_writes_what_comes_out(
    radio_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    station = tiny_station()
    song = station.sample(1, np.random.default_rng(0))[0]
    soundfile.write(tmp_path / "song.wav", station.render(song), station.sample_rate)
    assert (
        cli.main(
            [
                "reconstruct",
                str(tmp_path / "song.wav"),
                "--station",
                "tiny",
                "--output",
                str(tmp_path / "out"),
                "--json",
            ]
        )
        == 0
    )
    (facts,) = json.loads(capsys.readouterr().out)
    assert soundfile.info(facts["path"]).duration == pytest.approx(facts["seconds"], abs=0.01)
    assert np.shape(facts["coordinates"]) == (1, station.size)
    assert cli.main(["reconstruct", str(tmp_path / "none.ogg")]) == 2
    (tmp_path / "text.wav").write_text("no music")
    assert cli.main(["reconstruct", str(tmp_path / "text.wav"), "--station", "tiny"]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_starter_writes_the_collection(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        cli.main(
            ["starter", "--count", "2", "--beats", "16", "--output", str(tmp_path / "starter")]
        )
        == 0
    )
    written = sorted((tmp_path / "starter").iterdir())
    assert len(written) == 2 and all(soundfile.info(path).duration > 5 for path in written)


def test_doctor_tells_what_is_there(radio_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (
        facts["home"] == str(radio_home)
        and "tiny" in facts["stations"]
        and facts["problems"] == []
        and facts["sound"]
    )


def test_the_stamp_of_a_compilation_lies_where_the_kernels_are_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = stamp()
    assert path is not None and list(path.parent.glob("*.nbi"))
    was_compiled = path.is_file()
    path.unlink(missing_ok=True)
    assert not is_compiled()
    compile_once()
    assert is_compiled() and capsys.readouterr().err == WAIT + "\n"
    compile_once()
    assert capsys.readouterr().err == ""
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("llvmlite.binding.get_host_cpu_name", lambda: "another processor")
        assert not is_compiled()
    if not was_compiled:
        path.unlink()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_compilation_is_announced_once_and_is_complete(radio_home: Path, tmp_path: Path) -> None:
    """After the announced compilation nothing that the radio does compiles anything."""
    cold = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def compiled() -> set[str]:
        return {path.name for path in (tmp_path / "cache").rglob("*.nbc")}

    playing = run("--station", "tiny", given="0.9\nn\nq\n", timeout=300, **cold)
    assert WAIT not in playing.stderr
    train = ("train", "--starter", "--station", "t", "--steps", "2", "--beats", "16")
    (tmp_path / "music").mkdir()
    noise = 0.1 * np.random.default_rng(0).standard_normal(22050 * 20)
    soundfile.write(tmp_path / "music" / "noise.wav", noise, 22050)
    folder = ("train", str(tmp_path / "music"), "--station", "f", *train[4:])
    assert WAIT in run(*train, timeout=300, **cold).stderr
    before = compiled()
    assert WAIT not in run(*folder, timeout=120, **cold).stderr
    assert compiled() == before
    final = ("final", "--station", "tiny", "--output", str(tmp_path))
    announced = run(*final, timeout=300, **cold)
    assert announced.stderr.startswith(WAIT + "\n")
    before = compiled()
    commands = [("--station", "tiny"), final, train, folder]
    for command in commands:
        done = run(*command, given="0.9\nn\n-1\nn\nf\nq\n", timeout=120, **cold)
        assert WAIT not in done.stderr
        assert compiled() == before, command


def test_training_stops_politely_and_goes_on(
    radio_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:

    calls: list[dict[str, Any]] = []

    def fake(folder: Path, music: Path | None, options: TrainingOptions, **hooks: Any) -> Any:
        calls.append({"folder": folder, "music": music, **asdict(options)})
        report, should_stop = hooks["report"], hooks["should_stop"]
        report({"phase": "prepare", "done": 1, "of": 2})
        report({"phase": "prepare", "skip": "noise.mp3: not read"})
        report({"phase": "compile"})
        report({"phase": "vae", "done": 1, "of": 100, "loss": 0.5})
        assert not should_stop()
        if len(calls) == 1:
            os.kill(os.getpid(), signal.SIGINT)
            assert should_stop()
            return None
        return tiny_station("mine")

    monkeypatch.setattr("radio.training.train_station", fake)
    arguments = [
        "train",
        "--starter",
        "--station",
        "mine",
        "--steps",
        "100",
        "--beats",
        "32",
        "--seed",
        "4",
        "--threads",
        "1",
    ]
    arguments += ["--invented", "3"]
    assert cli.main(arguments) == 130
    written = capsys.readouterr()
    assert (
        "The same command continues from here" in written.err
        and "noise.mp3: not read" in written.err
    )
    assert cli.main(arguments) == 0
    assert "ai-radio play --station mine" in capsys.readouterr().out
    names = "folder music beats minutes steps seed threads fresh invented".split()
    asked = {name: calls[0][name] for name in names}
    assert asked.pop("folder") == radio_home / "stations" / "mine"
    assert asked == {
        "music": None,
        "beats": 32,
        "minutes": None,
        "steps": 100,
        "seed": 4,
        "threads": 1,
        "fresh": 600,
        "invented": 3,
    }


def test_progress_tells_rate_loss_and_time_left() -> None:
    now = [0.0]
    account = Account(lambda: now[0])
    account.describe({"phase": "vae", "done": 100, "of": 1000, "loss": 0.5})
    now[0] = 10.0
    line = account.describe({"phase": "vae", "done": 200, "of": 1000, "loss": 0.25})
    assert (
        line == "training the autoencoder  200 of 1000 (20 %)  loss 0.25000  10.0 a second"
        "  1 min 20 s left"
    )
    assert account.describe({"phase": "save"}) == "saving"
    assert [duration(s) for s in (0.4, 59, 61, 3600, 7500)] == [
        "0 s",
        "59 s",
        "1 min 1 s",
        "1 h 0 min",
        "2 h 5 min",
    ]


def test_progress_elsewhere_than_on_a_terminal_is_plain_and_rare(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress = Progress()
    for number in range(100):
        progress.show(f"{number} of 100")
    progress.say("a note")
    progress.clear()
    assert capsys.readouterr().err == "a note\n"


def test_a_reader_that_leaves_is_no_error(radio_home: Path) -> None:
    script = f"{sys.executable} -m radio --help | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0 and done.stderr == "" and done.stdout == "examples:\n"
    command = [sys.executable, "-m", "radio", "--station", "tiny"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as radio:
        assert radio.stdout is not None and radio.stdin is not None and radio.stderr is not None
        radio.stdout.readline()
        radio.stdout.close()
        radio.stdin.write(b"hello\nhello\n")
        radio.stdin.close()
        assert radio.wait(30) == 0
        assert b"Traceback" not in radio.stderr.read()


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals here")
def playing(child: Any, home: Path, before: str) -> str:
    """Wait until a song plays that did not before, and return the key of its play."""
    pexpect = pytest.importorskip("pexpect")
    end = time.monotonic() + 40
    while time.monotonic() < end:
        now = ask(home, "")["now"]
        if now["duration"] and now["key"] != before:
            return str(now["key"])
        # a terminal that nobody reads would stop the screen
        child.expect([pexpect.TIMEOUT, "nothing that is shown"], timeout=0.1)
    raise AssertionError("no song follows")


def test_a_whole_session_on_a_terminal(radio_home: Path) -> None:
    pexpect = pytest.importorskip("pexpect")
    command = f"{sys.executable} -m radio --station tiny --beats 64 --seed 2"
    script = f"trap : INT; stty -g; {command}; echo code $?; stty -g"
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
    }
    child = pexpect.spawn(
        "sh",
        ["-c", script],
        env=environment,
        encoding="utf-8",
        timeout=40,
        dimensions=(24, 100),
        cwd=str(ROOT),
    )
    child.expect(r"([0-9a-f:]+)\r\n")
    before = child.match.group(1)
    child.expect("tiny / me")
    child.expect("no prediction")
    first = playing(child, radio_home, "")
    child.send("8")
    child.expect(r"\+0\.75")
    child.send(" ")
    child.expect("paused")
    child.send(" s")
    child.expect(r"Saved.{0,200}?[/…]\S*\.wav")  # its end, where a path is too long
    child.send("n")
    child.expect("getting to know you: 1 of")
    second = playing(child, radio_home, first)
    child.send("1n")
    child.expect("getting to know you: 2 of")
    playing(child, radio_home, second)
    child.send("u")
    child.expect(r"The rating of [\w ]+ \(-1\.0\) is taken back")
    child.send("f")
    child.expect("✓ saved")  # a final song is saved when it begins
    child.send("\x03")
    child.expect("1 song rated; ai-radio resumes where you left off.")
    child.expect(r"code 0\r\n([0-9a-f:]+)\r\n")
    assert child.match.group(1) == before
    child.expect(pexpect.EOF)
    assert [one.rating for one in Ratings(radio_home / "ratings.db").of("me", "tiny")] == [0.75]
    assert len(list((radio_home / "songs").glob("*.wav"))) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL here")
def test_killed_while_it_plays_no_rating_is_lost(radio_home: Path) -> None:
    command = [sys.executable, "-m", "radio", "--station", "tiny", "--beats", "64"]
    radio = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert radio.stdin is not None and radio.stdout is not None
    while not radio.stdout.readline().startswith("  1  "):
        pass
    radio.stdin.write("0.5\nn\n")
    radio.stdin.flush()
    while not radio.stdout.readline().startswith("  2  "):
        pass
    radio.stdin.write("-0.7\nhello\n")  # answered after the rating was taken
    radio.stdin.flush()
    assert radio.stdout.readline() == "rating -0.70\n"
    assert "'hello'" in radio.stdout.readline()
    radio.kill()
    radio.communicate()
    database = Ratings(radio_home / "ratings.db")
    assert [one.rating for one in database.of("me", "tiny")] == [0.5, -0.7], (
        "the song that played included"
    )
    database.close()
    composer = LocalComposer(tiny_station(), "me", home=Home(radio_home), background=False)
    assert composer.rated == 2
    composer.close()


def test_errors_that_are_faults_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    import radio.cli.commands.doctor as about

    def fail(options: object) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr(about, "stations", fail)
    with pytest.raises(ValueError, match="a fault"):
        cli.main(["stations"])
    assert explain(KeyError("x")) is None
    assert (explain(PermissionError(13, "Permission denied", "/x")) or "").startswith(
        "/x: Permission denied; check "
    )

    def interrupted(options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(about, "stations", interrupted)
    assert cli.main(["stations"]) == 130
