# SPDX-License-Identifier: Apache-2.0
"""Processing Hints of the function under protection: on reads and writes of their transfer only."""

from __future__ import annotations

from typing import Any

import cocotb

from models.app.function import FunctionModel
from models.app.map import Bar0, Control, Register, Status
from models.pcie.ats import Span, TranslationEntry
from models.pcie.codes import AddressType
from tests.unit.app_bench import AppBench, address_type
from tests.unit.tlp_bench import LIMIT, Tlp

FAILED = Status.DONE | Status.ERROR
TH = 112  # bit of the header
HINTS = (Control(0), *(Control.HINT | n * Control.HINT_LOW for n in range(4)))
SIZE = 256
ATOMICS = (Control.FETCH_ADD, Control.SWAP, Control.CAS)


def low_bits(tlp: Tlp) -> int:
    """What is below the address."""
    return tlp.hdr & 3 if tlp.fmt_type & 0x20 else tlp.bits(33, 32)


def check_hint(tlp: Tlp, hint: int | None) -> None:
    """TH, PH and Steering Tag of a request of the engine; None: it has none."""
    write, size = bool(tlp.data), tlp.length
    enables = 0x0F if size == 1 else 0xFF
    assert tlp.bits(TH, TH) == int(hint is not None)
    assert low_bits(tlp) == (hint or 0)
    assert tlp.bits(71, 64) == (0 if hint is not None and not write else enables)
    if write:
        assert tlp.tag == 0, "the Steering Tag of a write"


async def ended(bench: AppBench, tdi: int) -> int:
    """STATUS at the end; cleared for the next one."""
    status = await bench.finished(tdi)
    await bench.write(tdi, 0, Bar0.REGISTERS + Register.STATUS, [FAILED])
    return status


def modelled(control: int, enabled: int) -> int | None:
    """The hint that the model gives to a transfer, where the host lets it have one."""
    model = FunctionModel(registers={Register.LENGTH: SIZE})
    transfer = model.write_dword(0, Register.CONTROL, control | Control.START, 0xF)
    assert transfer is not None
    return transfer.hint if enabled else None


@cocotb.test(**LIMIT)
async def requests_have_the_hint_of_their_transfer_where_it_is_enabled(dut: Any) -> None:
    bench = await AppBench(dut).start()
    words = await bench.fill(1)
    bench.host = {0x1_0000_1000 // 4 + n: n for n in range(SIZE // 4)}
    await bench.msix_entry(1, 0, 0xFEE0_0000, 1, 0)
    for enabled in (1, 0):
        bench.hints = [int(n != 1) for n in range(bench.tdis)] if not enabled else bench.hints
        bench.apply()
        for asked in HINTS:
            for host in (0x1000, 0x1_0000_1000):
                for kind in (Control.WRITE_HOST, Control(0)):
                    bench.requests.clear()
                    control = kind | asked | Control.INTERRUPT
                    await bench.transfer(1, host, 0, SIZE, control)
                    await bench.until(lambda: any(t.side["msix"] for t in bench.requests))
                    assert await ended(bench, 1) == Status.DONE
                    *data, message = bench.requests
                    assert data
                    for tlp in data:
                        check_hint(tlp, modelled(control, enabled))
                    check_hint(message, None)
                    if kind:
                        got = [bench.host[host // 4 + n] for n in range(SIZE // 4)]
                        assert got == words[: SIZE // 4]
    assert not any(bench.count.values())


@cocotb.test(**LIMIT)
async def neither_atomic_operations_nor_translation_requests_have_hints(dut: Any) -> None:
    bench = await AppBench(dut).start()
    bench.translate = lambda tdi, address: TranslationEntry(Span((address & -4096) + 0x100000))
    hint = Control.HINT | Control.HINT_HIGH | Control.HINT_LOW
    for kind in ATOMICS:
        bench.requests.clear()
        await bench.transfer(1, 0x1000, 0, 4, kind | hint)
        assert await ended(bench, 1) == Status.DONE
        (request,) = bench.requests
        assert (request.bits(TH, TH), low_bits(request)) == (0, 0)
    for direction in (Control.WRITE_HOST, Control(0)):
        bench.requests.clear()
        page = 0x2000 if direction else 0x5000
        await bench.transfer(1, page, 0, 64, Control.TRANSLATE | direction | hint)
        assert await ended(bench, 1) == Status.DONE
        ask, move = bench.requests
        assert address_type(ask) == AddressType.TRANSLATION_REQUEST
        assert (ask.bits(TH, TH), low_bits(ask)) == (0, int(not direction)), "No Write"
        assert address_type(move) == AddressType.TRANSLATED
        check_hint(move, 3)
