# SPDX-License-Identifier: Apache-2.0
"""Block doe_spdm between the SPDM requester and responder models."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import First, RisingEdge
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from models.spdm.identity import DeviceIdentity
from models.spdm.requester import SpdmRequester
from models.spdm.responder import SpdmResponder
from models.spdm.codes import KeyUpdateOperation

SECURED = 1 << 32


class KeyQueue:
    def __init__(self) -> None:
        self.ops: list[dict[str, Any]] = []

    def load(self, session_id, direction, key, iv, *, application, deferred) -> None:
        self.ops.append(dict(op=0, session_id=session_id, direction=int(direction), key=int.from_bytes(key, "big"),
            iv=int.from_bytes(iv, "big"), application=int(application), deferred=int(deferred)))

    def end_session(self, session_id, *, deferred) -> None:
        self.ops.append(dict(op=1, session_id=session_id, deferred=int(deferred)))

    def end_all(self) -> None:
        self.ops.append(dict(op=2))


class Bench:
    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.rng = random.Random(7)
        cocotb.start_soon(Clock(dut.clk, 4, "ns").start())
        self.doe_in = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis_doe"), dut.clk, dut.rst, byte_lanes=4)
        self.doe_out = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis_doe"), dut.clk, dut.rst, byte_lanes=4)
        self.rot_in = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis_rot"), dut.clk, dut.rst)
        self.rot_out = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis_rot"), dut.clk, dut.rst)
        for p in (self.doe_in, self.doe_out, self.rot_in, self.rot_out):
            p.log.setLevel("WARNING")
        self.keys = KeyQueue()
        self.identity = DeviceIdentity.generate(random.Random(1))
        self.responder = SpdmResponder(self.identity, self.keys, random.Random(2))
        self.ended: list[int] = []
        self.tee: list[tuple[str, bytes]] = []

    async def reset(self) -> None:
        d = self.dut
        for s in "rot_key_valid idekm_tready tdisp_tready idekm_rsp_tvalid tdisp_rsp_tvalid idekm_rsp_none tdisp_rsp_none".split():
            getattr(d, s).value = 0
        d.rst.value = 1
        for _ in range(5):
            await RisingEdge(d.clk)
        d.rst.value = 0
        cocotb.start_soon(self.rot())
        cocotb.start_soon(self.vdm("idekm"))
        cocotb.start_soon(self.vdm("tdisp"))
        cocotb.start_soon(self.watch())

    async def watch(self) -> None:
        while True:
            await RisingEdge(self.dut.session_end_valid)
            self.ended.append(int(self.dut.session_end_idx.value))

    async def rot(self) -> None:
        d = self.dut
        while True:
            f = await self.rot_in.recv()
            user = f.tuser if isinstance(f.tuser, int) else f.tuser[0]
            sid = user & 0xFFFFFFFF if user & SECURED else None
            ans = self.responder.handle(bytes(f.tdata), sid)
            for op in self.keys.ops:
                for k in ("op", "session_id", "direction", "application", "deferred", "key", "iv"):
                    getattr(d, f"rot_key_{k}").value = op.get(k, 0)
                d.rot_key_valid.value = 1
                await RisingEdge(d.clk)
                while not int(d.rot_key_ready.value):
                    await RisingEdge(d.clk)
                d.rot_key_valid.value = 0
            self.keys.ops.clear()
            await self.rot_out.send(AxiStreamFrame(ans or bytes(4), tuser=int(ans is None)))

    async def vdm(self, name: str) -> None:
        d = self.dut
        sig = lambda s: getattr(d, f"{name}_{s}")
        while True:
            body = bytearray()
            while True:
                sig("tready").value = 1
                await RisingEdge(d.clk)
                if int(sig("tvalid").value):
                    body.append(int(d.vdm_tdata.value))
                    if int(d.vdm_tlast.value):
                        break
            sig("tready").value = 0
            self.tee.append((name, bytes(body)))
            if body[0] == 0xEE:
                sig("rsp_none").value = 1
                await RisingEdge(d.clk)
                sig("rsp_none").value = 0
                continue
            out = bytes(reversed(body))
            for i, b in enumerate(out):
                sig("rsp_tdata").value = b
                sig("rsp_tlast").value = int(i == len(out) - 1)
                sig("rsp_tvalid").value = 1
                await RisingEdge(d.clk)
                while not int(sig("rsp_tready").value):
                    await RisingEdge(d.clk)
            sig("rsp_tvalid").value = 0

    async def exchange(self, doe: bytes) -> bytes | None:
        await self.doe_in.send(doe)
        none = RisingEdge(self.dut.doe_rsp_none)
        got = cocotb.start_soon(self.doe_out.recv())
        await First(none, got.complete if hasattr(got, "complete") else got)
        if got.done():
            return bytes(got.result().tdata)
        got.cancel()
        return None


@cocotb.test()
async def life(dut: Any) -> None:
    b = Bench(dut)
    await b.reset()
    r = SpdmRequester(b, random.Random(3), [b.identity.root])
    assert await b.exchange(bytes.fromhex("010000000300000000000000")) == bytes.fromhex("010000000300000001000001")
    assert await b.exchange(bytes.fromhex("010000000300000002000000")) == bytes.fromhex("010000000300000001000200")
    assert await b.exchange(bytes.fromhex("010000000300000007000000")) == bytes.fromhex("0100000003000000ffffff00")
    assert await b.exchange(bytes.fromhex("010009000300000007000000")) is None
    await r.connect()
    await r.get_digests()
    await r.get_certificate()
    await r.challenge()
    await r.get_measurements()
    s = await r.start_session()
    for n in (1, 2, 3, 4, 5, 16, 20, 48, 300):
        body = random.Random(n).randbytes(n - 1)
        body = b"\x81" + body
        assert await s.vendor_defined(1, body) == bytes(reversed(body)), n
        assert await s.vendor_defined(0, body) == bytes(reversed(body)), n
    assert await s.vendor_defined(1, b"\xee1234") is None
    await s.heartbeat() if False else None
    await s.get_measurements()
    await s.key_update(KeyUpdateOperation.UPDATE_KEY)
    await s.get_measurements()
    await s.key_update(KeyUpdateOperation.UPDATE_ALL_KEYS)
    await s.get_measurements()
    s2 = await r.start_session()
    assert await s2.vendor_defined(1, b"\x81abc") == b"cba\x81"
    assert await s.vendor_defined(1, b"\x81abc") == b"cba\x81"
    await s.end()
    for _ in range(20):
        await RisingEdge(dut.clk)
    assert b.ended == [0]
    assert await s2.vendor_defined(1, b"\x81abcd") == b"dcba\x81"
    await r.connect()
    for _ in range(20):
        await RisingEdge(dut.clk)
    assert b.ended == [0, 1], b.ended
    cocotb.log.info("time %s", cocotb.utils.get_sim_time("ns"))
