"""The settings file, whatever is in it, and what a session leaves for the next one."""

from __future__ import annotations

from pathlib import Path

import pytest

from radio.cli import main as cli
from radio.home import ACTIONS, Settings, read_settings
from radio.home.settings import SettingsError


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "config.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_without_a_file_the_keys_are_those_of_other_players(tmp_path: Path) -> None:
    keys = read_settings(tmp_path / "none.toml").keys
    wanted = {
        "space": "pause",
        "n": "next",
        "p": "previous",
        "left": "back",
        "right": "forward",
        "+": "louder",
        "-": "softer",
        "k": "up",
    }
    wanted |= {
        "j": "down",
        "up": "up",
        "down": "down",
        "1": "rate1",
        "9": "rate9",
        "0": "untouched",
        "u": "undo",
        "s": "save",
    }
    wanted |= {
        "f": "final",
        "e": "explain",
        "h": "history",
        "d": "devices",
        "v": "visualiser",
        "q": "quit",
        "ctrl+c": "quit",
        "?": "help",
    }
    assert wanted.items() <= keys.items()
    assert set(keys.values()) == set(ACTIONS)


def test_a_key_is_given_to_another_action(tmp_path: Path) -> None:
    path = written(
        tmp_path, '[keys]\nnext = ["l", "pagedown"]\nquit = "Q"\n[save]\nkind = "flac"\n'
    )
    settings = read_settings(path)
    assert (
        settings.keys_of("next") == ["l", "pagedown"]
        and settings.keys_of("quit") == ["Q"]
        and settings.kind == "flac"
    )
    assert (
        "n" not in settings.keys
        and "ctrl+c" not in settings.keys
        and settings.keys["space"] == "pause"
    )
    taken = read_settings(written(tmp_path, '[keys]\nlouder = "n"\n'))
    assert taken.keys["n"] == "louder" and taken.keys_of("next") == []
    assert read_settings(written(tmp_path, "")) == Settings() and Settings().added_layers
    assert not read_settings(written(tmp_path, "[learning]\nadded_layers = false\n")).added_layers
    assert read_settings(written(tmp_path, "")).novelty is None
    for text, novelty in (("0", 0), ("0.25", 0.25), ("1", 1)):
        assert read_settings(written(tmp_path, f"[songs]\nnovelty = {text}\n")).novelty == novelty


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[keys", "can't be read"),
        (b"\xff\xfe", "can't be read"),
        ('[keys]\nnext = "n"\nnext = "m"', "can't be read"),
        ('[key]\nnext = "n"', "'key'"),
        ('[keys]\nskip = "n"', "'skip'"),
        ('[keys]\nnext = "hyper"', "'hyper'"),
        ("[keys]\nnext = 3", "3"),
        ('[keys]\nnext = " "', "' '"),
        ('[keys]\nnext = "x"\nsave = "x"', "both next and save"),
        ("keys = 3", "[keys]"),
        ("[keys]\nquit = []", "no key to quit"),
        ('[save]\nkind = "aac"', "'aac'"),
        ('[screen]\ntheme = "blue"', "terminal, dark, light"),
        ("[screen]\ntitle = 1", "true or false"),
        ("[sound]\nloudness = -3", "from -30 to -10"),
        ("[sound]\nloudness = true", "from -30 to -10"),
        ("[hooks]\nsong = 3", "a program and its arguments"),
        ('[hooks]\nsong = "a \'b"', "a program and its arguments"),
        ('[hooks]\nsongs = "a"', "did you mean song?"),
        ("[save]\nkind = [1]", "[1]"),
        ('[save]\nformat = "wav"', "'format'"),
        ('[learning]\nadded_layers = "no"', "'no'"),
        ("[learning]\nlayers = true", "'layers'"),
        ("learning = 3", "[learning]"),
        ("[songs]\nnovelty = 1.5", "1.5"),
        ("[songs]\nnovelty = true", "True"),
        ('[songs]\nnovelty = "much"', "'much'"),
        ("[songs]\nnew = 1", "'new'"),
    ],
)
def test_a_file_that_is_wrong_is_one_line(
    home: Path, text: str | bytes, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(home, text)
    with pytest.raises(SettingsError):
        read_settings(path)
    assert cli.main(["play"]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("ai-radio: ") and told.err.count("\n") == 1
    assert word in told.err and str(path) in told.err
