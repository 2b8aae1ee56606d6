# SPDX-License-Identifier: Apache-2.0
"""ATT-08: a switch that redirects or drops TLPs."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_08_redirect"


@attack("ATT-08")
@covers(
    "TDISP-MMIO-003",
    "TDISP-MMIO-004",
    "TDISP-MMIO-007",
    "IDE-ST-008",
    "IDE-ST-011",
    "TDISP-FSM-008",
)
@on_verilator
def test_misdelivered_tlps_are_refused(simulator: str) -> None:
    run_case(MODULE, "MisdeliveredTlpsAreRefused", simulator)


@attack("ATT-08")
@covers("IDE-SEL-002", "TDISP-MMIO-001", "TDISP-MMIO-006", "TDISP-MMIO-015")
@on_verilator
def test_delivered_tlps_are_served(simulator: str) -> None:
    run_case(MODULE, "DeliveredTlpsAreServed", simulator)
