# SPDX-License-Identifier: Apache-2.0
"""The DOE mailbox word by word, and a session that goes on where an answer got lost."""

from __future__ import annotations

from cocotb.triggers import ClockCycles

from models.doe.codes import ControlBit, ObjectType, Register, StatusBit
from models.spdm.carrier import unwrap, wrap
from models.spdm.key_port import Direction
from models.spdm.messages import VendorDefinedRequest, VendorDefinedResponse
from models.spdm.record import RecordCipher
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import PROTOCOL_ID, VERSION_1_0
from tb.scenario import Scenario, TdispAnswer, decode_answer

DW = 4
BUSY = 1 << StatusBit.BUSY
ERROR = 1 << StatusBit.ERROR
READY = 1 << StatusBit.DATA_OBJECT_READY
GO = 1 << ControlBit.GO
ABORT = 1 << ControlBit.ABORT
LENGTH_MASK = 0x3FFFF
POLLS = 400
POLL_CYCLES = 50


def count(raw: bytes) -> int:
    """DWs of an object."""
    return len(raw) // DW


class Words:
    """Registers of the mailbox, one access at a time, by whoever has hold of the link."""

    def __init__(self, kit: Scenario) -> None:
        self.driver = kit.env.doe.driver
        self._clk = kit.env.adapter.clk

    async def put(self, raw: bytes) -> None:
        """Append DWs to the write mailbox."""
        for at in range(0, len(raw), DW):
            word = int.from_bytes(raw[at : at + DW], "little")
            await self.driver.write(Register.WRITE_MAILBOX, word)

    async def go(self) -> None:
        """Write GO."""
        await self.driver.write(Register.CONTROL, GO)

    async def abort(self) -> None:
        """Write Abort, which must leave an empty mailbox at once or soon."""
        await self.driver.write(Register.CONTROL, ABORT)
        status = await self.settled()
        assert status == 0, f"status {status:08x} after Abort"
        assert await self.driver.read(Register.READ_MAILBOX) == 0, "left behind by Abort"

    async def status(self) -> int:
        """DOE Status."""
        return int(await self.driver.read(Register.STATUS))

    async def settled(self) -> int:
        """DOE Status as soon as Busy is clear."""
        for _ in range(POLLS):
            status = await self.status()
            if not status & BUSY:
                return status
            await ClockCycles(self._clk, POLL_CYCLES)
        raise AssertionError("the mailbox stays Busy")

    async def pop(self) -> bytes:
        """The word at the head of the read mailbox, which is removed."""
        word = int(await self.driver.read(Register.READ_MAILBOX))
        await self.driver.write(Register.READ_MAILBOX, 0)
        return word.to_bytes(DW, "little")

    async def rest(self, begun: bytes = b"") -> bytes:
        """All of an answer whose first words, `begun`, have been read."""
        data = begun
        while await self.status() & READY:
            data += await self.pop()
        length = int.from_bytes(data[DW : 2 * DW], "little") & LENGTH_MASK
        assert length == count(data), f"answer of {count(data)} DW says {length}"
        return data

    async def answer(self) -> bytes | None:
        """What comes when Busy is clear; None for silence."""
        status = await self.settled()
        if status == 0:
            return None
        assert status == READY, f"status {status:08x}"
        return await self.rest()

    async def exchange(self, raw: bytes) -> bytes | None:
        """A whole object and its answer."""
        await self.put(raw)
        await self.go()
        return await self.answer()


class Line:
    """The TSM's end of a session. An answer that is lost on the way is counted and skipped."""

    def __init__(self, kit: Scenario, session: SecureSession) -> None:
        self._kit = kit
        self._session = session
        tap = kit.env.scoreboard.checker.control.tap
        self._keys, number = tap.keys(session.session_id, Direction.RESPONSE)
        self._receive = RecordCipher(self._keys, number)

    def ask(self, request: int, index: int, payload: bytes = b"") -> bytes:
        """The object of a TDISP request for function `index`; it is valid until it is taken."""
        head = bytes([VERSION_1_0, request, 0, 0])
        name = self._kit.function(index).rid.to_bytes(4, "little") + bytes(8)
        message = VendorDefinedRequest(
            version=self._session.suite.version,
            protocol_id=PROTOCOL_ID,
            body=head + name + payload,
        )
        return wrap(ObjectType.SECURED_SPDM, self._session.seal(message.encode()))

    def open(self, answer: bytes) -> TdispAnswer:
        """The TDISP response in an object; fails when it is not the next record."""
        kind, record = unwrap(answer)
        assert kind == ObjectType.SECURED_SPDM, f"type {kind}"
        return decode_answer(VendorDefinedResponse.decode(self._receive.open(record)).body)

    def lost(self) -> None:
        """The answer to the latest request will not come."""
        self._receive = RecordCipher(self._keys, self._receive.sequence + 1)
