"""The checker of the exercises: skeletons fail, solutions pass, and an error of 0.1 % is found."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
LESSONS = sorted(path.stem for path in (EXAMPLES / "checks").glob("[0-9]*.py"))


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script examples/check.py as a module."""
    monkeypatch.syspath_prepend(EXAMPLES)  # as Python does with the folder of a script
    spec = importlib.util.spec_from_file_location("check", EXAMPLES / "check.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def found(check: ModuleType, name: str, folder: Path) -> dict[str, str]:
    return dict(check.verdicts(name, folder))


@pytest.mark.parametrize("name", LESSONS)
def test_skeletons_fail_and_solutions_pass(check: ModuleType, name: str) -> None:
    assert (EXAMPLES / f"{name}.py").is_file(), "exercises belong to a lesson"
    skeletons = found(check, name, EXAMPLES / "exercises")
    assert len(skeletons) >= 2 and all(skeletons.values()), skeletons
    solutions = found(check, name, EXAMPLES / "solutions")
    assert list(solutions) == list(skeletons) and not any(solutions.values()), solutions
    text = (EXAMPLES / "solutions" / f"{name}.py").read_text(encoding="utf-8")
    assert not any(f"def {exercise}(" not in text for exercise in skeletons)


# answers that no number is returned by, or random ones, of which many are measured
BEHAVIOUR = {"worse", "compose", "valid", "varied", "thompson"}


@pytest.mark.parametrize("name", [name for name in LESSONS if name != "01b_autograd"])
def test_a_thousandth_is_found_in_every_result(check: ModuleType, name: str) -> None:
    path = EXAMPLES / "solutions" / f"{name}.py"
    for exercise, verify in check.exercises(name).items():
        if exercise in BEHAVIOUR:
            continue
        theirs = check.load(path)
        right, counts = getattr(theirs, exercise), set()
        for wrong in range(9):

            def nearly(*arguments, right=right, wrong=wrong, counts=counts):
                given = right(*arguments)
                given = given if isinstance(given, (tuple, list)) else [given]
                results = [np.array(each) for each in given]
                counts.add(len(results))
                if wrong < len(results):
                    results[wrong] *= 1.001
                return results

            setattr(theirs, exercise, nearly)
            assert bool(check.fault(verify, theirs, path)) == (wrong < min(counts)), exercise


ANSWERS = {
    "return dy @ W.T, x.T @ dy": "returns 2 results instead of 3: dx dW db",
    "return dy @ W.T, x.T @ dy, dy": "db has shape (1, 1) instead of (1,)",
    "return dy @ W.T, x.T @ dy, np.nan * dy[0]": "db at [0] is nan, finite differences give",
    "dy *= 2; return dy @ W.T, x.T @ dy, dy[0]": "changes its argument 1",
    "return dy @ W.T, x.T @ dy, dy[0]": "db at [3] is 0.299037, finite differences give -0.423787",
    "return dy @ nothing": "NameError in line 5: name 'nothing' is not defined",
    "pass": "returns nothing yet",
}


@pytest.mark.parametrize("body", ANSWERS)
def test_it_says_where_an_answer_is_wrong(check: ModuleType, tmp_path: Path, body: str) -> None:
    path = tmp_path / "02_dense_network.py"
    path.write_text(f"import numpy as np\n\n\ndef dense_backward(dy, x, W):\n    {body}\n")
    verdicts = found(check, "02_dense_network", tmp_path)
    assert verdicts["dense_backward"].startswith(ANSWERS[body]), verdicts
    assert "\n" not in verdicts["dense_backward"]
    assert verdicts["cross_entropy"] == "02_dense_network.py has no function cross_entropy"


def test_the_command_says_how_many_are_right(
    check: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["check.py", "1", "2"])
    assert check.main() == 1 and capsys.readouterr().out.endswith("0 of 5 right\n")
    monkeypatch.setattr(sys, "argv", ["check.py", "--folder", str(EXAMPLES / "solutions")])
    assert check.main() == 0
    out = capsys.readouterr().out
    assert all(name in out for name in LESSONS) and "59 of 59 right" in out, "all without a number"


def test_bad_input_is_one_line(
    check: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "01_neuron.py").write_text("def gradient(:\n")
    (tmp_path / "05_gates.py").write_text("x = 1 / 0\n")
    for arguments, message in {
        ("1", "--folder", str(tmp_path)): "01_neuron.py, line 1: invalid syntax",
        ("2", "--folder", str(tmp_path)): "02_dense_network.py: No such file or directory",
        ("5", "--folder", str(tmp_path)): "ZeroDivisionError in line 1: division by zero",
        ("18",): "there is no lesson 18; lessons are 1, 1b, 2, 3, 4, 5, 6, 6b, 7,",
    }.items():
        monkeypatch.setattr(sys, "argv", ["check.py", *arguments])
        with pytest.raises(SystemExit) as ended:
            check.main()
        assert ended.value.code == 2 and message in capsys.readouterr().err.splitlines()[-1]


def test_it_runs_as_a_script_from_anywhere(tmp_path: Path) -> None:
    command = [sys.executable, EXAMPLES / "check.py", "04", "--folder", EXAMPLES / "solutions"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.endswith("3 of 3 right\n"), done.stderr


# lesson, exercise: changes of its solution, what is there and what somebody might have written
WRONG = {
    ("02_dense_network", "dense_backward"): [
        ("x.T @ dy", "dy.T @ x"),
        ("x.T @ dy", "-x.T @ dy"),
        ("dy @ W.T", "dy @ W"),
        ("dy.sum(axis=0)", "dy.mean(axis=0)"),
        ("    return dy", "    dy *= 1.5\n    return dy"),
    ],
    ("02_dense_network", "cross_entropy"): [
        ("logits.max(axis=1, keepdims=True)", "logits.max()"),
        ("logits - logits.max(axis=1, keepdims=True)", "logits"),
    ],
    ("04_backprop_through_time", "rnn_backward"): [
        ("(dh[t] + later)", "dh[t]"),
        ("ds @ U.T", "ds @ U"),
        ("dW += x", "dW = x"),
        ("1 - h[t + 1] ** 2", "1 - h[t] ** 2"),
        ("ds.sum(axis=0)", "ds.mean(axis=0)"),
    ],
    ("05_gates", "update_gate_backward"): [
        ("(h - n)", "(n - h)"),
        (" * z * (1 - z)", ""),
        ("dnew * (1 - z), dnew * z", "dnew * z, dnew * (1 - z)"),
        ("(1 - z), dnew * z", "(1 - z), dnew"),
        ("    return dnew * (h", "    dnew *= z\n    return dnew * (h"),
    ],
    ("06_autoencoder", "tied_gradient"): [
        (" + dy.T @ c", ""),
        ("x.T @ (dy @ W) + ", ""),
        ("dy = error / len(x)", "dy = error"),
        ("- x\n", "+ x\n"),
        ("dy.T @ c", "(dy.T @ c)[::-1]"),
    ],
    ("07_vae", "draw_backward"): [
        ("/ 2) / 2", "/ 2)"),
        ("dz * epsilon * np.exp", "dz * np.exp"),
        ("np.exp(log_variance / 2) / 2", "np.exp(log_variance) / 2"),
        ("return dz.copy(), ", "return dz * epsilon, "),
        ("    return dz.copy()", "    dz *= 2\n    return dz.copy()"),
    ],
    ("08_melodies", "decoder_backward"): [
        ("dz += ds", "dz = ds"),
        ("dz += ds @ W.T", "dz += ds @ W.T / len(dh)"),
        ("dU += h[t].T", "dU += h[t + 1].T"),
        ("        later = ds @ U.T\n", ""),
        ("z.T @ ds", "z.T @ dh[t]"),
    ],
    ("10_critic_to_generator", "past_the_critic"): [
        (" * (1 - hidden**2)", ""),
        (" / len(songs)", ""),
        ("dloss[:, None] * v", "v"),
        ("@ W.T", "@ W"),
        ("return dloss", "return -dloss"),
    ],
    ("11_gradient_penalty", "r1"): [
        (" + x.T @ ds", ""),
        ("ds = u * a * y * (1 - y)", "ds = u * y * (1 - y)"),
        ("v = weight * g / len(x)", "v = weight * g"),
        ("weight / 2", "weight"),
        ("(u * y).sum(axis=0)", "u.sum(axis=0)"),
    ],
    ("12_taste", "predict"): [
        ("np.sqrt(np.sum(", "(np.sum("),
        ("np.linalg.solve(A, c)", "A @ c"),
        ("np.linalg.solve(A, songs.T).T", "(A @ songs.T).T"),
        ("axis=1", "axis=0"),
        ("np.linalg.solve(A, c)", "c"),
    ],
    ("13_descent", "hinge"): [
        ("2 * weight * u / deviation", "2 * weight * u"),
        (" / P.shape[1]", ""),
        ("beyond[:, None] > 0", "beyond[:, None] > -1"),
        ("beyond[:, None] > 0", "beyond[:, None] > 1"),
        ("2 * weight * u", "-2 * weight * u"),
        ("- mean)", ")"),
    ],
    ("15_latents_in_time", "draw_backward"): [
        ("dw[t] + later", "dw[t]"),
        ("dstep * e[t] * np.exp(s)", "dstep * e[t]"),
        ("later = dsum @ A.T", "later = dsum @ A"),
        ("w[t - 1] if t", "w[t] if t"),
        ("        dstep = dw[t] + later", "        dw[t] += later\n        dstep = dw[t]"),
    ],
    ("08_melodies", "note_loss"): [("logits.max(axis=-1, keepdims=True)", "logits.max()")],
    ("15_latents_in_time", "mixture"): [
        ("joint.max(axis=1, keepdims=True)", "joint.max()"),
        ("(np.exp(log_p) - share)", "(share - np.exp(log_p))"),
        ("-du.sum(axis=0)", "du.sum(axis=0)"),
        ("top + np.log(np.exp(joint - top)", "np.log(np.exp(joint)"),
        ("- logits.max()\n", "\n"),
        (" + s + ", " + "),
    ],
    ("16_drift", "free_backward"): [
        ("ds = total[t]", "ds = dx[t]"),
        ("dx.copy()", "dx"),
        ("total[t - len(w) : t] +=", "total[t - len(w) : t] ="),
        ("past @ ds", "past[::-1] @ ds"),
        ("ds = total[t] * (1 - np.tanh(w @ past) ** 2)", "ds = total[t] * (1 - x[t] ** 2)"),
    ],
}
CASES = [(*where, *change) for where, changes in WRONG.items() for change in changes]


@pytest.mark.parametrize(("name", "exercise", "right", "wrong"), CASES)
def test_it_is_refused_where_it_is_wrong(
    check: ModuleType, tmp_path: Path, name: str, exercise: str, right: str, wrong: str
) -> None:
    text = (EXAMPLES / "solutions" / f"{name}.py").read_text(encoding="utf-8")
    before, definition, answer = text.partition(f"def {exercise}(")
    answer, following, after = answer.partition("\n\n\ndef ")
    assert right in answer, "the solution has changed"
    path = tmp_path / f"{name}.py"
    path.write_text(before + definition + answer.replace(right, wrong) + following + after)
    found = check.fault(check.exercises(name)[exercise], check.load(path), path)
    places = r"\w+ at \[|\w+ (has|is) |changes its argument \d|ValueError in line \d+: the inner"
    assert re.match(places, found) and "\n" not in found, found
