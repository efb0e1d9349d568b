"""Examples as a user runs them: as a process of their own, in a folder of its own, warnings being errors."""

import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def start(tmp_path, name, *arguments, **options):
    """The example's process."""
    environment = os.environ | {"MPLBACKEND": "Agg", "MPLCONFIGDIR": str(tmp_path), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", cwd=tmp_path,
                            env=environment, **options)


def run(tmp_path, name, *arguments, code=0):
    """The example's standard output; its errors where it has to end with another code than 0."""
    process = start(tmp_path, name, *arguments)
    printed, errors = process.communicate(timeout=600)
    assert process.returncode == code, errors
    return errors if code else printed


def refused(tmp_path, name, *arguments):
    """The one line with which the example refuses."""
    errors = run(tmp_path, name, *arguments, code=1).replace("\r", "\n")
    lines = [line for line in errors.splitlines() if "it/s" not in line and "network" not in line]
    assert lines[-1].startswith("error: ") and "Traceback" not in errors
    return lines[-1]
