# SPDX-License-Identifier: Apache-2.0
"""PASIDs of the function under protection: on the requests of their transfer and on no others."""

from __future__ import annotations

from typing import Any

import cocotb

from models.app.map import Bar0, Bar2, Control, Register, Status
from models.pcie.ats import Span, TranslationEntry
from models.pcie.codes import AddressType
from tests.unit.app_bench import AppBench, address_type
from tests.unit.tlp_bench import LIMIT, cycles

FAILED = Status.DONE | Status.ERROR
VALID = 1 << 20  # of a PASID on the internal bus
CORNERS = (0, 1, 0xFFFFF, 0x80000, 0x12345)
KINDS = (Control(0), Control.WRITE_HOST, Control.FETCH_ADD, Control.SWAP, Control.CAS)


async def choose(bench: AppBench, tdi: int, pasid: int) -> None:
    """Software writes the PASID of its next transfers."""
    await bench.write(tdi, 0, Bar0.REGISTERS + Register.PASID, [pasid])


async def ended(bench: AppBench, tdi: int) -> int:
    """STATUS at the end; cleared for the next one."""
    status = await bench.finished(tdi)
    await bench.write(tdi, 0, Bar0.REGISTERS + Register.STATUS, [FAILED])
    return status


@cocotb.test(**LIMIT)
async def requests_have_the_pasid_of_their_transfer(dut: Any) -> None:
    bench = await AppBench(dut).start()
    for number in range(40):
        with_pasid, chosen = {}, {}
        for tdi in range(bench.tdis):
            pasid = bench.rng.choice((*CORNERS, bench.rng.getrandbits(20)))
            await choose(bench, tdi, pasid | bench.rng.getrandbits(12) << 20)
            assert await bench.register(tdi, Register.PASID) == pasid
            chosen[tdi] = pasid
            with_pasid[tdi] = bench.rng.random() < 0.7
        bench.requests.clear()
        for tdi in range(bench.tdis):
            kind = KINDS[(number + tdi) % len(KINDS)]
            size = 8 if kind & Control.CAS else 512
            control = kind | (Control.WITH_PASID if with_pasid[tdi] else 0)
            await bench.transfer(tdi, 0x1_0000 * (tdi + 1), 0, size, control)
            await choose(bench, tdi, 0xABCDE)  # counts for the next one only
        for tdi in range(bench.tdis):
            kind = KINDS[(number + tdi) % len(KINDS)]
            assert await ended(bench, tdi) == Status.DONE, f"function {tdi}, {kind!r}"
        seen = {(tlp.side["tdi"], tlp.side["pasid"] & VALID) for tlp in bench.requests}
        assert seen == {(tdi, VALID if with_pasid[tdi] else 0) for tdi in with_pasid}
        for tlp in bench.requests:
            if tlp.side["pasid"] & VALID:
                assert tlp.side["pasid"] & ~VALID == chosen[tlp.side["tdi"]]


@cocotb.test(**LIMIT)
async def an_interrupt_has_no_pasid(dut: Any) -> None:
    bench = await AppBench(dut).start()
    await bench.write(1, 2, Bar2.MSIX_TABLE, [0xFEE0_0000, 0, 7, 0])
    await choose(bench, 1, 0xFFFFF)
    control = Control.WITH_PASID | Control.WRITE_HOST | Control.INTERRUPT
    await bench.transfer(1, 0x1000, 0, 4, control)
    await bench.until(lambda: any(tlp.side["msix"] for tlp in bench.requests))
    assert [(t.side["msix"], t.side["pasid"]) for t in bench.requests] == [
        (0, VALID | 0xFFFFF),
        (1, 0),
    ]


@cocotb.test(**LIMIT)
async def nothing_is_sent_with_a_pasid_that_is_not_enabled(dut: Any) -> None:
    bench = await AppBench(dut).start()
    bench.pasid_enable = 0
    bench.apply()
    await bench.transfer(1, 0x1000, 0, 64, Control.WITH_PASID | Control.WRITE_HOST)
    assert await ended(bench, 1) == FAILED
    assert not bench.requests
    await bench.transfer(1, 0x1000, 0, 64, Control.WRITE_HOST)
    assert await ended(bench, 1) == Status.DONE
    assert bench.requests


@cocotb.test(**LIMIT)
async def a_transfer_ends_when_its_pasid_is_not_enabled_any_more(dut: Any) -> None:
    bench = await AppBench(dut).start()
    for control in (Control.WITH_PASID, Control(0)):
        bench.pasid_enable = 1
        bench.apply()
        bench.requests.clear()
        await bench.transfer(0, 0x1000, 0, 4096, control | Control.WRITE_HOST)
        await bench.until(lambda: len(bench.requests) > 2)
        bench.pasid_enable = 0
        bench.apply()
        await cycles(dut, 3)
        late = len(bench.requests) + 1  # one may have been on its way
        status = await ended(bench, 0)
        assert status == (FAILED if control else Status.DONE)
        assert (len(bench.requests) <= late) == bool(control)


@cocotb.test(**LIMIT)
async def a_translation_is_of_no_use_in_another_address_space(dut: Any) -> None:
    bench = await AppBench(dut).start()
    bench.translate = lambda tdi, address: TranslationEntry(Span((address & -4096) + 0x100000))
    asked, translated = AddressType.TRANSLATION_REQUEST, AddressType.TRANSLATED
    steps = [(None, True), (None, False), (5, True), (5, True), (6, True), (None, True)]
    for pasid, asks in steps:
        bench.requests.clear()
        await choose(bench, 1, pasid or 0)
        control = Control.TRANSLATE | Control.WRITE_HOST
        control |= Control(0) if pasid is None else Control.WITH_PASID
        await bench.transfer(1, 0x1000, 0, 4, control)
        assert await ended(bench, 1) == Status.DONE, f"PASID {pasid}"
        kinds = [address_type(tlp) for tlp in bench.requests]
        assert kinds == ([asked, translated] if asks else [translated]), f"PASID {pasid}"
        pasids = [0 if pasid is None else VALID | pasid] if asks else []
        assert [tlp.side["pasid"] for tlp in bench.requests] == [*pasids, 0], f"PASID {pasid}"


@cocotb.test(**LIMIT)
async def clearing_takes_the_pasid_too(dut: Any) -> None:
    bench = await AppBench(dut).start()
    for tdi in range(bench.tdis):
        await choose(bench, tdi, 0xFFFFF)
    dut.tdi_scrub_req.value = 1 << 1
    await cycles(dut, 1)
    dut.tdi_scrub_req.value = 0
    await bench.until(lambda: not int(dut.tdi_scrub_busy.value))
    got = [await bench.register(tdi, Register.PASID) for tdi in range(bench.tdis)]
    assert got == [0 if tdi == 1 else 0xFFFFF for tdi in range(bench.tdis)]
