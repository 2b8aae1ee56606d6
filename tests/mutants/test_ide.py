# SPDX-License-Identifier: Apache-2.0
"""Block ide without one check at a time."""

from __future__ import annotations

from tb.device import Mutation
from tests.mutants.mutants import UNIT, Mutant, assert_killed, each_mutant
from tests.plan import covers
from tests.unit.test_ide_rx import design

AAD_FILE = "ide/ide_aad.v"
AAD = "{prefix, `PCIE_PREFIX_PASID, pasid[23:0], hdr}"
PASIDS = [
    Mutant(
        covers("IDE-TLP-002", "IDE-GCM-004"),
        f"{UNIT}ide_pasid",
        "vectors_with_a_pasid_are_served",
        Mutation("mac_without_pasid", AAD_FILE, "pasid_valid = pasid[24];", "pasid_valid = 1'b0;"),
    ),
    Mutant(
        covers("IDE-GCM-004"),
        f"{UNIT}ide_pasid",
        "reserved_bits_of_a_pasid_prefix_are_covered_and_ignored",
        Mutation("mac_of_pasid_only", AAD_FILE, AAD, AAD.replace("pasid[23", "4'h0, pasid[19")),
    ),
]
KEYS = [
    Mutant(
        covers("TDISP-SES-006"),
        f"{UNIT}idekm",
        "foreign_session_is_ignored_until_the_owner_ends",
        Mutation(
            "owner_of_keys_is_not_recorded",
            "ide/ide_stream_ctrl.v",
            "owner_q       <= cmd_session;",
            "owner_q       <= owner_q;",
        ),
    ),
]
MUTANTS = [*PASIDS, *KEYS]


@each_mutant(MUTANTS, alike="mutation")
def test_ide_without_a_check_is_found(mutant: Mutant) -> None:
    assert_killed(design(pasid=1), MUTANTS, mutant)
