# SPDX-License-Identifier: Apache-2.0
"""What TDIs have of the one function: all of it, but translation, and a slice of each BAR."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import Timer

from models.app.map import Bar0, Bar2

PF_ONLY = 1
SHARED = {
    "present": "tdi_present",
    "memory_space": "tdi_mse",
    "bus_master": "tdi_bme",
    "msix_enable": "tdi_msix_enable",
    "msix_function_mask": "tdi_msix_mask",
    "flr_req": "tdi_flr_req",
}


@cocotb.test()
async def every_tdi_has_what_the_function_has(dut: Any) -> None:
    rng = random.Random(1)
    everyone = (1 << len(dut.tdi_present)) - 1
    for _ in range(200):
        values = {name: rng.getrandbits(1) for name in (*SHARED, "ats_enable")}
        bars = [rng.getrandbits(64) & -size << 8 for size in (Bar0.SIZE, Bar2.SIZE)]
        for name, value in values.items():
            getattr(dut, name).value = value
        dut.bar0.value, dut.bar2.value = bars
        await Timer(1, "ns")
        for name, of_all in SHARED.items():
            expected = everyone if values[name] else 0
            assert int(getattr(dut, of_all).value) == expected, of_all
        assert int(dut.tdi_ats_enable.value) == (PF_ONLY if values["ats_enable"] else 0)
        assert int(dut.sdi_bar0.value) == bars[0] + Bar0.SIZE
        assert int(dut.sdi_bar2.value) == bars[1] + Bar2.SIZE
