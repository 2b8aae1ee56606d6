# SPDX-License-Identifier: Apache-2.0
"""ATT-34: requests at and beyond every edge that the admission draws.

The TVM has VF1 in RUN with its MSI-X table, legacy VMs have the other VFs. An oracle of a few lines
says what a request may reach; each request differs from one that is served in one step only: a DW
further, a DW longer, one address bit, one byte enable, another type, a set EP bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyuvm

from models.app.map import (
    MEMORY_BYTES,
    PAGE,
    Bar0,
    Bar2,
    Control,
    PublicRegister,
    RangeClass,
    Register,
)
from models.pcie.codes import AerUncorrectable, CplStatus, ExtendedCapabilityId, FmtType
from models.pcie.layout import DW
from models.pcie.rules import written_bytes
from models.pcie.tlp import Tlp
from models.tdisp.codes import ErrorCode, TdiState
from tb.host.root_port import HOST_RID, ReadResult
from tb.host.route import PLAIN, Route
from tb.host.vmm_host import SRIOV_CONTROL
from tests.attack.attack_test import (
    BOUND_WITHOUT_T,
    FOREIGN,
    LEGACY_VF,
    ROUTES,
    TRUSTED,
    VICTIM,
    AttackTest,
    assert_error,
)

LARGEST_PAYLOAD = 512
ALL_DWS = 1024
PAYLOAD_DWS = LARGEST_PAYLOAD // DW
ADDRESS_END = 1 << 64
FOUR_GIB = 1 << 32
CLEARING = 1500  # cycles that clearing one function takes at most
# Borders of pages in each BAR, with what lies from each of them on
LAYOUT = {
    0: (
        (Bar0.REGISTERS, RangeClass.TEE),
        (Bar0.PUBLIC, RangeClass.NON_TEE),
        (Bar0.MEMORY, RangeClass.TEE),
        (Bar0.MEMORY + PAGE, RangeClass.NONE),
        (Bar0.SIZE, RangeClass.NONE),
    ),
    2: (
        (Bar2.MSIX_TABLE, RangeClass.MSIX),
        (Bar2.MSIX_TABLE + PAGE, RangeClass.NONE),
        (Bar2.MSIX_PBA, RangeClass.MSIX),
        (Bar2.MSIX_PBA + PAGE, RangeClass.NONE),
        (Bar2.SIZE, RangeClass.NONE),
    ),
}
LENGTHS = (2, 3, 4, 31, 32, 33, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1022, 1023, 1024)


@dataclass(frozen=True)
class Place:
    """Where an address leads to."""

    index: int
    kind: RangeClass


class Edges(AttackTest):
    """VF1 in RUN with data in its memory, and VF2 with other data, both known byte by byte."""

    async def prepare(self) -> None:
        await self.kit.bring_up()
        await self.kit.vmm.set_max_payload(LARGEST_PAYLOAD)
        self.session = await self.kit.open_session()
        await self.kit.key_stream(self.session)
        await self.use_other_stream()
        await self.take()
        await self.fill()

    async def take(self) -> None:
        """LOCK and START of VF1."""
        self.tdi = await self.kit.lock(self.session, VICTIM)
        await self.kit.start(self.session, self.tdi)

    async def fill(self) -> None:
        """Random data in both memory pages."""
        self.image = {index: bytearray(self.rng.randbytes(PAGE)) for index in (VICTIM, LEGACY_VF)}
        for index, route in ((VICTIM, TRUSTED), (LEGACY_VF, PLAIN)):
            for at in range(0, MEMORY_BYTES, LARGEST_PAYLOAD):
                part = bytes(self.image[index][at : at + LARGEST_PAYLOAD])
                await self.host.mem_write(self.memory(index) + at, part, route)
        self.secret = bytes(self.image[VICTIM][:64])

    # ------------------------------------------------------------------ the oracle

    def place(self, address: int) -> Place | None:
        """The function and the range at an address, None where nothing is."""
        for index, function in self.kit.vmm.functions.items():
            for bar, base in ((0, function.bar0), (2, function.bar2)):
                borders = LAYOUT[bar]
                if not base <= address < base + borders[-1][0]:
                    continue
                kind = [kind for start, kind in borders if base + start <= address][-1]
                return None if kind is RangeClass.NONE else Place(index, kind)
        return None

    def served(self, address: int, dws: int, route: Route) -> bool:
        """Whether a request of `dws` DWs is admitted."""
        place = self.place(address)
        if place is None or address % PAGE + DW * dws > PAGE:
            return False
        if place.index != VICTIM:
            return not route.t
        return place.kind is RangeClass.NON_TEE or route == TRUSTED

    # ------------------------------------------------------------------ requests

    def read_of(self, address: int, dws: int) -> Tlp:
        """A read of whole DWs."""
        return Tlp.mem_read(HOST_RID, address, DW * dws, self.host.new_tag())

    def write_of(self, address: int, dws: int) -> Tlp:
        """A write of random whole DWs."""
        return Tlp.mem_write(HOST_RID, address, self.rng.randbytes(DW * dws))

    async def judged(self, read: Tlp, route: Route, what: str, *, served: bool) -> ReadResult:
        """A read that is served in full, or refused and shows nothing."""
        result = await self.host.request_anyway(read, route, f"attack: {what}")
        text = f"{what}, {read.length} DW at {read.address:#x} by {route}: {result}"
        assert result.status is (CplStatus.SC if served else CplStatus.UR), text
        assert result.route == route, text
        assert served or not result.data, text
        return result

    async def read_exactly(self, address: int, dws: int, route: Route, what: str) -> None:
        """A read that must end as the oracle says."""
        served = self.served(address, dws, route)
        result = await self.judged(self.read_of(address, dws), route, what, served=served)
        if served:
            assert len(result.data) == DW * dws, f"{what}: {result}"

    async def write_exactly(self, write: Tlp, route: Route) -> None:
        """A write that has an effect where the oracle says so; the images follow."""
        await self.host.send_anyway(write, route, "attack: write")
        place = self.place(write.address)
        if place is None or not self.served(write.address, write.length, route):
            return
        offset = write.address - self.memory(place.index)
        if place.index in self.image and 0 <= offset < PAGE:
            for at, data in written_bytes(replace(write, address=offset)):
                self.image[place.index][at : at + len(data)] = data

    async def assert_images(self, what: str) -> None:
        """Both memory pages hold what they have to, and the TDI runs."""
        for index, route in ((VICTIM, TRUSTED), (LEGACY_VF, PLAIN)):
            result = await self.host.mem_read(self.memory(index), PAGE, route)
            assert result.status is CplStatus.SC, f"{what}: VF{index} answers {result.status}"
            found = [n for n in range(PAGE) if result.data[n] != self.image[index][n]]
            assert not found, f"{what}: VF{index} differs at {found[0]:#x}, {len(found)} bytes"
        self.assert_states(TdiState.RUN, what)
        assert self.secure(), what


@pyuvm.test()
class BordersAreExact(Edges):
    """The last DW before and the first one behind each border of each function, by each route."""

    async def attack(self) -> None:
        for index in (VICTIM, LEGACY_VF, 3, 0):
            routes = ROUTES.values() if index == VICTIM else (PLAIN, TRUSTED)
            for border in self._borders(index):
                for route in routes:
                    for at in (border - DW, border):
                        await self.read_exactly(at, 1, route, f"VF{index}, border {border:#x}")
                        await self.write_exactly(self.write_of(at, 1), route)
        await self.assert_images("borders")
        self.assert_no_leak()

    def _borders(self, index: int) -> Iterator[int]:
        function = self.function(index)
        for bar, base in ((0, function.bar0), (2, function.bar2)):
            for start, _ in LAYOUT[bar]:
                yield base + start


@pyuvm.test()
class RequestsAcrossAPageAreRefused(Edges):
    """Of 2 to 1024 DWs, one DW too far at either end: neither part is read or written."""

    async def attack(self) -> None:
        memory = self.memory()
        lengths = (*LENGTHS, *self.rng.sample(range(2, ALL_DWS), 12))
        for border in (memory, memory + PAGE):
            for dws in lengths:
                for start in (border - DW, border - DW * (dws - 1)):
                    await self._cross(start, dws)
            await self.assert_images(f"across {border:#x}")
        for border in (self.function().bar0, self.function().bar2 + PAGE):
            for start in (border - DW, border - DW * (ALL_DWS - 1)):
                await self._cross(start, ALL_DWS)
        await self._too_large(memory)
        await self.assert_images("across borders")
        self.assert_no_leak()

    async def _cross(self, start: int, dws: int) -> None:
        for route in (TRUSTED, PLAIN):
            assert not self.served(start, dws, route)
            await self.read_exactly(start, dws, route, "across a page")
            if dws <= PAYLOAD_DWS:
                await self.write_exactly(self.write_of(start, dws), route)

    async def _too_large(self, memory: int) -> None:
        """A payload beyond the largest is Malformed, also where the page would take it."""
        legacy = self.memory(LEGACY_VF)
        for address in (memory, legacy):
            await self.aer_status()
            await self.host.send_anyway(self.write_of(address, PAYLOAD_DWS + 1), PLAIN)
            await self.quiet()
            await self.assert_reported(AerUncorrectable.MALFORMED_TLP, "too large")


@pyuvm.test()
class RequestsThatFitAreServed(Edges):
    """Of 1 to 1024 DWs, up to the last DW and from the first one of a page on."""

    async def attack(self) -> None:
        reads = (1, *LENGTHS, *self.rng.sample(range(2, ALL_DWS), 12))
        for dws in reads:
            for index, route in ((VICTIM, TRUSTED), (LEGACY_VF, PLAIN)):
                for offset in {0, PAGE - DW * dws}:
                    await self._read(index, offset, dws, route)
        for route in ROUTES.values():
            for offset in (0, PAGE - DW):
                await self.read_exactly(self.public() + offset, 1, route, "public")
            await self.read_exactly(self.public(), ALL_DWS, route, "public")
        for dws in range(1, PAYLOAD_DWS + 1):
            for index, route in ((VICTIM, TRUSTED), (LEGACY_VF, PLAIN)):
                offset = self.rng.choice((0, PAGE - DW * dws))
                await self.write_exactly(self.write_of(self.memory(index) + offset, dws), route)
            if dws % 32 == 0:
                await self.assert_images(f"up to {dws} DWs")

    async def _read(self, index: int, offset: int, dws: int, route: Route) -> None:
        read = self.read_of(self.memory(index) + offset, dws)
        result = await self.judged(read, route, f"VF{index}", served=True)
        assert result.data == self.image[index][offset : offset + DW * dws], f"{dws} DWs"


@pyuvm.test()
class ByteEnablesAreObeyed(Edges):
    """All pairs of enables, allowed or not, of 1, 2 and 3 DWs: no other byte, none by the host."""

    async def attack(self) -> None:
        base = self.memory() + PAGE // 2
        for dws, address in ((1, base + 8), (2, base + 16), (2, base + 28), (3, base + 40)):
            await self._writes(address, dws)
            await self._reads(address, dws)
        await self._control()
        self.assert_no_leak()

    def _pairs(self, dws: int, count: int) -> Sequence[tuple[int, int]]:
        pairs = [(first, last) for first in range(16) for last in range(16)]
        corners = [(0, 0), (0, 0xF), (0xF, 0), (0, 1), (8, 0), (9, 6), (8, 1)]
        return pairs if dws == 2 else [*corners, *self.rng.sample(pairs, count)]

    async def _writes(self, address: int, dws: int) -> None:
        for number, (first, last) in enumerate(self._pairs(dws, 64)):
            write = replace(self.write_of(address, dws), first_be=first, last_be=last)
            await self.write_exactly(write, TRUSTED)
            refused = replace(self.write_of(address, dws), first_be=first, last_be=last)
            await self.write_exactly(refused, self.rng.choice((PLAIN, BOUND_WITHOUT_T, FOREIGN)))
            if number % 8 == 0:
                await self._window(f"{first:04b}, {last:04b}, {dws} DWs")
        await self.assert_images(f"enables, {dws} DWs")

    async def _window(self, what: str) -> None:
        start, size = PAGE // 2, 64
        result = await self.host.mem_read(self.memory() + start, size, TRUSTED)
        assert result.data == self.image[VICTIM][start : start + size], what

    async def _reads(self, address: int, dws: int) -> None:
        offset = address - self.memory()
        for first, last in self.rng.sample(self._pairs(dws, 32), 32):
            read = replace(self.read_of(address, dws), first_be=first, last_be=last)
            what = f"enables {first:04b}, {last:04b}"
            result = await self.judged(read, TRUSTED, what, served=True)
            enables = [first, *[0xF] * (dws - 2), last] if dws > 1 else [first]
            flat = [offset + n for n in range(DW * dws) if enables[n // DW] >> n % DW & 1]
            start = offset + next((n for n in range(DW) if first >> n & 1), 0)
            for at in flat:
                assert result.data[at - start] == self.image[VICTIM][at], f"{what}, byte {at:#x}"
            again = replace(read, tag=self.host.new_tag())
            await self.judged(again, PLAIN, what, served=False)

    async def _control(self) -> None:
        """START of a transfer, in bytes that are not enabled."""
        function = self.function()
        await self.kit.write_register(function, Register.LENGTH, DW, TRUSTED)
        start = int(Control.START).to_bytes(DW, "little")
        write = Tlp.mem_write(HOST_RID, function.bar0 + Register.CONTROL, start)
        since = self.mark()
        for enables in (0b0000, 0b1110):
            await self.host.send_anyway(replace(write, first_be=enables), TRUSTED)
        status = await self.kit.read_register(function, Register.STATUS, TRUSTED)
        assert status == 0, f"a transfer started: {status:x}"
        assert len(self.from_device(since)) == 1, "more than the answer to the read"


class Placed(Edges):
    """Moves the VF BARs to a place of interest, and takes VF1 there."""

    async def prepare(self) -> None:
        await self.kit.bring_up()
        await self.kit.vmm.set_max_payload(LARGEST_PAYLOAD)
        self.session = await self.kit.open_session()
        await self.kit.key_stream(self.session)

    async def move_to(self, base0: int, base2: int, vfs: int = 3) -> None:
        """VF Enable off, new VF BARs, VF Enable on."""
        host = self.host
        at = await host.extended_capability(host.pf_rid, ExtendedCapabilityId.SRIOV)
        await host.config_write(host.pf_rid, at + SRIOV_CONTROL, 0)
        await self.quiet(CLEARING)
        await self.kit.vmm.enable_vfs(vfs, (base0, base2))

    async def leave(self) -> None:
        """STOP of VF1."""
        await self.kit.stop(self.session, VICTIM)


@pyuvm.test()
class AddressesAreComparedInFull(Placed):
    """BARs at the end of the address space, around 4 GiB, with a half of 0: one bit off is a miss.

    The length of the address changes nothing: a short one has upper bits of 0.
    """

    async def attack(self) -> None:
        for what, base0, base2 in (
            ("BAR2 ends the address space", -(1 << 24), -3 * Bar2.SIZE),
            ("BAR0 ends the address space", -3 * Bar0.SIZE, -(1 << 24)),
            ("below 4 GiB", 0x4000_0000, 0x4800_0000),
            ("up to 4 GiB", FOUR_GIB - 3 * Bar0.SIZE, 0x4800_0000),
            ("a lower half of 0", 0x5000_0000 << 32, 0x6000_0000 << 32),
        ):
            await self.move_to(base0 % ADDRESS_END, base2 % ADDRESS_END)
            await self.take()
            await self.fill()
            await self._bits(what)
            await self._formats(what)
            await self._ends(what)
            await self.assert_images(what)
            await self.leave()
        self.assert_no_leak()

    async def _bits(self, what: str) -> None:
        """One address bit is another."""
        for bit in range(2, 64):
            address = self.memory() ^ 1 << bit
            route = self.rng.choice((TRUSTED, PLAIN))
            await self.read_exactly(address, 1, route, f"{what}, bit {bit}")
            await self.write_exactly(self.write_of(address, 1), TRUSTED)
        for bit in self.rng.sample(range(12, 64), 12):
            address = self.memory(LEGACY_VF) ^ 1 << bit
            await self.read_exactly(address, 1, PLAIN, f"{what}, VF2, bit {bit}")

    async def _formats(self, what: str) -> None:
        """The halves of an address as an address of its own, in either format."""
        function = self.function()
        for base in (self.memory(), function.bar0, function.bar2):
            for address in {base % FOUR_GIB, base >> 32, (base >> 32) + base % FOUR_GIB}:
                if address >= FOUR_GIB:
                    continue
                for kind in (FmtType.MRD32, FmtType.MRD64):
                    for route in (TRUSTED, PLAIN):
                        read = replace(self.read_of(address, 1), fmt_type=kind)
                        served = self.served(address, 1, route)
                        text = f"{what}, {kind.name}"
                        await self.judged(read, route, text, served=served)
        for index, route in ((VICTIM, TRUSTED), (VICTIM, PLAIN), (LEGACY_VF, PLAIN)):
            write = replace(self.write_of(self.memory(index), 1), fmt_type=FmtType.MWR64)
            await self.write_exactly(write, route)

    async def _ends(self, what: str) -> None:
        """The last DW below 4 GiB and of all, and what would go on from there at 0."""
        for end in (FOUR_GIB, ADDRESS_END):
            for dws in (1, 2, ALL_DWS):
                for route in (TRUSTED, PLAIN):
                    text = f"{what}, end at {end:#x}"
                    await self.read_exactly(end - DW, dws, route, text)
        for route in (TRUSTED, PLAIN):
            await self.read_exactly(0, 1, route, f"{what}, address 0")


@pyuvm.test()
class WrappedAperturesAreNotLocked(Placed):
    """VF BARs whose last VF begins again at 0: no LOCK; one VF less, and it is."""

    async def attack(self) -> None:
        far = 1 << 40
        for what, base0, base2 in (
            ("BAR0, all but the first", ADDRESS_END - Bar0.SIZE, far),
            ("BAR0, the last", ADDRESS_END - 2 * Bar0.SIZE, far),
            ("BAR2, the last", far, ADDRESS_END - 2 * Bar2.SIZE),
        ):
            await self.move_to(base0, base2)
            for index in (VICTIM, 3, 0):
                answer = await self.kit.lock_request(self.session, index)
                assert_error(answer, ErrorCode.INVALID_DEVICE_CONFIGURATION, f"{what}, {index}")
                assert self.state(index) is TdiState.CONFIG_UNLOCKED, what
        await self.move_to(far, ADDRESS_END - 2 * Bar2.SIZE, vfs=2)
        await self.take()
        self.assert_states(TdiState.RUN, "two VFs fit")
        await self.leave()


@pyuvm.test()
class OtherRequestsChangeNothing(Edges):
    """AtomicOps, locked reads, deferrable writes, hints, AT of no meaning: UR, and no effect."""

    async def attack(self) -> None:
        for route, index in ((TRUSTED, VICTIM), (PLAIN, VICTIM), (PLAIN, LEGACY_VF)):
            for request in self._requests(self.memory(index)):
                what = f"{request.fmt_type.name} to VF{index}"
                tagged = replace(request, requester_id=HOST_RID, tag=self.host.new_tag())
                await self.judged(tagged, route, what, served=False)
            hint = replace(self.write_of(self.memory(index), 1), th=True)
            await self.host.send_anyway(hint, route, "attack: TH")
            await self.assert_images(f"VF{index} by {route}")
        await self.assert_reported(AerUncorrectable.UNSUPPORTED_REQUEST, "other requests")
        self.assert_no_leak()

    def _requests(self, address: int) -> Iterator[Tlp]:
        wide = address >= FOUR_GIB
        for narrow, long, dws in (
            (FmtType.FETCH_ADD32, FmtType.FETCH_ADD64, 1),
            (FmtType.FETCH_ADD32, FmtType.FETCH_ADD64, 2),
            (FmtType.SWAP32, FmtType.SWAP64, 1),
            (FmtType.SWAP32, FmtType.SWAP64, 2),
            (FmtType.CAS32, FmtType.CAS64, 2),
            (FmtType.CAS32, FmtType.CAS64, 4),
            (FmtType.CAS32, FmtType.CAS64, 8),
        ):
            kind = long if wide else narrow
            data = self.rng.randbytes(DW * dws)
            yield Tlp(kind, length=dws, address=address, payload=data)
        write = self.write_of(address, 1)
        yield replace(write, fmt_type=FmtType.DMWR64 if wide else FmtType.DMWR32)
        read = self.read_of(address, 4)
        yield replace(read, fmt_type=FmtType.MRDLK64 if wide else FmtType.MRDLK32)
        yield replace(read, th=True)
        yield replace(read, at=1)
        yield replace(read, at=3)


@pyuvm.test()
class PoisonedDataIsNeverTaken(Edges):
    """A write with EP that would be served ends the TDI, all others change nothing at all."""

    async def attack(self) -> None:
        await self._refused()
        await self._legacy()
        function = self.function()
        for what, address, route in (
            ("memory", self.memory(), TRUSTED),
            ("register", function.bar0 + Register.SCRATCH, TRUSTED),
            ("MSI-X table", function.bar2, TRUSTED),
            ("public page", self.public() + PublicRegister.SCRATCH, PLAIN),
        ):
            for enables in (0xF, 0x0):
                await self._admitted(what, address, route, enables)
        self.assert_no_leak()

    async def _refused(self) -> None:
        memory = self.memory()
        for name, route in ROUTES.items():
            if route != TRUSTED:
                await self.poison(memory, 1, route)
                await self.poison(self.function().bar2, 1, route)
            await self.poison(memory + PAGE, 4, route)
            await self.assert_images(f"poisoned, {name}")
        await self.poison(memory + PAGE - DW, 2, PLAIN)
        await self.assert_images("poisoned, across a page")

    async def _legacy(self) -> None:
        for dws in (1, 4, PAYLOAD_DWS):
            await self.poison(self.memory(LEGACY_VF), dws, PLAIN)
            await self.assert_images(f"{dws} poisoned DWs of a legacy VM")
        await self.assert_reported(AerUncorrectable.POISONED_TLP, "legacy VM")

    async def _admitted(self, what: str, address: int, route: Route, enables: int) -> None:
        public = await self.host.mem_read(self.public() + PublicRegister.SCRATCH, DW)
        write = replace(self.write_of(address, 1), ep=True, first_be=enables)
        await self.host.send_anyway(write, route, "attack: EP")
        await self.quiet(CLEARING)
        self.assert_states(TdiState.ERROR, f"{what}, enables {enables:04b}")
        assert self.secure(), what
        await self.assert_reported(AerUncorrectable.POISONED_TLP, what)
        after = await self.host.mem_read(self.public() + PublicRegister.SCRATCH, DW)
        assert after.data == public.data, what
        await self.kit.stop(self.session, VICTIM)
        await self.take()
        await self.fill()
        await self.assert_images(f"{what}, attached again")

    async def poison(self, address: int, dws: int, route: Route) -> None:
        """A poisoned write without effect."""
        write = replace(self.write_of(address, dws), ep=True)
        await self.host.send_anyway(write, route, "attack: EP")
        await self.quiet(100)
