"""Every lesson runs with --fast, and its claims are asserted: losses, gradients, minima."""

from __future__ import annotations

import ast
import base64
import json
import re
import runpy
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import soundfile
from matplotlib.image import imread
from nbclient import NotebookClient

from neural_networks.components.feed_forward import FeedForward
from neural_networks.components.parameters import pack
from neural_networks.gradient_check import check_loss

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
HELPERS = ("lesson.py", "check.py", "notebooks.py")
SCRIPTS = sorted(path for path in EXAMPLES.glob("*.py") if path.name not in HELPERS)
COURSE = (ROOT / "docs" / "course.md").read_text("utf-8")
LESSONS = [path for path in SCRIPTS if path.name[0].isdigit()]
AS_NOTEBOOKS = ("01_neuron", "17_form")  # the others as scripts; as notebooks they are slow tests


MUSICAL = [
    path.stem
    for path in LESSONS
    if re.search(rf"^\| \[.*/{path.stem}\.py\)[^|]*♪", COURSE, re.MULTILINE)
]


def script(name: str) -> Path:
    return next(path for path in SCRIPTS if f"{path.stem}_".startswith(f"{name}_"))


def run(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> dict[str, Any]:
    """Run a script in this process, --fast, and return its names."""
    path = script(name)
    monkeypatch.syspath_prepend(EXAMPLES)  # as Python does with the folder of a script
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", [str(path), "--fast", "--output", str(folder), *options])
    monkeypatch.chdir(folder)
    return runpy.run_path(str(path), run_name="__main__")


@pytest.fixture(scope="module")
def notebooks() -> dict[str, Any]:
    """The names of examples/notebooks.py, which makes notebooks of lessons."""
    return runpy.run_path(str(EXAMPLES / "notebooks.py"))


def run_notebook(text: str) -> dict[str, Any]:
    """Run a lesson's notebook in a kernel, the smaller version, and return its numbers."""
    book = nbformat.reads(text, 4)
    last = book.cells[-1]
    assert last.source.startswith("found = run(main)")
    last.source = (
        "found = run(main, fast=True)\nimport json\nprint(json.dumps(found, default=float))"
    )
    # no file of a home, and the folder that Jupyter gives a notebook: its own
    NotebookClient(book, timeout=170, resources={"metadata": {"path": str(EXAMPLES)}}).execute()
    shown = [output.data for output in last.outputs if output.output_type == "display_data"]
    picture, *sounds = (data.get("image/png") or data["text/html"] for data in shown)
    assert imread(BytesIO(base64.b64decode(picture))).std() > 0.03, "the picture is empty"
    assert all("<audio" in sound for sound in sounds)
    (printed,) = (line for line in last.outputs[-1].text.splitlines() if line.startswith("{"))
    return json.loads(printed) | {"sounds": len(sounds)}


def flatness(samples: np.ndarray) -> float:
    """Return the geometric mean of a sound's mean power spectrum over its arithmetic one."""
    blocks = samples[: len(samples) // 2048 * 2048].reshape(-1, 2048) * np.hanning(2048)
    power = (np.abs(np.fft.rfft(blocks)) ** 2).mean(axis=0)[1:]
    return float(np.exp(np.log(power + 1e-20).mean()) / power.mean())


def test_flatness_tells_noise_from_tones(rng: np.random.Generator) -> None:
    tone = 0.1 * np.sin(0.1 * np.arange(20480))
    assert flatness(tone) < 1e-4 < 0.9 < flatness(rng.standard_normal(20480))


@pytest.fixture
def lesson(notebooks: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def found(name: str, *options: str) -> dict[str, Any]:
        if script(name).stem in AS_NOTEBOOKS:
            return run_notebook(notebooks["notebook"](script(name)))
        numbers = run(name, tmp_path, monkeypatch, *options)["found"]
        (picture,) = tmp_path.glob("*.png")
        assert imread(picture).std() > 0.03, "the picture is empty"
        sounds = list(tmp_path.glob("*.wav"))
        assert len(sounds) == (script(name).stem in MUSICAL), "as docs/course.md says"
        for sound in sounds:
            samples, rate = soundfile.read(sound)
            assert rate == 22050 and 0.01 < samples.std() and np.abs(samples).max() < 1, "a sound"
            assert flatness(samples) < 0.01, "noise has almost 1, tones have almost 0"
        return numbers

    return found


def test_01_one_neuron(lesson) -> None:
    found = lesson("01")
    assert found["error"] < 1e-8
    assert found["last"] < 0.2 * found["first"] and found["right"] > 0.9


def test_01b_autograd(lesson) -> None:
    found = lesson("01b")
    assert found["apart"] < 1e-14 and found["last"] < 0.9 * found["first"]


def test_02_a_dense_network(lesson) -> None:
    found = lesson("02")
    assert found["apart"] < 1e-14 and found["check"] < 1e-6
    assert found["valley"] < 1e-8 < 0.05 < found["wrong"], "the V tells right from wrong"
    assert found["loss"] < 0.05 and found["right"] > 0.98


def test_03_optimizers(lesson) -> None:
    found = lesson("03")
    assert found["theory"] < 1e-12
    assert found["heavy"] < 1e-10 < 1e-2 < found["plain"], (
        "momentum is faster at the best rates that both have"
    )
    ends = found["ends"]
    assert max(ends["Momentum"], ends["Nesterov"], ends["Adam"]) < 1e-4, "they found the minimum"
    assert all(end < ends["SGD"] for name, end in ends.items() if name != "SGD")


def test_04_backprop_through_time(lesson) -> None:
    found = lesson("04")
    assert found["apart"] < 1e-12 and found["check"] < 1e-6
    assert found["faded"] == pytest.approx(0.5**99, rel=0.05)
    assert 0.5 < found["kept"] <= 1 < 10 < found["exploded"]


def test_05_gates(lesson) -> None:
    found = lesson("05")
    assert found["RNN"] > 0.12, "it guesses: 1/6 without any memory"
    assert found["GRU"] < 0.005 and found["LSTM"] < 0.05


def test_06_autoencoder(lesson) -> None:
    found = lesson("06")
    learned, new = 0, 1
    components = found["2 principal components"][learned]
    assert components * (1 - 1e-4) < found["linear autoencoder"][learned] < 1.01 * components, (
        "there is nothing below them"
    )
    assert found["autoencoder"][new] < 0.1 * found["2 principal components"][new]


def test_06b_lapped_windows(lesson) -> None:
    found = lesson("06b")
    assert found["apart"] < 1e-14 and found["lost"] < 1e-14
    within, borders = 0, 1
    apart, lapped = (found["jumps"][name] for name in ("apart", "lapped"))
    assert apart[borders] > 2 * apart[within] and lapped[borders] < 1.3 * lapped[within]
    assert found["errors"]["lapped"] < found["errors"]["apart"]


def test_07_vae(lesson) -> None:
    found = lesson("07")
    (through, spread), (score, wide) = found["gradients"]
    assert (
        through == pytest.approx(3, abs=0.05)
        and score == pytest.approx(3, abs=0.1)
        and spread < wide / 3
    )
    assert found["check"] < 1e-6
    assert found["last"] < 0.15 * found["first"] and 1 < found["kl"] < 10


def test_08_melodies(lesson) -> None:
    found = lesson("08")
    assert found["check"] < 1e-6
    assert found["last"] < 0.5 * found["first"]
    assert found["right"] > 3 * found["chance"]


def test_09_gan(lesson) -> None:
    found = lesson("09")
    assert found["check"] < 1e-6
    assert min(found["patient"]) >= 6, "all games find the heaps if nobody hurries"
    assert sum(heaps <= 2 for heaps in found["hasty"]) >= 2, "mode collapse is there to be seen"


def test_10_from_critic_to_generator(lesson) -> None:
    found = lesson("10")
    assert found["apart"] < 1e-12 and found["error"] < 1e-6
    assert found["after"] > found["before"]
    assert found["past"] < 0.5


def test_11_gradient_penalty(lesson) -> None:
    found = lesson("11")
    assert found["error"] < 1e-6
    assert found["tanh"] < 0.95 and found["leaky ReLU"] > 1 - 1e-9, (
        "without f'' it is right only where nothing bends"
    )
    assert found["with f''"] < 0.01 < found["without f''"]


def test_12_taste(lesson) -> None:
    found = lesson("12")
    assert found["correlation"] > 0.6 and found["correlation"] > found["first"]
    assert found["late"] > found["usual"] + 0.5, "it plays what is liked"


def test_12b_bayesian_taste(lesson) -> None:
    found = lesson("12b")
    assert found["slope"] < 1e-10 and found["apart"] < 1e-6
    assert 0.6 < found["share"] < 0.76, "it knows how little it knows"
    assert found["random"] + 1 < min(found["greedy"], found["Thompson"], found["upper bound"])


def test_13_descent(lesson) -> None:
    found = lesson("13")
    score, distance = 0, 1
    assert found["away"] < 1e-4, "the minimum was found"
    assert found["check"] < 1e-6
    assert found["random"][score] < found["best"][score] < found["held"][score]
    assert found["held"][distance] < 1.1 * found["hinge"] < found["free"][distance]


def test_14_the_whole_radio(lesson) -> None:
    found = lesson("14")
    assert found["remembered"] == found["heard"] == 8 and found["undone"] > 0
    assert min(found["losses"]) < found["losses"][0]  # a choice that changes is a jump
    assert found["final"] > found["first"] + 0.5, (
        "the final song is liked better than those it began with"
    )
    assert found["bytes"] > 50_000


def test_15_latents_in_time(lesson) -> None:
    found = lesson("15")
    assert found["check"] < 1e-6
    assert found["last"] < 0.15 * found["first"] and found["right"] > 0.8
    assert found["apart"] < 1e-4, "z and innovations are the melody"
    assert 0.8 < found["deviation"] < 1.2
    assert found["parting"] > 0.1, "what begins alike may go on otherwise"


def test_16_drift(lesson) -> None:
    recordings, taught, longer, judged = lesson("16")["distances"]
    assert recordings < 0.03 < judged < 0.7 * taught and judged < 0.7 * longer


def test_17_form(lesson) -> None:
    found = lesson("17")
    alike, surprise = 0, 1
    none, repeated, copied = (
        found[kind] for kind in ("new parts", "innovations repeated", "notes copied")
    )
    assert found["back"] == 1, "innovations are the melody"
    assert found["sounds"] == 1 and "17_form" in MUSICAL
    assert none[alike] < 0.3 < repeated[alike] < 0.9 < copied[alike], "a part returns"
    assert abs(repeated[surprise] - none[surprise]) < 0.5 < copied[surprise] - repeated[surprise]


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", [path for path in LESSONS if path.stem not in AS_NOTEBOOKS], ids=lambda path: path.stem
)
def test_lessons_run_as_notebooks(path: Path, notebooks: dict[str, Any]) -> None:
    assert run_notebook(notebooks["notebook"](path))["sounds"] == (path.stem in MUSICAL)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_notebook_is_its_lesson(path: Path, notebooks: dict[str, Any]) -> None:
    text = notebooks["notebook"](path)
    subject, *cells = nbformat.reads(text, 4).cells
    tree = ast.parse(path.read_text("utf-8"))
    assert all(line in subject.source for line in (ast.get_docstring(tree) or "").split("\n")[1:])
    *statements, last = tree.body[1:]
    assert isinstance(last, ast.If)
    made = ast.parse("\n\n".join(cell.source for cell in cells))
    assert list(map(ast.dump, made.body)) == list(map(ast.dump, [*statements, *last.body]))
    assert re.search(r"^\*\d+ minutes(, after lessons? [\w, ]+)?\. Made from", subject.source, re.M)
    assert text == notebooks["notebook"](path), "made again it is the same, byte for byte"


def test_the_command_writes_notebooks(tmp_path: Path) -> None:
    command = [sys.executable, EXAMPLES / "notebooks.py", "--output", tmp_path]
    done = subprocess.run([*command, "04", "1b"], capture_output=True, text=True, timeout=60)
    names = {"04_backprop_through_time.ipynb", "01b_autograd.ipynb"}
    assert done.returncode == 0 and {path.name for path in tmp_path.iterdir()} == names
    assert all(str(tmp_path / name) in done.stdout for name in names)
    done = subprocess.run([*command, "18"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "there is no lesson 18; there are 1, 1b" in done.stderr


@pytest.mark.parametrize("batch, steps", [(1, 1), (3, 12)])
def test_the_gradient_through_a_free_run(
    batch: int, steps: int, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(EXAMPLES)
    drift = runpy.run_path(str(EXAMPLES / "16_drift.py"))
    past = drift["PAST"]
    network = FeedForward((past, 5, 1), slope=0.2, rng=rng)
    flat = pack(network, np.float64)
    w, noise = rng.standard_normal((past + steps, batch)), rng.standard_normal((steps, batch))

    def loss(start: np.ndarray, values: np.ndarray) -> tuple:
        flat.values[:] = values
        flat.zero_grads()
        x, caches = drift["run_free"](network, start, noise)
        dstart = drift["backward"](network, w.copy(), caches)
        return (w * x).sum(), dstart, flat.grads.copy()

    check_loss(loss, rng.standard_normal((past, batch)), flat.values.copy(), rng=rng).require()


def test_compress(lesson) -> None:
    found = lesson("compress")
    sizes, ratios = zip(*found.values(), strict=True)
    assert (
        list(found) == [1, 2, 3, 4, 5]
        and sorted(sizes) == list(sizes)
        and sorted(ratios) == list(ratios)
    )
    assert ratios[-1] > 40


def test_compress_a_file_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    song = tmp_path / "noise.wav"
    soundfile.write(song, 0.1 * np.random.default_rng(0).standard_normal((8000, 2)), 8000)
    assert len(run("compress", tmp_path, monkeypatch, str(song))["found"]) == 5
    song.write_text("not a song")
    with pytest.raises(SystemExit) as ended:
        run("compress", tmp_path, monkeypatch, str(song))
    assert "noise.wav: is not readable audio" in str(ended.value)


@pytest.mark.parametrize(
    "name, picture",
    [("owner_vae", "loss_over_time.png"), ("owner_compression", "audio_comparison.png")],
)
def test_the_owners_programs(
    name: str, picture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = run(name, tmp_path, monkeypatch)
    assert imread(tmp_path / picture).std() > 0.03
    if name == "owner_vae":
        assert (
            names["time_separated_sounds"].shape == (5, 3, 5)
            and names["network"].feedforward(names["time_separated_sounds"]).std() > 0
        )
    else:
        assert (
            len(names["compressed"]) == 60
            and np.abs(names["decompressed"] - names["song"]).max() < 0.1
        )


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_help_and_length(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 120
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", [str(path), "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(path), run_name="__main__")
    text = capsys.readouterr().out
    assert ended.value.code == 0 and all(
        option in text for option in ("--fast", "--output", "--help")
    )


def test_a_script_runs_by_itself_from_anywhere(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "01_neuron.py", "--fast"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert (tmp_path / "out" / "01_neuron.png").is_file() and "out/01_neuron.png" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("to check: python examples/check.py 1")


def test_a_lesson_names_the_python_of_the_environment_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    run("01", tmp_path, monkeypatch)
    command = str(Path(".venv", "bin", "python"))
    assert capsys.readouterr().out.endswith(f"to check: {command} examples/check.py 1\n")


def test_an_output_that_is_no_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = [sys.executable, EXAMPLES / "01_neuron.py", "--output", tmp_path / "file"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (
        done.returncode == 2
        and "Traceback" not in done.stderr
        and "--output" in done.stderr.splitlines()[-1]
    )


def test_a_lesson_notices_a_wrong_gradient(lesson, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reader is told to try: change the equation, and see the check fail."""
    from neural_networks.components import rnn

    right = rnn.rnn_backward

    def wrong(dx, dfirst, grads, *rest):
        right(dx, dfirst, grads, *rest)
        grads[1][:] *= 1.01

    monkeypatch.setattr(rnn, "rnn_backward", wrong)
    found = lesson("04")
    assert found["check"] > 1e-3 and found["apart"] > 1e-4
