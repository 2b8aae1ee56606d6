# SPDX-License-Identifier: Apache-2.0
"""Block doe_spdm between the SPDM requester and responder models."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, First, RisingEdge
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from models.spdm.codes import KeyUpdateOperation
from models.spdm.identity import DeviceIdentity
from models.spdm.requester import SpdmRequester
from models.spdm.responder import SpdmResponder
from tb.adapter import KeyWrite
from tb.agents.rot.driver import QueuedKeyPort
from tb.agents.stream import read_only

SECURED = 1 << 32
SILENT = 0xEE  # first byte of a body to which the responders stay silent
KEY_FIELDS = ("op", "session_id", "direction", "application", "deferred", "key", "iv")
INPUTS = (
    "rot_key_valid",
    "idekm_tready",
    "tdisp_tready",
    "idekm_rsp_tvalid",
    "tdisp_rsp_tvalid",
    "idekm_rsp_none",
    "tdisp_rsp_none",
)
DISCOVERY = "0100000003000000"


class Bench:
    """The block with a responder model at the RoT port; IDE_KM and TDISP echo in reverse."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.rng = random.Random(7)
        cocotb.start_soon(Clock(dut.clk, 4, "ns").start())
        clocking = (dut.clk, dut.rst)
        self.doe_in = AxiStreamSource(
            AxiStreamBus.from_prefix(dut, "s_axis_doe"), *clocking, byte_lanes=4
        )
        self.doe_out = AxiStreamSink(
            read_only(AxiStreamBus.from_prefix(dut, "m_axis_doe")), *clocking, byte_lanes=4
        )
        self.rot_in = AxiStreamSink(
            read_only(AxiStreamBus.from_prefix(dut, "m_axis_rot")), *clocking
        )
        self.rot_out = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis_rot"), *clocking)
        for part in (self.doe_in, self.doe_out, self.rot_in, self.rot_out):
            part.log.setLevel("WARNING")
        self.keys = QueuedKeyPort()
        self.identity = DeviceIdentity.generate(random.Random(1))
        self.responder = SpdmResponder(self.identity, self.keys, random.Random(2))
        self.ended: list[int] = []
        self.bodies: list[tuple[str, bytes]] = []

    async def reset(self) -> None:
        """Reset the block and start everything around it."""
        dut = self.dut
        for name in INPUTS:
            getattr(dut, name).value = 0
        dut.rst.value = 1
        await ClockCycles(dut.clk, 5)
        dut.rst.value = 0
        for part in (self.rot(), self.respond("idekm"), self.respond("tdisp"), self.watch()):
            cocotb.start_soon(part)

    async def watch(self) -> None:
        """Note each session that ends."""
        while True:
            await RisingEdge(self.dut.session_end_valid)
            self.ended.append(int(self.dut.session_end_idx.value))

    async def rot(self) -> None:
        """The root of trust: keys first, then the answer."""
        while True:
            frame = await self.rot_in.recv()
            user = frame.tuser if isinstance(frame.tuser, int) else frame.tuser[0]
            session_id = user & 0xFFFFFFFF if user & SECURED else None
            answer = self.responder.handle(bytes(frame.tdata), session_id)
            for write in self.keys.writes:
                await self.write_key(write)
            self.keys.writes.clear()
            data = answer if answer is not None else bytes(4)
            await self.rot_out.send(AxiStreamFrame(data, tuser=int(answer is None)))

    async def write_key(self, write: KeyWrite) -> None:
        """One write to the session-key port."""
        dut = self.dut
        for name in KEY_FIELDS:
            value = getattr(write, name)
            number = int.from_bytes(value, "big") if isinstance(value, bytes) else int(value)
            getattr(dut, f"rot_key_{name}").value = number
        dut.rot_key_valid.value = 1
        await RisingEdge(dut.clk)
        while not int(dut.rot_key_ready.value):
            await RisingEdge(dut.clk)
        dut.rot_key_valid.value = 0

    async def respond(self, name: str) -> None:
        """A responder that sends bodies back in reverse."""
        while True:
            body = await self._take(name)
            self.bodies.append((name, body))
            if body[0] == SILENT:
                none = getattr(self.dut, f"{name}_rsp_none")
                none.value = 1
                await RisingEdge(self.dut.clk)
                none.value = 0
            else:
                await self._give(name, bytes(reversed(body)))

    async def _take(self, name: str) -> bytes:
        dut = self.dut
        valid, ready = getattr(dut, f"{name}_tvalid"), getattr(dut, f"{name}_tready")
        body = bytearray()
        ready.value = 1
        while True:
            await RisingEdge(dut.clk)
            if int(valid.value):
                body.append(int(dut.vdm_tdata.value))
                if int(dut.vdm_tlast.value):
                    ready.value = 0
                    return bytes(body)

    async def _give(self, name: str, body: bytes) -> None:
        valid = getattr(self.dut, f"{name}_rsp_tvalid")
        for n, byte in enumerate(body):
            getattr(self.dut, f"{name}_rsp_tdata").value = byte
            getattr(self.dut, f"{name}_rsp_tlast").value = int(n == len(body) - 1)
            valid.value = 1
            await RisingEdge(self.dut.clk)
            while not int(getattr(self.dut, f"{name}_rsp_tready").value):
                await RisingEdge(self.dut.clk)
        valid.value = 0

    async def exchange(self, doe_object: bytes, /) -> bytes | None:
        """Transport: the answer, or None when the block says that there is none."""
        await self.doe_in.send(doe_object)
        none = RisingEdge(self.dut.doe_rsp_none)
        got = cocotb.start_soon(self.doe_out.recv())
        await First(none, got.complete)
        if got.done():
            return bytes(got.result().tdata)
        got.cancel()
        return None

    async def discover(self, index: int) -> str:
        """The last DW of the answer to Discovery."""
        answer = await self.exchange(bytes.fromhex(DISCOVERY) + index.to_bytes(4, "little"))
        assert answer is not None
        assert answer[:8] == bytes.fromhex(DISCOVERY)
        return answer[8:].hex()


@cocotb.test()
async def life(dut: Any) -> None:
    """Discovery, connection, two sessions, vendor messages, key updates, ends."""
    bench = Bench(dut)
    await bench.reset()
    found = [await bench.discover(index) for index in (0, 1, 2, 3)]
    assert found == ["01000001", "01000102", "01000200", "ffffff00"]
    assert await bench.exchange(bytes.fromhex("010009000300000007000000")) is None
    requester = SpdmRequester(bench, random.Random(3), [bench.identity.root])
    await requester.connect()
    await requester.get_digests()
    await requester.get_certificate()
    await requester.challenge()
    await requester.get_measurements()
    session = await requester.start_session()
    for size in (1, 2, 3, 4, 5, 16, 20, 48, 300):
        body = b"\x81" + random.Random(size).randbytes(size - 1)
        assert await session.vendor_defined(1, body) == bytes(reversed(body)), size
        assert await session.vendor_defined(0, body) == bytes(reversed(body)), size
    assert await session.vendor_defined(1, bytes([SILENT]) + b"1234") is None
    for kind in (KeyUpdateOperation.UPDATE_KEY, KeyUpdateOperation.UPDATE_ALL_KEYS):
        await session.key_update(kind)
        await session.get_measurements()
    second = await requester.start_session()
    assert await second.vendor_defined(1, b"\x81abc") == b"cba\x81"
    assert await session.vendor_defined(1, b"\x81abc") == b"cba\x81"
    await session.end()
    await ClockCycles(dut.clk, 20)
    assert bench.ended == [0]
    assert await second.vendor_defined(1, b"\x81abcd") == b"dcba\x81"
    await requester.connect()
    await ClockCycles(dut.clk, 20)
    assert bench.ended == [0, 1]
