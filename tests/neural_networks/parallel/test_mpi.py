"""Training by several processes under a real mpiexec: as one process, also after one has died."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from neural_networks.parallel.communicator import ALONE, any_of, same_everywhere, share_arrays
from neural_networks.training.checkpoint import load_arrays
from radio.station import STATION_FILE
from radio.training.checkpoint import TrainingCheckpoint

ROOT = Path(__file__).parents[3]
MPIEXEC = shutil.which(
    "mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
)
STEPS = 8
TODO = "name files or folders of music"

pytestmark = pytest.mark.skipif(MPIEXEC is None, reason="there is no mpiexec")

# The command line, with a small recipe and a checkpoint at every step. `dies` is "", or a rank and
# what it does after three steps.
SCRIPT = """
import os, signal, sys
from neural_networks.parallel.mpi import processes
from radio.training import resume, songs
from radio.cli.main import main
from small_recipe import SMALL

songs.RECORDINGS = SMALL
resume.CHECKPOINT_SECONDS = 0.0
rank, _, dies = sys.argv.pop(1).partition(" ")
steps, checkpoint = 0, resume.Checkpoints.save_if_due

def counted(self, states):
    global steps
    checkpoint(self, states)
    steps += 1
    if steps == 3 and rank == str(self._communicator.rank):
        if dies == "raises":
            raise resume.StationError("there is a hole in it")
        os.kill(os.getpid(), signal.SIGKILL)

resume.Checkpoints.save_if_due = counted
sys.exit(main(sys.argv[1:]))
"""


def run(count: int, *command: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a command of Python in so many processes."""
    assert MPIEXEC is not None
    # Open MPI does not start more processes than there are cores, and none as root, unless it is
    # told to.
    told = {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
    }
    told |= {"PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"}
    told["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
    return subprocess.run(
        [MPIEXEC, "-n", str(count), sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty short files of chords, and one that is none."""
    folder = tmp_path_factory.mktemp("music")
    seconds = np.arange(22050 * 5) / 22050
    for number in range(20):
        pitch = 110 * 2 ** (np.array([0, 4, 7]) / 12 + number / 8)
        chord = np.sin(2 * np.pi * pitch[:, None] * seconds).sum(axis=0) * np.exp(
            -3 * (seconds % (0.3 + number / 50))
        )
        soundfile.write(folder / f"{number:02}.flac", 0.2 * chord, 22050)
    (folder / "broken.mp3").write_text("no music")
    return folder


def train(
    home: Path, music: Path, count: int, batch: int, dies: str = ""
) -> subprocess.CompletedProcess[str]:
    """Train station `s` with `count` processes."""
    options = [
        "--station",
        "s",
        "--beats",
        "16",
        "--steps",
        str(STEPS),
        "--batch",
        str(batch),
        "--threads",
        "1",
        "--home",
        str(home),
    ]
    return run(count, "-c", SCRIPT, dies, "train", str(music), *options)


def weights(home: Path) -> np.ndarray:
    arrays, _ = load_arrays(home / "stations" / "s" / STATION_FILE)
    return np.concatenate(
        [arrays[name].ravel() for name in ("vae", "critic", "means", "log_variances")]
    ).astype(np.float64)


@pytest.fixture(scope="module")
def alone(music: Path, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """What one process makes with 16 songs a step."""
    home = tmp_path_factory.mktemp("alone")
    done = train(home, music, 1, 16)
    assert done.returncode == 0, done.stderr
    return weights(home)


def same(one: np.ndarray, other: np.ndarray) -> None:
    """Sums in another order differ by 1e-9 where it was measured, steps of other songs by 1e-2."""
    assert np.linalg.norm(one - other) < 1e-6 * np.linalg.norm(one)


@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_several_processes_are_one_with_larger_steps(
    tmp_path: Path, music: Path, alone: np.ndarray, count: int
) -> None:
    done = train(tmp_path, music, count, 16 // count)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("broken.mp3") == 1  # whichever process met it, it is told once
    same(weights(tmp_path), alone)
    assert os.listdir(tmp_path / "stations" / "s") == [STATION_FILE]


@pytest.mark.parametrize(
    ("count", "dies", "then"),
    [
        (2, "1 killed", 1),
        pytest.param(4, "3 raises", 2, marks=pytest.mark.slow),
        pytest.param(2, "0 killed", 4, marks=pytest.mark.slow),
    ],
)
def test_one_that_dies_ends_all_and_any_number_goes_on(
    tmp_path: Path, music: Path, alone: np.ndarray, count: int, dies: str, then: int
) -> None:
    done = train(tmp_path, music, count, 16 // count, dies)
    assert done.returncode != 0
    if "raises" in dies:
        assert (
            done.returncode == 2
            and "in process 3 of 4" in done.stderr
            and "ai-radio: there is a hole in it" in done.stderr
        )
        assert "Traceback" not in done.stderr
    found = TrainingCheckpoint(tmp_path / "stations" / "s").load()
    assert found is not None
    arrays, configuration, _ = found
    assert 1 <= int(arrays["vae/steps"]) <= 3 and configuration["plan"]["batch"] == 16
    done = train(tmp_path, music, then, 8)
    assert done.returncode == 0, done.stderr
    assert "resuming the training where it was stopped" in done.stderr
    same(weights(tmp_path), alone)


def test_an_error_that_all_have_is_told_once(tmp_path: Path, music: Path) -> None:
    done = run(
        4,
        "-m",
        "radio",
        "train",
        str(tmp_path / "nowhere"),
        "--station",
        "s",
        "--home",
        str(tmp_path),
    )
    assert done.returncode == 2
    assert [line for line in done.stderr.splitlines() if "nowhere" in line] == [
        f"ai-radio: {tmp_path}/nowhere does not exist; {TODO}"
    ]


EXCHANGES = """
import numpy as np
from neural_networks.parallel.communicator import any_of, same_everywhere, share_arrays
from neural_networks.parallel.mpi import processes
one = processes()
rank, size = one.rank, one.size
assert size == 3 == one.local
vector = np.full(5, 1.0 + rank, np.float32)
one.add(vector)
assert (vector == 6).all()
rows = one.gather(np.full((rank, 2, 3), rank, np.float16))
assert rows.shape == (3, 2, 3) and rows.dtype == np.float16 and rows[:, 0, 0].tolist() == [1, 2, 2]
assert one.gather(np.empty((0, 4))).shape == (0, 4)
assert one.broadcast(b"first" if rank == 0 else b"another") == b"first"
assert one.broadcast(b"" if rank == 0 else b"another") == b""
assert any_of(one, rank == 2) and not any_of(one, False)
assert same_everywhere(one, np.arange(9)) and not same_everywhere(one, np.arange(9) + (rank == 1))
given = {"a": np.arange(6).reshape(2, 3), "b": np.array(2.5), "c": np.empty(0, np.float32)}
given = given if rank == 0 else {}
shared = share_arrays(one, given)
assert shared["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
assert shared["b"] == 2.5 and shared["c"].dtype == np.float32
print("fine", flush=True)
"""


READ = """
import sys
from pathlib import Path
from neural_networks.parallel.mpi import processes
from radio.training import music_reading, recording_reader

music_reading.BLOCK, recording_reader.PHRASE = 120, 24  # a block and three quarters a file
music = music_reading.prepare_recordings(Path(sys.argv[1]), workers=1, communicator=processes())
print(f"{len(music.frames)} {music.fingerprint()}")
"""


def test_several_processes_read_the_same_recordings(music: Path) -> None:
    count, fingerprint = run(1, "-c", READ, str(music)).stdout.split()
    together = run(3, "-c", READ, str(music))
    assert count == "20" and together.stdout.count(fingerprint) == 3, together.stderr


def test_what_processes_say_to_each_other() -> None:
    done = run(3, "-c", EXCHANGES)
    assert done.stdout.count("fine") == 3, done.stderr


def test_one_process_alone() -> None:
    assert any_of(ALONE, True) and not any_of(ALONE, False) and same_everywhere(ALONE, np.arange(3))
    assert share_arrays(ALONE, {"a": np.arange(3)})["a"].tolist() == [0, 1, 2] and ALONE.gather(
        np.arange(2)
    ).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("", "4 processes that don't see each other"),
        ("sys.modules['mpi4py'] = None", "pip install 'ai-radio[mpi]'"),
    ],
)
def test_processes_that_do_not_see_each_other_are_refused(code: str, says: str) -> None:
    """With the mpiexec of another MPI each process would train the station by itself."""
    code = (
        f"import sys\n{code}\nfrom radio.cli.main import main\n"
        "sys.exit(main(['train', '--starter', '--station', 's']))"
    )
    environment = {**os.environ, "OMPI_COMM_WORLD_SIZE": "4"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 2 and says in done.stderr and len(done.stderr.splitlines()) == 1
