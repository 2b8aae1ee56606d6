# SPDX-License-Identifier: Apache-2.0
"""Page Requests of the function under protection, and the responses to them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.app.map import PAGE, Bar0, Control, Register, Status
from models.pcie.codes import FmtType, MessageCode
from models.pcie.pri import PageRequest, PageResponse, ResponseCode
from models.pcie.tlp import Tlp as WireTlp
from models.tdisp.codes import ErrorCause, TdiState
from tests.unit.app_bench import HOST_RID, AppBench
from tests.unit.ide_bench import to_bus, to_wire
from tests.unit.tlp_bench import LIMIT, Tlp, cycles

FAILED = Status.DONE | Status.ERROR
PULSES = ("pri_response_failure", "pri_unexpected_index")
VALID = 1 << 20  # of a PASID on the internal bus


class PageBench(AppBench):
    """Takes Page Requests out of what the function sends, and answers them."""

    def __init__(self, dut: Any) -> None:
        super().__init__(dut)
        self.pulses: Counter[str] = Counter()

    async def begin(self, state: TdiState = TdiState.CONFIG_UNLOCKED) -> PageBench:
        """Function 1 in `state`."""
        await self.start()
        cocotb.start_soon(self._pulses())
        await self.set_state(1, state)
        await cycles(self.dut, 4)
        return self

    async def _pulses(self) -> None:
        while True:
            await RisingEdge(self.dut.clk)
            for name in PULSES:
                self.pulses[name] += int(getattr(self.dut, name).value)

    async def ask(self, page: int, control: int = 0, tdi: int = 1) -> None:
        """Software asks for a page."""
        registers = Bar0.REGISTERS
        words = [page & 0xFFFFFFFF, page >> 32]
        await self.write(tdi, 0, registers + Register.HOST_ADDRESS_LOW, words)
        await self.write(tdi, 0, registers + Register.PAGE_REQUEST, [control | Control.START])

    async def asked(self, count: int = 1) -> list[Tlp]:
        """The next Page Requests, taken out."""
        found: list[Tlp] = []

        def there() -> bool:
            found[:] = [t for t in self.requests if t.fmt_type == FmtType.MSG_RC]
            return len(found) >= count

        await self.until(there, 2000)
        self.requests = [t for t in self.requests if t.fmt_type != FmtType.MSG_RC]
        assert len(found) == count
        return found

    async def none_asked(self) -> None:
        """No Page Request leaves."""
        await cycles(self.dut, 200)
        assert not [t for t in self.requests if t.fmt_type == FmtType.MSG_RC]

    async def answer(self, request: Tlp, **changes: int) -> None:
        """A response to `request` by the way of its function, but for what is changed.

        It comes when the request is out.
        """
        await cycles(self.dut, 3)
        decoded = decode(request)
        tdi = changes.get("tdi", request.side["tdi"])
        run = int(self.state[tdi] == TdiState.RUN)
        response = PageResponse(
            HOST_RID,
            self.rids[tdi],
            changes.get("index", decoded.index),
            changes.get("code", ResponseCode.SUCCESS),
        )
        dut = self.dut
        dut.msgin_hdr.value = to_bus(response.tlp().encode()).hdr
        dut.msgin_tdi.value = tdi
        dut.msgin_ide.value = changes.get("ide", run)
        dut.msgin_t.value = changes.get("t", run)
        dut.msgin_stream.value = changes.get("stream", self.stream[tdi])
        dut.msgin_taken.value = 1
        await cycles(dut, 1)
        dut.msgin_taken.value = 0
        await cycles(dut, 5)

    async def status(self, tdi: int = 1) -> int:
        """What software reads about its page."""
        return await self.register(tdi, Register.PAGE_REQUEST)


def decode(tlp: Tlp) -> PageRequest:
    """The Page Request in a TLP of the internal bus."""
    request = PageRequest.of(WireTlp.decode(to_wire(Tlp(tlp.hdr))))
    assert request is not None
    return request


@cocotb.test(**LIMIT)
async def a_page_is_asked_for_as_software_says(dut: Any) -> None:
    bench = await PageBench(dut).begin()
    indices = []
    for number in range(20):
        page = bench.rng.getrandbits(52) << 12
        tdi, write = number % bench.tdis, bench.rng.random() < 0.5
        control = Control.WRITE_HOST if write else 0
        pasid = bench.rng.choice((None, 0x12345))
        if pasid is not None:
            await bench.write(tdi, 0, Bar0.REGISTERS + Register.PASID, [pasid])
            control |= Control.WITH_PASID
        await bench.ask(page | bench.rng.randrange(PAGE) & ~3, control, tdi)
        (tlp,) = await bench.asked()
        request = decode(tlp)
        indices.append(request.index)
        assert request == PageRequest(bench.rids[tdi], page, request.index, True, write, True)
        assert tlp.side == {
            "tdi": tdi,
            "msix": 0,
            "msi": 0,
            "pasid": 0 if pasid is None else VALID | pasid,
        }
        assert await bench.status(tdi) == Status.BUSY
        code = bench.rng.choice((*ResponseCode, 7))
        await bench.answer(tlp, code=code)
        good = code == ResponseCode.SUCCESS
        assert await bench.status(tdi) == (Status.DONE if good else FAILED)
        failure = code not in (ResponseCode.SUCCESS, ResponseCode.INVALID)
        assert bench.pulses["pri_response_failure"] == failure
        bench.pulses.clear()
        assert int(dut.pri_idle.value)
    assert len(set(indices)) == len(indices)
    assert not any(bench.count.values())


@cocotb.test(**LIMIT)
async def a_response_by_another_way_is_an_error_and_no_answer(dut: Any) -> None:
    bench = await PageBench(dut).begin(TdiState.RUN)
    other = (bench.stream[1] + 1) % 4
    for wrong in ({"t": 0}, {"ide": 0}, {"ide": 0, "t": 0}, {"stream": other}):
        await bench.ask(0x5000)
        (tlp,) = await bench.asked()
        await bench.answer(tlp, **wrong)
        assert bench.events == [("cpl_error_event", 1 << 1)], wrong
        assert bench.causes == [ErrorCause.ATS], wrong
        bench.events.clear()
        bench.causes.clear()
        assert await bench.status() == Status.BUSY
        await bench.answer(tlp)
        assert await bench.status() == Status.DONE
    assert not bench.pulses["pri_unexpected_index"]


@cocotb.test(**LIMIT)
async def outside_run_any_way_will_do(dut: Any) -> None:
    bench = await PageBench(dut).begin()
    for way in ({"ide": 1, "t": 1}, {"ide": 1}, {}):
        await bench.ask(0x5000)
        (tlp,) = await bench.asked()
        await bench.answer(tlp, **way)
        assert await bench.status() == Status.DONE
    assert not bench.events


@cocotb.test(**LIMIT)
async def responses_that_match_nothing_are_told(dut: Any) -> None:
    bench = await PageBench(dut).begin(TdiState.RUN)
    await bench.ask(0x5000)
    (tlp,) = await bench.asked()
    index = decode(tlp).index
    for number, wrong in enumerate(
        ({"index": index ^ 1}, {"index": index ^ 0x100}, {"tdi": 0}, {"tdi": 2, "t": 0})
    ):
        await bench.answer(tlp, **wrong)
        assert bench.pulses["pri_unexpected_index"] == number + 1, wrong
        assert await bench.status() == Status.BUSY
    await bench.answer(tlp)
    assert await bench.status() == Status.DONE
    await bench.answer(tlp, t=0)  # a second time
    assert bench.pulses["pri_unexpected_index"] == 5
    assert not bench.events


@cocotb.test(**LIMIT)
async def a_response_to_a_former_life_is_discarded(dut: Any) -> None:
    bench = await PageBench(dut).begin()
    for before, after in (
        (TdiState.CONFIG_UNLOCKED, TdiState.CONFIG_LOCKED),
        (TdiState.RUN, TdiState.ERROR),
        (TdiState.RUN, TdiState.CONFIG_UNLOCKED),
    ):
        await bench.set_state(1, before)
        await cycles(dut, 4)
        await bench.ask(0x5000)
        (tlp,) = await bench.asked()
        await bench.set_state(1, after)
        await cycles(dut, 4)
        assert not int(dut.pri_idle.value), "the host has not answered yet"
        for state in (TdiState.RUN, after):
            await bench.set_state(1, state)
            await cycles(dut, 4)
        await bench.set_state(1, TdiState.CONFIG_UNLOCKED)
        await cycles(dut, 4)
        await bench.ask(0x6000)
        await bench.none_asked()
        assert await bench.status() == Status.BUSY
        await bench.answer(tlp, ide=0, t=0, code=ResponseCode.FAILURE)
        (second,) = await bench.asked()
        assert await bench.status() == Status.BUSY, "the old response was taken for the new one"
        await bench.answer(second)
        assert await bench.status() == Status.DONE
        assert int(dut.pri_idle.value)
        assert not bench.events
        assert not any(bench.pulses.values())


@cocotb.test(**LIMIT)
async def a_page_that_waits_is_given_up_with_its_life(dut: Any) -> None:
    bench = await PageBench(dut).begin()
    bench.pri_allocation = 0
    bench.apply()
    await bench.ask(0x5000)
    await bench.none_asked()
    assert await bench.status() == Status.BUSY
    await bench.set_state(1, TdiState.RUN)
    await cycles(dut, 4)
    bench.pri_allocation = 8
    bench.apply()
    await bench.none_asked()
    assert await bench.status() == FAILED


@cocotb.test(**LIMIT)
async def no_more_are_out_than_the_host_allots(dut: Any) -> None:
    bench = await PageBench(dut).begin()
    bench.pri_allocation = 2
    bench.apply()
    for tdi in range(3):
        await bench.ask(0x1000 * (tdi + 1), tdi=tdi)
    out = await bench.asked(2)
    await bench.none_asked()
    assert not int(dut.pri_idle.value)
    await bench.answer(out[0])
    out = [out[1], *await bench.asked()]
    for tlp in out:
        await bench.answer(tlp)
    assert {await bench.status(tdi) for tdi in range(3)} == {Status.DONE}
    assert int(dut.pri_idle.value)


@cocotb.test(**LIMIT)
async def disabled_or_locked_nobody_asks(dut: Any) -> None:
    bench = await PageBench(dut).begin()
    bench.pri_enable = 0
    bench.apply()
    await bench.ask(0x5000)
    await bench.none_asked()
    assert await bench.status() == FAILED
    bench.pri_enable = 1
    bench.bme[1] = 0
    bench.apply()
    await bench.ask(0x5000)
    await bench.none_asked()
    assert await bench.status() == FAILED
    bench.bme[1] = 1
    bench.apply()
    bench.deny = lambda tlp: tlp.fmt_type == FmtType.MSG_RC
    await bench.ask(0x5000)
    await bench.none_asked()
    assert await bench.status() == FAILED
    assert int(dut.pri_idle.value)


@cocotb.test(**LIMIT)
async def reset_of_the_interface_forgets_what_is_out(dut: Any) -> None:
    bench = await PageBench(dut).begin()
    await bench.ask(0x5000)
    (tlp,) = await bench.asked()
    bench.pri_enable = 0
    bench.apply()
    await cycles(dut, 4)
    assert await bench.status() == Status.BUSY, "the response may still come"
    assert not int(dut.pri_idle.value)
    dut.pri_reset_req.value = 1
    await cycles(dut, 1)
    dut.pri_reset_req.value = 0
    await cycles(dut, 2)
    assert int(dut.pri_idle.value)
    assert await bench.status() == FAILED
    bench.pri_enable = 1
    bench.apply()
    await bench.answer(tlp)
    assert bench.pulses["pri_unexpected_index"] == 1
    await bench.ask(0x6000)
    (tlp,) = await bench.asked()
    await bench.answer(tlp)
    assert await bench.status() == Status.DONE


@cocotb.test(**LIMIT)
async def pages_are_asked_for_between_the_transfers_of_all(dut: Any) -> None:
    bench = await PageBench(dut).begin()
    for tdi in range(bench.tdis):
        await bench.transfer(tdi, 0x1_0000 * (tdi + 1), 0, PAGE, Control.WRITE_HOST)
    for tdi in range(bench.tdis):
        await bench.write(tdi, 0, Bar0.REGISTERS + Register.PAGE_REQUEST, [Control.START])
    pages = await bench.asked(bench.tdis)
    for tlp in pages:
        await bench.answer(tlp)
    for tdi in range(bench.tdis):
        assert await bench.finished(tdi) == Status.DONE
        assert await bench.status(tdi) == Status.DONE
        memory = [bench.host[(0x1_0000 * (tdi + 1)) // 4 + n] for n in range(PAGE // 4)]
        assert memory == await bench.memory(tdi)


@cocotb.test(**LIMIT)
async def other_messages_answer_nothing(dut: Any) -> None:
    bench = await PageBench(dut).begin()
    await bench.ask(0x5000)
    (tlp,) = await bench.asked()
    raw = PageResponse(HOST_RID, bench.rids[1], decode(tlp).index).tlp()
    for code in (MessageCode.INVALIDATE_REQUEST, MessageCode.INVALIDATE_COMPLETION, 0x7E):
        header = bytearray(raw.encode())
        header[7] = code
        dut.msgin_hdr.value = to_bus(bytes(header)).hdr
        dut.msgin_tdi.value = 1
        dut.msgin_taken.value = 1
        await cycles(dut, 1)
        dut.msgin_taken.value = 0
        await cycles(dut, 4)
        assert await bench.status() == Status.BUSY
    assert not bench.pulses["pri_unexpected_index"]
