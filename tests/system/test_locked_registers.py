# SPDX-License-Identifier: Apache-2.0
"""Every register that a lock covers, and every one that it leaves free, on the whole device."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import needs_vfs, run_case

MODULE = "tests.system.cocotb_locked_registers"


@covers("TDISP-FSM-001", "TDISP-FSM-002", "TDISP-TRK-001", "TDISP-TRK-002", "TDISP-TRK-003")
@covers("TDISP-TRK-005", "TDISP-TRK-016", "TDISP-TRK-013", "TDISP-LOCK-022")
def test_registers_of_a_function_end_its_own_tdi() -> None:
    run_case(MODULE, "RegistersOfAFunctionEndItsOwnTdi")


@covers("TDISP-TRK-004", "TDISP-TRK-007", "TDISP-TRK-009", "TDISP-TRK-016", "TDISP-TRK-015")
@covers("TDISP-FSM-001", "TDISP-FSM-002", "TDISP-FSM-007")
@needs_vfs
def test_shared_registers_end_every_locked_tdi() -> None:
    run_case(MODULE, "SharedRegistersEndEveryLockedTdi")


@covers("TDISP-TRK-008", "TDISP-TRK-014", "TDISP-FSM-001", "TDISP-FSM-002")
@needs_vfs
def test_registers_that_not_every_device_has_end_every_locked_tdi() -> None:
    name = "RegistersThatNotEveryDeviceHasEndEveryLockedTdi"
    run_case(MODULE, name, parameters={"PASID_EN": 1, "PRI_EN": 1})


@covers("TDISP-TRK-001", "TDISP-TRK-004", "TDISP-TRK-005", "TDISP-TRK-010", "TDISP-TRK-011")
@covers("TDISP-TRK-006", "TDISP-TRK-012", "TDISP-TRK-014")
@needs_vfs
def test_free_registers_end_no_tdi() -> None:
    run_case(MODULE, "FreeRegistersEndNoTdi")
