# SPDX-License-Identifier: Apache-2.0
"""ATT-15: IDE downgrade. The same TLPs, at the same addresses, without IDE."""

from __future__ import annotations

import pyuvm

from models.app.map import Bar2, Register, Status
from models.pcie.codes import AerUncorrectable, CplStatus
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.host.route import PLAIN, Route
from tb.scenario import OTHER_STREAM, TVM_MEMORY
from tests.attack.attack_test import FOREIGN, TRUSTED, VICTIM, AttackTest

FORGED = bytes(range(0xC0, 0x100))
SIZE = 64


class Downgrade(AttackTest):
    """Plain requests to everything that a lock protects."""

    def protected(self) -> dict[str, int]:
        """Bus addresses of TEE memory and of the locked MSI-X structures."""
        function = self.function()
        return {
            "registers": function.bar0 + Register.SCRATCH,
            "memory": self.memory(),
            "end of memory": self.memory() + 0xFC0,
            "MSI-X table": function.bar2 + Bar2.MSIX_TABLE,
            "MSI-X PBA": function.bar2 + Bar2.MSIX_PBA,
        }

    async def all_refused(self, state: TdiState) -> None:
        """Reads get UR in clear, writes vanish, both are reported, the state stays."""
        self.assert_states(state, "to begin with")
        for name, address in self.protected().items():
            what = f"{state.name}, {name}"
            await self.aer_status()
            await self.read_refused(address, PLAIN, what, 16)
            await self.assert_reported(AerUncorrectable.UNSUPPORTED_REQUEST, what)
            await self.write_silently(address, FORGED[:16], PLAIN, what)
            await self.assert_reported(AerUncorrectable.UNSUPPORTED_REQUEST, what)
            await self.assert_public_readable(what)
        self.assert_states(state, "after plain requests")
        assert self.secure(), "plain requests end the stream"


@pyuvm.test()
class PlainRequestsToALockedTdiAreRefused(Downgrade):
    """CONFIG_LOCKED, RUN and ERROR, to registers, memory and MSI-X structures."""

    async def attack(self) -> None:
        before = await self._contents()
        await self.all_refused(TdiState.RUN)
        assert await self._contents() == before, "a plain write had an effect"
        await self.disturb()
        await self.all_refused(TdiState.ERROR)
        await self.lock_again()
        await self.all_refused(TdiState.CONFIG_LOCKED)
        await self.kit.start(self.session, self.tdi)
        scratch = self.function().bar0 + Register.SCRATCH
        for address in (self.memory(), scratch):
            result = await self.host.mem_read(address, 16, TRUSTED)
            assert result.data == bytes(16), "a plain write had an effect"
        await self.assert_legacy_untouched("plain requests")
        self.assert_no_leak()

    async def _contents(self) -> list[bytes]:
        addresses = self.protected().values()
        return [(await self.host.mem_read(a, 16, TRUSTED, "TVM")).data for a in addresses]


@pyuvm.test()
class DowngradedCompletionsAreRefused(Downgrade):
    """The TVM's read is answered in clear and on another stream first: only the true one counts."""

    async def attack(self) -> None:
        await self.use_other_stream()
        data = self.rng.randbytes(SIZE)
        self.host.memory.write(TVM_MEMORY.base, data)
        for route, error in (
            (PLAIN, AerUncorrectable.UNEXPECTED_COMPLETION),
            (FOREIGN, AerUncorrectable.IDE_CHECK_FAILED),
        ):
            await self._forge(route, error)
            assert await self.dma_status(VICTIM, TRUSTED) == Status.DONE, str(route)
            result = await self.host.mem_read(self.memory(), SIZE, TRUSTED, "TVM")
            assert result.data == data, f"{route}: the TVM gets {result.data.hex()}"
            await self.host.mem_write(self.memory(), bytes(SIZE), TRUSTED, "TVM")
        self.assert_states(TdiState.RUN, "forged completions")
        assert self.secure(), "the bound stream ended"
        assert not self.secure(OTHER_STREAM), "a stream that carries others' completions lives on"
        self.assert_no_leak([data])

    async def _forge(self, route: Route, error: AerUncorrectable) -> None:
        inbound = self.host.inbound
        inbound.hold_completions = True
        await self.program_dma(VICTIM, False, TVM_MEMORY.base, SIZE, TRUSTED)
        await self.quiet()
        assert inbound.held
        await self.aer_status()
        for completion, _ in inbound.held:
            forged = Tlp.decode(completion.encode()[:12] + FORGED[: len(completion.payload)])
            await self.host.send(forged, route, "attack: forged completion")
        await self.quiet()
        await self.assert_reported(error, str(route))
        inbound.hold_completions = False
        await inbound.release()


@pyuvm.test()
class PlainRequestsToAnUnlockedFunctionAreServed(Downgrade):
    """The same plain requests, before LOCK and to the function of the legacy VM."""

    async def attack(self) -> None:
        await self.kit.stop(self.session, VICTIM)
        for name, address in self.protected().items():
            result = await self.host.mem_read(address, 16)
            assert result.status is CplStatus.SC, name
        await self.host.mem_write(self.memory(), FORGED)
        result = await self.host.mem_read(self.memory(), len(FORGED))
        assert result.data == FORGED
        await self.assert_legacy_untouched("plain requests")
