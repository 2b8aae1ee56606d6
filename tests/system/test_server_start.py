# SPDX-License-Identifier: Apache-2.0
"""What becomes of a build that the server started and nobody wants any more, or that fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

import pytest

from tb.sim import ROOT
from tests.plan import covers

SECONDS = 120.0
POLL_SECONDS = 0.05
# The server with another Verilator and a build folder of its own.
PROGRAM = """
import sys
from pathlib import Path
import tb.sim
folder = Path(sys.argv[1])
tb.sim.BUILD_ROOT = folder / "build"
tb.sim.verilator_executable = lambda: str(folder / "verilator")
from tools.serve import main
sys.exit(main(sys.argv[2:]))
"""
SLOW = """#!/bin/sh
sleep 1000 &
echo $$ $! > pids.part
mv pids.part {pids}
wait
"""


def start(folder: Path) -> subprocess.Popen[str]:
    """A server whose Verilator is a file in `folder`."""
    config = folder / "serve.toml"
    config.write_text('[identity]\nroot = "root.pem"\n')
    command = [sys.executable, "-c", PROGRAM, str(folder), "--port", "0", "--config", str(config)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def slow_build(folder: Path) -> Path:
    """A Verilator that takes its time; the file to which it writes its processes."""
    pids = folder / "pids"
    path = folder / "verilator"
    path.write_text(SLOW.format(pids=pids))
    path.chmod(0o755)
    return pids


def processes(pids: Path) -> list[int]:
    """The processes of the build, once they are there."""
    end = time.monotonic() + SECONDS
    while not pids.exists():
        assert time.monotonic() < end, "the build does not begin"
        time.sleep(POLL_SECONDS)
    return [int(pid) for pid in pids.read_text().split()]


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@covers("EMU-001")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_during_the_build_ends_the_build_as_well(
    number: signal.Signals, tmp_path: Path
) -> None:
    pids = slow_build(tmp_path)
    server = start(tmp_path)
    build = processes(pids)
    assert all(alive(pid) for pid in build)
    server.send_signal(number)
    output, _ = server.communicate(timeout=SECONDS)
    assert server.returncode == 0, output
    assert output.splitlines()[-1].endswith("stopped before the device was ready"), output
    assert [pid for pid in build if alive(pid)] == []


@covers("EMU-001")
def test_a_build_that_outlives_a_killed_server_keeps_its_folder(tmp_path: Path) -> None:
    pids = slow_build(tmp_path)
    server = start(tmp_path)
    build = processes(pids)
    server.kill()
    server.communicate()
    (path,) = (tmp_path / "build").glob("*/*/build.lock")
    with path.open() as lock:
        with pytest.raises(BlockingIOError):
            flock(lock, LOCK_EX | LOCK_NB)
        os.killpg(build[0], signal.SIGKILL)
        flock(lock, LOCK_EX)


@covers("EMU-001")
def test_a_build_that_cannot_be_run_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "verilator").write_text("not for execution\n")
    server = start(tmp_path)
    output, _ = server.communicate(timeout=SECONDS)
    assert server.returncode == 1, output
    assert "Traceback" not in output
    assert "the simulation has ended: [Errno 13] Permission denied" in output.splitlines()[-1]
