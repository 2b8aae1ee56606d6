# SPDX-License-Identifier: Apache-2.0
"""dma_filter of a device with SDIs: each leaves by its own PASID, and nobody else does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cocotb

from models.pcie.codes import FmtType, MessageCode
from models.tdisp.codes import TdiState
from tests.unit.cocotb_dma_filter import PASID_VALID, PF_RID, Bench
from tests.unit.tlp_bench import LIMIT, Tlp, cycles, memory_read, memory_write, request

BASE = 0x100  # SDI n has BASE + n


async def leaves(bench: Bench, tlp: Tlp) -> tuple[int, int] | None:
    """Requester ID and PASID of `tlp` on its way out; None when it is dropped."""
    bench.sink.tlps.clear()
    await bench.send(tlp)
    await cycles(bench.dut, 8)
    if not bench.sink.tlps:
        return None
    (sent,) = bench.sink.tlps
    assert (sent.data, sent.address) == (tlp.data, tlp.address)
    return sent.requester, sent.side["pasid"]


@cocotb.test(**LIMIT)
async def an_sdi_leaves_by_its_own_pasid_whatever_its_software_says(dut: Any) -> None:
    bench = Bench(dut)
    await bench.start()
    for state in (TdiState.CONFIG_UNLOCKED, TdiState.RUN):
        bench.state = [state] * bench.tdis
        bench.apply()
        for tdi in range(1, bench.tdis):
            for pasid in (0, PASID_VALID, PASID_VALID | BASE + 1, PASID_VALID | 0xFFFFF):
                side = {"requester": PF_RID + tdi, "tdi": tdi, "msix": 0, "pasid": pasid}
                own = PF_RID, PASID_VALID | BASE + tdi
                assert await leaves(bench, memory_write(0x1000, [1, 2], **side)) == own
                assert await leaves(bench, memory_read(0x1000, 2, **side)) == own


@cocotb.test(**LIMIT)
async def an_interrupt_of_an_sdi_has_no_pasid(dut: Any) -> None:
    bench = Bench(dut)
    await bench.start()
    for tdi in range(1, bench.tdis):
        side = {"requester": PF_RID + tdi, "tdi": tdi, "msix": 1, "pasid": 0}
        assert await leaves(bench, memory_write(0xFEE0_0000, [1], **side)) == (PF_RID, 0)


@cocotb.test(**LIMIT)
async def the_physical_function_never_has_the_pasid_of_an_sdi(dut: Any) -> None:
    bench = Bench(dut)
    await bench.start()
    for pasid in (BASE - 1, BASE, BASE + bench.tdis, 0, 0xFFFFF):
        side = {"requester": PF_RID, "tdi": 0, "msix": 0, "pasid": PASID_VALID | pasid}
        own = PF_RID, PASID_VALID | pasid
        assert await leaves(bench, memory_write(0x1000, [1], **side)) == own
    for tdi in range(1, bench.tdis):
        side = {"requester": PF_RID, "tdi": 0, "msix": 0, "pasid": PASID_VALID | BASE + tdi}
        assert await leaves(bench, memory_write(0x1000, [1], **side)) is None, f"SDI {tdi}"


@cocotb.test(**LIMIT)
async def only_the_physical_function_asks_for_pages(dut: Any) -> None:
    bench = Bench(dut)
    await bench.start()

    def page(tdi: int, pasid: int) -> Tlp:
        rid = PF_RID + tdi
        asking = request(FmtType.MSG_RC, 0x1000, 0, requester=rid, tdi=tdi, msix=0, pasid=pasid)
        code = int(MessageCode.PAGE_REQUEST)
        return replace(asking, hdr=asking.hdr & ~(0xFF << 64) | code << 64)

    for state in (TdiState.CONFIG_UNLOCKED, TdiState.RUN):
        bench.state = [state] * bench.tdis
        bench.apply()
        for pasid in (0, PASID_VALID | BASE + bench.tdis):
            assert await leaves(bench, page(0, pasid)) == (PF_RID, pasid)
        for tdi in range(1, bench.tdis):
            assert await leaves(bench, page(0, PASID_VALID | BASE + tdi)) is None, "of an SDI"
            for pasid in (0, PASID_VALID | BASE + tdi):
                assert await leaves(bench, page(tdi, pasid)) is None, f"SDI {tdi}"


@cocotb.test(**LIMIT)
async def an_sdi_sends_nothing_without_pasid_enable(dut: Any) -> None:
    bench = Bench(dut)
    await bench.start()
    bench.pasid_enable = 0
    bench.apply()
    side = {"requester": PF_RID + 1, "tdi": 1, "msix": 0, "pasid": 0}
    assert await leaves(bench, memory_write(0x1000, [1], **side)) is None
    side = {"requester": PF_RID, "tdi": 0, "msix": 0, "pasid": 0}
    assert await leaves(bench, memory_write(0x1000, [1], **side)) == (PF_RID, 0)
