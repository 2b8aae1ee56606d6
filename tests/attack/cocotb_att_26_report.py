# SPDX-License-Identifier: Apache-2.0
"""ATT-26: the report is read while the host changes what it shows, or asks for it oddly.

A report is read in portions. At each boundary the host changes the configuration, lets another TDI
report in between, or takes the TDI away and brings it back with other addresses. What has been read
in one lock is one report, or the reading ends with an error.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyuvm

from models.app.map import ID_VALUE, Bar0, Bar2
from models.pcie.codes import CapabilityId, ExtendedCapabilityId, SriovRegister
from models.tdisp.codes import ErrorCode, InterfaceInfo, RangeAttributes, Request, TdiState
from models.tdisp.report import DeviceInterfaceReport, MmioRange, reported_page
from tb.host.route import PLAIN
from tb.host.vmm_host import COMMAND, COMMAND_MASTER
from tests.attack.attack_test import VICTIM, AttackTest, assert_error

OTHER = 3  # locked as well where two TDIs report
PORTION = 24
ALL = 0xFFFF
MSIX_ENABLED = 0x8000
MSIX_MASK = 1 << 30
TABLE_SIZE_FIELD = 3
LAYOUT = (
    (0, Bar0.REGISTERS, RangeAttributes(0)),
    (0, Bar0.PUBLIC, RangeAttributes.IS_NON_TEE_MEM),
    (0, Bar0.MEMORY, RangeAttributes.IS_MEM_ATTR_UPDATABLE),
    (2, Bar2.MSIX_TABLE, RangeAttributes.MSIX_TABLE),
    (2, Bar2.MSIX_PBA, RangeAttributes.MSIX_PBA),
)
OFFSETS = (
    0,
    -0x1000,
    1 << 63,
    (1 << 63) - 0x1000,
    -1,
)


@dataclass(frozen=True)
class Change:
    """A configuration write that a lock forbids, and what undoes it."""

    name: str
    rid: int
    register: int
    value: int
    old: int
    enables: int = 0xF


class Reports(AttackTest):
    """Reads reports in portions and knows what they must say."""

    async def prepare(self) -> None:
        await self.kit.bring_up()
        for index in (VICTIM, OTHER):
            await self.kit.vmm.enable_msix(index)
        self.session = await self.kit.open_session()
        await self.kit.key_stream(self.session)

    def expected(self, index: int, offset: int) -> bytes:
        """The report of a function where it is now."""
        function = self.function(index)
        bases = {0: function.bar0, 2: function.bar2}
        ranges = tuple(
            MmioRange(reported_page(bases[bar] + at, offset), 1, int(attributes), bar)
            for bar, at, attributes in LAYOUT
        )
        info = InterfaceInfo.NO_FW_UPDATE | InterfaceInfo.DMA_WITHOUT_PASID
        control = MSIX_ENABLED | TABLE_SIZE_FIELD
        specific = ID_VALUE.to_bytes(4, "little")
        report = DeviceInterfaceReport(int(info), control, 0, 0, ranges, specific)
        return report.encode()

    async def portion(self, index: int, offset: int, length: int) -> bytes | ErrorCode:
        """One portion; its REMAINDER_LENGTH is right."""
        payload = offset.to_bytes(2, "little") + length.to_bytes(2, "little")
        answer = await self.kit.tdisp(
            self.session, Request.GET_DEVICE_INTERFACE_REPORT, index, payload
        )
        assert answer is not None
        if answer.error is not None:
            return answer.error
        count = int.from_bytes(answer.payload[0:2], "little")
        remainder = int.from_bytes(answer.payload[2:4], "little")
        data = answer.payload[4:]
        what = f"{length} bytes at {offset}: {count} and {remainder}"
        assert len(data) == count <= length, what
        assert offset + count + remainder == self.total, what
        return data

    async def whole(self, index: int, portion: int) -> bytes:
        """All of a report."""
        report = b""
        while len(report) < self.total:
            part = await self.portion(index, len(report), portion)
            assert isinstance(part, bytes), f"{part!r} at {len(report)}"
            report += part
        return report

    @property
    def total(self) -> int:
        """Length of every report here."""
        return len(self.expected(VICTIM, 0))

    async def changes(self) -> list[Change]:
        """What the lock of VF1 forbids."""
        host, pf, vf = self.host, self.host.pf_rid, self.function()
        sriov = await host.extended_capability(pf, ExtendedCapabilityId.SRIOV)
        msix = await host.capability(vf.rid, CapabilityId.MSIX)
        ats = await host.extended_capability(vf.rid, ExtendedCapabilityId.ATS) + 4
        control = await host.config_read(vf.rid, msix)
        bar0, bar2 = (sriov + SriovRegister.VF_BAR0 + at for at in (0, 8))
        base0, base2 = vf.bar0 & 0xFFFFFFF0, vf.bar2 & 0xFFFFFFF0
        return [
            Change("VF BAR0", pf, bar0, base0 + Bar0.SIZE, base0),
            Change("VF BAR2", pf, bar2, base2 + Bar2.SIZE, base2),
            Change("Message Control", vf.rid, msix, control ^ MSIX_MASK, control, 0b1100),
            Change("ATS Enable", vf.rid, ats, 1 << 31, 0, 0b1100),
            Change("Bus Master Enable", vf.rid, COMMAND, 0, COMMAND_MASTER, 0b0011),
        ]


@pyuvm.test()
class ReportIsOfOneConfiguration(Reports):
    """A change at any boundary ends the reading; none of the new values is ever shown."""

    async def attack(self) -> None:
        changes = await self.changes()
        expected = self.expected(VICTIM, 0)
        for number, at in enumerate(range(0, self.total, PORTION)):
            change = changes[number % len(changes)]
            what = f"{change.name} after {at} bytes"
            await self.kit.lock(self.session, VICTIM)
            read = b""
            while len(read) < at:
                part = await self.portion(VICTIM, len(read), PORTION)
                assert isinstance(part, bytes), what
                read += part
            assert read == expected[:at], what
            await self.host.config_write(change.rid, change.register, change.value, change.enables)
            for offset in (at, 0):
                got = await self.portion(VICTIM, offset, PORTION)
                assert got is ErrorCode.INVALID_INTERFACE_STATE, f"{what}: {got!r}"
            await self.host.config_write(change.rid, change.register, change.old, change.enables)
            got = await self.portion(VICTIM, at, PORTION)
            assert got is ErrorCode.INVALID_INTERFACE_STATE, f"{what}, undone: {got!r}"
            self.assert_states(TdiState.ERROR, what)
            await self.kit.stop(self.session, VICTIM)
        await self._other_lock_in_between(expected)

    async def _other_lock_in_between(self, expected: bytes) -> None:
        """STOP and LOCK at another offset between two portions: the second is of the second."""
        await self.kit.lock(self.session, VICTIM)
        assert await self.portion(VICTIM, 0, PORTION) == expected[:PORTION]
        await self.kit.stop(self.session, VICTIM)
        assert await self.portion(VICTIM, PORTION, PORTION) is ErrorCode.INVALID_INTERFACE_STATE
        await self.kit.lock(self.session, VICTIM, offset=-(1 << 40))
        later = self.expected(VICTIM, -(1 << 40))
        assert later[PORTION:] != expected[PORTION:]
        assert await self.portion(VICTIM, PORTION, ALL) == later[PORTION:]
        await self.kit.stop(self.session, VICTIM)


@pyuvm.test()
class OddPortionsAndOffsetsAddUp(Reports):
    """OFFSET and LENGTH at every edge of 16 bits, reporting offsets at every edge of 64."""

    async def attack(self) -> None:
        await self.kit.lock(self.session, VICTIM)
        expected, total = self.expected(VICTIM, 0), self.total
        for offset in (0, 15, total - 2, total - 1):
            rest = total - offset
            for length in (1, rest, rest + 1, 0x10000 - offset, ALL):
                if not 0 < length <= ALL:
                    continue
                got = await self.portion(VICTIM, offset, length)
                assert got == expected[offset : offset + length], f"{length} at {offset}: {got!r}"
        for offset, length in ((total, 1), (total, ALL), (ALL, 1), (ALL, ALL), (0x8000, 0x8000)):
            got = await self.portion(VICTIM, offset, length)
            assert got is ErrorCode.INVALID_REQUEST, f"{length} at {offset}: {got!r}"
        for offset in (0, total - 1, ALL):
            assert await self.portion(VICTIM, offset, 0) is ErrorCode.INVALID_REQUEST
        await self.kit.stop(self.session, VICTIM)
        for offset in (*OFFSETS, -self.function().bar0, -self.function().bar2 - 0x1000):
            await self.kit.lock(self.session, VICTIM, offset=offset)
            got = await self.portion(VICTIM, 0, ALL)
            assert got == self.expected(VICTIM, offset), f"offset {offset:#x}"
            await self.kit.stop(self.session, VICTIM)


@pyuvm.test()
class ReportsOfTwoTdisDoNotMix(Reports):
    """Portions of VF1 and VF3 in turn, with what a lock allows going on: each report is whole."""

    async def attack(self) -> None:
        offsets = {VICTIM: -(1 << 40), OTHER: 1 << 44}
        for index, offset in offsets.items():
            await self.kit.lock(self.session, index, offset=offset)
        read = dict.fromkeys(offsets, b"")
        while any(len(part) < self.total for part in read.values()):
            for index in read:
                part = await self.portion(index, len(read[index]), PORTION)
                assert isinstance(part, bytes), f"VF{index}: {part!r}"
                read[index] += part
                await self._allowed()
        for index, offset in offsets.items():
            assert read[index] == self.expected(index, offset), f"VF{index}"
            assert await self.whole(index, 13) == read[index], f"VF{index}, by 13 bytes"
            assert await self.portion(index, 0, ALL) == read[index], f"VF{index}, at once"
        answer = await self.kit.tdisp(
            self.session, Request.GET_DEVICE_INTERFACE_REPORT, 2, bytes([0, 0, 64, 0])
        )
        assert_error(answer, ErrorCode.INVALID_INTERFACE_STATE, "VF2, which is not locked")

    async def _allowed(self) -> None:
        """Nothing of this is a change that counts."""
        for index in (VICTIM, OTHER):
            await self.host.config_write(self.function(index).rid, COMMAND, COMMAND_MASTER, 0b0011)
        rid = self.function(2).rid
        await self.host.config_write(rid, COMMAND, 0, 0b0011)
        await self.host.config_write(rid, COMMAND, COMMAND_MASTER, 0b0011)
        await self.host.mem_write(self.public() + 4, self.rng.randbytes(4), PLAIN)
