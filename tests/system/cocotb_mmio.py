# SPDX-License-Identifier: Apache-2.0
"""Memory requests of the TVM and of a legacy VM at the same time: sizes, bytes, borders, bursts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyuvm
from cocotb.triggers import ClockCycles

from models.app.map import MEMORY_BYTES, PAGE, Bar0, Bar2, Control, PublicRegister, Register, Status
from models.pcie.codes import AerUncorrectable, CplStatus, FmtType
from models.pcie.rules import written_bytes
from models.pcie.tlp import Tlp
from tb.host.root_port import HOST_RID
from tb.host.route import PLAIN, Route
from tests.system.cocotb_functions import TwoVms

WINDOW = 64  # bytes that partial writes go to
LARGEST_PAYLOAD = 512
IN_FLIGHT = 24
SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 127, 128, 129, 255, 256, 1024)
FOUR_GIB = 1 << 32
QUIET = 600
GAP = 0x4000  # in BAR2, between MSI-X table and PBA


def enabled_bytes(tlp: Tlp, data: bytes) -> dict[int, int]:
    """Offset in the request and value of each enabled byte of a read of one or two DWs."""
    enables = tlp.first_be | tlp.last_be << 4
    lead = (enables & -enables).bit_length() - 1 if enables else 0
    return {lead + n: byte for n, byte in enumerate(data) if enables >> lead + n & 1}


@pyuvm.test()
class PartialAccessesReachTheirBytesOnly(TwoVms):
    """Every byte enable, every start in a DW, sizes around every boundary, reads of no byte."""

    async def use(self) -> None:
        await self.side_by_side(self._vm)

    async def _vm(self, index: int, route: Route, _: int) -> None:
        at = self.memory(index) + PAGE // 2 - WINDOW // 2
        image = bytearray(self.rng.randbytes(WINDOW))
        await self.kit.host.mem_write(at, bytes(image), route)
        for write in self._writes(at):
            await self.kit.host.send(write, route)
            for address, data in written_bytes(write):
                image[address - at : address - at + len(data)] = data
        result = await self.kit.host.mem_read(at, WINDOW, route)
        assert result.data == image, f"VF{index}: {result.data.hex()}, not {image.hex()}"
        await self._reads_by_enables(at, bytes(image), route)
        await self._reads_by_size(index, route)

    def _writes(self, at: int) -> Iterator[Tlp]:
        for first in range(16):
            address = at + 4 * self.rng.randrange(WINDOW // 4)
            write = Tlp.mem_write(HOST_RID, address, self.rng.randbytes(4))
            yield replace(write, first_be=first)
        for _ in range(16):
            address = at + 8 * self.rng.randrange(WINDOW // 8)
            write = Tlp.mem_write(HOST_RID, address, self.rng.randbytes(8))
            first, last = self.rng.randint(1, 15), self.rng.randint(1, 15)
            yield replace(write, first_be=first, last_be=last)
        for start in range(4):
            for size in (1, 2, 3, 6, 9, 21):
                yield Tlp.mem_write(HOST_RID, at + 8 + start, self.rng.randbytes(size))

    async def _reads_by_enables(self, at: int, image: bytes, route: Route) -> None:
        pairs = [(first, 0) for first in range(16)]
        pairs += [(self.rng.randint(1, 15), self.rng.randint(1, 15)) for _ in range(8)]
        for first, last in pairs:
            offset = 8 * self.rng.randrange(WINDOW // 8)
            read = Tlp.mem_read(HOST_RID, at + offset, 8 if last else 4, self.kit.host.new_tag())
            read = replace(read, first_be=first, last_be=last)
            result = await self.kit.host.request(read, route)
            what = f"enables {first:04b}, {last:04b}: {result}"
            assert (result.status, result.route) == (CplStatus.SC, route), what
            for n, byte in enabled_bytes(read, result.data).items():
                assert byte == image[offset + n], what

    async def _reads_by_size(self, index: int, route: Route) -> None:
        base, host = self.memory(index), self.kit.host
        whole = await host.mem_read(base, MEMORY_BYTES, route)
        assert len(whole.data) == MEMORY_BYTES
        for size in SIZES:
            near = self.rng.choice((PAGE // 2 - size + WINDOW // 2, PAGE // 2 - size // 2))
            start = near + self.rng.randrange(4)
            result = await host.mem_read(base + start, size, route)
            assert result.data == whole.data[start : start + size], f"{size} bytes at {start:#x}"
        result = await host.mem_read(base + 4, 0, route)
        assert result.status is CplStatus.SC, "a read of no byte"


@pyuvm.test()
class BurstsOfTheLargestPayloadPass(TwoVms):
    """Whole pages in payloads of 512 bytes, by software and by the engines, both VMs at once."""

    async def configure(self) -> None:
        await self.kit.vmm.set_max_payload(LARGEST_PAYLOAD)

    async def use(self) -> None:
        since = len(self.kit.host.capture.records)
        await self.side_by_side(self._vm)
        await ClockCycles(self.adapter.clk, QUIET)
        records = self.kit.host.capture.records[since:]
        sent = [Tlp.decode(r.plain) for r in records if not r.to_device and r.plain is not None]
        kinds = {tlp.fmt_type for tlp in sent if len(tlp.payload) == LARGEST_PAYLOAD}
        assert kinds == {FmtType.CPLD, FmtType.MWR32}, "sizes of what the device sent"

    async def _vm(self, index: int, route: Route, base: int) -> None:
        host, page = self.kit.host, self.rng.randbytes(MEMORY_BYTES)
        for at in range(0, MEMORY_BYTES, LARGEST_PAYLOAD):
            await host.mem_write(self.memory(index) + at, page[at : at + LARGEST_PAYLOAD], route)
        result = await host.mem_read(self.memory(index), MEMORY_BYTES, route)
        assert result.data == page
        assert await self.move(index, route, Control.WRITE_HOST, base, MEMORY_BYTES) == Status.DONE
        await ClockCycles(self.adapter.clk, QUIET)
        assert host.memory.read(base, MEMORY_BYTES) == page
        host.memory.write(base, page[::-1])
        assert await self.move(index, route, Control(0), base, MEMORY_BYTES) == Status.DONE
        result = await host.mem_read(self.memory(index), MEMORY_BYTES, route)
        assert result.data == page[::-1]


@pyuvm.test()
class RequestsFollowEachOtherWithoutAPause(TwoVms):
    """Many requests under way from both VMs: a read behind a write finds what was written."""

    async def use(self) -> None:
        await self.side_by_side(self._vm)

    async def _vm(self, index: int, route: Route, _: int) -> None:
        host, reads = self.kit.host, []
        for n in range(IN_FLIGHT):
            address = self.memory(index) + self.rng.randrange(4) + 64 * self.rng.randrange(4)
            data = self.rng.randbytes(self.rng.choice((1, 4, 16, 60)))
            await host.mem_write(address, data, route)
            read = Tlp.mem_read(HOST_RID, address, len(data), host.new_tag())
            reads.append((n, data, await host.issue(read, route)))
        for n, data, answer in reads:
            result = await answer
            assert result.status is CplStatus.SC, f"VF{index}, request {n}: {result}"
            assert result.data == data, f"VF{index}, request {n}: {result.data.hex()}"


@pyuvm.test()
class AccessesAcrossAPageBorderHaveNoEffect(TwoVms):
    """Neither data nor a change on either side; the requests after them are served as ever."""

    async def use(self) -> None:
        for index, route, _ in self.vms():
            memory = self.memory(index)
            page = self.rng.randbytes(MEMORY_BYTES)
            for at in range(0, MEMORY_BYTES, 128):
                await self.kit.host.mem_write(memory + at, page[at : at + 128], route)
            await self.kit.host.mem_read(memory, 4, route)  # comes behind the last write
            for border in (memory - PAGE, memory, memory + PAGE, memory + 2 * PAGE):
                for reach in (4, 64):
                    await self._cross(border, reach, route)
            result = await self.kit.host.mem_read(memory, MEMORY_BYTES, route)
            assert result.data == page, "a write across a border has changed memory"

    async def _cross(self, border: int, reach: int, route: Route) -> None:
        host, start = self.kit.host, border - reach
        tag, since = host.new_tag(), len(host.capture.records)
        read = Tlp.mem_read(HOST_RID, start, 2 * reach, tag)
        for tlp in (read, Tlp.mem_write(HOST_RID, start, bytes(range(2 * reach)))):
            if route == PLAIN:
                await host.transmit(tlp.pack(), "across a border")
            else:
                await host.transmit_ide(tlp.pack(), route, "across a border")
        await ClockCycles(self.adapter.clk, QUIET)
        for record in host.capture.records[since:]:
            if record.to_device:
                continue
            assert record.plain is not None
            answer = Tlp.decode(record.plain)
            assert (answer.tag, answer.status) == (tag, CplStatus.UR), record.summary()
            assert not answer.payload


@pyuvm.test()
class RequestsThatNobodyServesAreRefused(TwoVms):
    """What is not implemented gets Unsupported Request, or vanishes; AER shows each."""

    async def use(self) -> None:
        for index, route, _ in self.vms():
            function = self.kit.function(index)
            places = (
                function.bar0 + Bar0.MEMORY + PAGE,
                function.bar0 + Bar0.SIZE - 4,
                function.bar2 + GAP,
                function.bar2 + Bar2.SIZE - 4,
                self.kit.function(self.kit.vfs).bar0 + Bar0.SIZE,
                self.kit.function(0).bar0 - 4,
            )
            for place in places:
                await self._refused(Tlp.mem_read(HOST_RID, place, 4), route)
                await self.kit.host.mem_write(place, bytes(4), route)
                await self._reported(f"write at {place:#x}, {route}")
            await self._refused(self._atomic(self.memory(index)), route)
        await self._refused(Tlp(FmtType.IORD, length=1, first_be=0xF), PLAIN)
        for index, route, _ in self.vms():
            result = await self.kit.host.mem_read(self.memory(index), 4, route)
            assert (result.status, result.data) == (CplStatus.SC, bytes(4))

    @staticmethod
    def _atomic(address: int) -> Tlp:
        kind = FmtType.FETCH_ADD32 if address < FOUR_GIB else FmtType.FETCH_ADD64
        return Tlp(kind, length=1, address=address, payload=b"\1\0\0\0")

    async def _refused(self, request: Tlp, route: Route) -> None:
        host, what = self.kit.host, f"{request.fmt_type.name} at {request.address:#x}, {route}"
        await self.kit.vmm.take_errors()
        request = replace(request, requester_id=HOST_RID, tag=host.new_tag())
        result = await host.request(request, route)
        assert (result.status, result.data) == (CplStatus.UR, b""), f"{what}: {result}"
        assert result.route == route, what
        await self._reported(what)

    async def _reported(self, what: str) -> None:
        await ClockCycles(self.adapter.clk, QUIET // 3)
        errors = await self.kit.vmm.take_errors()
        assert errors == 1 << AerUncorrectable.UNSUPPORTED_REQUEST, f"{what}: AER {errors:08x}"


@pyuvm.test()
class RegistersTakePartsOfThemselves(TwoVms):
    """Bytes of registers of every page, one write over many registers, read-only ones unmoved."""

    async def use(self) -> None:
        await self.side_by_side(self._vm)

    async def _vm(self, index: int, route: Route, _: int) -> None:
        function, host = self.kit.function(index), self.kit.host
        before = await host.mem_read(function.bar0, 4, route)
        many = self.rng.randbytes(64)
        await host.mem_write(function.bar0 + Register.SCRATCH, many, route)
        await host.mem_write(function.bar0, b"\xff" * 4, route)
        for at in (
            function.bar0 + Register.SCRATCH + 8,
            function.bar0 + Register.LENGTH,
            function.bar0 + Bar0.PUBLIC + PublicRegister.SCRATCH,
            function.bar2 + Bar2.MSIX_TABLE + 8,
        ):
            value = bytearray(self.rng.randbytes(4))
            await host.mem_write(at, bytes(value), route)
            for byte in range(4):
                value[byte] ^= self.rng.randint(1, 255)
                await host.mem_write(at + byte, bytes([value[byte]]), route)
                result = await host.mem_read(at, 4, route)
                assert result.data == value, f"VF{index}, byte {byte} at {at:#x}"
        result = await host.mem_read(function.bar0 + Register.SCRATCH, 64, route)
        assert result.data[:8] + result.data[12:] == many[:8] + many[12:]
        after = await host.mem_read(function.bar0, 4, route)
        assert before.data == after.data, "a read-only register"
