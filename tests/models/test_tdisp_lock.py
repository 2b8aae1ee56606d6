# SPDX-License-Identifier: Apache-2.0
"""What LOCK_INTERFACE_REQUEST checks and what it latches; the report; the nonce."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.device.config import project_dsm
from models.tdisp.codes import ErrorCode, InterfaceInfo, LockFlags, RangeAttributes, TdiState
from models.tdisp.lock_config import Aperture, LockConfig, configuration_fault
from models.tdisp.messages import (
    DeviceInterfaceReportResponse,
    GetDeviceInterfaceReport,
    LockInterfaceRequest,
)
from models.tdisp.report import DeviceInterfaceReport, MmioRange
from tests.hits import sample
from tests.models.tdisp_world import (
    BAR0,
    BAR2,
    FLAGS,
    FOREIGN,
    OTHER_STREAM,
    SESSION,
    STREAM,
    World,
    name,
)
from tests.plan import attack, covers

U, L, R, E = TdiState

STREAM_FAULTS: dict[str, dict[str, object]] = {
    "TDISP-LOCK-002": {"stream_id": 9},
    "TDISP-LOCK-003": {"keys_programmed": False},
    "TDISP-LOCK-004": {"owner": FOREIGN},
    "TDISP-LOCK-006": {"tc": 1},
    "TDISP-LOCK-007": {"secure": False},
}


@covers(
    "TDISP-LOCK-002",
    "TDISP-LOCK-003",
    "TDISP-LOCK-004",
    "TDISP-LOCK-006",
    "TDISP-LOCK-007",
    "TDISP-LOCK-017",
)
@attack("ATT-16")
@pytest.mark.parametrize("requirement", STREAM_FAULTS)
def test_each_missing_piece_of_the_stream_alone_refuses_lock(requirement: str) -> None:
    world = World()
    world.stream(**STREAM_FAULTS[requirement])
    assert world.error(world.lock_request()) is ErrorCode.INVALID_REQUEST
    found = world.dsm.violations(SESSION, world.lock_request().encode())
    assert [item.requirement for item in found] == [requirement]
    assert world.state() is U
    assert world.dsm.tdis[0].lock is None


@covers("TDISP-LOCK-005", "TDISP-LOCK-002")
@attack("ATT-16")
def test_there_is_exactly_one_default_stream() -> None:
    world = World()
    world.stream_views[1] = replace(world.stream_views[1], default=True)
    assert world.error(world.lock_request()) is ErrorCode.INVALID_REQUEST
    world.stream_views = [replace(view, default=False) for view in world.stream_views]
    assert world.error(world.lock_request()) is ErrorCode.INVALID_REQUEST
    world.stream_views = []
    assert world.error(world.lock_request()) is ErrorCode.INVALID_REQUEST


@covers("TDISP-LOCK-002")
def test_lock_names_the_default_stream_and_no_other() -> None:
    request = LockInterfaceRequest(interface=name(0), default_stream_id=OTHER_STREAM)
    assert World().error(request) is ErrorCode.INVALID_REQUEST


@covers("TDISP-LOCK-008", "TDISP-LOCK-009", "TDISP-LOCK-013")
def test_a_bad_configuration_refuses_lock_with_its_code() -> None:
    world = World()
    world.fault = "TDISP-LOCK-009: BAR0 overlaps BAR2"
    assert world.error(world.lock_request()) is ErrorCode.INVALID_DEVICE_CONFIGURATION
    world.fault = None
    assert world.lock()


@covers("TDISP-CAP-007", "TDISP-LOCK-024")
@pytest.mark.parametrize("bit", range(16))
def test_flags_are_offered_refused_or_reserved(bit: int) -> None:
    flag = 1 << bit
    world = World()
    if flag != LockFlags.SYSTEM_CACHE_LINE_SIZE:
        assert world.lock(flags=flag)
        outcome = "locked"
    else:
        assert world.error(world.lock_request(flags=flag)) is ErrorCode.INVALID_REQUEST
        outcome = ErrorCode.INVALID_REQUEST.name
    sample("rule", "LOCK flags", LockFlags(flag).name or "reserved", U.name, outcome)
    less = World(project_dsm(4, p2p=False))
    if flag in (LockFlags.BIND_P2P, LockFlags.ALL_REQUEST_REDIRECT):
        assert less.error(less.lock_request(flags=flag)) is ErrorCode.INVALID_REQUEST
    tolerant = World(replace(project_dsm(4), refuse_unadvertised_flags=False))
    assert tolerant.lock(flags=flag)


@covers("TDISP-LOCK-029", "TDISP-STATE-004")
def test_the_lock_of_one_tdi_leaves_the_others_alone() -> None:
    world = World()
    world.bring_to(R, 1)
    before = world.dsm.tdis[1].lock
    world.lock(0)
    assert world.dsm.states == (L, R, U, U)
    assert world.dsm.tdis[1].lock is before


CONFIG = LockConfig(
    bars=(Aperture("BAR0", 0x1000_0000, 0x4000), Aperture("BAR2", 0x2000_0000, 0x20000)),
    vf_bars=(Aperture("VF BAR0", 0x3000_0000, 0xC000), Aperture("VF BAR2", 0x4000_0000, 0x60000)),
    rom=Aperture("ROM", 0x5000_0000, 0x1000),
)


def moved(*, pf: int | None = None, vf: int | None = None, rom: int | None = None) -> LockConfig:
    """One aperture somewhere else: BAR0, VF BAR0 or the ROM."""
    config = CONFIG
    if pf is not None:
        config = replace(config, bars=(replace(config.bars[0], base=pf), config.bars[1]))
    if vf is not None:
        config = replace(config, vf_bars=(replace(config.vf_bars[0], base=vf), config.vf_bars[1]))
    if rom is not None:
        config = replace(config, rom=Aperture("ROM", rom, 0x1000))
    return config


FAULTS = [
    ("TDISP-LOCK-008", replace(CONFIG, phantom_functions=True)),
    ("TDISP-LOCK-009", moved(pf=0x2001_0000)),
    ("TDISP-LOCK-010", moved(rom=0x1000_3000)),
    ("TDISP-LOCK-011", replace(CONFIG, unsupported_bar_size=True)),
    ("TDISP-LOCK-012", moved(vf=0x4000_0000)),
    ("TDISP-LOCK-012", moved(vf=0x1000_0000)),
    ("TDISP-LOCK-012", moved(vf=0x5000_0000)),
    ("TDISP-LOCK-012", moved(vf=(1 << 64) - 0x4000)),
    ("TDISP-LOCK-013", replace(CONFIG, system_page_size=0)),
    ("TDISP-LOCK-013", replace(CONFIG, system_page_size=3)),
    ("TDISP-LOCK-013", replace(CONFIG, system_page_size=1 << 20)),
    ("TDISP-LOCK-014", replace(CONFIG, cache_line_differs=True)),
    ("TDISP-LOCK-015", replace(CONFIG, unsupported_st_mode=True)),
]


@covers(
    "TDISP-LOCK-008",
    "TDISP-LOCK-009",
    "TDISP-LOCK-010",
    "TDISP-LOCK-011",
    "TDISP-LOCK-012",
    "TDISP-LOCK-013",
    "TDISP-LOCK-014",
    "TDISP-LOCK-015",
)
@pytest.mark.parametrize(("requirement", "config"), FAULTS)
def test_each_fault_of_the_configuration_is_found(requirement: str, config: LockConfig) -> None:
    fault = configuration_fault(config)
    assert fault is not None
    assert fault.startswith(requirement)
    refusal = ErrorCode.INVALID_DEVICE_CONFIGURATION.name
    sample("rule", "configuration", requirement, TdiState.CONFIG_UNLOCKED.name, refusal)


@covers("TDISP-LOCK-009", "TDISP-LOCK-012")
def test_apertures_that_touch_do_not_overlap() -> None:
    assert configuration_fault(CONFIG) is None
    assert configuration_fault(moved(pf=0x2000_0000 - 0x4000)) is None
    assert configuration_fault(moved(vf=0x2002_0000)) is None
    assert configuration_fault(moved(vf=(1 << 64) - 0xC000)) is None


# ---------------------------------------------------------------------- report


def read_report(world: World, offset: int = 0, length: int = 0xFFFF) -> tuple[bytes, int]:
    request = GetDeviceInterfaceReport(interface=name(1), offset=offset, length=length)
    answer = world.send(request)
    assert isinstance(answer, DeviceInterfaceReportResponse)
    return answer.portion, answer.remainder


@covers("TDISP-RPT-005", "TDISP-RPT-007", "TDISP-RPT-008", "TDISP-RPT-009", "TDISP-RPT-013")
def test_the_report_shows_all_pages_with_the_offset() -> None:
    world = World()
    world.lock(1, offset=-BAR0)
    raw, remainder = read_report(world)
    assert remainder == 0
    base, msix = 0x4, (BAR2 + 0x20000 - BAR0) >> 12
    assert DeviceInterfaceReport.decode(raw) == DeviceInterfaceReport(
        interface_info=InterfaceInfo.NO_FW_UPDATE | InterfaceInfo.DMA_WITHOUT_PASID,
        msi_x_message_control=0x8003,
        ranges=(
            MmioRange(base, 1, 0, 0),
            MmioRange(base + 1, 1, RangeAttributes.IS_NON_TEE_MEM, 0),
            MmioRange(base + 2, 1, RangeAttributes.IS_MEM_ATTR_UPDATABLE, 0),
            MmioRange(msix, 1, RangeAttributes.MSIX_TABLE, 2),
            MmioRange(msix + 0x10, 1, RangeAttributes.MSIX_PBA, 2),
        ),
        device_specific_info=bytes.fromhex("31494454"),
    )


@covers("TDISP-RPT-009", "TDISP-RPT-010", "TDISP-LOCK-026")
def test_msix_is_reported_only_when_it_is_locked() -> None:
    world = World()
    world.functions[1].tph_control = 0x101
    world.lock(1, flags=0)
    report = DeviceInterfaceReport.decode(read_report(world)[0])
    assert [item.range_id for item in report.ranges] == [0, 0, 0]
    assert (report.msi_x_message_control, report.tph_control) == (0, 0)
    assert not world.dsm.tdis[1].msix_locked
    always = World(replace(project_dsm(4), always_lock_msix=True))
    always.functions[1].tph_control = 0x101
    always.lock(1, flags=0)
    report = DeviceInterfaceReport.decode(read_report(always)[0])
    assert [item.range_id for item in report.ranges] == [0, 0, 0, 2, 2]
    assert (report.msi_x_message_control, report.tph_control) == (0x8003, 0x101)


@covers("TDISP-RPT-011", "TDISP-LOCK-025")
def test_interface_info_shows_what_the_function_can_and_has_enabled() -> None:
    profile = replace(project_dsm(4), interface_info=InterfaceInfo.DMA_WITH_PASID)
    world = World(profile)
    world.functions[1].ats_enable = world.functions[1].prs_enable = True
    world.lock(1, flags=0)
    info = DeviceInterfaceReport.decode(read_report(world)[0]).interface_info
    assert info == InterfaceInfo.DMA_WITH_PASID | InterfaceInfo.ATS | InterfaceInfo.PRS
    for enabled in (False, True):
        with_pasid = World(project_dsm(4))
        with_pasid.functions[1].pasid_enable = enabled
        with_pasid.lock(1, flags=0)
        info = DeviceInterfaceReport.decode(read_report(with_pasid)[0]).interface_info
        assert bool(info & InterfaceInfo.DMA_WITH_PASID) is enabled
        assert info & InterfaceInfo.DMA_WITHOUT_PASID
    other = World(profile)
    other.lock(1, flags=LockFlags.NO_FW_UPDATE)
    info = DeviceInterfaceReport.decode(read_report(other)[0]).interface_info
    assert info == InterfaceInfo.DMA_WITH_PASID | InterfaceInfo.NO_FW_UPDATE


@covers("TDISP-RPT-006", "TDISP-RPT-014")
@attack("ATT-26")
def test_the_report_is_that_of_the_lock() -> None:
    world = World()
    world.lock(1)
    before = read_report(world)
    world.functions[1].bars = {0: 0, 2: 0}
    world.functions[1].msix_control = 0
    assert read_report(world) == before


@covers("TDISP-RPT-003", "TDISP-RPT-004")
@attack("ATT-26")
@given(st.integers(1, 0x80), st.integers(1, 0x40))
def test_portions_join_to_the_whole_report(length: int, limit: int) -> None:
    world = World(replace(project_dsm(4), report_portion_max=limit))
    world.lock(1)
    lock = world.dsm.tdis[1].lock
    assert lock is not None
    whole, got, remainder = lock.report.encode(), b"", 1
    while remainder:
        portion, remainder = read_report(world, len(got), length)
        assert 0 < len(portion) <= min(length, limit)
        got += portion
        assert len(got) + remainder == len(whole)
    assert got == whole


@covers("TDISP-RPT-002")
@attack("ATT-26")
def test_a_report_is_not_read_beyond_its_end_nor_by_nothing() -> None:
    world = World()
    world.lock(1)
    total = len(read_report(world)[0])
    assert read_report(world, total - 1, 0xFFFF) == (b"\x54", 0)
    for offset, length in ((total, 1), (0xFFFF, 0xFFFF), (0, 0), (total, 0)):
        request = GetDeviceInterfaceReport(interface=name(1), offset=offset, length=length)
        assert world.error(request) is ErrorCode.INVALID_REQUEST


# ---------------------------------------------------------------------- nonce


@covers("TDISP-LOCK-018", "TDISP-START-003", "TDISP-START-004")
@attack("ATT-18")
def test_every_lock_has_a_nonce_of_its_own() -> None:
    world = World()
    nonces = [world.lock(tdi) for tdi in range(4)]
    world.send(world.stop_request())
    nonces.append(world.lock())
    assert len(set(nonces)) == 5
    for stale in nonces[:4]:
        assert world.error(world.start_request(stale)) is ErrorCode.INVALID_NONCE
    assert world.state() is L


@covers("TDISP-START-002")
@attack("ATT-18")
@given(st.integers(0, 255))
def test_a_nonce_that_differs_in_one_bit_is_refused_and_the_right_one_works(bit: int) -> None:
    world = World()
    nonce = world.lock()
    wrong = (int.from_bytes(nonce, "little") ^ 1 << bit).to_bytes(32, "little")
    assert world.error(world.start_request(wrong)) is ErrorCode.INVALID_NONCE
    world.send(world.start_request(nonce))
    assert world.state() is R


@covers("TDISP-START-002", "TDISP-START-003")
@attack("ATT-18")
def test_zero_and_prefix_equal_nonces_are_refused() -> None:
    world = World()
    nonce = world.lock()
    for wrong in (bytes(32), nonce[:31] + bytes((nonce[31] ^ 0xFF,)), nonce[:16] + bytes(16)):
        assert world.error(world.start_request(wrong)) is ErrorCode.INVALID_NONCE
    world.send(world.start_request(nonce))
    assert world.error(world.start_request(nonce)) is ErrorCode.INVALID_INTERFACE_STATE


@covers("TDISP-LOCK-023")
def test_lock_latches_what_it_was_given() -> None:
    world = World()
    request = LockInterfaceRequest(
        interface=name(0),
        flags=FLAGS | 0x8000,
        default_stream_id=STREAM,
        mmio_reporting_offset=0x1000,
        bind_p2p_address_mask=0xFF00,
    )
    world.send(request)
    lock = world.dsm.tdis[0].lock
    assert lock is not None
    assert lock.flags == FLAGS | 0x8000
    assert (lock.mmio_reporting_offset, lock.p2p_address_mask) == (0x1000, 0xFF00)
    assert lock.streams == {STREAM}
    assert "nonce" not in repr(lock)
