"""nvmath-python's functions take what the stand-in for them takes; nothing of cuSOLVER is called."""

import inspect
import os
import re
import subprocess
import sys

import pytest

from ..emulator.solver import Bindings
from .test_compile import missing

FUNCTIONS = [name for name in vars(Bindings) if not name.startswith("_")]
SCRIPT = """
import sys
from nvmath.bindings import cusolverDn
for name in sys.argv[1:]:
    print(getattr(cusolverDn, name).__doc__)
"""


@pytest.mark.slow
def test_the_stand_in_takes_the_arguments_of_the_binding() -> None:
    if missing() and "RMTSIM_REQUIRE_NVRTC" not in os.environ:
        pytest.skip(f"needs {', '.join(missing())}: pip install -r tests/gpu/requirements.txt")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *FUNCTIONS], capture_output=True, text=True, check=True
    )
    real = dict(re.findall(r"^(\w+)\((.*)\)", done.stdout, re.MULTILINE))
    assert real.keys() == set(FUNCTIONS)
    for name, arguments in real.items():
        wanted = re.findall(r"\w+ (\w+)(?:, |$)", arguments)
        found = list(inspect.signature(getattr(Bindings, name)).parameters)[1:]
        assert found == wanted, name
