"""The floors of the package, as ``[tool.importlinter]`` in pyproject.toml describes them."""

import subprocess
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def test_imports_point_down_and_never_in_circles() -> None:
    done = subprocess.run([sys.executable, "-c", LINT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_at_most_one_import_is_exempt_and_it_is_named() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    exempt = [line for contract in contracts for line in contract.get("ignore_imports", [])]
    assert len(exempt) <= 1
    assert "*" not in "".join(exempt)
    assert all("unmatched_ignore_imports_alerting" not in contract for contract in contracts)
