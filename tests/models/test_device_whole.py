# SPDX-License-Identifier: Apache-2.0
"""A reference device whose functions are one TDI."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from models.app.config_map import ConfigRegister as Reg
from models.device.config import DeviceProfile
from models.device.device import ReferenceDevice
from models.host.tvm import ExpectedRange, MappedRange, MmioMapping
from models.tdisp.codes import ErrorCause, ErrorCode, LockFlags, RangeAttributes, TdiState
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import GetDeviceInterfaceState
from models.tdisp.report import MSIX_ATTRIBUTES, PAGE_SHIFT, build_report
from models.tdisp.table import Event
from models.tsm.errors import TsmError
from models.tsm.model_host import ModelHost
from tests.models.life_cycle_parties import IDENTITY, OFFSET, Bench, TvmTenant, run
from tests.plan import covers

U, L, R, E = TdiState
WHOLE = DeviceProfile(whole_device=True)
LAST = WHOLE.num_tdi - 1
SESSION = 1


def enumerated() -> tuple[ReferenceDevice, ModelHost]:
    """A device with all its functions in place."""
    device = ReferenceDevice.with_identity(IDENTITY, random.Random(2), WHOLE)
    host = ModelHost(device)
    host.enumerate()
    return device, host


@covers("TDISP-HDR-005")
def test_only_the_physical_function_names_the_tdi() -> None:
    device, host = enumerated()
    for function in range(WHOLE.num_tdi):
        request = GetDeviceInterfaceState(interface=InterfaceId.of(host.rid(function)))
        found = [item.code for item in device.dsm.violations(SESSION, request.encode())]
        assert found == ([] if function == 0 else [ErrorCode.INVALID_INTERFACE]), function


@covers("TDISP-RPT-008", "TDISP-RPT-013")
@pytest.mark.parametrize("msix", [True, False])
def test_the_report_lists_bar0_of_all_functions_and_then_bar2(msix: bool) -> None:
    device, _ = enumerated()
    report = build_report(WHOLE.dsm, device.function(0), LockFlags(0), OFFSET, msix)
    bars = [device.space.bars(function) for function in range(WHOLE.num_tdi)]
    expected = [
        (item.bar, (bar[item.bar] + item.offset + OFFSET) % (1 << 64) >> PAGE_SHIFT)
        for number in (0, 2)
        for bar in bars
        for item in WHOLE.dsm.ranges
        if item.bar == number and (msix or not item.attributes & MSIX_ATTRIBUTES)
    ]
    assert [(item.range_id, item.first_page) for item in report.ranges] == expected
    assert len(expected) == (5 if msix else 3) * WHOLE.num_tdi


@covers("TDISP-HOST-004", "TDISP-HOST-006", "TDISP-STATE-003")
def test_the_tsm_attaches_it_when_all_its_functions_are_assigned() -> None:
    for assigned in (WHOLE.num_tdi, WHOLE.num_tdi - 1):
        bench = Bench(WHOLE)
        bars = [bench.host.bars(function) for function in range(WHOLE.num_tdi)]
        ranges = [
            (item, bar)
            for number in (0, 2)
            for bar in bars
            for item in WHOLE.dsm.ranges
            if item.bar == number
        ]
        mapped = tuple(MappedRange(bar[item.bar] + item.offset, 1) for item, bar in ranges)
        updatable = RangeAttributes.IS_MEM_ATTR_UPDATABLE  # of the first function only
        expected = tuple(
            ExpectedRange(
                item.num_pages,
                item.attributes if bar is bars[0] else item.attributes & ~updatable,
                item.bar,
            )
            for item, bar in ranges
        )
        tenant = TvmTenant("TVM", MmioMapping(mapped, OFFSET), expected)
        assignment = bench.assignment(0, subordinates=bars[1:assigned])
        attach = bench.tsm.bring_up(assignment, tenant, bench.host.pf_rid)
        if assigned == WHOLE.num_tdi:
            run(attach)
            assert bench.device.tdi_states() == (R,) * WHOLE.num_tdi
        else:
            with pytest.raises(TsmError, match="lies outside BAR"):
                run(attach)
            assert R not in bench.device.tdi_states()


EVENTS: dict[str, Callable[[ReferenceDevice, ModelHost], None]] = {
    "FLR of a VF": lambda device, host: device.flr(LAST),
    "FLR of the PF": lambda device, host: device.flr(0),
    "Bus Master Enable of a VF": lambda device, host: host.write(Reg.COMMAND, 0, 0b0011, LAST),
    "Bus Master Enable of the PF": lambda device, host: host.write(Reg.COMMAND, 0, 0b0011, 0),
    "read of a VF": lambda device, host: device.tdi_error(LAST, ErrorCause.COMPLETION),
}


@covers("TDISP-FSM-001", "TDISP-FSM-004", "TDISP-FSM-010", "TDISP-TRK-002")
@pytest.mark.parametrize("what", EVENTS)
def test_an_event_of_any_function_ends_all(what: str) -> None:
    device, host = enumerated()
    EVENTS[what](device, host)
    assert device.tdi_states() == (U,) * WHOLE.num_tdi
    device, host = enumerated()
    for event in (Event.LOCK_GOOD, Event.START_GOOD):
        device.dsm.event(0, event)
    assert device.tdi_states() == (R,) * WHOLE.num_tdi
    EVENTS[what](device, host)
    assert device.tdi_states() == (E,) * WHOLE.num_tdi
