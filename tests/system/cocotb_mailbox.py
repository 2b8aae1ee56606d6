# SPDX-License-Identifier: Apache-2.0
"""The DOE mailbox of the device under a host that breaks its rules, aborts and resets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pyuvm
from cocotb.triggers import ClockCycles

from models.app.map import Control
from models.app.map import Register as Dma
from models.doe.codes import ControlBit, ObjectType, Register, StatusBit
from models.doe.objects import DataObject, DiscoveryRequest, DiscoveryResponse, discover
from models.pcie.codes import INITIATE_FLR, CapabilityId
from models.pcie.tlp import Tlp
from models.spdm.carrier import PlainChannel, wrap
from models.spdm.codes import ErrorCode, Response
from models.spdm.messages import GetDigests, VendorDefinedRequest
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import PROTOCOL_ID, Request, TdiState
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import StopInterfaceRequest
from tb.base_test import BaseTest
from tb.host.root_port import HOST_RID
from tb.scenario import TVM_MEMORY, Scenario
from tests.system.doe_path import Exchange, on_the_way

BUSY = 1 << StatusBit.BUSY
ERROR = 1 << StatusBit.ERROR
READY = 1 << StatusBit.DATA_OBJECT_READY
GO = 1 << ControlBit.GO
ABORT = 1 << ControlBit.ABORT
CAPACITY = 1152  # DW
DEVICE_CONTROL = 0x08
QUIET = 1500  # cycles: longer than a message takes through the device
TAG = 200

Act = Callable[[], Awaitable[None]]


class Mailbox(BaseTest):
    """Registers of the mailbox, one by one."""

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        self.driver = kit.env.doe.driver
        await kit.bring_up()
        await kit.connect()
        self.session: SecureSession = await kit.open_session()
        await self.use()

    async def use(self) -> None:
        """What the test does."""
        raise AssertionError("a test overrides use()")

    async def put(self, raw: bytes) -> None:
        """Append DWs to the write mailbox."""
        for at in range(0, len(raw), 4):
            word = int.from_bytes(raw[at : at + 4], "little")
            await self.driver.write(Register.WRITE_MAILBOX, word)

    async def go(self) -> None:
        """Write GO."""
        await self.driver.write(Register.CONTROL, GO)

    async def status(self) -> int:
        """DOE Status."""
        return int(await self.driver.read(Register.STATUS))

    async def write(self, register: Register, value: int, enables: int) -> None:
        """A write with byte enables."""
        host = self.kit.host
        assert host.doe_base is not None
        await host.config_write(host.pf_rid, host.doe_base + register, value, enables)

    async def until(self, bits: int) -> None:
        """Wait until Status is exactly `bits`."""
        for _ in range(100):
            if await self.status() == bits:
                return
            await ClockCycles(self.adapter.clk, 100)
        raise AssertionError(f"status {await self.status():08x}, not {bits:08x}")

    def hold_root_of_trust(self, hold: bool) -> None:
        """While it is held nothing that it is asked is answered."""
        self.kit.env.rot.driver.source.pause = hold

    async def ask_root_of_trust(self) -> None:
        """A request that stays under way while the root of trust is held."""
        self.hold_root_of_trust(True)
        await self.put(wrap(ObjectType.SPDM, GetDigests().encode()))
        await self.go()
        await self.until(BUSY)

    async def assert_works(self, what: str) -> None:
        """Discovery, a plain message and one of the session are answered."""
        raw = await self.kit.env.doe.exchange(DiscoveryRequest(0).encode())
        assert raw is not None, what
        assert DiscoveryResponse.decode(DataObject.decode(raw).payload) == discover(0), what
        answer = await PlainChannel(self.kit.env.doe).request(GetDigests().encode())
        assert answer is not None, what
        assert answer[1] == Response.DIGESTS, what
        state = await self.kit.tdisp(
            self.session, Request.GET_DEVICE_INTERFACE_STATE, self.kit.tvm_function
        )
        assert state is not None, what
        assert state.payload == bytes([self.adapter.tdi_states()[self.kit.tvm_function]]), what


@pyuvm.test()
class MisuseIsAnErrorUntilAbort(Mailbox):
    """Words and GO while Busy, a pop of nothing, a poisoned write: Error, until Abort."""

    async def use(self) -> None:
        ways: dict[str, tuple[bool, Act]] = {
            "a word while Busy": (True, lambda: self.put(bytes(4))),
            "GO while Busy": (True, self.go),
            "a pop of nothing": (False, lambda: self.driver.write(Register.READ_MAILBOX, 0)),
            "a poisoned word": (False, lambda: self._poisoned(Register.WRITE_MAILBOX)),
            "a poisoned GO": (True, lambda: self._poisoned(Register.CONTROL)),
        }
        for what, (busy, act) in ways.items():
            if busy:
                await self.ask_root_of_trust()
            await act()
            await self.until(ERROR)
            await self.put(DiscoveryRequest(0).encode())
            await self.go()
            self.hold_root_of_trust(False)
            await ClockCycles(self.adapter.clk, QUIET)
            assert await self.status() == ERROR, f"{what}: not until Abort"
            await self.driver.abort()
            await self.assert_works(f"after {what}")

    async def _poisoned(self, register: Register) -> None:
        host = self.kit.host
        assert host.doe_base is not None
        write = Tlp.cfg_write(HOST_RID, host.pf_rid, host.doe_base + register, GO, TAG)
        await host.request(replace(write, ep=True))


@pyuvm.test()
class ASecondRequestIsNeverCarriedOut(Mailbox):
    """STOP of a TDI while that of its neighbour waits for its reads: Error, and it runs on."""

    async def use(self) -> None:
        kit, inbound = self.kit, self.kit.host.inbound
        tdi, neighbour = kit.tvm_function, kit.legacy_functions[0]
        await kit.key_stream(self.session)
        for index in (tdi, neighbour):
            await kit.start(self.session, await kit.lock(self.session, index))
        inbound.hold_completions = True
        for register, value in (
            (Dma.HOST_ADDRESS_LOW, TVM_MEMORY.base),
            (Dma.LENGTH, 64),
            (Dma.CONTROL, int(Control.START)),
        ):
            await kit.write_register(kit.function(neighbour), register, value, kit.tee)
        first, second = (self._stop(index) for index in (neighbour, tdi))
        await self.put(first)
        await self.go()
        await self.until(BUSY)
        await self.put(second)
        await self.go()
        await self.until(ERROR)
        inbound.hold_completions = False
        await inbound.release()
        await ClockCycles(self.adapter.clk, QUIET)
        await self.driver.abort()
        states = self.adapter.tdi_states()
        assert (states[tdi], states[neighbour]) == (TdiState.RUN, TdiState.CONFIG_UNLOCKED)
        self.session = await kit.open_session()
        await self.assert_works("after a second request")
        assert self.adapter.tdi_states()[tdi] is TdiState.RUN

    def _stop(self, index: int) -> bytes:
        """STOP_INTERFACE_REQUEST in its record."""
        name = InterfaceId(self.kit.function(index).rid)
        body = StopInterfaceRequest(interface=name).encode()
        message = VendorDefinedRequest(protocol_id=PROTOCOL_ID, body=body).encode()
        return wrap(ObjectType.SECURED_SPDM, self.session.seal(message))


@pyuvm.test()
class LongestObjectIsTakenAndALongerOneIsAnError(Mailbox):
    """1152 DW reach the root of trust, which refuses them; one DW more is an overflow."""

    async def use(self) -> None:
        longest = wrap(ObjectType.SPDM, b"\x12\xe1" + bytes(4 * CAPACITY - 10))
        answer = await self.kit.env.doe.exchange(longest)
        assert answer is not None
        assert answer[9:11] == bytes([Response.ERROR, ErrorCode.REQUEST_TOO_LARGE])
        await self.assert_works("after the longest object")
        await self.put(longest)
        assert await self.status() == 0
        await self.put(bytes(4))
        assert await self.status() == ERROR
        await self.driver.abort()
        await self.assert_works("after an overflow")


@pyuvm.test()
class AbortAtAnyMomentLeavesNothingBehind(Mailbox):
    """Before, while and after the answer is made: no stale answer, and the next request works."""

    async def use(self) -> None:
        await self._right_after_go()
        await self._at_the_root_of_trust()
        for words in (0, 1, 2, 5):
            await self._unread(words)
        await self._of_a_record()

    async def _right_after_go(self) -> None:
        await self.put(DiscoveryRequest(1).encode())
        await self.go()
        await self.driver.abort()
        await ClockCycles(self.adapter.clk, QUIET)
        assert await self.status() == 0, "a stale answer"
        await self.assert_works("abort right after GO")

    async def _at_the_root_of_trust(self) -> None:
        await self.ask_root_of_trust()
        await self.driver.write(Register.CONTROL, ABORT)
        await self.until(0)
        self.hold_root_of_trust(False)
        await ClockCycles(self.adapter.clk, QUIET)
        assert await self.status() == 0, "a stale answer"
        await self.assert_works("abort while the root of trust had it")

    async def _unread(self, words: int) -> None:
        """Read `words` of the answer, then abort."""
        await self.put(wrap(ObjectType.SPDM, GetDigests().encode()))
        await self.go()
        await self.until(READY)
        for _ in range(words):
            await self.driver.read(Register.READ_MAILBOX)
            await self.driver.write(Register.READ_MAILBOX, 0)
        await self.driver.write(Register.CONTROL, ABORT)
        assert await self.status() == 0
        assert await self.driver.read(Register.READ_MAILBOX) == 0
        await self.assert_works(f"abort after {words} words")

    async def _of_a_record(self) -> None:
        """STOP is carried out, its answer is lost, and with it the requester's place in line."""
        await self.kit.key_stream(self.session)
        await self.kit.lock(self.session, self.kit.tvm_function)

        async def abort(_: Exchange, doe_object: bytes) -> bytes | None:
            await self.put(doe_object)
            await self.go()
            await self.driver.abort()
            return None

        with on_the_way(self.kit.env.doe, abort):
            assert (
                await self.kit.tdisp(
                    self.session, Request.STOP_INTERFACE_REQUEST, self.kit.tvm_function
                )
                is None
            )
        await ClockCycles(self.adapter.clk, QUIET)
        assert await self.status() == 0, "a stale answer"
        assert self.adapter.tdi_states()[self.kit.tvm_function] is TdiState.CONFIG_UNLOCKED
        self.session = await self.kit.open_session()
        await self.assert_works("abort of a record")


@pyuvm.test()
class FlrEmptiesTheMailbox(Mailbox):
    """FLR of the physical function: no stale answer, and the session lives on."""

    async def use(self) -> None:
        await self.ask_root_of_trust()
        await self._flr()
        assert await self.status() in (0, BUSY)
        self.hold_root_of_trust(False)
        await ClockCycles(self.adapter.clk, QUIET)
        assert await self.status() == 0, "a stale answer"
        await self.kit.bring_up_again()
        await self.assert_works("FLR while the root of trust had it")
        await self.put(DiscoveryRequest(2).encode())
        await self.go()
        await self.until(READY)
        await self._flr()
        await ClockCycles(self.adapter.clk, QUIET)
        assert await self.status() == 0, "a stale answer"
        await self.kit.bring_up_again()
        await self.put(DiscoveryRequest(2).encode()[:8])
        await self._flr()
        await self.kit.bring_up_again()
        await self.assert_works("FLR with part of an object")

    async def _flr(self) -> None:
        host = self.kit.host
        at = await host.capability(host.pf_rid, CapabilityId.PCIE) + DEVICE_CONTROL
        await host.config_write(host.pf_rid, at, INITIATE_FLR, enables=0b0011)


@pyuvm.test()
class RegistersTakeWholeWordsAndKeepTheirOrder(Mailbox):
    """Partial writes are ignored, reads do not pop, Control and Write Mailbox read 0."""

    async def use(self) -> None:
        raw = DiscoveryRequest(0).encode()
        for at in range(0, len(raw), 4):
            for enables in (0b0000, 0b0001, 0b1000, 0b0111, 0b1110):
                await self.write(Register.WRITE_MAILBOX, 0xDEADBEEF, enables)
            await self.put(raw[at : at + 4])
        await self.write(Register.CONTROL, GO, 0b0111)
        assert await self.status() == 0, "GO with its byte not enabled"
        await self.write(Register.CONTROL, GO, 0b1000)
        await self.until(READY)
        got = bytearray()
        while await self.status() & READY:
            words = {await self.driver.read(Register.READ_MAILBOX) for _ in range(3)}
            await self.write(Register.READ_MAILBOX, 0, 0b0111)
            words.add(await self.driver.read(Register.READ_MAILBOX))
            assert len(words) == 1, f"{words} of one place"
            got += words.pop().to_bytes(4, "little")
            await self.driver.write(Register.READ_MAILBOX, 0xFFFFFFFF)
        assert DiscoveryResponse.decode(DataObject.decode(bytes(got)).payload) == discover(0)
        for register in (Register.CONTROL, Register.WRITE_MAILBOX, Register.READ_MAILBOX):
            assert await self.driver.read(register) == 0, register.name
        await self.put(raw)
        await self.write(Register.CONTROL, ABORT, 0b1110)
        await self.go()
        await self.until(READY)
        await self.driver.abort()
        await self.assert_works("in the end")


@pyuvm.test()
class LyingLengthsAreDiscarded(Mailbox):
    """Objects of all kinds that are longer or shorter than they say: no answer, no effect."""

    async def use(self) -> None:
        await self.kit.key_stream(self.session)
        await self.kit.lock(self.session, self.kit.tvm_function)
        objects = (DiscoveryRequest(0).encode(), wrap(ObjectType.SPDM, GetDigests().encode()))
        for raw in objects:
            right = len(raw) // 4
            for length in (0, 1, 2, right - 1, right + 1, right + (1 << 17), (1 << 18) - 1):
                if length == right:
                    continue
                lie = raw[:4] + length.to_bytes(4, "little") + raw[8:]
                assert await self.kit.env.doe.exchange(lie) is None, f"{right} DW as {length}"
        good = DiscoveryRequest(0).encode()
        for size in (4, 8):
            assert await self.kit.env.doe.exchange(good[:size]) is None
        reserved = good[:3] + b"\xa5" + good[4:6] + bytes([good[6] | 0xFC]) + b"\xff" + good[8:]
        assert await self.kit.env.doe.exchange(reserved), "reserved bits do not count"
        stop = bytes([0x10, Request.STOP_INTERFACE_REQUEST, 0, 0])
        name = self.kit.function(self.kit.tvm_function).rid.to_bytes(4, "little") + bytes(8)
        with on_the_way(self.kit.env.doe, lambda honest, raw: honest(raw[:-4])):
            assert await self.session.vendor_defined(PROTOCOL_ID, stop + name) is None
        assert self.adapter.tdi_states()[self.kit.tvm_function] is TdiState.CONFIG_LOCKED
