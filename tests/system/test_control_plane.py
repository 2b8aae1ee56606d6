# SPDX-License-Identifier: Apache-2.0
"""DOE, sessions and IDE_KM on the whole device."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import on_both_simulators, on_verilator, run_case

MODULE = "tests.system.cocotb_control_plane"


@covers("DOE-DSC-001", "DOE-DSC-002", "DOE-OBJ-001", "DOE-OBJ-002")
@on_both_simulators
def test_discovery_lists_what_is_served(simulator: str) -> None:
    run_case(MODULE, "DiscoveryListsWhatIsServed", simulator)


@covers("DOE-FSM-001", "DOE-FSM-002", "DOE-FSM-008", "DOE-REG-002")
@on_both_simulators
def test_broken_objects_do_nothing(simulator: str) -> None:
    run_case(MODULE, "BrokenObjectsDoNothing", simulator)


@covers("SEC-VDM-001", "SEC-VDM-002", "SEC-REC-005")
@on_both_simulators
def test_secrets_travel_in_established_sessions_only(simulator: str) -> None:
    run_case(MODULE, "SecretsTravelInEstablishedSessionsOnly", simulator)


@covers("IDEKM-QRY-001", "IDEKM-KP-001", "IDEKM-KP-003", "IDEKM-KP-004", "IDEKM-KP-006")
@covers("IDEKM-GO-002", "IDE-KEY-009")
@on_verilator
def test_ide_km_refuses_what_it_cannot_serve(simulator: str) -> None:
    run_case(MODULE, "IdeKmRefusesWhatItCannotServe", simulator)


@covers("SPDM-SES-001", "SEC-REC-003", "TDISP-SES-006")
@on_verilator
def test_two_sessions_do_not_see_each_other(simulator: str) -> None:
    run_case(MODULE, "TwoSessionsDoNotSeeEachOther", simulator)


@covers("TDISP-SES-003", "SEC-VDM-001")
@on_verilator
def test_vendor_defined_headers_are_checked(simulator: str) -> None:
    run_case(MODULE, "VendorDefinedHeadersAreChecked", simulator)


@covers("TDISP-LOCK-026", "TDISP-RPT-013", "TDISP-MMIO-008")
@on_verilator
def test_msix_is_locked_when_asked(simulator: str) -> None:
    run_case(MODULE, "MsixIsLockedWhenAsked", simulator)
