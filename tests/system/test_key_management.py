# SPDX-License-Identifier: Apache-2.0
"""IDE_KM on the device: every object, every status, every slot, and whose keys they are."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.system.cocotb_key_management"


@covers("IDEKM-QRY-001", "IDEKM-QRY-002")
@on_verilator
def test_query_shows_the_registers_of_the_moment(simulator: str) -> None:
    run_case(MODULE, "QueryShowsTheRegistersOfTheMoment", simulator)


@covers("IDEKM-KP-001", "IDEKM-GO-001", "IDEKM-GO-002", "IDEKM-STP-001")
@on_verilator
def test_every_slot_has_its_own_key(simulator: str) -> None:
    run_case(MODULE, "EverySlotHasItsOwnKey", simulator)


@covers("IDEKM-KP-003", "IDEKM-KP-004", "IDEKM-KP-005", "IDEKM-GO-002")
@on_verilator
def test_wrong_fields_have_their_status_and_no_effect(simulator: str) -> None:
    run_case(MODULE, "WrongFieldsHaveTheirStatusAndNoEffect", simulator)


@covers("IDEKM-KP-003", "IDEKM-GO-002")
@on_verilator
def test_what_is_no_request_gets_silence(simulator: str) -> None:
    run_case(MODULE, "WhatIsNoRequestGetsSilence", simulator)


@covers("IDEKM-KP-003", "IDE-KEY-009", "TDISP-SES-006")
@on_verilator
def test_keys_in_use_stay_what_they_are(simulator: str) -> None:
    run_case(MODULE, "KeysInUseStayWhatTheyAre", simulator)


@attack("ATT-16")
@covers("IDEKM-KP-006", "IDEKM-KP-007", "TDISP-LOCK-004", "TDISP-SES-006", "TDISP-SES-008")
@on_verilator
def test_keys_belong_to_their_session(simulator: str) -> None:
    run_case(MODULE, "KeysBelongToTheirSession", simulator)
