# SPDX-License-Identifier: Apache-2.0
"""Block doe_spdm without one check at a time: its own tests notice each loss."""

from __future__ import annotations

import pytest

from tb.device import Mutation
from tb.sim import Design
from tests.mutants.mutants import UNIT, Mutant, assert_killed, each_mutant
from tests.plan import covers
from tests.unit.test_doe_spdm import SOURCES

RECORDS = f"{UNIT}doe_records"
MESSAGE_FILE = "doe/spdm_message.v"
SESSIONS_FILE = "doe/session_table.v"
FIRST = "{SESSION_W{1'b0}}"
MUTANTS = [
    *(
        Mutant(
            covers("TDISP-SES-004"),
            f"{UNIT}doe_spdm",
            "life",
            Mutation(name, SESSIONS_FILE, old, new),
        )
        for name, old, new in (
            (
                "answers_under_keys_of_the_first_session",
                "{use_idx, use_direction}",
                f"{{use_direction ? {FIRST} : use_idx, use_direction}}",
            ),
            (
                "answers_in_the_name_of_the_first_session",
                "use_id        = id_q[use_idx];",
                f"use_id        = id_q[use_direction ? {FIRST} : use_idx];",
            ),
        )
    ),
    Mutant(
        covers("TDISP-SES-002", "SEC-REC-002"),
        RECORDS,
        "every_bit_of_a_tag_counts",
        Mutation("tag_not_compared", "doe/record_open.v", "gcm_tag == tag_q", "1'b1"),
    ),
    *(
        Mutant(
            covers("TDISP-SES-003", "SEC-VDM-001"),
            RECORDS,
            "framing_decides_who_is_asked",
            Mutation(name, MESSAGE_FILE, old, new),
        )
        for name, old, new in (
            ("any_standard", "standard == PCI_SIG", "standard[23:0] == PCI_SIG[23:0]"),
            ("any_vendor", "standard == PCI_SIG", "standard[39:16] == PCI_SIG[39:16]"),
            (
                "any_protocol",
                "protocol == `TDISP_PROTOCOL_ID",
                "protocol != `IDEKM_PROTOCOL_ID",
            ),
        )
    ),
]


@pytest.mark.nightly
@each_mutant(MUTANTS)
def test_records_without_a_check_are_found(mutant: Mutant) -> None:
    assert_killed(Design("doe_spdm", SOURCES), MUTANTS, mutant)
