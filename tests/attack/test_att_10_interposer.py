# SPDX-License-Identifier: Apache-2.0
"""ATT-10: an interposer on the link."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_10_interposer"


@attack("ATT-10")
@covers("IDE-GCM-008", "IDE-GCM-011", "IDE-ST-002", "IDE-ST-013", "TDISP-FSM-007")
@on_verilator
def test_flipped_bit_ends_the_stream(simulator: str) -> None:
    run_case(MODULE, "FlippedBitEndsTheStream", simulator)


@attack("ATT-10")
@covers("IDE-GCM-008", "IDE-GCM-011", "IDE-TLP-008", "IDE-AGG-001", "IDE-ST-002", "IDE-ST-013")
@on_verilator
def test_every_region_of_an_ide_tlp_is_protected(simulator: str) -> None:
    run_case(MODULE, "EveryRegionOfAnIdeTlpIsProtected", simulator)


@attack("ATT-10")
@covers("IDE-GCM-003", "IDE-GCM-011", "IDE-CNT-007", "IDE-ST-002", "IDE-ST-013")
@on_verilator
def test_tlps_cannot_be_lost_repeated_made_up_cut_or_spliced(simulator: str) -> None:
    run_case(MODULE, "TlpsCannotBeLostRepeatedMadeUpCutOrSpliced", simulator)


@attack("ATT-10")
@covers("IDE-CNT-004", "IDE-CNT-007", "IDE-GCM-008", "IDE-ST-002", "TDISP-FSM-017")
@on_verilator
def test_reads_and_completions_are_protected_as_writes_are(simulator: str) -> None:
    run_case(MODULE, "ReplayedDroppedAndAlteredReadsAndCompletionsFail", simulator)


@attack("ATT-10")
@covers("IDE-GCM-001", "IDE-SEL-002", "TDISP-MMIO-001", "TDISP-MMIO-005", "TDISP-DMA-002")
@on_verilator
def test_untampered_traffic_passes(simulator: str) -> None:
    run_case(MODULE, "UntamperedTrafficPasses", simulator)
