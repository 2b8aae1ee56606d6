# SPDX-License-Identifier: Apache-2.0
"""What a user does wrong ends the server or the client with one line, before anything is built."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tb.sim import ROOT
from tests.plan import covers
from tests.system.server_process import server

NO_HEADERS = """
import sys
import tools.waves
tools.waves.waves_missing = lambda simulator: "waves need headers"
from tools.serve import main
sys.exit(main(sys.argv[1:]))
"""


def run(tool: Sequence[str], *options: str) -> subprocess.CompletedProcess[str]:
    """A tool of the project, until it ends."""
    command = [sys.executable, *tool, *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def serve(folder: Path, *options: str, toml: str = "") -> subprocess.CompletedProcess[str]:
    """A server that does not come up."""
    config = folder / "serve.toml"
    config.write_text(f'{toml}\n[identity]\nroot = "{folder}/root.pem"\n')
    where = ("--port", "0", "--config", str(config))
    return run(("-m", "tools.serve"), *where, *options)


def assert_one_line(ended: subprocess.CompletedProcess[str], line: str) -> None:
    """The reason stands alone in the output."""
    assert ended.returncode == 1, ended.stdout + ended.stderr
    (only,) = ended.stdout.splitlines()
    assert line in only
    assert ended.stderr == ""


@covers("EMU-001")
@pytest.mark.parametrize(
    ("toml", "line"),
    [
        ("[device]\nbus = 256", "device.bus is 256: it must be 1 to 255"),
        ("[device]\nslot = 1", "device has no setting slot"),
        ("[ide]\ndefault = 9", "ide.default is 9, which is not in ide.streams"),
        ("[entropy]\nseed = 'x'", "entropy.seed must be a whole number"),
        ("[device", "serve.toml: no TOML"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(toml: str, line: str, tmp_path: Path) -> None:
    assert_one_line(serve(tmp_path, toml=toml), line)


@covers("EMU-001")
@pytest.mark.parametrize("option", ["--log", "--pcap", "--keylog", "--waves", "--config-dump"])
def test_a_file_that_cannot_be_written_is_told_at_once(option: str, tmp_path: Path) -> None:
    ended = serve(tmp_path, option, "/proc/foo/x")
    assert ended.returncode == 1
    assert ended.stderr == ""
    assert "/proc/foo" in ended.stdout.splitlines()[-1]
    assert "starting the device" not in ended.stdout


@covers("EMU-001")
@pytest.mark.parametrize("tool", ["serve", "client"])
@pytest.mark.parametrize("port", ["99999", "-1", "x"])
def test_a_port_that_does_not_exist_is_refused(tool: str, port: str) -> None:
    ended = run(("-m", f"tools.{tool}"), "--port", port)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith(f"{tool}: error: argument --port: ")
    assert "Traceback" not in ended.stderr


@covers("EMU-002")
@pytest.mark.parametrize("cycles", ["0", "-1"])
def test_a_client_that_would_do_nothing_is_refused(cycles: str) -> None:
    ended = run(("-m", "tools.client"), "--cycles", cycles)
    assert ended.returncode == 2
    line = f"client: error: argument --cycles: {cycles}: it must be at least 1"
    assert ended.stderr.splitlines()[-1] == line


@covers("EMU-001")
def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with server(tmp_path, "--dut", "model") as running:
        ended = serve(tmp_path, "--port", str(running.port))
    assert_one_line(ended, f"127.0.0.1:{running.port}: Address already in use")


@covers("EMU-001")
@pytest.mark.parametrize("host", ["256.0.0.1", "a..b"])
def test_an_address_that_is_none_is_told(host: str, tmp_path: Path) -> None:
    assert_one_line(serve(tmp_path, "--host", host), f"{host}:0: ")


@covers("EMU-001")
def test_missing_headers_of_waves_are_told_before_anything_is_built(tmp_path: Path) -> None:
    ended = run(("-c", NO_HEADERS), "--port", "0", "--waves", str(tmp_path / "x.fst"))
    assert ended.returncode == 1
    assert ended.stdout.splitlines()[-1].endswith("waves need headers")
    assert "starting the device" not in ended.stdout
