# SPDX-License-Identifier: Apache-2.0
"""The raw-TLP codec: bytes written by hand, round trips, and every rule broken once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.pcie.capture import TlpCapture, TlpRecord, describe
from models.pcie.codes import CplStatus, FmtType
from models.pcie.errors import Rule, TlpError
from models.pcie.layout import ATOMICS, DEFERRABLE_WRITES, MEMORY_READS, MEMORY_WRITES
from models.pcie.tlp import Tlp
from tests.models.ide_pair import W1
from tests.plan import covers

READ = Tlp.mem_read(0x0100, 0x80002000, 16, tag=1)

# Bytes written by hand from the header layouts.
BY_HAND: dict[str, tuple[Tlp, str]] = {
    "MRd32": (READ, "00000004 010001ff 80002000"),
    "MRd64": (Tlp.mem_read(0x0100, 0x1_80002000, 4, tag=2), "20000001 0100020f 00000001 80002000"),
    "MRd32 of 4096 bytes": (Tlp.mem_read(0, 0x1000, 4096), "00000000 000000ff 00001000"),
    "MRd32 of no byte": (Tlp.mem_read(0x0008, 0x1004, 0), "00000001 00080000 00001004"),
    "MRd32 of two bytes": (Tlp.mem_read(0, 0x1001, 2), "00000001 00000006 00001000"),
    "MRd32 over two DWs": (Tlp.mem_read(0, 0x1003, 2), "00000002 00000018 00001000"),
    "10-bit tag": (Tlp.mem_read(0, 0x1000, 4, tag=0x3A5), "00880001 0000a50f 00001000"),
    "MWr32": (
        Tlp.mem_write(0x0100, 0x80001000, bytes(range(0x10, 0x20))),
        "40000004 010000ff 80001000 10111213 14151617 18191a1b 1c1d1e1f",
    ),
    "MWr64": (
        Tlp.mem_write(0x0100, 0x1_80003000, bytes.fromhex("deadbeef")),
        "60000001 0100000f 00000001 80003000 deadbeef",
    ),
    "MWr32 of one byte": (
        Tlp.mem_write(0x0100, 0x1002, bytes.fromhex("aa")),
        "40000001 01000004 00001000 0000aa00",
    ),
    "attributes": (
        replace(Tlp.mem_read(0, 0x1000, 4), tc=5, attr=0b101, ep=True, at=2),
        "00545801 0000000f 00001000",
    ),
    "MRd32 with hint": (
        replace(READ, th=True, ph=2, first_be=0xE, last_be=0x5),
        "00010004 0100015e 80002002",
    ),
    "MWr64 with hint": (
        replace(Tlp.mem_write(0x0100, 0x1_80003000, bytes(4)), th=True, ph=3, tag=0xA7),
        "60010001 0100a70f 00000001 80003003 00000000",
    ),
    "CfgRd0": (Tlp.cfg_read(0, 0x0100, 0x104, tag=7), "04000001 0000070f 01000104"),
    "CfgRd1": (Tlp.cfg_read(0, 0x0100, 0x104, kind=1), "05000001 0000000f 01000104"),
    "CfgWr0": (
        Tlp.cfg_write(0, 0x0101, 0x004, 0x00000006),
        "44000001 0000000f 01010004 06000000",
    ),
    "CfgWr1": (
        Tlp.cfg_write(0, 0x0101, 0xFFC, 0x12345678, tag=2, kind=1),
        "45000001 0000020f 01010ffc 78563412",
    ),
    "Cpl UR": (
        Tlp.cpl(0x0100, Tlp.cfg_read(0x0008, 0x0100, 0, tag=9), CplStatus.UR),
        "0a000000 01002004 00080900",
    ),
    "CplD": (
        Tlp.cpld(0x0000, READ, bytes.fromhex("cafef00d"), byte_count=16, lower_address=0),
        "4a000001 00000010 01000100 cafef00d",
    ),
    "Msg": (
        Tlp.msg(0x0100, 0x54, bytes.fromhex("000000000000f6f6"), FmtType.MSG_ID),
        "32000000 01000054 00000000 0000f6f6",
    ),
    "MsgD": (
        Tlp.msgd(0x0100, 0x7E, bytes(8), bytes.fromhex("01020304"), FmtType.MSGD_RC),
        "70000001 0100007e 00000000 00000000 01020304",
    ),
    "PASID prefix and ECRC": (
        replace(
            Tlp.mem_read(0, 0x1000, 4),
            prefixes=(bytes.fromhex("91000005"),),
            digest=bytes.fromhex("11223344"),
        ),
        "91000005 00008001 0000000f 00001000 11223344",
    ),
}


@covers("IDE-TLP-005")
@pytest.mark.parametrize("name", BY_HAND)
def test_a_tlp_is_the_bytes_written_by_hand(name: str) -> None:
    tlp, raw = BY_HAND[name]
    assert tlp.encode().hex() == bytes.fromhex(raw).hex()
    assert Tlp.decode(bytes.fromhex(raw)) == tlp


@covers("TDISP-MMIO-009")
def test_a_steering_tag_is_where_the_type_of_its_request_says() -> None:
    assert BY_HAND["MRd32 with hint"][0].steering_tag == 0x5E
    assert BY_HAND["MWr64 with hint"][0].steering_tag == 0xA7
    with pytest.raises(TlpError):
        replace(READ, ph=1).encode()
    assert Tlp.decode(bytes.fromhex("00000004010001ff80002003")) == READ, "reserved without TH"


# ---------------------------------------------------------------------- round trip


@st.composite
def memory_requests(draw: st.DrawFn) -> Tlp:
    """Legal memory requests of every size, alignment and kind."""
    address = draw(st.integers(0, (1 << 64) - 4097))
    room = 0x1000 - address % 0x1000
    length = draw(st.integers(0, room))
    if draw(st.booleans()):
        tlp = Tlp.mem_read(draw(IDS), address, length, tag=draw(st.integers(0, 1023)))
    else:
        tlp = Tlp.mem_write(draw(IDS), address, draw(st.binary(min_size=length, max_size=length)))
    return replace(tlp, tc=draw(st.integers(0, 7)), attr=draw(st.integers(0, 7)))


IDS = st.integers(0, 0xFFFF)
CONFIG = st.builds(Tlp.cfg_read, IDS, IDS, st.integers(0, 0x3FF).map(lambda dw: 4 * dw))
COMPLETIONS = st.builds(
    Tlp.cpl, IDS, st.just(READ), st.sampled_from(CplStatus), st.integers(1, 4096)
)
MESSAGES = st.builds(
    Tlp.msg,
    IDS,
    st.integers(0, 255),
    st.binary(min_size=8, max_size=8),
    st.sampled_from([FmtType.MSG_RC, FmtType.MSG_ID, FmtType.MSG_LOCAL]),
)


@covers("IDE-TLP-005")
@given(st.one_of(memory_requests(), CONFIG, COMPLETIONS, MESSAGES))
def test_every_tlp_comes_back(tlp: Tlp) -> None:
    assert Tlp.decode(tlp.encode()) == tlp


@covers("TDISP-MMIO-009")
@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_decoded_or_refused(raw: bytes) -> None:
    try:
        tlp = Tlp.decode(raw)
    except TlpError:
        return
    assert Tlp.decode(tlp.encode()) == tlp


# ---------------------------------------------------------------------- rules

WRITE = Tlp.mem_write(0, 0x1000, bytes(8))
CFG = Tlp.cfg_read(0, 0, 0)
CPLD = Tlp.cpld(0, READ, bytes(16), 16, 0)
ATOMIC = Tlp(FmtType.FETCH_ADD32, length=2, address=0x1008, payload=bytes(8))
CAS = Tlp(FmtType.CAS32, length=4, address=0x1008, payload=bytes(16))

BROKEN: dict[str, tuple[Tlp, Rule]] = {
    "write over 4 KiB": (replace(WRITE, address=0x1FFC), Rule.PAGE_CROSSING),
    "read over 4 KiB": (replace(READ, length=1024, address=0x2004), Rule.PAGE_CROSSING),
    "last BE with one DW": (replace(READ, length=1, last_be=1), Rule.BYTE_ENABLES),
    "no last BE with two DWs": (replace(WRITE, last_be=0), Rule.BYTE_ENABLES),
    "no first BE with two DWs": (replace(WRITE, first_be=0), Rule.BYTE_ENABLES),
    "hole in first BE": (replace(READ, first_be=0b1010), Rule.BYTE_ENABLES),
    "hole in last BE": (replace(READ, last_be=0b0101), Rule.BYTE_ENABLES),
    "hole in two unaligned DWs": (
        replace(WRITE, address=0x1004, first_be=0b0101),
        Rule.BYTE_ENABLES,
    ),
    "low address in 64 bits": (replace(READ, fmt_type=FmtType.MRD64), Rule.ADDRESS_FORMAT),
    "reserved AT": (replace(READ, at=3), Rule.ADDRESS_TYPE),
    "Length above data": (replace(WRITE, length=3), Rule.LENGTH),
    "Length 0 of a read": (replace(READ, length=0), Rule.LENGTH),
    "Length of a Cpl": (replace(Tlp.cpl(0, READ, CplStatus.SC), length=1), Rule.LENGTH),
    "data behind a read": (replace(READ, payload=bytes(4)), Rule.LENGTH),
    "digest of 8 bytes": (replace(READ, digest=bytes(8)), Rule.LENGTH),
    "configuration of two DWs": (replace(CFG, length=2), Rule.CONFIG),
    "configuration with TC": (replace(CFG, tc=1), Rule.CONFIG),
    "configuration with Attr": (replace(CFG, attr=1), Rule.CONFIG),
    "configuration with last BE": (replace(CFG, last_be=1), Rule.CONFIG),
    "data with UR": (replace(CPLD, status=CplStatus.UR), Rule.COMPLETION),
    "reserved status": (replace(CPLD, status=3), Rule.COMPLETION),
    "Byte Count 0": (replace(CPLD, byte_count=0), Rule.COMPLETION),
    "more data than Byte Count": (replace(CPLD, byte_count=12), Rule.COMPLETION),
    "operand of three DWs": (replace(ATOMIC, length=3, payload=bytes(12)), Rule.ATOMIC),
    "unaligned operand": (replace(ATOMIC, address=0x1004), Rule.ATOMIC),
    "unaligned compare": (replace(CAS, address=0x1004), Rule.ATOMIC),
    "IDE prefix": (replace(READ, prefixes=(bytes.fromhex("92000105"),)), Rule.IDE_TLP),
    "no prefix": (replace(READ, prefixes=(bytes(4),)), Rule.PREFIX),
    "prefix order": (
        replace(READ, prefixes=(bytes.fromhex("91000005"), bytes.fromhex("8e000000"))),
        Rule.PREFIX,
    ),
    "Requester ID": (replace(READ, requester_id=0x10000), Rule.FIELD),
    "unaligned address": (replace(READ, address=0x1001), Rule.FIELD),
    "short message": (Tlp.msg(0, 0, bytes(7)), Rule.FIELD),
}


@covers("TDISP-MMIO-009")
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_named(name: str) -> None:
    tlp, rule = BROKEN[name]
    with pytest.raises(TlpError) as caught:
        tlp.encode()
    assert caught.value.rule is rule


@covers("TDISP-MMIO-009")
@pytest.mark.parametrize("name", [name for name in BROKEN if BROKEN[name][1] is not Rule.FIELD])
def test_a_broken_rule_is_found_on_the_wire(name: str) -> None:
    raw = BROKEN[name][0].pack()
    try:
        tlp = Tlp.decode(raw)
    except TlpError:
        return
    assert name in ("Length of a Cpl", "Length 0 of a read", "Byte Count 0"), tlp


@covers("TDISP-MMIO-009")
@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ("", Rule.TRUNCATED),
        ("00000001", Rule.TRUNCATED),
        ("20000001 0000000f 00000001", Rule.TRUNCATED),
        ("1f000001 0000000f 00001000", Rule.TYPE),
        ("00000001 0000000f 00001000 00000000", Rule.LENGTH),
        ("00008001 0000000f 00001000", Rule.LENGTH),
        ("40000002 000000ff 00001000 00000000", Rule.LENGTH),
        (W1.wire, Rule.IDE_TLP),
    ],
)
def test_bytes_that_are_no_tlp_are_refused(raw: str, rule: Rule) -> None:
    with pytest.raises(TlpError) as caught:
        Tlp.decode(bytes.fromhex(raw))
    assert caught.value.rule is rule


@covers("TDISP-MMIO-009")
def test_legal_corners_are_accepted() -> None:
    for tlp in (
        replace(WRITE, first_be=0b0101, last_be=0b1010),  # two DWs at a multiple of 8
        replace(READ, length=1, first_be=0b1001, last_be=0),  # a hole in one DW
        replace(READ, th=True, first_be=0b0010, last_be=0b0100),  # a Steering Tag
        Tlp.mem_read(0, 0x1000, 4096),
        ATOMIC,
        CAS,
    ):
        assert Tlp.decode(tlp.encode()) == tlp


@covers("IDE-TLP-009")
def test_the_kinds_of_memory_request_do_not_overlap() -> None:
    kinds = [MEMORY_READS, MEMORY_WRITES, DEFERRABLE_WRITES, ATOMICS]
    assert sum(len(kind) for kind in kinds) == len(frozenset().union(*kinds))


# ---------------------------------------------------------------------- capture


@covers("IDE-SEL-007")
def test_a_capture_shows_a_line_for_each_tlp() -> None:
    capture = TlpCapture()
    capture.add(TlpRecord(10, True, W1.wire_bytes, W1.plain_bytes))
    capture.add(TlpRecord(20, True, W1.wire_bytes, None, "refused"))
    capture.add(TlpRecord(30, False, READ.encode(), READ.encode()))
    assert [line.split(maxsplit=1)[1] for line in capture.lines()] == [
        "host -> device IDE stream 1 PR K0 T1 MWr 0x80001000 4 DW from 01:00.0 "
        "101112131415161718191a1b1c1d1e1f",
        "host -> device IDE stream 1 PR K0 T1 MWr 4 DW, not decrypted refused",
        "device -> host MRd 0x80002000 4 DW from 01:00.0 tag 1",
    ]
    assert [record.t for record in capture.records] == [True, True, False]


@covers("IDE-MSG-001")
@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("32000000 01000054 00000000 0000f6f5", "MSG_ID IDE Sync 246 245 from 01:00.0"),
        ("32000000 01000055 00000000 00000003", "MSG_ID IDE Fail stream 3 from 01:00.0"),
        ("0a000000 01002004 00080900", "Cpl UR from 01:00.0 for 00:01.0 tag 9"),
        ("44000001 0000000f 01010004 06000000", "CfgWr0 01:00.1 register 004 tag 0 06000000"),
        ("ff", "malformed: shorter than its prefixes and header"),
    ],
)
def test_a_tlp_is_described_in_words(raw: str, text: str) -> None:
    assert describe(bytes.fromhex(raw)) == text
