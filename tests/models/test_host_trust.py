# SPDX-License-Identifier: Apache-2.0
"""The TVM's decision, the VMM's plan, and the attacks of its hostile twin."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from models.host.errors import HostError
from models.host.hostile import (
    HostileVmm,
    Interposer,
    Outcome,
    SendTlp,
    SendWire,
    Victim,
)
from models.host.tvm import Expectation, ExpectedRange, MappedRange, MmioMapping, Tvm
from models.host.vmm import ConfigWrite, DeviceLayout, ResourcePlan, Vmm, reporting_offset
from models.ide.select import SelectiveStreamBlock, accept_at_root_port
from models.ide.stream import IdeError, IdeFailure
from models.pcie.admission import Decision, RangeKind, inbound_memory
from models.pcie.tlp import Tlp, TlpError
from models.tdisp.codes import InterfaceInfo, RangeAttributes, TdiState
from tests.hits import sample
from tests.models.ide_pair import port
from tests.plan import attack, covers

NONCE = bytes(range(1, 33))
OFFSET = 0x7000_0000_0000
LAYOUT = DeviceLayout(0x0100, {0: 0x4000, 2: 0x20000}, sriov=0x140)
VMM = HostileVmm(0x1_0000_0000, host_rid=0x0000)
PLAN = VMM.plan(LAYOUT, 3, (1, 2))
PAGES = ((0, 0x0000, 1), (0, 0x1000, 1), (0, 0x2000, 1))
MAPPING = VMM.map_pages(PLAN.functions[1], PAGES, OFFSET)


@dataclass(frozen=True)
class Range:
    """A reported range, as a report decoder gives it."""

    first_page: int
    num_pages: int
    attributes: int
    range_id: int


@dataclass(frozen=True)
class Report:
    """A report, as its decoder gives it."""

    ranges: tuple[Range, ...]
    interface_info: int = 0x0003
    msi_x_message_control: int = 0
    lnr_control: int = 0
    tph_control: int = 0
    device_specific_info: bytes = b"1IDT"


def ranges() -> list[Range]:
    """The report of VF 1: registers, public page, memory."""
    base = (PLAN.functions[1].bars[0] + OFFSET) >> 12
    attributes = (0, RangeAttributes.IS_NON_TEE_MEM, 0)
    return [Range(base + n, 1, attribute, 0) for n, attribute in enumerate(attributes)]


GOOD = Report(tuple(ranges()))
MEASUREMENTS = {1: b"firmware", 2: b"configuration"}
EXPECTATION = Expectation(
    ranges=(
        ExpectedRange(1, RangeAttributes(0), 0),
        ExpectedRange(1, RangeAttributes.IS_NON_TEE_MEM, 0),
        ExpectedRange(1, RangeAttributes(0), 0),
    ),
    measurements=MEASUREMENTS,
    interface_info=InterfaceInfo.NO_FW_UPDATE | InterfaceInfo.DMA_WITHOUT_PASID,
    device_specific_info=b"1IDT",
)


def tenant() -> Tvm:
    """A TVM that holds the nonce of a fresh lock."""
    tvm = Tvm("A", EXPECTATION)
    tvm.keep_nonce(NONCE)
    return tvm


def swapped(report: Report) -> Report:
    """The report with its first and last range exchanged."""
    first, second, third = report.ranges
    return replace(report, ranges=(third, second, first))


def with_range(**changes: int) -> Report:
    """The good report with a changed first range."""
    return replace(GOOD, ranges=(replace(GOOD.ranges[0], **changes), *GOOD.ranges[1:]))


# ---------------------------------------------------------------------- TVM


@covers("TDISP-HOST-004", "TDISP-HOST-006")
def test_a_device_as_expected_is_approved_and_the_nonce_leaves_once() -> None:
    tvm = tenant()
    assert tvm.approve(GOOD, {**MEASUREMENTS, 9: b"extra"}, MAPPING).findings == ()
    assert tvm.release_nonce() == NONCE
    with pytest.raises(HostError, match="no nonce"):
        tvm.release_nonce()


@covers("TDISP-MMA-002", "TDISP-MMA-003")
def test_a_tvm_asks_to_open_what_it_trusts_and_can_be_opened() -> None:
    updatable = RangeAttributes.IS_MEM_ATTR_UPDATABLE
    memory = replace(GOOD.ranges[2], attributes=updatable)
    report = replace(GOOD, ranges=(*GOOD.ranges[:2], memory))
    tvm = Tvm("A", replace(EXPECTATION, ranges=(*EXPECTATION.ranges[:2], opened_later())))
    tvm.keep_nonce(NONCE)
    with pytest.raises(HostError, match="trusts no TDI"):
        tvm.wish(2, non_tee=True)
    assert tvm.approve(report, MEASUREMENTS, MAPPING).approved
    opened, closed = tvm.wish(2, non_tee=True), tvm.wish(2, non_tee=False)
    assert (opened.first_page, opened.num_pages, opened.range_id) == (memory.first_page, 1, 0)
    assert (opened.attributes, closed.attributes) == (RangeAttributes.IS_NON_TEE_MEM, 0)
    with pytest.raises(HostError, match="fixed"):
        tvm.wish(1, non_tee=False)
    tvm.forget()
    with pytest.raises(HostError, match="trusts no TDI"):
        tvm.wish(2, non_tee=True)


def opened_later() -> ExpectedRange:
    return ExpectedRange(1, RangeAttributes.IS_MEM_ATTR_UPDATABLE, 0)


BAD_REPORTS: dict[str, Report] = {
    "reserved info": replace(GOOD, interface_info=0x8003),
    "firmware may change": replace(GOOD, interface_info=0x0002),
    "PASID": replace(GOOD, interface_info=0x0007),
    "MSI-X not locked": replace(GOOD, msi_x_message_control=0x8003),
    "TPH": replace(GOOD, tph_control=1),
    "LNR": replace(GOOD, lnr_control=1),
    "device information": replace(GOOD, device_specific_info=b"1IDU"),
    "order": swapped(GOOD),
    "missing range": replace(GOOD, ranges=GOOD.ranges[:2]),
    "additional range": replace(GOOD, ranges=(*GOOD.ranges, GOOD.ranges[0])),
    "reserved attributes": with_range(attributes=0x10),
    "TEE memory open": with_range(attributes=RangeAttributes.IS_NON_TEE_MEM),
    "other page": with_range(first_page=GOOD.ranges[0].first_page + 1),
    "two pages": with_range(num_pages=2),
    "other BAR": with_range(range_id=2),
}


@attack("ATT-07")
@covers("TDISP-HOST-004", "TDISP-HOST-006")
@pytest.mark.parametrize("name", BAD_REPORTS)
def test_a_report_that_differs_is_not_approved(name: str) -> None:
    tvm = tenant()
    decision = tvm.approve(BAD_REPORTS[name], MEASUREMENTS, MAPPING)
    assert not decision.approved
    sample("rule", "review by the TVM", name, "CONFIG_LOCKED", "refused")
    with pytest.raises(HostError, match="has not approved"):
        tvm.release_nonce()
    with pytest.raises(HostError, match="trusts no TDI"):
        tvm.mmio_read(0, 0, 4, 0)


REMAPPED: dict[str, Callable[[tuple[MappedRange, ...]], tuple[MappedRange, ...]]] = {
    "swapped": lambda r: (r[2], r[1], r[0]),
    "one missing": lambda r: r[:2],
    "one more": lambda r: (*r, r[0]),
    "one to another function": lambda r: (MappedRange(r[0].address + 0x4000, 1), *r[1:]),
    "one too long": lambda r: (MappedRange(r[0].address, 2), *r[1:]),
    "off the page": lambda r: (MappedRange(r[0].address + 4, 1), *r[1:]),
}


@attack("ATT-07")
@covers("TDISP-HOST-004")
@pytest.mark.parametrize("name", REMAPPED)
def test_a_mapping_that_is_not_the_report_is_not_approved(name: str) -> None:
    mapping = MmioMapping(REMAPPED[name](MAPPING.ranges), OFFSET)
    assert not tenant().approve(GOOD, MEASUREMENTS, mapping).approved


@covers("TDISP-HOST-004")
def test_reserved_bits_are_found_even_where_they_are_expected() -> None:
    expected = replace(EXPECTATION, interface_info=InterfaceInfo(0x8003))
    decision = Tvm("A", expected).approve(BAD_REPORTS["reserved info"], MEASUREMENTS, MAPPING)
    assert decision.findings == ("INTERFACE_INFO 0x8003 has reserved bits",)


@covers("TDISP-HOST-004", "TDISP-HOST-006")
@pytest.mark.parametrize("got", [{}, {1: b"firmware"}, {1: b"firmware", 2: b"debug"}])
def test_missing_or_other_measurements_are_not_approved(got: dict[int, bytes]) -> None:
    assert not tenant().approve(GOOD, got, MAPPING).approved


@covers("TDISP-HOST-006")
def test_a_new_lock_voids_the_approval_of_the_old_one() -> None:
    tvm = tenant()
    tvm.approve(GOOD, MEASUREMENTS, MAPPING)
    tvm.keep_nonce(NONCE[::-1])
    with pytest.raises(HostError, match="has not approved"):
        tvm.release_nonce()
    tvm.approve(GOOD, MEASUREMENTS, MAPPING)
    tvm.forget()
    with pytest.raises(HostError):
        tvm.release_nonce()


@covers("TDISP-HOST-006")
@pytest.mark.parametrize("nonce", [bytes(32), bytes(31), NONCE + b"1"])
def test_a_nonce_of_zeros_or_of_wrong_size_is_not_taken(nonce: bytes) -> None:
    with pytest.raises(HostError):
        Tvm("A", EXPECTATION).keep_nonce(nonce)


@covers("TDISP-HOST-006")
def test_the_nonce_is_not_shown_when_a_tvm_is_printed() -> None:
    assert str(NONCE) not in repr(tenant())
    assert NONCE.hex() not in repr(tenant())


@covers("TDISP-HOST-010")
def test_a_tvm_reaches_only_what_it_has_mapped() -> None:
    tvm = tenant()
    tvm.approve(GOOD, MEASUREMENTS, MAPPING)
    bar0 = PLAN.functions[1].bars[0]
    assert tvm.mmio_read(2, 0xFFC, 4, 0).address == bar0 + 0x2FFC
    assert tvm.mmio_write(0, 4, b"abcd", 0).payload == b"abcd"
    for offset, length in ((0xFFC, 8), (0x1000, 4), (-4, 4)):
        with pytest.raises(HostError):
            tvm.mmio_read(0, offset, length, 0)


# ---------------------------------------------------------------------- VMM


@covers("TDISP-HOST-004")
def test_the_plan_places_bars_side_by_side_and_aligned() -> None:
    taken: list[tuple[int, int]] = []
    for function in PLAN.functions:
        for bar, base in function.bars.items():
            size = LAYOUT.bar_sizes[bar]
            assert base % size == 0
            assert all(base >= end or base + size <= start for start, end in taken)
            taken.append((base, base + size))
    assert [function.rid for function in PLAN.functions] == [0x0100, 0x0101, 0x0102, 0x0103]
    for bar, size in LAYOUT.bar_sizes.items():
        assert PLAN.functions[3].bars[bar] - PLAN.functions[1].bars[bar] == 2 * size


@covers("TDISP-HOST-004")
def test_the_plan_as_configuration_writes() -> None:
    pf_only = VMM.plan(LAYOUT, 0)
    assert pf_only.config_writes() == [
        ConfigWrite(0x0100, 0x10, 0x0000_0000),
        ConfigWrite(0x0100, 0x14, 0x1),
        ConfigWrite(0x0100, 0x18, 0x0002_0000),
        ConfigWrite(0x0100, 0x1C, 0x1),
        ConfigWrite(0x0100, 0x04, 0x6, 0b0011),
    ]
    writes = PLAN.config_writes()
    assert ConfigWrite(0x0100, 0x150, 3) in writes
    assert writes.index(ConfigWrite(0x0100, 0x148, 0x9)) > writes.index(
        ConfigWrite(0x0100, 0x164, PLAN.functions[1].bars[0] & 0xFFFFFFFF)
    )
    assert writes[-1] == ConfigWrite(0x0103, 0x04, 0x4, 0b0011)


@covers("IDE-SEL-004")
def test_the_planned_streams_hold_all_functions_and_one_is_default() -> None:
    assert [plan.endpoint.default_stream for plan in PLAN.streams] == [True, False]
    for plan in PLAN.streams:
        for function in PLAN.functions:
            request = Tlp.mem_read(function.rid, 0, 4)
            assert accept_at_root_port(plan.root_port, request).value == "accept"
        assert not plan.root_port.holds_rid(0x0104)
        assert SelectiveStreamBlock.decode(plan.endpoint.encode()) == plan.endpoint


@covers("TDISP-HOST-007")
def test_a_reporting_offset_never_moves_a_range_out_of_the_address_space() -> None:
    top = MappedRange(0xFFFF_FFFF_FFFF_D000, 2)
    assert reporting_offset([top], 0x1234) == 0x1000
    assert reporting_offset([MappedRange(0x5000, 1)], -0x4001) == -0x5000
    for wanted in (0x2000, -0xFFFF_FFFF_FFFF_E000):
        with pytest.raises(HostError):
            reporting_offset([top], wanted)


@covers("TDISP-HOST-007")
def test_a_window_that_is_too_high_is_refused() -> None:
    with pytest.raises(HostError, match="too small"):
        Vmm((1 << 64) - 0x8000).plan(LAYOUT, 0)


# ---------------------------------------------------------------------- attacks

VICTIM = Victim(PLAN.functions[1], bound_stream=1, address=PLAN.functions[1].bars[0] + 0x2000)


@covers("TDISP-MMIO-002", "TDISP-MMIO-004")
def test_every_mmio_attack_is_refused_and_its_honest_twin_served() -> None:
    steps = VMM.mmio_attacks(VICTIM, other_stream=2)
    assert len({step.name for step in steps}) == len(steps) == 8
    for step in steps:
        assert isinstance(step.action, SendTlp)
        assert isinstance(step.honest, SendTlp)
        assert step.outcome is Outcome.REFUSED
        for send, wanted in ((step.action, Decision.REJECT), (step.honest, Decision.PASS)):
            path = send.path
            bound = path.stream_id == VICTIM.bound_stream
            rule = inbound_memory(TdiState.RUN, RangeKind.TEE, path.t, bound)
            assert rule.decision is wanted, step.name
        assert step.action.tlp == step.honest.tlp


@covers("TDISP-HOST-004")
@pytest.mark.parametrize("function", [0, 1])
def test_every_configuration_attack_changes_a_register_of_the_plan(function: int) -> None:
    victim = replace(VICTIM, function=PLAN.functions[function])
    steps = VMM.config_attacks(PLAN, victim)
    assert len(steps) == 4
    for step in steps:
        assert isinstance(step.action, ConfigWrite)
        assert step.outcome is Outcome.TDI_ERROR
        assert changes_plan(PLAN, step.action), step.name


def changes_plan(plan: ResourcePlan, write: ConfigWrite) -> bool:
    """Whether `write` differs from the plan's own write to the same register."""
    same = [w for w in plan.config_writes() if (w.rid, w.register) == (write.rid, write.register)]
    return bool(same) and all(w.value != write.value for w in same)


@covers("IDE-GCM-011", "IDE-GCM-003", "IDE-ST-008", "IDE-KEY-002")
@pytest.mark.parametrize("seed", range(20))
def test_every_interposer_attack_ends_as_it_says(seed: int) -> None:
    rng = random.Random(seed)
    sender = port()
    writes = [Tlp.mem_write(0, 0x1000, rng.randbytes(16)).encode() for _ in range(3)]
    wires = [sender.encrypt(raw, True) for raw in writes]
    for step in Interposer(rng).attacks(wires[:1], wires[1:]):
        assert isinstance(step.action, SendWire)
        assert isinstance(step.honest, SendWire)
        receiver = port()
        receiver.decrypt(wires[0])
        with pytest.raises(IdeError) as caught:
            receiver.decrypt(step.action.wire)
        misrouted = step.outcome is Outcome.MISROUTED
        assert (caught.value.failure is IdeFailure.MISROUTED) == misrouted, step.name
        assert receiver.secure == misrouted, step.name
        honest = port()
        honest.decrypt(wires[0])
        assert honest.decrypt(step.honest.wire)[0] == writes[1]


@covers("TDISP-MMIO-002", "IDE-SEL-007")
def test_a_stripped_tlp_is_a_plain_one_with_ciphertext() -> None:
    raw = Tlp.mem_write(0, VICTIM.address, b"secretsecretsecr").encode()
    step = Interposer(random.Random(1)).strip(port().encrypt(raw, True))
    assert isinstance(step.action, SendWire)
    stripped = Tlp.decode(step.action.wire)
    assert stripped.address == VICTIM.address
    assert stripped.payload != b"secretsecretsecr"
    with pytest.raises(TlpError):
        Tlp.decode(step.honest.wire if isinstance(step.honest, SendWire) else b"")
