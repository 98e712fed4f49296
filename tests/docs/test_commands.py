import configparser
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
            assert set(words[2:]) <= installable()
        case "python":
            script = ROOT / words[1]
            help_text = subprocess.run(
                [sys.executable, str(script), *words[2:3], "--help"],
                cwd=ROOT,
                check=True,
                capture_output=True,
                text=True,
                env={"PYTHONPATH": str(ROOT), "PATH": ""},
            ).stdout
            assert all(word.partition("=")[0] in help_text for word in words if word.startswith("--"))
        case _:
            pytest.fail(f"nobody checks the command {command!r}")


def installable() -> set[str]:
    """Return what can be asked for with pip: the distribution with each of its extras."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    name = config["metadata"]["name"]
    extras = list(config["options.extras_require"])
    return {name, *(f"{name}[{extra}]" for extra in extras), f"{name}[postgres,mysql]", "django", "flask"}
