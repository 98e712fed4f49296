import configparser
import re
import shlex
import subprocess
import sys

import pytest

from tests.docs.pages import ROOT, all_sections

COMMANDS = [
    pytest.param(line, id=f"{section.page}-{line}")
    for section in all_sections()
    for block in section.of("console")
    for line in block.text.splitlines()
]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_exists(command: str) -> None:
    words = shlex.split(command, comments=True)
    match words[0]:
        case "make":
            subprocess.run(["make", "--dry-run", *words[1:]], cwd=ROOT, check=True, capture_output=True)
        case "pip":
            assert words[1] == "install"
            assert all(is_installable(word) for word in words[2:])
        case "python":
            options = [word for word in words[1:] if word.startswith("--")]
            program = words[1 : words.index(options[0])] if options else words[1:]
            help_text = subprocess.check_output(
                [sys.executable, *program, "--help"], cwd=ROOT, text=True, env={"PYTHONPATH": str(ROOT)}
            )
            assert set(options) <= set(re.findall(r"--\w+", help_text))
        case "outbox":
            verbs = [
                word for word in words[1:] if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")
            ]
            options = [word for word in words[1:] if word.startswith("--")]
            help_text = help_of(
                *verbs[: 2 if verbs[0] in {"schema", "dead-letters", "queues", "parked"} else 1]
            )
            assert set(options) <= set(re.findall(r"--[a-z-]+", help_text))
        case _:
            pytest.fail(f"nobody checks the command {command!r}")


def help_of(*verbs: str) -> str:
    """Return what a verb of our own command says of itself."""
    words = [sys.executable, "-m", "outbox", *verbs, "--help"]
    return subprocess.check_output(words, cwd=ROOT, text=True, env={"PYTHONPATH": str(ROOT)})


def is_installable(wanted: str) -> bool:
    """Tell whether pip can be asked for this: the distribution with some of its extras, or a framework."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    name, _, extras = wanted.rstrip("]").partition("[")
    if name != config["metadata"]["name"]:
        return wanted in {"django", "flask"}
    return set(extras.split(",")) - {""} <= set(config["options.extras_require"])
