# SPDX-License-Identifier: Apache-2.0
"""ATT-34: requests at every edge of the admission."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_34_edges"


@attack("ATT-34")
@covers("TDISP-MMIO-001", "TDISP-MMIO-002", "TDISP-MMIO-004", "TDISP-MMIO-005", "TDISP-MMIO-008")
@covers("TDISP-MMIO-010", "TDISP-MMIO-015")
@on_verilator
def test_borders_are_exact(simulator: str) -> None:
    run_case(MODULE, "BordersAreExact", simulator)


@attack("ATT-34")
@covers("TDISP-MMIO-007", "TDISP-MMIO-009", "TDISP-MMIO-014")
@on_verilator
def test_requests_across_a_page_are_refused(simulator: str) -> None:
    run_case(MODULE, "RequestsAcrossAPageAreRefused", simulator)


@attack("ATT-34")
@covers("TDISP-MMIO-001", "TDISP-MMIO-005", "TDISP-MMIO-015")
@on_verilator
def test_requests_that_fit_are_served(simulator: str) -> None:
    run_case(MODULE, "RequestsThatFitAreServed", simulator)


@attack("ATT-34")
@covers("TDISP-MMIO-001", "TDISP-MMIO-002", "TDISP-MMIO-007")
@on_verilator
def test_byte_enables_are_obeyed(simulator: str) -> None:
    run_case(MODULE, "ByteEnablesAreObeyed", simulator)


@attack("ATT-34")
@covers("TDISP-MMIO-001", "TDISP-MMIO-007", "TDISP-MMIO-010")
@on_verilator
def test_addresses_are_compared_in_full(simulator: str) -> None:
    run_case(MODULE, "AddressesAreComparedInFull", simulator)


@attack("ATT-34")
@covers("TDISP-LOCK-009", "TDISP-LOCK-012")
@on_verilator
def test_wrapped_apertures_are_not_locked(simulator: str) -> None:
    run_case(MODULE, "WrappedAperturesAreNotLocked", simulator)


@attack("ATT-34")
@covers("TDISP-MMIO-007", "TDISP-MMIO-009")
@on_verilator
def test_other_requests_change_nothing(simulator: str) -> None:
    run_case(MODULE, "OtherRequestsChangeNothing", simulator)


@attack("ATT-34")
@covers("TDISP-MMIO-007", "TDISP-MMIO-009", "TDISP-FSM-009")
@on_verilator
def test_poisoned_data_is_never_taken(simulator: str) -> None:
    run_case(MODULE, "PoisonedDataIsNeverTaken", simulator)
