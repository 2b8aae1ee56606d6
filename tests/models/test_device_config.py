# SPDX-License-Identifier: Apache-2.0
"""Configuration space of the reference device and what writes to it do to TDIs and streams."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.app.config_map import ConfigRegister as Reg
from models.device.config import DEFAULT_PROFILE, DeviceProfile
from models.device.config_space import ConfigSpace
from models.device.registers import FIRST_BLOCK
from models.ide.codes import ControlBit
from models.ide.errors import InsecureCause
from models.ide.select import SelectiveStreamBlock
from models.pcie.codes import SelectiveBlock
from models.pcie.rules import Limits
from models.tdisp.codes import ErrorCause, ErrorCode, TdiState
from models.tdisp.messages import ErrorResponse, LockInterfaceRequest
from tests.models.life_cycle_parties import OTHER_STREAM, STREAM, Bench, interface, run, tdisp
from tests.plan import attack, covers

U, L, R, E = TdiState
ALL = 0xF
CONTROL = FIRST_BLOCK + SelectiveBlock.CONTROL
SECOND_CONTROL = CONTROL + SelectiveBlock.SIZE


def running(*functions: int, profile: DeviceProfile = DEFAULT_PROFILE) -> Bench:
    """TDIs of these functions in RUN."""
    bench = Bench(profile)

    async def life() -> None:
        for function in functions:
            await bench.to_run(function)

    run(life())
    return bench


# register, value, byte enables, function written, TDIs 0 and 1 afterwards, cause
WRITES = [
    (Reg.COMMAND, 0x0, 0b0011, 1, (R, E), ErrorCause.COMMAND),
    (Reg.COMMAND, 0x4, 0b0011, 0, (E, R), ErrorCause.COMMAND),
    (Reg.COMMAND, 0x2, 0b0011, 0, (E, R), ErrorCause.COMMAND),
    (Reg.COMMAND, 0x146, 0b0011, 0, (R, R), ErrorCause.NONE),
    (Reg.COMMAND, 0x0, 0b1100, 0, (R, R), ErrorCause.NONE),
    (Reg.BAR0, 0xFFFFFFFF, ALL, 0, (E, R), ErrorCause.BAR),
    (Reg.BAR1, 0x2, ALL, 0, (E, R), ErrorCause.BAR),
    (Reg.BAR0, 0x0, 0b0001, 0, (R, R), ErrorCause.NONE),
    (Reg.HEADER_TYPE, 0x10, ALL, 0, (R, R), ErrorCause.NONE),
    (Reg.INTERRUPT, 0x0B, ALL, 0, (R, R), ErrorCause.NONE),
    (Reg.DEVICE_CONTROL, 0x2810 ^ 0x0800, ALL, 0, (E, E), ErrorCause.DEVICE_CONTROL),
    (Reg.DEVICE_CONTROL, 0x2810 ^ 0x0100, ALL, 0, (E, E), ErrorCause.DEVICE_CONTROL),
    (Reg.DEVICE_CONTROL, 0x2810 ^ 0x0020, ALL, 0, (R, R), ErrorCause.NONE),
    (Reg.DEVICE_CONTROL, 0x8000, 0b0010, 1, (R, E), ErrorCause.FLR),
    (Reg.DEVICE_CONTROL, 0xA810, ALL, 0, (E, E), ErrorCause.FLR),
    (Reg.MSIX, 0x80000000, ALL, 1, (R, E), ErrorCause.MSIX),
    (Reg.ATS_CONTROL, 0x80000000, ALL, 1, (R, E), ErrorCause.ATS),
    (Reg.ATS_CONTROL, 0x00010000, ALL, 0, (E, E), ErrorCause.ATS),
    (Reg.SRIOV_CONTROL, 0x8, ALL, 0, (E, E), ErrorCause.SRIOV),
    (Reg.SRIOV_CONTROL, 0x1, ALL, 0, (E, E), ErrorCause.SRIOV),
    (Reg.SRIOV_CONTROL, 0x19, ALL, 0, (E, E), ErrorCause.SRIOV),  # ARI Capable Hierarchy
    (Reg.ARI_CONTROL, 0xFFFFFFFF, ALL, 0, (R, R), ErrorCause.NONE),  # nothing can be written
    (Reg.ACS_CONTROL, 0xFFFFFFFF, ALL, 0, (R, R), ErrorCause.NONE),
    (Reg.ACS_CONTROL, 0xFFFFFFFF, ALL, 1, (R, R), ErrorCause.NONE),
    (Reg.PASID_CONTROL, 0xFFFFFFFF, ALL, 0, (R, R), ErrorCause.NONE),  # not built
    (Reg.PRI_ALLOCATION, 0xFFFFFFFF, ALL, 0, (R, R), ErrorCause.NONE),  # not built
    (Reg.SRIOV_VF_BAR2, 0xE0000000, ALL, 0, (E, E), ErrorCause.SRIOV),
    (Reg.SRIOV_NUM_VFS, 0x1, ALL, 0, (R, R), ErrorCause.NONE),  # read only while VFs are enabled
    (Reg.PM_CONTROL, 0x3, ALL, 0, (R, R), ErrorCause.NONE),  # No_Soft_Reset is 1
    (Reg.AER_UNCORRECTABLE_MASK, 0xFFFFFFFF, ALL, 0, (R, R), ErrorCause.NONE),
    (Reg.LINK_CONTROL, 0x40, ALL, 0, (R, R), ErrorCause.NONE),
    (CONTROL + 4, 0x80000000, ALL, 0, (R, R), ErrorCause.NONE),
    (CONTROL + 8, 0x00FFFF00, ALL, 0, (E, E), ErrorCause.IDE_REGISTERS),
    (CONTROL + 12, 0x0, ALL, 0, (E, E), ErrorCause.IDE_REGISTERS),
    (CONTROL + 16, 0x1, ALL, 0, (E, E), ErrorCause.IDE_REGISTERS),
    (CONTROL, 0x0, 0b0001, 0, (E, E), ErrorCause.IDE_REGISTERS),
    (SECOND_CONTROL, 0x09000000, ALL, 0, (R, R), ErrorCause.NONE),
]


@covers(
    "TDISP-FSM-001",
    "TDISP-FSM-002",
    "TDISP-TRK-001",
    "TDISP-TRK-002",
    "TDISP-TRK-003",
    "TDISP-TRK-004",
    "TDISP-TRK-005",
    "TDISP-TRK-007",
    "TDISP-TRK-009",
    "TDISP-TRK-010",
    "TDISP-TRK-012",
    "TDISP-TRK-014",
    "TDISP-TRK-016",
)
@attack("ATT-28")
@pytest.mark.parametrize(("register", "value", "enables", "function", "states", "cause"), WRITES)
def test_a_configuration_write_hits_whom_it_should(
    register: int,
    value: int,
    enables: int,
    function: int,
    states: tuple[TdiState, TdiState],
    cause: ErrorCause,
) -> None:
    bench = running(0, 1)
    bench.host.write(register, value, enables, function)
    assert bench.device.tdi_states() == (*states, U, U)
    causes = {tdi.cause for tdi in bench.device.dsm.tdis if tdi.state is E}
    assert causes == ({cause} if E in states else set())


# register, value, byte enables, TDIs 0 and 1 afterwards
PAGING_WRITES = [
    (Reg.PASID_CONTROL, 0x00010000, ALL, (E, E)),
    (Reg.PASID_CONTROL, 0x00010000, 0b1011, (R, R)),
    (Reg.PASID_CONTROL, 0xFFFEFFFF, ALL, (R, R)),  # Execute Permission cannot be enabled
    (Reg.PRI_CONTROL, 0x00000001, ALL, (E, E)),
    (Reg.PRI_CONTROL, 0xFFFF0002, ALL, (R, R)),  # status, and Reset, which reads 0
    (Reg.PRI_ALLOCATION, 0x00000001, ALL, (E, E)),
    (Reg.PRI_ALLOCATION, 0x00000000, ALL, (R, R)),
    (Reg.PRI_CAPACITY, 0xFFFFFFFF, ALL, (R, R)),
]


@covers("TDISP-TRK-008", "TDISP-TRK-014")
@pytest.mark.parametrize(("register", "value", "enables", "states"), PAGING_WRITES)
def test_a_change_of_what_functions_share_in_paging_hits_all(
    register: int, value: int, enables: int, states: tuple[TdiState, TdiState]
) -> None:
    bench = running(0, 1, profile=replace(DEFAULT_PROFILE, pasid=True, pri=True))
    bench.host.write(register, value, enables, 0)
    assert bench.device.tdi_states() == (*states, U, U)
    causes = {tdi.cause for tdi in bench.device.dsm.tdis if tdi.state is E}
    assert causes == ({ErrorCause.DEVICE_CONTROL} if E in states else set())


@covers("TDISP-TRK-013", "TDISP-TRK-015", "TDISP-FSM-019")
@attack("ATT-28")
@pytest.mark.parametrize(("register", "value", "enables", "function", "states", "cause"), WRITES)
def test_the_same_writes_do_nothing_to_tdis_that_are_not_locked(
    register: int,
    value: int,
    enables: int,
    function: int,
    states: tuple[TdiState, TdiState],
    cause: ErrorCause,
) -> None:
    bench = Bench()
    bench.host.write(register, value, enables, function)
    assert bench.device.tdi_states() == (U, U, U, U)


@covers("TDISP-FSM-003")
@attack("ATT-27")
def test_another_bus_number_moves_every_locked_tdi_to_error() -> None:
    bench = running(1)
    bench.device.config_write(0x0200, Reg.INTERRUPT, 0)
    assert bench.device.tdi_states() == (U, E, U, U)
    assert bench.device.dsm.tdis[1].cause is ErrorCause.REQUESTER_ID
    assert [view.rid for view in bench.device.functions()] == [0x200, 0x201, 0x202, 0x203]


@covers("TDISP-HDR-005", "TDISP-TRK-007")
def test_virtual_functions_come_and_go_with_vf_enable() -> None:
    bench = Bench()
    bench.host.write(Reg.MSIX, 0x80000000, function=1)
    assert [view.present for view in bench.device.functions()] == [True] * 4
    bench.host.write(Reg.SRIOV_CONTROL, 0)
    assert [view.present for view in bench.device.functions()] == [True, False, False, False]
    bench.host.write(Reg.SRIOV_NUM_VFS, 2)
    bench.host.write(Reg.SRIOV_CONTROL, 9)
    views = bench.device.functions()
    assert [view.present for view in views] == [True, True, True, False]
    assert not views[1].msix_enable
    assert not views[1].bus_master
    bench.device.config_write(0x0103, Reg.COMMAND, 4)
    bench.device.config_write(0x0107, Reg.COMMAND, 4)
    assert not bench.device.functions()[3].bus_master


@covers("TDISP-RPT-007", "TDISP-MMIO-015")
def test_functions_are_where_their_registers_say() -> None:
    bench = Bench()
    pf, vf = bench.device.functions()[0], bench.device.functions()[2]
    assert (pf.bar0, pf.memory_space, pf.bus_master) == (0x1_0000_0000, True, True)
    vf_base = bench.host.bars(1)
    assert vf.bar0 == vf_base[0] + 0x4000
    assert vf.bar2 == vf_base[2] + 0x20000
    assert bench.device.limits() == Limits(max_payload=128, max_read=512, max_received=512)
    bench.host.write(Reg.DEVICE_CONTROL, 0x5870)
    assert bench.device.limits() == Limits(max_payload=512, max_read=4096, max_received=512)


@covers("TDISP-TRK-011")
def test_d3hot_stops_all_traffic_and_keeps_all_state() -> None:
    bench = running(1)
    before = bench.device.functions()
    bench.host.write(Reg.PM_CONTROL, 3)
    for view in bench.device.functions():
        assert not view.memory_space
        assert not view.bus_master
    bench.host.write(Reg.PM_CONTROL, 1)  # D1 is not there: the write is discarded
    assert bench.device.config_read(0x0100, Reg.PM_CONTROL) & 3 == 3
    bench.host.write(Reg.PM_CONTROL, 0)
    assert bench.device.functions() == before
    assert bench.device.tdi_states() == (U, R, U, U)


@covers("IDEKM-QRY-001", "IDE-CAP-001", "IDE-CAP-004", "IDE-CAP-005")
def test_ide_registers_show_state_and_received_fail() -> None:
    bench = running(1)
    device = bench.device
    blocks = [SelectiveStreamBlock.decode(device.ide_registers()[at:]) for at in (8, 40)]
    assert [block.stream_id for block in blocks] == [STREAM, OTHER_STREAM]
    assert [bool(block.state) for block in blocks] == [True, False]
    status = FIRST_BLOCK + SelectiveBlock.STATUS
    assert device.config_read(0x0100, status) == 2
    device.stream_insecure(0, InsecureCause.FAIL_RECEIVED)
    assert device.config_read(0x0100, status) == 1 << 31
    bench.host.write(status, 1 << 31, 0b0111)
    assert device.config_read(0x0100, status) == 1 << 31
    bench.host.write(status, 1 << 31)
    assert device.config_read(0x0100, status) == 0
    assert device.tdi_states()[1] is E
    assert device.config_read(0x0107, status) == 0


@covers("IDE-CAP-003")
def test_tee_limited_is_fixed_while_the_stream_is_enabled() -> None:
    bench = running(1)
    value = bench.device.config_read(0x0100, CONTROL)
    assert value >> ControlBit.TEE_LIMITED & 1
    bench.host.write(CONTROL, value & ~(1 << ControlBit.TEE_LIMITED))
    assert bench.device.config_read(0x0100, CONTROL) == value
    assert bench.state() is R


@covers("TDISP-FSM-007", "IDE-ST-004", "IDE-ST-007")
def test_a_stream_that_was_disabled_needs_new_keys() -> None:
    bench = running(1)
    value = bench.device.config_read(0x0100, CONTROL)
    bench.host.write(CONTROL, value & ~1)
    bench.host.write(CONTROL, value)
    assert bench.state() is E
    assert not bench.device.stream_ends()[0].secure
    assert bench.device.bound_stream(1) is None


@covers("IDE-ST-010", "TDISP-FSM-007")
def test_link_down_ends_streams_and_moves_their_tdis_to_error() -> None:
    bench = running(1, 2)
    bench.device.link_down()
    assert bench.device.tdi_states() == (U, E, E, U)
    assert {tdi.cause for tdi in bench.device.dsm.tdis[1:3]} == {ErrorCause.STREAM_INSECURE}


@covers("TDISP-LOCK-009", "TDISP-LOCK-012", "TDISP-LOCK-013", "TDISP-LOCK-008")
@attack("ATT-16")
@pytest.mark.parametrize(
    ("setup", "write"),
    [
        ([], (Reg.BAR2, 0x0)),
        ([], (Reg.SRIOV_VF_BAR0, 0x0)),
        ([(Reg.SRIOV_CONTROL, 0), (Reg.SRIOV_SYSTEM_PAGE_SIZE, 8)], (Reg.SRIOV_CONTROL, 9)),
        ([(Reg.SRIOV_CONTROL, 0), (Reg.SRIOV_SYSTEM_PAGE_SIZE, 3)], (Reg.SRIOV_CONTROL, 9)),
    ],
)
def test_a_configuration_that_lock_must_refuse_is_refused(
    setup: list[tuple[int, int]], write: tuple[int, int]
) -> None:
    bench = Bench()

    async def life() -> None:
        await bench.tsm.connect()
        await bench.tsm.protect(STREAM, bench.host.pf_rid)
        for register, value in (*setup, write):
            bench.host.write(register, value)
        session = bench.tsm.session
        assert session is not None
        request = LockInterfaceRequest(interface=interface(bench), default_stream_id=STREAM)
        answer = await tdisp(session, request)
        assert isinstance(answer, ErrorResponse)
        assert answer.error == ErrorCode.INVALID_DEVICE_CONFIGURATION

    run(life())
    assert bench.state() is U


@covers("TDISP-FSM-009", "TDISP-FSM-010", "TDISP-FSM-013")
@pytest.mark.parametrize(
    "cause",
    [
        ErrorCause.POISONED,
        ErrorCause.COMPLETION,
        ErrorCause.DSM_FAULT,
        ErrorCause.POWER,
        ErrorCause.ATS,
    ],
)
def test_an_event_hits_one_tdi_with_its_cause(cause: ErrorCause) -> None:
    bench = running(1, 2)
    bench.device.tdi_error(2, cause)
    bench.device.tdi_error(3, cause)
    assert bench.device.tdi_states() == (U, R, E, U)
    assert bench.device.dsm.tdis[2].cause is cause


@covers("TDISP-HDR-005", "TDISP-FSM-003")
@pytest.mark.parametrize("pf_function", range(8))
def test_virtual_functions_follow_the_physical_one_wherever_it_is(pf_function: int) -> None:
    space = ConfigSpace(replace(DEFAULT_PROFILE, pf_function=pf_function))
    pf = 0xBEE8 | pf_function
    assert space.capture(pf)
    space.write(0, Reg.SRIOV_NUM_VFS, 3, 0xF)
    space.write(0, Reg.SRIOV_CONTROL, 1, 0xF)
    assert [space.find(pf + n) for n in range(8)] == [0, 1, 2, 3, None, None, None, None]
    assert [space.rid(n) for n in range(4)] == [pf + n for n in range(4)]
    assert not any(space.capture(pf + n) for n in range(4))
    assert space.capture(0xAAE8 + pf_function + 2)
    assert space.pf_rid == 0xAAE8 + pf_function


@covers("TDISP-HDR-005", "TDISP-FSM-003")
@pytest.mark.parametrize(("num_tdi", "pf_function"), [(9, 247), (200, 7), (256, 0)])
def test_many_virtual_functions_follow_the_physical_one(num_tdi: int, pf_function: int) -> None:
    space = ConfigSpace(replace(DEFAULT_PROFILE, num_tdi=num_tdi, pf_function=pf_function))
    pf = 0xBE00 + pf_function
    assert space.capture(pf)
    space.write(0, Reg.SRIOV_NUM_VFS, num_tdi - 2, 0xF)
    space.write(0, Reg.SRIOV_CONTROL, 1, 0xF)
    assert [space.find(pf + n) for n in range(num_tdi)] == [*range(num_tdi - 1), None]
    assert not any(space.capture(pf + n) for n in range(num_tdi))
    assert space.capture(0xAA00 + pf_function + num_tdi - 2)
    assert space.pf_rid == 0xAA00 + pf_function
