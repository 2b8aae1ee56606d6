# SPDX-License-Identifier: Apache-2.0
"""What the options and the files of the server do."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from models.doe.pcap import decode_pcap
from models.socket.identity import read_certificates
from models.spdm.identity import DeviceIdentity
from tests.plan import covers
from tests.system.server_process import server
from tools.waves import waves_missing

NO_WAVES = waves_missing("verilator")
FST_HEADER = 0  # type of the first block of an FST file


@covers("EMU-001")
@pytest.mark.skipif(NO_WAVES is not None, reason=NO_WAVES or "")
def test_a_waveform_of_the_whole_run_is_left(tmp_path: Path) -> None:
    waves = tmp_path / "waves" / "serve.fst"
    with server(tmp_path, "--waves", str(waves)) as running:
        running.live()
        assert running.signal(signal.SIGTERM) == 0, "\n".join(running.lines)
    assert running.lines[-1].endswith(f"waveform: {waves}")
    assert waves.read_bytes()[0] == FST_HEADER


@covers("EMU-001")
def test_a_server_that_others_can_reach_says_so(tmp_path: Path) -> None:
    with server(tmp_path, "--dut", "model", "--host", "0.0.0.0") as running:
        (warning,) = running.complaints
        assert "every host that can reach it may connect" in warning
        running.live()
    with server(tmp_path, "--dut", "model") as running:
        assert running.complaints == []
        assert "this host only" in running.lines[-1]


@covers("EMU-001")
@pytest.mark.parametrize(("index", "ports"), [(0, "0"), (3, "0, 3")])
def test_each_port_index_is_named_once(index: int, ports: str, tmp_path: Path) -> None:
    toml = f"[ide]\nport_index = {index}\n"
    with server(tmp_path, "--dut", "model", toml=toml) as running:
        assert running.lines[-2].endswith(f"; IDE_KM PortIndex {ports}")


def objects(folder: Path, seed: int) -> list[bytes]:
    """The DOE objects of one life cycle."""
    pcap = folder / "doe.pcap"
    toml = f"[entropy]\nseed = {seed}\n"
    with server(folder, "--dut", "model", "--pcap", str(pcap), toml=toml) as running:
        running.live()
        assert running.signal(signal.SIGTERM) == 0
    return [item.raw for item in decode_pcap(pcap.read_bytes())]


@covers("EMU-002")
def test_the_same_seed_gives_the_same_bytes_in_every_run(tmp_path: Path) -> None:
    first, again, other = (objects(tmp_path, seed) for seed in (5, 5, 6))
    assert first == again
    assert first != other


@covers("EMU-002", "SPDM-CRT-001")
@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_device_with_certificates_from_files_is_served(
    encoding: Encoding, tmp_path: Path
) -> None:
    identity = DeviceIdentity.generate(random.Random(11), "device of a file")
    chain = b"".join(item.public_bytes(encoding) for item in identity.certificates)
    (tmp_path / "chain").write_bytes(chain)
    key = identity._key.private_bytes(encoding, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key").write_bytes(key)
    files = 'chain = "chain"\nkey = "key"\n'
    with server(tmp_path, "--dut", "model", identity=files) as running:
        assert read_certificates(running.config.identity.root) == [identity.root]
        running.live()
        assert running.complaints == []
