# SPDX-License-Identifier: Apache-2.0
"""The socket server as a process: the RTL on Verilator, and the reference device."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from models.doe.codes import ObjectType
from models.doe.pcap import decode_pcap
from models.pcie.capture import bdf
from models.socket.codes import Command
from models.socket.frames import Frame
from models.socket.identity import read_certificates
from models.spdm.codes import (
    VERSION_1_1,
    VERSION_1_2,
    ErrorCode,
    KeyUpdateOperation,
    SummaryType,
)
from models.spdm.dialogue import MeasurementQuery
from models.spdm.errors import ErrorResponseError
from models.spdm.requester import RequesterConfig, SpdmRequester
from models.spdm.responder_state import SUPPORTED_VERSIONS
from models.tdisp.codes import PROTOCOL_ID as TDISP
from models.tsm.trace import Step, TraceEntry, TraceKind
from tb.sim import ROOT
from tests.models.test_socket_server import (
    DISCOVERY,
    HELLO,
    LEAVERS,
    closed,
    receive,
    send_for_ever,
)
from tests.plan import covers
from tests.system.server_process import ServerProcess, server
from tools.decode import main as decode
from tools.soak import children, grown, processor_seconds, slowed, soak

DUTS = pytest.mark.parametrize("dut", ["rtl", "model"])
CYCLES = 3
FRAMES = 100  # sent ahead
IDLE_SECONDS = 2.0
CAPABILITIES = ["CERT", "MEAS_SIG", "ENCRYPT", "MAC", "KEY_EX", "CHAL"]


class VanishedError(Exception):
    """The client of a test goes away."""


def vanish_after(running: ServerProcess, last: Step) -> None:
    """A client that goes away, session and all, once a step is done."""

    def observe(entry: TraceEntry) -> None:
        if entry.kind is TraceKind.DONE and entry.step is last:
            raise VanishedError

    with running.connect() as transport, pytest.raises(VanishedError):
        asyncio.run(running.life(transport, observe).run())


def client(running: ServerProcess, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The client as a process."""
    command = [sys.executable, "-m", "tools.client", "--port", str(running.port)]
    command += ["--config", str(folder / "serve.toml"), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@covers("EMU-001", "EMU-002", "TDISP-STATE-003", "IDEKM-ORD-001", "TDISP-HOST-001")
@DUTS
def test_the_client_lives_its_cycles_and_shuts_the_server_down(dut: str, tmp_path: Path) -> None:
    pcap, log = tmp_path / "doe.pcap", tmp_path / "serve.log"
    with server(tmp_path, "--dut", dut, "--pcap", str(pcap), "--log", str(log)) as running:
        run = client(running, tmp_path, "--cycles", str(CYCLES), "--shutdown")
        assert run.returncode == 0, run.stdout + run.stderr
        assert running.end(lambda: None) == 0, "\n".join(running.lines)
        assert running.complaints == []
    assert f"life cycle {CYCLES} of {CYCLES} passed" in run.stdout
    assert "15/15 stop the stream, end the session" in run.stdout
    assert running.lines[-1].endswith("ended by SHUTDOWN command")
    objects = [item.raw for item in decode_pcap(pcap.read_bytes())]
    assert len(objects) == log.read_text().count("NORMAL, ")
    assert {raw[2] for raw in objects} == set(ObjectType)


@covers("EMU-001", "EMU-002")
@DUTS
def test_each_framing_error_is_one_line_and_a_life_cycle_follows(dut: str, tmp_path: Path) -> None:
    with server(tmp_path, "--dut", dut) as running:
        for number, (abuse, line) in enumerate(LEAVERS.items(), start=1):
            with running.raw() as connection:
                abuse(connection)
            running.live()
            assert len(running.complaints) == number, running.lines
            assert line in running.complaints[-1]
        assert running.signal(signal.SIGTERM) == 0


@covers("EMU-001", "EMU-002")
@DUTS
def test_a_flood_is_answered_in_order_or_dropped(dut: str, tmp_path: Path) -> None:
    frame = Frame(Command.NORMAL, DISCOVERY).encode()
    with server(tmp_path, "--dut", dut) as running:
        with running.raw() as connection:
            connection.sendall((HELLO + frame) * FRAMES)
            first = receive(connection, len(HELLO) + len(frame))
            assert receive(connection, len(first) * (FRAMES - 1)) == first * (FRAMES - 1)
        assert running.complaints == []
        with running.raw() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            with pytest.raises(OSError, match=r"."):
                send_for_ever(connection)
        running.live()
        (complaint,) = running.complaints
        assert "does not take its answer" in complaint
        assert running.signal(signal.SIGTERM) == 0


@covers("EMU-001", "EMU-002")
@DUTS
def test_clients_that_come_in_between_do_not_touch_the_first_one(dut: str, tmp_path: Path) -> None:
    turned_away = 0

    def intrude(entry: TraceEntry) -> None:
        nonlocal turned_away
        if entry.kind is TraceKind.DONE:
            with running.raw() as other:
                assert closed(other)
            turned_away += 1

    with server(tmp_path, "--dut", dut) as running:
        with running.connect() as transport:
            asyncio.run(running.life(transport, intrude).run())
        running.live()
        assert len(running.complaints) == turned_away > 0
        assert all("turned away" in line for line in running.complaints)
        assert running.signal(signal.SIGTERM) == 0


@covers("EMU-002", "TDISP-SES-007", "TDISP-STOP-001")
@DUTS
def test_after_vanished_clients_the_next_life_cycle_works(dut: str, tmp_path: Path) -> None:
    with server(tmp_path, "--dut", dut) as running:
        for last in (Step.KEYS, Step.LOCK, Step.START):
            vanish_after(running, last)
        running.live()
        assert running.signal(signal.SIGINT) == 0
    assert running.lines[-1].endswith("ended by stop")


@covers("EMU-002", "TDISP-FSM-014")
@DUTS
def test_reset_on_disconnect_takes_a_left_tdi_to_config_unlocked(dut: str, tmp_path: Path) -> None:
    with server(tmp_path, "--dut", dut, "--reset-on-disconnect") as running:
        vanish_after(running, Step.START)
        trace: list[TraceEntry] = []
        with running.connect() as transport:
            asyncio.run(running.life(transport, trace.append).run())
        stops = [entry for entry in trace if "STOP_INTERFACE_REQUEST" in entry.text]
        assert len(stops) == 1, "the TDI was not CONFIG_UNLOCKED"
        assert running.signal(signal.SIGTERM) == 0
    assert sum("device reset" in line for line in running.lines) >= 1


@covers("EMU-001")
@DUTS
def test_a_signal_to_the_whole_group_ends_the_server_cleanly(dut: str, tmp_path: Path) -> None:
    with server(tmp_path, "--dut", dut) as running, running.connect() as transport:
        assert asyncio.run(transport.exchange(DISCOVERY))
        for child in children(running.process.pid)[1:]:
            os.kill(child, signal.SIGTERM)
        assert running.signal(signal.SIGTERM) == 0, "\n".join(running.lines)


@covers("EMU-001")
def test_the_simulator_rests_while_nobody_asks(tmp_path: Path) -> None:
    with server(tmp_path) as running, running.connect() as transport:
        assert asyncio.run(transport.exchange(DISCOVERY))
        before = processor_seconds(running.process.pid)
        running.wait(IDLE_SECONDS)
        used = processor_seconds(running.process.pid) - before
        assert used < IDLE_SECONDS / 10, f"{used} s of processor time while idle"
        assert asyncio.run(transport.exchange(DISCOVERY))
        assert running.signal(signal.SIGTERM) == 0


@covers("EMU-002", "TDISP-HDR-005")
def test_another_place_and_another_stream_are_served_by_the_rtl(tmp_path: Path) -> None:
    toml = "[device]\nbus = 0x17\ndevice = 3\nvfs = 1\n[ide]\nstreams = [200, 7]\ndefault = 7\n"
    with server(tmp_path, toml=toml) as running:
        trace: list[TraceEntry] = []
        with running.connect() as transport:
            asyncio.run(running.life(transport, trace.append).run())
        assert running.signal(signal.SIGTERM) == 0
    texts = [entry.text for entry in trace]
    assert f"GET_TDISP_VERSION {bdf(0x171F)}" in texts
    assert any(text.startswith("K_SET_GO stream 7") for text in texts)


SUITE = """
[spdm]
versions = ["1.1", "1.2"]
hash = ["SHA_256"]
asym = ["ECDSA_P256"]
dhe = ["SECP_256_R1"]
secured_versions = ["1.2"]
measurement_hash = "SHA_512"
"""


@covers("EMU-002", "SPDM-VCA-001", "SPDM-KEY-001")
@DUTS
@pytest.mark.parametrize("clear", [False, True], ids=["with keys", "in the clear"])
def test_another_suite_is_served(dut: str, clear: bool, tmp_path: Path) -> None:
    flags = [*CAPABILITIES, "HANDSHAKE_IN_THE_CLEAR"] if clear else CAPABILITIES
    with server(tmp_path, "--dut", dut, toml=f"{SUITE}capabilities = {flags}\n") as running:
        for _ in range(2):
            running.live()
        assert running.complaints == []


VERSIONS = """
[spdm]
versions = ["1.0", "1.1", "1.2", "1.3"]
max_sessions = 4
"""


@covers("EMU-002", "SPDM-VCA-001", "SPDM-SES-001", "SPDM-SES-002", "TDISP-SES-003")
@DUTS
def test_requesters_of_every_version_are_served(dut: str, tmp_path: Path) -> None:
    """Attestation in all, sessions from 1.1 on, TDISP in 1.2; the limit of sessions holds."""
    with server(tmp_path, "--dut", dut, toml=VERSIONS) as running:
        roots = read_certificates(running.config.identity.root)
        for version in SUPPORTED_VERSIONS:
            with running.connect() as transport:
                config = RequesterConfig(versions=(version,))
                peer = SpdmRequester(transport, random.Random(version), roots, config)
                asyncio.run(use_spdm(peer))
        assert running.complaints == []


async def use_spdm(peer: SpdmRequester) -> None:
    """Everything that an SPDM requester without TDISP may do."""
    await peer.connect()
    slots = await peer.get_digests()
    assert len(slots) == 2
    for slot in slots:
        await peer.get_certificate(slot, portion=333)
        await peer.challenge(SummaryType.ALL, slot)
    assert (await peer.get_measurements(MeasurementQuery(signed=True))).blocks
    if peer.suite.version < VERSION_1_1:
        return
    sessions = [await peer.start_session(SummaryType.TCB, 1) for _ in range(4)]
    with pytest.raises(ErrorResponseError) as refused:
        await peer.start_session()
    assert refused.value.code == ErrorCode.SESSION_LIMIT_EXCEEDED
    for session in sessions:
        await session.heartbeat()
        await session.key_update(KeyUpdateOperation.UPDATE_ALL_KEYS)
        assert (await session.get_measurements()).blocks
    if peer.suite.version != VERSION_1_2:
        with pytest.raises(ErrorResponseError) as refused:
            await sessions[0].vendor_defined(TDISP, bytes(16))
        assert refused.value.code == ErrorCode.UNSUPPORTED_REQUEST
    for session in sessions:
        await session.end()


@covers("SEC-REC-001", "SPDM-KEY-001")
@DUTS
def test_the_capture_of_the_server_can_be_decrypted_with_its_key_log(
    dut: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pcap, keys = tmp_path / "doe.pcap", tmp_path / "keys" / "keys.txt"
    with server(tmp_path, "--dut", dut, "--pcap", str(pcap), "--keylog", str(keys)) as running:
        running.live()
        running.live()
        (warning,) = running.complaints
        assert "keys.txt will hold the secrets of all sessions" in warning
    assert keys.stat().st_mode & 0o077 == 0
    assert decode([str(pcap)]) == 0
    unread = capsys.readouterr().out
    assert "TDISP" not in unread
    assert decode([str(pcap), "--keys", str(keys)]) == 0
    read = capsys.readouterr().out
    assert "keys are not known" in unread
    assert "(" not in "".join(line for line in read.splitlines() if "TDISP" not in line)
    for name in ("KEY_PROG", "K_SET_GO", "LOCK_INTERFACE_REQUEST", "START_INTERFACE_RESPONSE"):
        assert name in read
    assert read.count("SPDM [") == unread.count("SPDM [")


@covers("EMU-002", "IDE-CAP-001", "DOE-REG-001")
@pytest.mark.skipif(
    shutil.which("lspci") is None,
    reason="lspci is not installed (Debian: apt-get install pciutils)",
)
def test_lspci_reads_the_configuration_space_that_the_server_has_set_up(tmp_path: Path) -> None:
    dump = tmp_path / "dump" / "config.txt"
    with server(tmp_path, "--config-dump", str(dump)) as running:
        command = ["lspci", "-F", str(dump), "-vvv"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        running.live()
    functions = listed.strip().split("\n\n")
    assert [one.split()[0] for one in functions] == [bdf(0xBEEE + n) for n in range(4)]
    assert "Memory at 100000000 (64-bit" in functions[0]
    assert "Number of VFs: 3" in functions[0]
    assert all("MSI-X: Enable" in one for one in functions)


@covers("EMU-002")
def test_the_scoreboard_agrees_with_what_the_server_does(tmp_path: Path) -> None:
    with server(tmp_path, "--check") as running:
        vanish_after(running, Step.START)
        running.live()
        assert running.signal(signal.SIGTERM) == 0, "\n".join(running.lines)


@covers("EMU-002")
@pytest.mark.parametrize(("dut", "cycles"), [("model", 100), ("rtl", 15)])
def test_many_life_cycles_do_not_let_a_server_grow_or_slow_down(dut: str, cycles: int) -> None:
    samples = soak(dut, cycles)
    assert len(samples) == cycles
    assert grown(samples) + slowed(samples) == []
