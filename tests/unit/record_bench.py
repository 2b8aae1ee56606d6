# SPDX-License-Identifier: Apache-2.0
"""Block doe_spdm beside the record layer and the router of the reference, which foresee it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, First, RisingEdge
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from models.device.config import DeviceProfile
from models.device.control import Control
from models.device.records import RecordLayer
from models.doe.codes import ObjectType
from models.idekm.responder import IdeKmResponder
from models.spdm.carrier import wrap
from models.spdm.codes import AEAD_TAG_SIZE
from models.spdm.key_port import Direction, KeyOperation
from models.spdm.messages import VendorDefinedRequest
from models.spdm.messages.general import VENDOR_HEADER_SIZE
from models.spdm.record import HEADER, LENGTH, RecordCipher, RecordKeys
from models.tdisp.dsm import ReferenceDsm
from tb.adapter import KeyWrite
from tb.agents.stream import read_only
from tb.agents.tlp.driver import pauses
from tb.scoreboard.replay_rot import carry_out

SECURED = 1 << 32
SILENT = 0xEE  # third byte of what is asked: whoever is asked stays silent
SILENT_SHARE = 0.1
QUIET = 24  # cycles in which the ends of sessions come after an answer
LONGEST = 4576  # bytes of a message whose record fills a mailbox of 1152 DW
KEY_FIELDS = ("op", "session_id", "direction", "application", "deferred", "key", "iv")
RESPONDERS = ("idekm", "tdisp")  # by protocol id
INPUTS = ("rot_key_valid", *(f"{n}_{p}" for n in RESPONDERS for p in ("tready", "rsp_tvalid")))

Said = tuple[str, int | None, bytes]  # who was asked, in which session (None: plain), what


def echo(asked: bytes) -> bytes | None:
    """What a responder answers: the same bytes in reverse, or silence."""
    return None if asked[2:3] == bytes([SILENT]) else bytes(reversed(asked))


def rot_echo(message: bytes) -> bytes | None:
    """What the root of trust answers: the same behind an SPDM header, or silence."""
    return None if message[2:3] == bytes([SILENT]) else b"\x12\x7f" + bytes(reversed(message[2:]))


def forge(
    keys: RecordKeys, sequence: int, session_id: int, plain: bytes, length: int | None = None
) -> bytes:
    """A record of any plain text, with any number; `length` is the authenticated length field."""
    size = len(plain) + AEAD_TAG_SIZE if length is None else length
    header = HEADER.pack(session_id, size)
    number = sequence.to_bytes(len(keys.iv), "little")
    nonce = bytes(salt ^ count for salt, count in zip(keys.iv, number, strict=True))
    return header + AESGCM(keys.key).encrypt(nonce, plain, header)


def with_length(data: bytes) -> bytes:
    """The plain text of a record: application length and data."""
    return LENGTH.pack(len(data)) + data


@dataclass
class Party:
    """The requester's end of one session."""

    session_id: int
    keys: dict[Direction, RecordKeys] = field(default_factory=dict)
    ciphers: dict[Direction, RecordCipher] = field(default_factory=dict)

    def loads(
        self,
        rng: random.Random,
        ways: Sequence[Direction] = tuple(Direction),
        *,
        application: bool = True,
        deferred: bool = False,
    ) -> list[KeyWrite]:
        """Take fresh keys; the writes that give them to the device."""
        writes = []
        for way in ways:
            key, iv = rng.randbytes(32), rng.randbytes(12)
            self.keys[way] = RecordKeys(key, iv)
            self.ciphers[way] = RecordCipher(self.keys[way])
            writes.append(KeyWrite(0, self.session_id, int(way), application, deferred, key, iv))
        return writes

    def seal(self, data: bytes) -> bytes:
        """The next record."""
        return self.ciphers[Direction.REQUEST].seal(self.session_id, data)

    def forge(self, plain: bytes, length: int | None = None, skip: int = 0) -> bytes:
        """A record that should be the next one, with a true tag over whatever it holds."""
        sequence = self.ciphers[Direction.REQUEST].sequence + skip
        return forge(self.keys[Direction.REQUEST], sequence, self.session_id, plain, length)

    def end(self) -> KeyWrite:
        """The write that ends the session at once."""
        return KeyWrite(KeyOperation.END_SESSION, self.session_id)


class _Stub:
    """Stands in for a responder of the reference."""

    def __init__(self, name: str, reference: Reference) -> None:
        self._name = name
        self._reference = reference

    def handle(self, session: int, body: bytes) -> bytes | None:
        """Note what was asked."""
        self._reference.said.append((self._name, session, body))
        return self._reference.responders_answer(body)


class Reference:
    """What the block does, foreseen by the models; is its own root of trust."""

    def __init__(self, num_sessions: int) -> None:
        self.said: list[Said] = []
        self.ended: list[int] = []  # slots
        self.told: list[int] = []  # session ids of which the root of trust was told
        self.slots: dict[int, int] = {}
        self.writes: list[KeyWrite] = []  # of the root of trust with its next answer
        self.rot_answer: Callable[[bytes], bytes | None] = rot_echo
        self.responders_answer: Callable[[bytes], bytes | None] = echo
        self._num_sessions = num_sessions
        self.records = RecordLayer(num_sessions, self._on_end)
        self._control = Control(
            DeviceProfile(num_sessions=num_sessions),
            self.records,
            self,
            cast(IdeKmResponder, _Stub("idekm", self)),
            cast(ReferenceDsm, _Stub("tdisp", self)),
        )

    def _on_end(self, session_id: int) -> None:
        self.ended.append(self.slots.pop(session_id))

    def write(self, write: KeyWrite) -> None:
        """A write to the session-key port."""
        if write.op == KeyOperation.LOAD and write.session_id not in self.slots:
            free = sorted(set(range(self._num_sessions)) - set(self.slots.values()))
            if free:
                self.slots[write.session_id] = free[0]
        carry_out(write, self.records)

    def handle(self, message: bytes, session_id: int | None) -> bytes | None:
        """The root of trust's answer, after its writes."""
        self.said.append(("rot", session_id, message))
        for write in self.writes:
            self.write(write)
        return self.rot_answer(message)

    def session_ended(self, session_id: int) -> None:
        """The record layer has ended a session by itself."""
        self.told.append(session_id)

    def answer(self, doe_object: bytes) -> bytes | None:
        """The answer to an object."""
        return self._control.handle(doe_object)


class RecordBench:
    """The block, those around it, and the reference."""

    def __init__(self, dut: Any, seed: int = 1, num_sessions: int = 4) -> None:
        self.dut = dut
        self.rng = random.Random(seed)
        self.reference = Reference(num_sessions)
        self.said: list[Said] = []
        self.ended: list[int] = []
        self.told: list[int] = []
        self._pauses: Iterator[bool] = pauses(self.rng, 0.0)
        cocotb.start_soon(Clock(dut.clk, 4, "ns").start())
        clocking = (dut.clk, dut.rst)
        bus = AxiStreamBus.from_prefix
        self.doe_in = AxiStreamSource(bus(dut, "s_axis_doe"), *clocking, byte_lanes=4)
        self.doe_out = AxiStreamSink(read_only(bus(dut, "m_axis_doe")), *clocking, byte_lanes=4)
        self.rot_in = AxiStreamSink(read_only(bus(dut, "m_axis_rot")), *clocking)
        self.rot_out = AxiStreamSource(bus(dut, "s_axis_rot"), *clocking)
        for part in (self.doe_in, self.doe_out, self.rot_in, self.rot_out):
            part.log.setLevel("WARNING")

    async def start(self) -> None:
        """Reset the block and start everything around it."""
        dut = self.dut
        for name in INPUTS:
            getattr(dut, name).value = 0
        for name in RESPONDERS:
            getattr(dut, f"{name}_rsp_none").value = 0
        dut.rst.value = 1
        await ClockCycles(dut.clk, 5)
        dut.rst.value = 0
        cocotb.start_soon(self._rot())
        for name in RESPONDERS:
            cocotb.start_soon(self._respond(name))
        cocotb.start_soon(self._watch_ends())
        cocotb.start_soon(self._watch_told())

    def back_pressure(self, share: float) -> None:
        """From now on everybody pauses for `share` of the time."""
        self._pauses = pauses(self.rng, share)
        for part in (self.doe_in, self.doe_out, self.rot_in, self.rot_out):
            part.set_pause_generator(pauses(self.rng, share))
        for prefix in ("m_axis_doe", "m_axis_rot"):
            cocotb.start_soon(self._watch_stable(prefix))

    # ------------------------------------------------------------------ around the block

    async def _watch_ends(self) -> None:
        dut = self.dut
        while True:
            await RisingEdge(dut.session_end_valid)
            await RisingEdge(dut.clk)
            while int(dut.session_end_valid.value):
                self.ended.append(int(dut.session_end_idx.value))
                await RisingEdge(dut.clk)

    async def _watch_told(self) -> None:
        dut = self.dut
        while True:
            await RisingEdge(dut.rot_session_ended_valid)
            await RisingEdge(dut.clk)
            while int(dut.rot_session_ended_valid.value):
                self.told.append(int(dut.rot_session_ended_id.value))
                await RisingEdge(dut.clk)

    async def _watch_stable(self, prefix: str) -> None:
        """What is offered stays until it is taken."""
        bus, offered = AxiStreamBus.from_prefix(self.dut, prefix), None
        while True:
            await RisingEdge(self.dut.clk)
            valid = int(bus.tvalid.value)
            beat = (int(bus.tdata.value), int(bus.tlast.value)) if valid else None
            assert offered in (None, beat), f"{prefix}: an offer changed or was withdrawn"
            offered = None if int(bus.tready.value) else beat

    async def _rot(self) -> None:
        while True:
            frame = await self.rot_in.recv()
            user = frame.tuser if isinstance(frame.tuser, int) else frame.tuser[0]
            message = bytes(frame.tdata)
            self.said.append(("rot", user & 0xFFFFFFFF if user & SECURED else None, message))
            for write in self.reference.writes:
                await self._write(write)
            answer = self.reference.rot_answer(message)
            data, keep = (
                (answer, None) if answer else (bytes(4), bytes(4) if answer == b"" else None)
            )
            await self.rot_out.send(AxiStreamFrame(data, keep, tuser=int(answer is None)))

    async def _write(self, write: KeyWrite) -> None:
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

    async def _respond(self, name: str) -> None:
        dut = self.dut
        while True:
            slot, body = await self._take(name)
            known = [key for key, value in self.reference.slots.items() if value == slot]
            self.said.append((name, known[0] if known else None, body))
            answer = self.reference.responders_answer(body)
            if answer is not None:
                await self._give(name, answer)
                continue
            none = getattr(dut, f"{name}_rsp_none")
            none.value = 1
            await RisingEdge(dut.clk)
            none.value = 0

    async def _take(self, name: str) -> tuple[int, bytes]:
        dut = self.dut
        valid, ready = getattr(dut, f"{name}_tvalid"), getattr(dut, f"{name}_tready")
        body = bytearray()
        await RisingEdge(valid)
        while True:
            ready.value = int(not next(self._pauses))
            await RisingEdge(dut.clk)
            if int(valid.value) and int(ready.value):
                body.append(int(dut.vdm_tdata.value))
                if int(dut.vdm_tlast.value):
                    ready.value = 0
                    return int(dut.vdm_session.value), bytes(body)

    async def _give(self, name: str, body: bytes) -> None:
        dut = self.dut
        valid, ready = getattr(dut, f"{name}_rsp_tvalid"), getattr(dut, f"{name}_rsp_tready")
        for n, byte in enumerate(body):
            while next(self._pauses):
                await RisingEdge(dut.clk)
            getattr(dut, f"{name}_rsp_tdata").value = byte
            getattr(dut, f"{name}_rsp_tlast").value = int(n == len(body) - 1)
            valid.value = 1
            await RisingEdge(dut.clk)
            while not int(ready.value):
                await RisingEdge(dut.clk)
            valid.value = 0

    async def exchange(self, doe_object: bytes) -> bytes | None:
        """One object without the reference; the answer, or None when the block says so."""
        await self.doe_in.send(doe_object)
        none = RisingEdge(self.dut.doe_rsp_none)
        got = cocotb.start_soon(self.doe_out.recv())
        await First(none, got.complete)
        if got.done():
            return bytes(got.result().tdata)
        got.cancel()
        return None

    # ------------------------------------------------------------------ what tests use

    async def load(self, writes: Iterable[KeyWrite]) -> None:
        """Writes to the session-key port between two requests."""
        for write in writes:
            self.reference.write(write)
            await self._write(write)
            if write.op != KeyOperation.LOAD:
                await ClockCycles(self.dut.clk, QUIET)
        self._compare("session-key port")

    async def session(self, session_id: int | None = None, *, application: bool = True) -> Party:
        """A session with fresh keys in both directions."""
        party = Party(self.rng.getrandbits(32) if session_id is None else session_id)
        await self.load(party.loads(self.rng, application=application))
        return party

    async def send(
        self, doe_object: bytes, what: str = "", writes: Sequence[KeyWrite] = ()
    ) -> bytes | None:
        """One object; the block does what the reference foresees. `writes` are the RoT's."""
        reference = self.reference
        reference.writes = list(writes)
        before = dict(reference.slots)
        expected = reference.answer(doe_object)
        after, reference.slots = reference.slots, before
        got = await self.exchange(doe_object)
        await ClockCycles(self.dut.clk, QUIET)
        reference.slots = after
        self._same("answer", expected, got, what)
        self._compare(what)
        return got

    def _compare(self, what: str) -> None:
        """Who was asked what and which sessions have ended since the last time."""
        reference = self.reference
        self._same("asked", reference.said, self.said, what)
        self._same("ended", sorted(reference.ended), sorted(self.ended), what)
        self._same("told", reference.told, self.told, what)
        for seen in (self.said, reference.said):
            seen.clear()
        for numbers in (self.ended, self.told, reference.ended, reference.told):
            numbers.clear()

    @staticmethod
    def _same(name: str, expected: object, got: object, what: str) -> None:
        assert got == expected, f"{what}: {name} {got!r}, not {expected!r}"

    async def record(
        self, record: bytes, what: str = "", writes: Sequence[KeyWrite] = ()
    ) -> bytes | None:
        """A record as a DOE object."""
        return await self.send(wrap(ObjectType.SECURED_SPDM, record), what, writes)

    def message(self, size: int) -> bytes:
        """A message of `size` bytes for IDE_KM, TDISP or the root of trust, answered or not."""
        rng = self.rng
        protocol = rng.choice((0, 1, None)) if size > VENDOR_HEADER_SIZE + 3 else None
        header = 0 if protocol is None else VENDOR_HEADER_SIZE + 1
        body = bytearray(rng.randbytes(size - header))
        body[1:2] = b"\xe0"[: len(body[1:2])]
        body[2:3] = bytes([SILENT if rng.random() < SILENT_SHARE else 0])[: len(body[2:3])]
        if protocol is None:
            return bytes(body)
        return VendorDefinedRequest(protocol_id=protocol, body=bytes(body)).encode()


async def make(dut: Any, seed: int = 1) -> RecordBench:
    """A bench after reset."""
    bench = RecordBench(dut, seed)
    await bench.start()
    return bench
