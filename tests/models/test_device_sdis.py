# SPDX-License-Identifier: Apache-2.0
"""A reference device with Scalable Device Interfaces: TDIs of one function, told apart by PASID."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from models.app.config_map import ConfigRegister as Reg
from models.device.config import DeviceProfile
from models.device.config_space import ConfigSpace
from models.device.device import ReferenceDevice
from models.device.registers import FIRST_BLOCK, TPH_ENABLE
from models.pcie.codes import SelectiveBlock
from models.tdisp.codes import (
    ErrorCause,
    ErrorCode,
    InterfaceInfo,
    LockFlags,
    TdiState,
)
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import GetDeviceInterfaceState
from models.tdisp.report import PAGE_SHIFT, build_report
from models.tdisp.table import Event
from models.tsm.model_host import ModelHost
from models.tsm.tsm import TdiHandle
from tests.models.life_cycle_parties import IDENTITY, OFFSET, Bench, TvmTenant, run
from tests.plan import covers

U, L, R, E = TdiState
BASE = 0x300
SDIS = DeviceProfile(sdis=True, pasid=True, pri=True, sdi_pasid=BASE)
TDIS = range(SDIS.num_tdi)
SESSION = 1


def enumerated(profile: DeviceProfile = SDIS) -> tuple[ReferenceDevice, ModelHost]:
    """A device with its function in place."""
    device = ReferenceDevice.with_identity(IDENTITY, random.Random(2), profile)
    host = ModelHost(device)
    host.enumerate()
    return device, host


def in_run(*tdis: int) -> tuple[ReferenceDevice, ModelHost]:
    """These TDIs are in RUN, all others in CONFIG_UNLOCKED."""
    device, host = enumerated()
    for tdi in tdis:
        for event in (Event.LOCK_GOOD, Event.START_GOOD):
            device.dsm.event(tdi, event)
    return device, host


def codes(device: ReferenceDevice, name: InterfaceId) -> list[ErrorCode]:
    """What is wrong with a request for `name`."""
    request = GetDeviceInterfaceState(interface=name)
    return [item.code for item in device.dsm.violations(SESSION, request.encode())]


@covers("TDISP-HDR-005", "TDISP-HDR-007")
def test_an_sdi_has_the_name_of_its_function_and_its_pasid() -> None:
    device, host = enumerated()
    for tdi in TDIS:
        name = InterfaceId.of(host.pf_rid, pasid=SDIS.pasid_of(tdi))
        found = device.dsm.addressed(GetDeviceInterfaceState(interface=name).encode())
        assert found is device.dsm.tdis[tdi]
        assert name.echo(sdis=True) == name
    wrong = [InterfaceId.of(host.pf_rid, pasid=BASE + n) for n in (-1, 0, SDIS.num_tdi)]
    wrong += [InterfaceId.of(host.pf_rid + 1, pasid=BASE + 1), InterfaceId.of(host.pf_rid + 1)]
    for name in wrong:
        assert codes(device, name) == [ErrorCode.INVALID_INTERFACE], name


@covers("TDISP-HDR-002")
def test_other_reserved_bytes_of_a_name_do_not_count() -> None:
    device, host = enumerated()
    named = InterfaceId.of(host.pf_rid, pasid=BASE + 1)
    noise = bytes([named.reserved[0], named.reserved[1], 0xF0, 0xFF, *range(1, 5)])
    assert InterfaceId(host.pf_rid, noise).echo(sdis=True) == named
    assert InterfaceId(host.pf_rid, noise).echo() == InterfaceId.of(host.pf_rid)
    assert codes(device, InterfaceId(host.pf_rid, noise)) == []
    unnamed = InterfaceId(host.pf_rid, (BASE + 1).to_bytes(4, "little") + bytes(4))
    found = device.dsm.addressed(GetDeviceInterfaceState(interface=unnamed).encode())
    assert found is device.dsm.tdis[0]


@covers("TDISP-LOCK-009", "TDISP-MMIO-001")
def test_one_function_has_bars_for_all_its_sdis() -> None:
    space = ConfigSpace(SDIS)
    assert [space.find(rid) for rid in range(4)] == [0, None, None, None]
    for register in (Reg.SRIOV_CONTROL, Reg.ACS_CONTROL):
        space.write(0, register, 0xFFFFFFFF, 0xF)
        assert space.read(0, register) == 0
    for bar, size in SDIS.bar_sizes.items():
        space.write(0, Reg.BAR0 + 4 * bar, 0xFFFFFFFF, 0xF)
        assert space.read(0, Reg.BAR0 + 4 * bar) & ~0xF == -4 * size & 0xFFFFFFFF
        space.write(0, Reg.BAR0 + 4 * bar, 0, 0xF)
        assert [space.bars(tdi)[bar] for tdi in TDIS] == [size * tdi for tdi in TDIS]
    pasids = [view.pasid for view in space.views()]
    assert pasids == [None, BASE + 1, BASE + 2, BASE + 3]
    assert {view.rid for view in space.views()} == {space.rid(0)}
    three = ConfigSpace(replace(SDIS, num_tdi=3))
    three.write(0, Reg.BAR0, 0xFFFFFFFF, 0xF)
    assert three.read(0, Reg.BAR0) & ~0xF == -4 * SDIS.bar_sizes[0] & 0xFFFFFFFF


@covers("TDISP-DMA-007", "TDISP-LOCK-015")
def test_all_sdis_may_have_hints_where_their_function_may() -> None:
    space = ConfigSpace(SDIS)
    for control, allowed in ((0, False), (TPH_ENABLE, True), (TPH_ENABLE | 1, False)):
        space.write(0, Reg.TPH_CONTROL, control, 0xF)
        assert {view.hints for view in space.views()} == {allowed}


@covers("TDISP-LOCK-009", "TDISP-LOCK-012")
def test_slices_of_sdis_may_not_overlap() -> None:
    device, host = enumerated()
    last = device.space.bars(SDIS.num_tdi - 1)[0]
    assert device.configuration_fault(1) is None
    host.write(Reg.BAR2, last & ~(4 * SDIS.bar_sizes[2] - 1))
    host.write(Reg.BAR3, last >> 32)
    fault = device.configuration_fault(1)
    assert fault is not None
    assert "TDISP-LOCK-012" in fault or "TDISP-LOCK-009" in fault


@covers("TDISP-RPT-007", "TDISP-RPT-011", "TDISP-ATS-001")
def test_the_report_of_an_sdi_has_its_slices_and_says_that_it_needs_its_pasid() -> None:
    device, host = enumerated()
    host.set_ats(0)
    host.write(Reg.PRI_CONTROL, 1, 0b0011)
    for tdi in TDIS:
        report = build_report(SDIS.dsm, device.function(tdi), LockFlags(0), OFFSET, True)
        bars = device.space.bars(tdi)
        expected = [
            (bars[item.bar] + item.offset + OFFSET) % (1 << 64) >> PAGE_SHIFT
            for item in SDIS.dsm.ranges
        ]
        assert [item.first_page for item in report.ranges] == expected
        info = InterfaceInfo(report.interface_info)
        own = InterfaceInfo.NO_FW_UPDATE | InterfaceInfo.DMA_WITH_PASID
        function = InterfaceInfo.DMA_WITHOUT_PASID | InterfaceInfo.ATS | InterfaceInfo.PRS
        assert info == (own if tdi else own | function)


Act = Callable[[ReferenceDevice, ModelHost], None]
SHARED: dict[str, Act] = {
    "FLR": lambda device, host: device.flr(0),
    "Bus Master Enable": lambda device, host: host.write(Reg.COMMAND, 2, 0b0011),
    "Memory Space Enable": lambda device, host: host.write(Reg.COMMAND, 4, 0b0011),
    "BAR": lambda device, host: host.write(Reg.BAR1, 0x77),
    "Expansion ROM": lambda device, host: host.write(Reg.ROM, 1),
    "No Snoop": lambda device, host: host.write(Reg.DEVICE_CONTROL, 0, 0b0011),
    "PASID Enable": lambda device, host: host.write(Reg.PASID_CONTROL, 0, 0b1100),
    "ATS Enable": lambda device, host: host.set_ats(0),
}


@covers("TDISP-FSM-001", "TDISP-FSM-004", "TDISP-TRK-001", "TDISP-TRK-003", "TDISP-TRK-008")
@pytest.mark.parametrize("what", SHARED)
def test_an_event_of_the_function_ends_all_its_sdis(what: str) -> None:
    device, host = in_run(1, 3)
    SHARED[what](device, host)
    assert device.tdi_states() == (U, E, U, E)


OWN: dict[str, Act] = {
    "failed read": lambda device, host: device.tdi_error(1, ErrorCause.COMPLETION),
    "poisoned write": lambda device, host: device.tdi_error(1, ErrorCause.POISONED),
    "internal error": lambda device, host: device.tdi_error(1, ErrorCause.DSM_FAULT),
    "STOP": lambda device, host: device.dsm.event(1, Event.STOP),
}


@covers("TDISP-FSM-001", "TDISP-FSM-010", "TDISP-FSM-013", "TDISP-STATE-001")
@pytest.mark.parametrize("what", OWN)
def test_what_happens_to_one_sdi_is_nothing_to_another(what: str) -> None:
    device, host = in_run(0, 1, 2)
    OWN[what](device, host)
    assert device.tdi_states() == (R, U if what == "STOP" else E, R, U)


@covers("TDISP-TRK-005")
def test_msix_control_ends_those_whose_table_is_locked() -> None:
    bench, tenants = attached(flags={1: LockFlags.LOCK_MSIX, 2: LockFlags(0)})
    assert [bench.state(tdi) for tdi in (1, 2)] == [L, L]
    bench.host.write(Reg.MSIX, 0x80000000, 0b1100)
    assert [bench.state(tdi) for tdi in (1, 2)] == [E, L]
    assert len(tenants) == 2


@covers("TDISP-TRK-009")
def test_registers_of_a_stream_end_the_sdis_that_are_bound_to_it() -> None:
    bench, _ = attached(flags={1: LockFlags.LOCK_MSIX})
    other = FIRST_BLOCK + SelectiveBlock.SIZE + SelectiveBlock.RID_ASSOCIATION_1
    bench.host.write(other, 0x0000AA00)
    assert [bench.state(tdi) for tdi in TDIS] == [U, L, U, U]
    bench.host.write(other - SelectiveBlock.SIZE, 0x0000AA00)
    assert [bench.state(tdi) for tdi in TDIS] == [U, E, U, U]


def tenant(bench: Bench, tdi: int) -> TvmTenant:
    """A TVM that knows that its TDI is an SDI."""
    made = bench.tenant(tdi)
    info = InterfaceInfo.NO_FW_UPDATE | InterfaceInfo.DMA_WITH_PASID
    made.tvm.expectation = replace(made.tvm.expectation, interface_info=info)
    return made


def attached(flags: dict[int, LockFlags]) -> tuple[Bench, dict[int, TdiHandle]]:
    """SDIs that a TSM has locked, in one session."""
    bench = Bench(SDIS)

    async def lock() -> dict[int, TdiHandle]:
        await bench.tsm.connect()
        first = bench.assignment(1)
        await bench.tsm.protect(first.stream_id, bench.host.pf_rid)
        handles = {}
        for tdi, wanted in flags.items():
            assignment = bench.assignment(tdi, pasid=SDIS.pasid_of(tdi), flags=wanted)
            handles[tdi] = await bench.tsm.attach(assignment)
            await bench.tsm.lock(handles[tdi], tenant(bench, tdi))
        return handles

    return bench, run(lock())


@covers("TDISP-HOST-004", "TDISP-HOST-006", "TDISP-STATE-003", "TDISP-STOP-001")
def test_the_tsm_attaches_sdis_of_two_tenants_and_stops_one() -> None:
    bench = Bench(SDIS)

    async def life() -> None:
        handles = []
        for tdi in (1, 2):
            assignment = bench.assignment(tdi, pasid=SDIS.pasid_of(tdi))
            tvm = tenant(bench, tdi)
            handles.append(await bench.tsm.bring_up(assignment, tvm, bench.host.pf_rid))
        assert bench.device.tdi_states() == (U, R, R, U)
        await bench.tsm.stop(handles[0])
        assert bench.device.tdi_states() == (U, U, R, U)

    run(life())


@covers("TDISP-HDR-005")
@pytest.mark.parametrize(
    "fields", [{"pasid": False}, {"num_tdi": 1}, {"whole_device": True}], ids=str
)
def test_sdis_need_pasids_and_tdis_of_their_own(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="SDIs"):
        replace(SDIS, **fields)  # type: ignore[arg-type]
