"""NVRTC, and nvcc where it is, compile every CUDA source for GPUs that are not there."""

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("compile_check.py")
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def missing() -> list[str]:
    """Requirements of the check that are not installed as pinned."""
    return [line for line in REQUIREMENTS.read_text().splitlines() if line[0] != "#" and not installed(line)]


def installed(requirement: str) -> bool:
    name, wanted = requirement.split("==")
    try:
        return version(name) == wanted
    except PackageNotFoundError:
        return False


@pytest.mark.slow
def test_every_source_compiles_without_warnings_or_spills_within_the_register_budget(tmp_path) -> None:
    if missing() and "RMTSIM_REQUIRE_NVRTC" not in os.environ:
        pytest.skip(f"needs {', '.join(missing())}: pip install -r tests/gpu/requirements.txt")
    environment = {**os.environ, "CUPY_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, SCRIPT], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tridiagonalize" in done.stdout
