# SPDX-License-Identifier: Apache-2.0
"""What the attack tests share: refusals, leaks, states, DMA, and attaching once more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from models.app.map import PUBLIC_ID_VALUE, Bar0, Control, PublicRegister, Register, Status
from models.ide.messages import IdeFail, parse
from models.pcie.capture import TlpRecord
from models.pcie.codes import AerUncorrectable, CplStatus
from models.pcie.errors import TlpError
from models.pcie.tlp import Tlp
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import ErrorCode, TdiState
from tb.base_test import BaseTest
from tb.clocking import clock_cycles
from tb.host.root_port import HostRootPort, ReadResult
from tb.host.route import PLAIN, Route
from tb.host.vmm_host import FunctionAddress
from tb.scenario import DEFAULT_STREAM, OTHER_STREAM, STREAM_BLOCKS, Attached, Scenario, TdispAnswer

VICTIM = 1  # VF1, the TVM's
LEGACY_VF = 2  # in use by a legacy VM, never locked
QUIET_CYCLES = 600  # longer than any TLP takes through the device
SHORTEST = 8  # bytes in a row that do not turn up by chance
POLLS = 100
LEGACY_DATA = bytes.fromhex("4c656761637920564d206461746120312e")[:16]

TRUSTED = Route(DEFAULT_STREAM, True)
BOUND_WITHOUT_T = Route(DEFAULT_STREAM)
FOREIGN = Route(OTHER_STREAM, True)
FOREIGN_WITHOUT_T = Route(OTHER_STREAM)
ROUTES = {
    "no IDE": PLAIN,
    "bound stream, T = 0": BOUND_WITHOUT_T,
    "bound stream, T = 1": TRUSTED,
    "other stream, T = 0": FOREIGN_WITHOUT_T,
    "other stream, T = 1": FOREIGN,
}


class AttackTest(BaseTest):
    """Override `attack`; `prepare` attaches VF1 and puts the legacy VM's data into VF2."""

    kit: Scenario
    session: SecureSession
    tdi: Attached
    secret: bytes

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        self.secret = self.rng.randbytes(64)
        await self.prepare()
        await self.attack()

    async def attack(self) -> None:
        """What the test does."""
        raise AssertionError("an attack test overrides attack()")

    async def prepare(self) -> None:
        """VF1 in RUN with a secret in its memory, VF2 with data of a legacy VM."""
        self.session, self.tdi = await self.kit.attach(VICTIM)
        await self.host.mem_write(self.memory(), self.secret, TRUSTED, "TVM")
        await self.host.mem_write(self.memory(LEGACY_VF), LEGACY_DATA, PLAIN, "legacy VM")

    # ------------------------------------------------------------------ where things are

    @property
    def host(self) -> HostRootPort:
        """The root port."""
        return self.kit.host

    def function(self, index: int = VICTIM) -> FunctionAddress:
        """Function 0 is the PF, n is VF n."""
        return self.kit.function(index)

    def memory(self, index: int = VICTIM) -> int:
        """Bus address of the memory page."""
        return self.function(index).bar0 + Bar0.MEMORY

    def public(self, index: int = VICTIM) -> int:
        """Bus address of the page that is no TEE memory."""
        return self.function(index).bar0 + Bar0.PUBLIC

    def state(self, index: int = VICTIM) -> TdiState:
        """State of one TDI as the pins show it."""
        return self.adapter.tdi_states()[index]

    def secure(self, stream_id: int = DEFAULT_STREAM) -> bool:
        """Whether a stream is Secure."""
        return self.adapter.streams_secure()[STREAM_BLOCKS[stream_id]]

    async def quiet(self, cycles: int = QUIET_CYCLES) -> None:
        """Let everything that is on its way arrive."""
        await clock_cycles(self.adapter.clk, cycles)

    # ------------------------------------------------------------------ what must hold

    def assert_states(self, expected: TdiState, what: str, index: int = VICTIM) -> None:
        """VF `index` is in `expected`, every other TDI is in CONFIG_UNLOCKED."""
        states = self.adapter.tdi_states()
        assert states[index] is expected, f"{what}: {states[index].name}, not {expected.name}"
        others = [state for n, state in enumerate(states) if n != index]
        assert set(others) <= {TdiState.CONFIG_UNLOCKED}, f"{what}: other TDIs are {others}"

    async def assert_legacy_untouched(self, what: str) -> None:
        """The legacy VM still reads what it wrote into VF2."""
        result = await self.host.mem_read(self.memory(LEGACY_VF), len(LEGACY_DATA))
        assert result.status is CplStatus.SC, f"{what}: VF2 answers {result.status}"
        assert result.data == LEGACY_DATA, f"{what}: VF2 reads {result.data.hex()}"

    async def assert_served(self, what: str, index: int = VICTIM) -> None:
        """The TVM still reads its secret."""
        result = await self.host.mem_read(self.memory(index), len(self.secret), TRUSTED)
        assert result.status is CplStatus.SC, f"{what}: the TVM gets {result.status}"
        assert result.data == self.secret, f"{what}: the TVM reads {result.data.hex()}"

    async def read_refused(self, address: int, route: Route, what: str, length: int = 64) -> None:
        """A read that must end with Unsupported Request and no data, the way that it came."""
        result: ReadResult = await self.host.mem_read(address, length, route, f"attack: {what}")
        assert result.status is CplStatus.UR, f"read, {what}: {result.status}"
        assert not result.data, f"read, {what}: data came back: {result.data.hex()}"
        assert result.route == route, f"read, {what}: completion by {result.route}"

    async def write_silently(self, address: int, data: bytes, route: Route, what: str) -> None:
        """A write that must have no effect; the caller looks at the place later."""
        await self.host.mem_write(address, data, route, f"attack: {what}")
        await self.quiet(200)

    def assert_no_leak(self, secrets: Sequence[bytes] = ()) -> None:
        """No TLP in clear, in whichever direction, holds bytes of a secret."""
        parts = {
            secret[at : at + SHORTEST]
            for secret in (self.secret, *secrets)
            for at in range(len(secret) - SHORTEST + 1)
        }
        for record in self.host.capture.records:
            if record.prefix is None:
                assert not any(part in record.wire for part in parts), (
                    f"TVM data in clear: {record.summary()}"
                )

    def from_device(self, since: int) -> list[TlpRecord]:
        """What the device sent after the first `since` TLPs of the capture."""
        return [r for r in self.host.capture.records[since:] if not r.to_device]

    def mark(self) -> int:
        """How many TLPs have passed so far, for `from_device`."""
        return len(self.host.capture.records)

    def fails(self, since: int) -> list[int]:
        """Stream IDs of the IDE Fail messages that the device sent."""
        found = []
        for record in self.from_device(since):
            if record.plain is None:
                continue
            try:
                message = parse(Tlp.decode(record.plain))
            except TlpError:
                continue
            if isinstance(message, IdeFail):
                found.append(message.stream_id)
        return found

    async def aer_status(self) -> int:
        """AER uncorrectable error status; all of it is cleared."""
        return await self.kit.vmm.take_errors()

    async def assert_reported(self, bit: AerUncorrectable, what: str) -> None:
        """AER shows the error; its status is cleared."""
        status = await self.aer_status()
        assert status >> bit & 1, f"{what}: AER status {status:08x} lacks {bit.name}"

    async def assert_public_readable(self, what: str) -> None:
        """What is no TEE memory is served in clear whatever the state."""
        result = await self.host.mem_read(self.public() + PublicRegister.ID, 4)
        assert result.data == PUBLIC_ID_VALUE.to_bytes(4, "little"), f"{what}: {result}"

    # ------------------------------------------------------------------ steps

    async def use_other_stream(self) -> None:
        """Key the second stream as well; no TDI is bound to it."""
        await self.kit.key_stream(self.session, OTHER_STREAM)

    async def key_again(self) -> None:
        """Disable the default stream, program new keys, enable it."""
        block = STREAM_BLOCKS[DEFAULT_STREAM]
        await self.kit.vmm.place_stream(block, DEFAULT_STREAM, default=True)
        await self.kit.key_stream(self.session)

    async def lock_again(self) -> None:
        """STOP and LOCK VF1; it is in CONFIG_LOCKED afterwards."""
        await self.kit.stop(self.session, VICTIM)
        self.tdi = await self.kit.lock(self.session, VICTIM)

    async def attach_again(self) -> None:
        """New keys, STOP, LOCK, START, and the secret in VF1's memory."""
        if not self.secure():
            await self.key_again()
        await self.lock_again()
        await self.kit.start(self.session, self.tdi)
        await self.host.mem_write(self.memory(), self.secret, TRUSTED, "TVM")

    async def disturb(self) -> None:
        """A configuration write that moves VF1 to ERROR: Bus Master Enable is cleared and set."""
        rid = self.function().rid
        await self.host.config_write(rid, 4, 0, enables=0b0011)
        await self.host.config_write(rid, 4, 4, enables=0b0011)
        assert self.state() is TdiState.ERROR

    async def program_dma(
        self, index: int, to_host: bool, address: int, length: int, route: Route
    ) -> None:
        """Start one transfer of `length` bytes from or to the start of the memory page."""
        control = Control.START | (Control.WRITE_HOST if to_host else Control(0))
        values = (
            (Register.HOST_ADDRESS_LOW, address & 0xFFFFFFFF),
            (Register.HOST_ADDRESS_HIGH, address >> 32),
            (Register.DEVICE_ADDRESS, 0),
            (Register.LENGTH, length),
            (Register.CONTROL, int(control)),
        )
        for register, value in values:
            await self.kit.write_register(self.function(index), register, value, route)

    async def dma_status(self, index: int, route: Route) -> Status:
        """Wait for the end of a transfer; its status, which is cleared."""
        for _ in range(POLLS):
            value = await self.kit.read_register(self.function(index), Register.STATUS, route)
            if not value & Status.BUSY:
                await self.kit.write_register(self.function(index), Register.STATUS, value, route)
                return Status(value)
            await self.quiet(50)
        raise AssertionError("the transfer does not end")


def assert_error(answer: TdispAnswer | None, code: ErrorCode, what: str) -> None:
    """The answer is TDISP_ERROR with `code`."""
    assert answer is not None, f"{what}: no answer"
    assert answer.error is code, f"{what}: {answer}"


Step = Callable[[], Awaitable[None]]
