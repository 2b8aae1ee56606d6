# SPDX-License-Identifier: Apache-2.0
"""Captures of the link and of DOE, the key side file, and the decode command."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest

from models.ide.codes import SubStream
from models.ide.key_log import LinkDecoder, LoggedKey, parse_key_log
from models.ide.keys import KeySlot
from models.ide.stream import IdeStream, StreamConfig
from models.idekm.codes import Direction
from models.pcap import Packet, PcapWriter, decode_pcap, encode_pcap
from models.pcie.capture import TlpRecord
from models.pcie.config_dump import CONFIG_SIZE, FunctionDump, dump_text
from models.pcie.tlp import Tlp
from models.pcie.tlp_pcap import Layer, TlpPacket, decode_tlps, encode_tlps
from tests.plan import covers
from tools import decode

STREAM_ID = 7
RID = 0x0108
ADDRESS = 0x1000
DATA = bytes(range(32))


class Link:
    """The host's port of one stream, everything that it sends, and its keys."""

    def __init__(self, seed: int = 1) -> None:
        self.rng = random.Random(seed)
        self.keys: list[LoggedKey] = []
        self.records: list[TlpRecord] = []
        self.stream = IdeStream(StreamConfig(STREAM_ID))
        self.program(0, *Direction)
        self.stream.enable()

    def program(self, key_set: int, *directions: Direction) -> None:
        for direction in directions:
            for sub in SubStream:
                slot, key = KeySlot(direction, sub, key_set), self.rng.randbytes(32)
                self.stream.program(slot, key)
                to_device = direction is Direction.TX
                self.keys.append(LoggedKey(STREAM_ID, to_device, sub, key_set, key))
        for direction in directions:
            for sub in SubStream:
                self.stream.go(KeySlot(direction, sub, key_set))

    def send(self, tlp: Tlp) -> bytes:
        plain = tlp.encode()
        wire = self.stream.encrypt(plain, True)
        self.records.append(TlpRecord(len(self.records) * 10.0, True, wire, plain))
        return wire


def write(number: int = 0) -> Tlp:
    return Tlp.mem_write(RID, ADDRESS + 64 * number, DATA)


def test_packets_are_kept_with_their_times() -> None:
    packets = [Packet(1_500_000_007, bytes(12)), Packet(2_000_000_000, b"\x01" * 8)]
    file = io.BytesIO()
    writer = PcapWriter(file, 292)
    for packet in packets:
        writer.write(packet)
    assert file.getvalue() == encode_pcap(packets, 292)
    assert decode_pcap(file.getvalue(), 292) == packets
    assert decode_pcap(file.getvalue()[:-1], 292) == packets[:1]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "shorter than the header"),
        (bytes(24), "not a pcap file: magic 00000000"),
        (encode_pcap([], 292), "link type 292, not 147"),
        (encode_pcap([Packet(0, b"\x01\x00")], 147), "2 bytes has no framing"),
        (encode_pcap([Packet(0, b"\x02" + bytes(7))], 147), "unknown framing 02"),
    ],
)
def test_files_of_another_kind_are_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode_tlps(raw)


@covers("IDE-TLP-001")
def test_both_layers_of_an_ide_tlp_are_captured() -> None:
    link = Link()
    link.send(write())
    clear = write(1).encode()
    link.records.append(TlpRecord(20.0, False, clear, clear))
    ide, plain, alone = decode_tlps(encode_tlps(link.records))
    assert ide == TlpPacket(0, True, Layer.LINK, 0, link.records[0].wire)
    assert plain == TlpPacket(0, True, Layer.PLAIN, 0, write().encode())
    assert alone == TlpPacket(20, False, Layer.LINK, 1, clear)


def test_key_line_is_read_back_and_keeps_the_key_out_of_its_repr() -> None:
    key = LoggedKey(255, False, SubStream.CPL, 1, bytes(range(32)))
    assert parse_key_log(f"# comment\n[DHE Secret]: 00\n{key.line()}\n") == [key]
    assert key.key.hex() not in repr(key)


@pytest.mark.parametrize(
    "line",
    [
        "IDE 0 to-device PR 0",
        "IDE 0 sideways PR 0 " + "00" * 32,
        "IDE 0 to-host XX 0 " + "00" * 32,
        "IDE 0 to-host PR 2 " + "00" * 32,
        "IDE 0 to-host PR 0 " + "00" * 31,
    ],
)
def test_wrong_key_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not a key line"):
        parse_key_log(line)


@covers("IDE-GCM-001", "IDE-GCM-002", "IDE-GCM-003")
def test_capture_is_decrypted_across_key_refreshes_and_gaps() -> None:
    link = Link()
    wires = [link.send(write(n)) for n in range(3)]
    for key_set in (1, 0):
        link.program(key_set, Direction.TX)
        wires += [link.send(write(n)) for n in range(3)]
    wires.append(link.send(Tlp.mem_read(RID, ADDRESS, 64, tag=3)))
    decoder = LinkDecoder(link.keys)
    for wire, record in list(zip(wires, link.records, strict=True))[1:]:
        assert decoder.decrypt(wire, True) == record.plain


@covers("IDE-GCM-008")
def test_altered_repeated_and_foreign_tlps_are_not_decrypted() -> None:
    link = Link()
    wire = link.send(write())
    decoder = LinkDecoder(link.keys)
    assert decoder.decrypt(wire[:-1] + bytes([wire[-1] ^ 1]), True) is None
    assert decoder.decrypt(wire, False) is None
    assert decoder.decrypt(wire, True) == write().encode()
    assert decoder.decrypt(wire, True) is None
    assert LinkDecoder(Link(2).keys).decrypt(wire, True) is None
    assert LinkDecoder([]).decrypt(wire, True) is None


def test_decode_prints_a_line_a_tlp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link = Link()
    link.send(write())
    clear = write(1).encode()
    link.records.append(TlpRecord(20.0, False, clear, clear))
    capture, keys = tmp_path / "link.pcap", tmp_path / "keys.txt"
    capture.write_bytes(encode_tlps(link.records))
    keys.write_text("".join(f"{key.line()}\n" for key in link.keys))
    assert decode.main([str(capture)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "not decrypted" in first
    assert DATA[:16].hex() not in first
    assert "device -> host MWr 0x1040 8 DW from 01:01.0" in second
    assert decode.main([str(capture), "--keys", str(keys)]) == 0
    first, _ = capsys.readouterr().out.splitlines()
    assert "host -> device IDE stream 7 PR K0 T1 MWr 0x1000 8 DW" in first
    assert DATA[:16].hex() in first


def test_decode_says_what_is_wrong_with_its_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x").write_text("no capture at all, just words of text")
    for arguments in ([str(tmp_path / "absent")], [str(tmp_path / "x")]):
        assert decode.main(arguments) == 1
        assert capsys.readouterr().err.count("\n") == 1


def test_configuration_space_is_written_for_lspci() -> None:
    raw = bytes(range(256)) * (CONFIG_SIZE // 256)
    lines = dump_text([FunctionDump(RID, "one", raw)]).splitlines()
    assert lines[0] == "01:01.0 one"
    assert lines[1] == "00: 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f"
    assert lines[-2].startswith("ff0: f0 f1")
    with pytest.raises(ValueError, match="255 bytes"):
        FunctionDump(RID, "one", bytes(255)).text()
