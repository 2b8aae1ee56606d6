# SPDX-License-Identifier: Apache-2.0
"""gcm_iter: AES-256-GCM of the SPDM record layer."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, Design, run_simulation
from tests.plan import covers

SOURCES = [*sorted((ROOT / "rtl" / "crypto").glob("*.v")), ROOT / "rtl/common/skid_buffer.v"]
MODULE = "tests.unit.cocotb_gcm_iter"


@covers("SEC-REC-001", "IDEKM-SEC-001")
@pytest.mark.parametrize("digit", [16, 64])
def test_engine_equals_gcm_and_forgets_its_secrets(digit: int) -> None:
    design = Design("gcm_iter", SOURCES, {"GHASH_DIGIT": digit})
    run_simulation(design, MODULE, seed=digit, all_public=True)


@covers("SEC-REC-001")
def test_engine_equals_published_records_on_icarus() -> None:
    names = ["published_records_both_ways", "reset_forgets_a_record_under_way"]
    design = Design("gcm_iter", SOURCES)
    assert run_simulation(design, MODULE, simulator="icarus", testcase=names) == len(names)
