# SPDX-License-Identifier: Apache-2.0
"""A device with PASIDs and Page Requests: what its VMs do with them, and what ends it."""

from __future__ import annotations

import pyuvm
from pyuvm import ConfigDB

from models.app.map import Control, Register, Status
from models.device.config import DeviceProfile
from models.pcie.codes import ExtendedCapabilityId
from models.tdisp.codes import InterfaceInfo, Request, TdiState
from tb.host.route import PLAIN, Route
from tb.scenario import LEGACY_MEMORY
from tests.system.cocotb_functions import TwoVms

CONTROL = 0x04  # register of the capability; Enable is bit 16
ENABLE = 1 << 16
SIZE = 192
REPORT_HEAD = 4  # bytes in front of a portion
FAILED = Status.DONE | Status.ERROR


class WithPasid(TwoVms):
    """PASID Enable is set when the TVM's function is locked."""

    def build_phase(self) -> None:
        super().build_phase()
        profile = DeviceProfile(num_tdi=self.adapter.num_tdi, pasid=True, pri=True)
        ConfigDB().set(None, "*", "PROFILE", profile)

    async def configure(self) -> None:
        await self.enable(True)

    async def enable(self, on: bool) -> None:
        """PASID Enable of the physical function, which all others share."""
        host = self.kit.host
        at = await host.extended_capability(host.pf_rid, ExtendedCapabilityId.PASID) + CONTROL
        await host.config_write(host.pf_rid, at, ENABLE * on, enables=0b1100)

    async def transfer(
        self, index: int, route: Route, base: int, control: Control, pasid: int | None
    ) -> Status:
        """A transfer of SIZE bytes to its end, with a PASID or without."""
        if pasid is not None:
            function = self.kit.function(index)
            await self.kit.write_register(function, Register.PASID, pasid, route)
            control |= Control.WITH_PASID
        return await self.move(index, route, control, base, SIZE)

    def sent(self) -> set[tuple[int, int | None]]:
        """Requester ID and PASID of what the host has served since the last call."""
        served = self.kit.host.inbound.served
        pairs = {(item.tlp.requester_id, item.tlp.pasid) for item in served}
        served.clear()
        return pairs


@pyuvm.test()
class RequestsCarryThePasidOfTheirTransfer(WithPasid):
    """Side by side, each with PASIDs of its own; the report says that there are some."""

    async def use(self) -> None:
        kit = self.kit
        payload = bytes(2) + (0x100).to_bytes(2, "little")
        answer = await kit.tdisp(
            self.session, Request.GET_DEVICE_INTERFACE_REPORT, self.tvm, payload
        )
        assert answer is not None
        info = int.from_bytes(answer.payload[REPORT_HEAD : REPORT_HEAD + 2], "little")
        both = InterfaceInfo.DMA_WITH_PASID | InterfaceInfo.DMA_WITHOUT_PASID
        assert info & both == both
        self.pasids: dict[int, set[int | None]] = {}
        await self.side_by_side(self._vm)
        wanted = {
            (kit.function(index).rid, pasid)
            for index, pasids in self.pasids.items()
            for pasid in pasids
        }
        assert self.sent() == wanted
        assert not kit.host.inbound.refused

    async def _vm(self, index: int, route: Route, base: int) -> None:
        own = self.pasids.setdefault(index, set())
        for pasid in (index, None, 0xFFFFF, self.rng.getrandbits(20)):
            data = self.rng.randbytes(64)
            await self.kit.host.mem_write(self.memory(index), data, route)
            for control in (Control.WRITE_HOST, Control(0)):
                assert await self.transfer(index, route, base, control, pasid) == Status.DONE
            result = await self.kit.host.mem_read(self.memory(index), len(data), route)
            assert result.data == data
            own.add(pasid)


@pyuvm.test()
class PasidEnableIsLockedAndNeeded(WithPasid):
    """Cleared: the TDI goes to ERROR, and no VM sends with a PASID any more."""

    async def use(self) -> None:
        kit, legacy = self.kit, self.legacy
        await self.enable(True)  # the value that is there
        assert self.adapter.tdi_states()[self.tvm] is TdiState.RUN
        await self.enable(False)
        assert self.adapter.tdi_states()[self.tvm] is TdiState.ERROR
        self.sent()
        for pasid, ends in ((5, FAILED), (None, Status.DONE)):
            status = await self.transfer(
                legacy, PLAIN, LEGACY_MEMORY.base, Control.WRITE_HOST, pasid
            )
            assert status == ends
        assert self.sent() == {(kit.function(legacy).rid, None)}
        await kit.stop(self.session, self.tvm)
        await kit.lock(self.session, self.tvm)
        await self.enable(True)
        assert self.adapter.tdi_states()[self.tvm] is TdiState.ERROR
        status = await self.transfer(legacy, PLAIN, LEGACY_MEMORY.base, Control.WRITE_HOST, 5)
        assert status == Status.DONE
        assert self.sent() == {(kit.function(legacy).rid, 5)}
