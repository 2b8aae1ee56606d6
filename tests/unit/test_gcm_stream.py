# SPDX-License-Identifier: Apache-2.0
"""gcm_stream: AES-256-GCM of the IDE datapath."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, Design, run_simulation
from tests.plan import covers

SOURCES = [*sorted((ROOT / "rtl" / "crypto").glob("*.v")), ROOT / "rtl/common/skid_buffer.v"]
MODULE = "tests.unit.cocotb_gcm_stream"


def design(num_ctx: int) -> Design:
    return Design("gcm_stream", SOURCES, {"NUM_CTX": num_ctx})


@covers("IDE-GCM-001", "IDE-GCM-003", "IDE-GCM-005", "IDE-GCM-006", "IDE-KEY-008")
@pytest.mark.parametrize("num_ctx", [8, 1])
def test_engine_equals_gcm_and_keeps_its_promises_about_keys(num_ctx: int) -> None:
    run_simulation(design(num_ctx), MODULE, env={"NUM_CTX": str(num_ctx)}, seed=num_ctx)


@covers("IDE-GCM-001")
def test_engine_equals_published_vectors_on_icarus() -> None:
    names = ["published_vectors_both_ways", "reset_clears_every_context"]
    env = {"NUM_CTX": "4"}
    ran = run_simulation(design(4), MODULE, simulator="icarus", testcase=names, env=env)
    assert ran == len(names)


@covers("IDE-KEY-008", "IDEKM-SEC-001")
def test_no_secret_outlives_its_use() -> None:
    module = "tests.unit.cocotb_gcm_secrets"
    run_simulation(design(2), module, simulator="icarus", env={"NUM_CTX": "2"})
