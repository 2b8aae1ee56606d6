# SPDX-License-Identifier: Apache-2.0
"""Block `ide` with PASID prefixes."""

from __future__ import annotations

import pytest

from tb.sim import run_simulation
from tests.plan import covers
from tests.unit.test_ide_rx import design

MODULE = "tests.unit.cocotb_ide_pasid"
NOT_BUILT = "a_pasid_is_malformed_where_it_is_not_built"
CASES = [
    "vectors_with_a_pasid_are_served",
    "vectors_with_a_pasid_are_sent",
    "traffic_with_and_without_pasid_arrives_in_order",
    "traffic_with_and_without_pasid_leaves_in_order",
    "no_flipped_bit_of_a_pasid_is_served",
    "reserved_bits_of_a_pasid_prefix_are_covered_and_ignored",
    "prefixes_in_another_order_or_number_are_malformed",
    "truncated_packets_with_a_pasid_hang_nothing",
]


@covers("IDE-TLP-002", "IDE-GCM-004", "IDE-GCM-011")
@pytest.mark.parametrize("data_w", [128, 256])
def test_pasid_prefixes_stand_behind_that_of_ide_and_are_covered(data_w: int) -> None:
    run_simulation(design(data_w, pasid=1), MODULE, testcase=CASES, label=f"pasid-{data_w}")


@covers("IDE-TLP-002")
def test_a_pasid_prefix_is_malformed_where_it_is_not_built() -> None:
    run_simulation(design(), MODULE, testcase=NOT_BUILT)
