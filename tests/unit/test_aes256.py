# SPDX-License-Identifier: Apache-2.0
"""The AES-256 cores: pipeline with key expansion, and the iterative one."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, Design, run_simulation
from tests.plan import covers

SOURCES = [*sorted((ROOT / "rtl" / "crypto").glob("*.v")), ROOT / "rtl/common/skid_buffer.v"]
PIPE = Design("aes256_pipe_bench", [*SOURCES, ROOT / "tests/unit/aes256_pipe_bench.v"])
PIPE_MODULE = "tests.unit.cocotb_aes256_pipe"


@covers("IDE-GCM-001", "IDE-KEY-001", "IDEKM-SEC-001")
def test_pipeline_equals_the_cipher_with_a_key_per_block() -> None:
    run_simulation(PIPE, PIPE_MODULE)


@covers("IDE-GCM-001")
def test_pipeline_equals_fips_197_on_icarus() -> None:
    names = ["gives_the_fips_197_cipher", "key_expansion_gives_the_fips_197_schedule"]
    assert run_simulation(PIPE, PIPE_MODULE, simulator="icarus", testcase=names) == len(names)


@covers("SEC-REC-001")
@pytest.mark.parametrize("simulator", ["verilator", "icarus"])
def test_iterative_core_equals_the_cipher_and_forgets(simulator: str) -> None:
    design = Design("aes256_iter", SOURCES)
    run_simulation(design, "tests.unit.cocotb_aes256_iter", simulator=simulator)
