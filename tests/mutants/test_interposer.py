# SPDX-License-Identifier: Apache-2.0
"""The attack tests of ATT-10 catch a receiver that compares only a part of the MAC."""

from __future__ import annotations

from tb.device import Mutation
from tests.mutants.mutants import assert_killed
from tests.plan import attack, covers

MODULE = "tests.attack.cocotb_att_10_interposer"


@attack("ATT-10")
@covers("IDE-GCM-001", "IDE-GCM-011")
def test_mac_compared_in_part_is_caught() -> None:
    weakness = Mutation(
        "mac_compared_in_part",
        "ide/ide_rx_judge.v",
        "tag[127:MAC_BIT] != end_mac;",
        "tag[127:MAC_BIT+32] != end_mac[95:32];",
    )
    assert_killed(weakness, MODULE, "FlippedBitEndsTheStream")
