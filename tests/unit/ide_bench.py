# SPDX-License-Identifier: Apache-2.0
"""Bench of the block `ide`: raw link, TLP buses, IDE_KM, and a partner port for each stream."""

from __future__ import annotations

import random
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from models.ide.codes import SubStream
from models.ide.keys import KeySlot
from models.ide.stream import IdeStream, StreamConfig
from models.idekm.codes import Direction, KpStatus, ObjectId
from models.pcie.layout import DW, PASID_PREFIX_BYTE, header_size
from models.pcie.tlp import Tlp as WireTlp
from tests.unit.tlp_bench import Tlp, TlpSink, TlpSource, cycles

PF_RID = 0x0100
HOST_RID = 0x0008
PASID_VALID = 1 << 20
SETTLE = 400  # cycles in which everything that is under way comes to its end
PULSES = (
    "aer_check_failed",
    "aer_misrouted",
    "aer_malformed",
    "stream_insecure_event",
    "ide_fail_received",
)
OTHER = {Direction.RX: Direction.TX, Direction.TX: Direction.RX}


def to_bus(raw: bytes, **side: int) -> Tlp:
    """A plain TLP in wire bytes as it is on the internal bus, TD cleared."""
    side = {"pasid": 0, **side}
    if raw[0] == PASID_PREFIX_BYTE:
        side["pasid"] = PASID_VALID | int.from_bytes(raw[1:DW], "big")
        raw = raw[DW:]
    size = header_size(raw[0])  # type: ignore[arg-type]
    header = raw[:2] + bytes([raw[2] & 0x7F]) + raw[3:size]
    data = raw[size:]
    words = [int.from_bytes(data[i : i + DW], "little") for i in range(0, len(data), DW)]
    return Tlp(int.from_bytes(header.ljust(16, b"\0"), "big"), tuple(words), side)


def to_wire(tlp: Tlp) -> bytes:
    """The plain TLP on the wire for one on the internal bus."""
    size = header_size(tlp.fmt_type)  # type: ignore[arg-type]
    data = b"".join(word.to_bytes(DW, "little") for word in tlp.data)
    return pasid_prefix(tlp.side.get("pasid", 0)) + tlp.hdr.to_bytes(16, "big")[:size] + data


def pasid_prefix(pasid: int) -> bytes:
    """The prefix for a PASID of the internal bus; nothing without its valid bit."""
    if not pasid & PASID_VALID:
        return b""
    return bytes([PASID_PREFIX_BYTE]) + (pasid & ~PASID_VALID).to_bytes(DW - 1, "big")


@dataclass
class StreamSetup:
    """Registers of one stream block."""

    stream_id: int
    tc: int = 0
    default: bool = False
    tee_limited: bool = False
    rid_valid: bool = True
    rid_base: int = HOST_RID
    rid_limit: int = HOST_RID
    addresses: tuple[int, int] | None = None
    enabled: bool = False


@dataclass
class RawLink:
    """Raw TLPs to and from the device with random pauses and stalls."""

    dut: Any
    rng: random.Random
    pause: float = 0.2
    stall: float = 0.3
    sent: deque[bytes] = field(default_factory=deque)
    packets: deque[bytes] = field(default_factory=deque)

    def start(self) -> None:
        self.width = len(self.dut.s_axis_rx_tkeep)
        self.dut.s_axis_rx_tvalid.value = 0
        self.dut.m_axis_tx_tready.value = 0
        cocotb.start_soon(self._drive())
        cocotb.start_soon(self._collect())

    async def _drive(self) -> None:
        while True:
            while not self.sent:
                await RisingEdge(self.dut.clk)
            await self.drive(self.sent[0])
            self.sent.popleft()

    async def drive(self, raw: bytes, *, last: bool = True, keep: int | None = None) -> None:
        """One packet; `last` = False leaves it open, `keep` overrides the last keep."""
        for start in range(0, len(raw), self.width):
            part = raw[start : start + self.width]
            while self.rng.random() < self.pause:
                self.dut.s_axis_rx_tvalid.value = 0
                await RisingEdge(self.dut.clk)
            final = start + self.width >= len(raw)
            filler = bytes(self.rng.randrange(256) for _ in range(self.width - len(part)))
            self.dut.s_axis_rx_tdata.value = int.from_bytes(part + filler, "little")
            enables = (1 << len(part)) - 1
            self.dut.s_axis_rx_tkeep.value = keep if final and keep is not None else enables
            self.dut.s_axis_rx_tlast.value = int(final and last)
            self.dut.s_axis_rx_tvalid.value = 1
            await RisingEdge(self.dut.clk)
            while not int(self.dut.s_axis_rx_tready.value):
                await RisingEdge(self.dut.clk)
        self.dut.s_axis_rx_tvalid.value = 0

    async def _collect(self) -> None:
        dut, packet, offer = self.dut, b"", None
        while True:
            await RisingEdge(dut.clk)
            ready = int(dut.m_axis_tx_tready.value)
            if int(dut.rst.value) or not int(dut.link_up.value):
                packet, offer = b"", None
            elif int(dut.m_axis_tx_tvalid.value):
                beat = (
                    int(dut.m_axis_tx_tdata.value),
                    int(dut.m_axis_tx_tkeep.value),
                    int(dut.m_axis_tx_tlast.value),
                )
                assert offer in (None, beat), "an offer on the link changed"
                offer = None if ready else beat
                if ready:
                    packet += self._bytes(beat)
                if ready and beat[2]:
                    self.packets.append(packet)
                    packet = b""
            else:
                assert offer is None, "an offer on the link was withdrawn"
            dut.m_axis_tx_tready.value = int(self.rng.random() >= self.stall)

    def _bytes(self, beat: tuple[int, int, int]) -> bytes:
        data, keep, last = beat
        count = keep.bit_length()
        assert keep == (1 << count) - 1, f"tkeep {keep:x}"
        assert count
        assert count % DW == 0, f"tkeep {keep:x}"
        assert last or count == self.width, "a beat inside a packet is not full"
        return data.to_bytes(self.width, "little")[:count]

    async def flush(self) -> None:
        """Wait until everything queued is on the link."""
        while self.sent:
            await RisingEdge(self.dut.clk)

    async def next(self, limit: int = 3000) -> bytes:
        """The next packet from the device."""
        for _ in range(limit):
            if self.packets:
                return self.packets.popleft()
            await RisingEdge(self.dut.clk)
        raise AssertionError("no TLP came on the link")


class IdeBench:
    """The block with all its neighbours."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.rng = random.Random(cocotb.RANDOM_SEED)
        self.count = len(dut.ide_enable)
        self.setups = [
            StreamSetup(stream_id=1 + 0x20 * n, default=n == 0) for n in range(self.count)
        ]
        self.partners: list[IdeStream] = []
        self.pulses: Counter[str] = Counter()
        self.registers = [self.rng.getrandbits(32) for _ in range(19)]
        self.link = RawLink(dut, self.rng)

    async def start(self) -> None:
        dut = self.dut
        for name in ("pf_flr", "cpl_stream_error", "session_end_valid", "idekm_tvalid"):
            getattr(dut, name).value = 0
        dut.rst.value = 1
        dut.link_up.value = 1
        dut.pf_rid.value = PF_RID
        dut.ats_enable.value = 0
        dut.idekm_rsp_tready.value = 0
        dut.idecap_last.value = len(self.registers) - 1
        self.apply()
        cocotb.start_soon(Clock(dut.clk, 10, "ns").start())
        self.link.start()
        self.source = TlpSource(dut, "tx", self.rng)
        self.sink = TlpSink(dut, "rx", self.rng)
        cocotb.start_soon(self._registers())
        cocotb.start_soon(self._pulses())
        await cycles(dut, 3)
        dut.rst.value = 0
        await cycles(dut, 2)

    async def _registers(self) -> None:
        while True:
            await RisingEdge(self.dut.clk)
            if int(self.dut.rst.value):
                continue
            at = int(self.dut.idecap_addr.value)
            self.dut.idecap_data.value = (
                self.registers[at] if at < len(self.registers) else 0xFFFFFFFF
            )

    async def _pulses(self) -> None:
        while True:
            await RisingEdge(self.dut.clk)
            if not int(self.dut.rst.value):
                for name in PULSES:
                    self.pulses[name] += int(getattr(self.dut, name).value).bit_count()

    def apply(self) -> None:
        """Drive the stream registers."""

        def pack(width: int, values: list[int]) -> int:
            return sum(int(value) << width * n for n, value in enumerate(values))

        dut, setups = self.dut, self.setups
        dut.ide_enable.value = pack(1, [s.enabled for s in setups])
        dut.ide_stream_id.value = pack(8, [s.stream_id for s in setups])
        dut.ide_tc.value = pack(3, [s.tc for s in setups])
        dut.ide_default.value = pack(1, [s.default for s in setups])
        dut.ide_tee_limited.value = pack(1, [s.tee_limited for s in setups])
        dut.ide_rid_valid.value = pack(1, [s.rid_valid for s in setups])
        dut.ide_rid_base.value = pack(16, [s.rid_base for s in setups])
        dut.ide_rid_limit.value = pack(16, [s.rid_limit for s in setups])
        dut.ide_addr_valid.value = pack(1, [s.addresses is not None for s in setups])
        dut.ide_addr_base.value = pack(64, [(s.addresses or (0, 0))[0] for s in setups])
        dut.ide_addr_limit.value = pack(64, [(s.addresses or (0, 0))[1] for s in setups])

    def secure(self, index: int) -> bool:
        return bool(int(self.dut.stream_secure.value) >> index & 1)

    # ------------------------------------------------------------------ IDE_KM

    async def idekm(self, body: bytes, session: int = 0) -> bytes | None:
        """Send an object without protocol id; its answer, or None for "no response"."""
        dut = self.dut
        for number, value in enumerate(body):
            dut.idekm_tdata.value = value
            dut.idekm_session.value = session
            dut.idekm_tlast.value = int(number == len(body) - 1)
            dut.idekm_tvalid.value = 1
            await RisingEdge(dut.clk)
            while not int(dut.idekm_tready.value):
                await RisingEdge(dut.clk)
        dut.idekm_tvalid.value = 0
        answer = b""
        for _ in range(5000):
            await RisingEdge(dut.clk)
            if int(dut.idekm_rsp_none.value):
                assert not answer
                return None
            ready = int(dut.idekm_rsp_tready.value)
            if ready and int(dut.idekm_rsp_tvalid.value):
                answer += bytes([int(dut.idekm_rsp_tdata.value)])
                if int(dut.idekm_rsp_tlast.value):
                    dut.idekm_rsp_tready.value = 0
                    return answer
            dut.idekm_rsp_tready.value = int(self.rng.random() < 0.7)
        raise AssertionError("IDE_KM gave neither an answer nor none")

    @staticmethod
    def info(slot: KeySlot) -> int:
        return slot.key_set | slot.direction << 1 | slot.sub_stream << 4

    async def key_prog(
        self,
        stream_id: int,
        slot: KeySlot,
        key: bytes,
        *,
        session: int = 0,
        invocation: int = 1,
    ) -> int | None:
        """KEY_PROG in wire order; the status of its KP_ACK, None when there was none."""
        wire = b"".join(key[i : i + DW][::-1] for i in range(0, len(key), DW))
        ifv = (invocation >> 32).to_bytes(DW, "little")
        ifv += (invocation & 0xFFFFFFFF).to_bytes(DW, "little")
        head = bytes([ObjectId.KEY_PROG, 0, 0, stream_id, 0, self.info(slot), 0])
        answer = await self.idekm(head + wire + ifv, session)
        if answer is None:
            return None
        assert answer == bytes([ObjectId.KP_ACK, 0, 0, stream_id, answer[4], self.info(slot), 0])
        return answer[4]

    async def set_command(
        self, command: ObjectId, stream_id: int, slot: KeySlot, session: int = 0
    ) -> bool:
        """K_SET_GO or K_SET_STOP; whether it was acknowledged."""
        tail = bytes([0, 0, stream_id, 0, self.info(slot), 0])
        answer = await self.idekm(bytes([command]) + tail, session)
        assert answer in (None, bytes([ObjectId.K_GOSTOP_ACK]) + tail)
        return answer is not None

    # ------------------------------------------------------------------ streams

    async def give_keys(
        self, index: int, key_set: int, direction: Direction, session: int = 0
    ) -> None:
        """Program a set of one direction of the device, and the partner's other direction."""
        stream_id = self.setups[index].stream_id
        for sub_stream in SubStream:
            key = self.rng.randbytes(32)
            slot = KeySlot(direction, sub_stream, key_set)
            partner = KeySlot(OTHER[direction], sub_stream, key_set)
            assert await self.key_prog(stream_id, slot, key, session=session) == KpStatus.SUCCESS
            self.partners[index].program(partner, key)
            if direction is Direction.TX:
                self.partners[index].go(partner)
            assert await self.set_command(ObjectId.K_SET_GO, stream_id, slot, session)
            if direction is Direction.RX:
                self.partners[index].go(partner)

    async def bring_up(self, index: int, key_set: int = 0, session: int = 0) -> IdeStream:
        """Keys, GO and Enable of one stream in the device and in a new partner port."""
        setup = self.setups[index]
        while len(self.partners) < self.count:
            self.partners.append(IdeStream(StreamConfig(0)))
        self.partners[index] = IdeStream(StreamConfig(setup.stream_id, tc=setup.tc))
        await self.give_keys(index, key_set, Direction.RX, session)
        await self.give_keys(index, key_set, Direction.TX, session)
        await self.enable(index)
        assert self.secure(index)
        return self.partners[index]

    async def enable(self, index: int) -> None:
        """Write Enable 0, then 1."""
        self.setups[index].enabled = False
        self.apply()
        await cycles(self.dut, 2)
        self.setups[index].enabled = True
        self.apply()
        if index < len(self.partners):
            self.partners[index].enable()
        await cycles(self.dut, 3)

    # ------------------------------------------------------------------ traffic

    async def settle(self, count: int = SETTLE) -> None:
        await self.link.flush()
        await cycles(self.dut, count)

    async def expect_served(self, plain: bytes, **side: int) -> None:
        """The next TLP on the bus is `plain`."""
        got = await self.sink.next()
        assert to_wire(got) == plain, f"got {to_wire(got).hex()}, expected {plain.hex()}"
        for name, value in side.items():
            assert got.side[name] == value, f"{name} = {got.side[name]}, expected {value}"

    async def expect_silence(self) -> None:
        """Nothing comes out of the device on either side."""
        await self.settle()
        assert not self.sink.tlps, "a TLP was served"
        assert not self.link.packets, "a TLP was sent"

    def expect_pulses(self, **expected: int) -> None:
        """Exactly these pulses since the last call."""
        seen = {name: count for name, count in self.pulses.items() if count}
        self.pulses.clear()
        assert seen == expected, f"pulses {seen}, expected {expected}"


def random_tlp(rng: random.Random, max_dw: int = 128) -> WireTlp:
    """A TLP that a selective stream may carry, with weight on short and longest payloads."""
    length = rng.choice([1, 2, 3, 4, 5, 8, rng.randint(1, max_dw), max_dw])
    payload = rng.randbytes(DW * length)
    wide = rng.random() < 0.5
    address = (rng.getrandbits(30) << 32 | 1 << 33 if wide else 0) | rng.getrandbits(20) << 12
    kind = rng.choice(["write"] * 4 + ["read"] * 2 + ["completion"] * 2 + ["empty", "message"])
    if kind == "write":
        return WireTlp.mem_write(HOST_RID, address, payload, rng.randrange(256))
    read = WireTlp.mem_read(PF_RID, address, DW * length, rng.randrange(256))
    if kind == "read":
        return read
    if kind == "completion":
        return WireTlp.cpld(HOST_RID, read, payload, DW * length, 0)
    if kind == "empty":
        return WireTlp.cpl(HOST_RID, read, rng.choice([1, 4]))  # type: ignore[arg-type]
    return WireTlp.msg(HOST_RID, 0x7E, PF_RID.to_bytes(2, "big") + rng.randbytes(6), 0x32)  # type: ignore[arg-type]
