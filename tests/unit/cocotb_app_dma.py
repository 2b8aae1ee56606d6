# SPDX-License-Identifier: Apache-2.0
"""The DMA engine of the function under protection."""

from __future__ import annotations

from typing import Any

import cocotb

from models.app.function import FunctionModel
from models.app.map import ATTRIBUTE_SHIFT, Bar0, Bar2, Control, Register, Status
from models.pcie.codes import CplStatus, FmtType
from models.tdisp.codes import ErrorCause, TdiState
from tests.unit.app_bench import AppBench
from tests.unit.tlp_bench import LIMIT, Common, Tlp, completion, cycles

FAILED = Status.DONE | Status.ERROR
WRITES = (FmtType.MWR32, FmtType.MWR64)


def check_request(bench: AppBench, tlp: Tlp, attr: int = 0) -> None:
    """A request obeys the limits of its function and of the protocol."""
    write = tlp.fmt_type in WRITES
    size = 4 * (tlp.length or 1024)
    assert size <= (min(128 << bench.payload, 512) if write else 128 << bench.request)
    assert tlp.address // 4096 == (tlp.address + size - 1) // 4096
    assert bool(tlp.fmt_type & 0x20) == bool(tlp.address >> 32)
    assert tlp.requester == bench.rids[tlp.side["tdi"]]
    assert tlp.bits(67, 64) == 0xF
    assert tlp.bits(71, 68) == (0xF if size > 4 else 0)
    dw0 = Common(attr=attr).dw0(tlp.fmt_type, tlp.length)  # also AT: nothing is ever translated
    assert tlp.bits(127, 96) == dw0
    assert len(tlp.data) == (size // 4 if write else 0)


def host_address(bench: AppBench) -> int:
    """Addresses around the 4 KiB and 4 GiB boundaries."""
    base = bench.rng.choice((0x8000_0000, 0x1_0000_0000, 0x1_0000_0000 - 0x200, 0xFF_FFFF_E000))
    return base + 4 * bench.rng.randrange(1024)


def span(bench: AppBench) -> tuple[int, int]:
    """Device address and length of a legal transfer."""
    length = 4 * bench.rng.choice((1, 2, 3, 4, 31, 32, 33, 129, bench.rng.randint(1, 1024), 1024))
    return 4 * bench.rng.randint(0, 1024 - length // 4), length


@cocotb.test(**LIMIT)
async def transfers_of_all_functions_move_exactly_their_bytes(dut: Any) -> None:
    bench = await AppBench(dut).start()
    images = [await bench.fill(tdi) for tdi in range(bench.tdis)]
    for round_number in range(6):
        bench.payload, bench.request = bench.rng.randrange(4), bench.rng.randrange(6)
        if round_number == 3:
            bench.state[0] = bench.state[2] = TdiState.RUN
        bench.apply()
        await cycles(dut, 4)
        bench.requests.clear()
        plans = []
        for tdi in range(bench.tdis):
            device, length = span(bench)
            host = host_address(bench) + tdi * 0x100_0000_0000
            if to_host := bench.rng.random() < 0.5:
                expected = images[tdi][device // 4 : (device + length) // 4]
            else:
                expected = [bench.rng.getrandbits(32) for _ in range(length // 4)]
                bench.host.update({host // 4 + n: v for n, v in enumerate(expected)})
                images[tdi][device // 4 : (device + length) // 4] = expected
            plans.append((host, expected))
            control = Control.WRITE_HOST if to_host else 0
            await bench.transfer(tdi, host, device, length, control)
        for tdi, (host, expected) in enumerate(plans):
            assert await bench.finished(tdi) == Status.DONE
            await bench.write(tdi, 0, Bar0.REGISTERS + Register.STATUS, [Status.DONE])
            assert await bench.register(tdi, Register.STATUS) == 0
            assert [bench.host[host // 4 + n] for n in range(len(expected))] == expected
            own = [t for t in bench.requests if t.side["tdi"] == tdi]
            assert sum((t.length or 1024) for t in own) == len(expected)
            assert await bench.memory(tdi) == images[tdi]
        for tlp in bench.requests:
            check_request(bench, tlp)
    assert not any(bench.count.values())


@cocotb.test(**LIMIT)
async def requests_have_the_attributes_that_software_asks_for_and_the_host_enables(
    dut: Any,
) -> None:
    bench = await AppBench(dut).start()
    await bench.msix_entry(1, 0, 0xFEE0_0000, 1, 0)
    bench.host = {0x1000 // 4 + n: n for n in range(64)}
    for attr in range(8):
        for enabled in range(8):
            bench.attr_enable = enabled
            bench.apply()
            bench.requests.clear()
            direction = bench.rng.choice((0, Control.WRITE_HOST))
            control = direction | Control.INTERRUPT | attr << ATTRIBUTE_SHIFT
            model = FunctionModel(registers={Register.LENGTH: 256})
            expected = model.write_dword(0, Register.CONTROL, control | Control.START, 0xF)
            assert expected is not None
            await bench.transfer(1, 0x1000, 0, 256, control)
            await bench.until(lambda: any(t.side["msix"] for t in bench.requests))
            *data, message = bench.requests
            for tlp in data:
                check_request(bench, tlp, expected.attr & enabled)
            check_request(bench, message)
            assert await bench.finished(1) == Status.DONE
            await bench.write(1, 0, Bar0.REGISTERS + Register.STATUS, [Status.DONE])
    assert not any(bench.count.values())


@cocotb.test(**LIMIT)
async def wrong_programming_fails_and_sends_nothing(dut: Any) -> None:
    bench = await AppBench(dut).start()
    for device, length in ((0, 0), (0, 6), (0, 4100), (8, 4092), (4096, 4), (0, 0x1_0004 << 8)):
        await bench.transfer(0, 0x1000, device, length, Control.WRITE_HOST)
        assert await bench.finished(0) == FAILED
        await bench.write(0, 0, Bar0.REGISTERS + Register.STATUS, [FAILED])
    await bench.transfer(0, 0x1000, 4, 4092, Control.WRITE_HOST)
    assert await bench.finished(0) == Status.DONE
    assert len(bench.requests) == 32


@cocotb.test(**LIMIT)
async def a_start_while_busy_changes_nothing(dut: Any) -> None:
    bench = await AppBench(dut).start()
    bench.held = []
    await bench.transfer(0, 0x1000, 0, 256, 0)
    reads = await bench.held_reads(1)
    await bench.transfer(0, 0x9000, 512, 4, Control.WRITE_HOST)
    bench.host = {0x1000 // 4 + n: n + 1 for n in range(64)}
    for part in bench.split(reads[0]):
        await bench.cplin.send(part)
    assert await bench.finished(0) == Status.DONE
    assert (await bench.memory(0))[:64] == list(range(1, 65))
    assert len(bench.requests) == 1


@cocotb.test(**LIMIT)
async def without_bus_master_enable_nothing_is_sent(dut: Any) -> None:
    bench = await AppBench(dut).start()
    await bench.msix_entry(0, 0, 0xFEE0_0000, 1, 0)
    bench.bme[0] = 0
    bench.apply()
    await bench.transfer(0, 0x1000, 0, 64, Control.WRITE_HOST | Control.INTERRUPT)
    assert await bench.finished(0) == FAILED
    await bench.transfer(1, 0x1000, 0, 64, Control.WRITE_HOST)
    assert await bench.finished(1) == Status.DONE
    assert [t.side["tdi"] for t in bench.requests] == [1]


@cocotb.test(**LIMIT)
async def a_request_that_the_filter_refuses_fails_the_transfer(dut: Any) -> None:
    bench = await AppBench(dut).start()
    bench.deny = lambda tlp: tlp.side["tdi"] == 0
    for control in (0, Control.WRITE_HOST) * 5:
        await bench.transfer(0, 0x1000, 0, 2048, control)
        assert await bench.finished(0) == FAILED
        await bench.until(lambda: bench.drained(0), 10)
        await bench.write(0, 0, Bar0.REGISTERS + Register.STATUS, [FAILED])
    bench.deny = lambda tlp: False
    await bench.transfer(0, 0x1000, 0, 2048, 0)
    assert await bench.finished(0) == Status.DONE
    assert bench.count["cpl_error_event"] == 0


async def failing_read(bench: AppBench, tdi: int, answer: list[dict[str, Any]]) -> int:
    """One read answered by Completions with these fields; the final STATUS."""
    await bench.transfer(tdi, 0x1000, 0x100, 64, 0)
    (read,) = await bench.held_reads(1)
    for fields in answer:
        await bench.cplin.send(bench.part(read, fields.pop("data", []), 16, 0x1000, **fields))
    status = await bench.finished(tdi)
    await bench.write(tdi, 0, Bar0.REGISTERS + Register.STATUS, [FAILED])
    return status


@cocotb.test(**LIMIT)
async def a_failed_completion_fails_the_transfer_and_stops_a_running_tdi(dut: Any) -> None:
    bench = await AppBench(dut).start()
    image = await bench.fill(1)
    bench.held = []
    poisoned = {"data": [7] * 16, "common": Common(poisoned=1)}
    failures: list[dict[str, Any]] = [
        {"status": CplStatus.UR},
        {"status": CplStatus.CA},
        {"status": CplStatus.CRS},
        poisoned,
    ]
    for state, events in ((TdiState.CONFIG_UNLOCKED, 0), (TdiState.RUN, 1)):
        await bench.set_state(1, state)
        await cycles(dut, 4)
        for fields in failures:
            before = bench.count["cpl_error_event"]
            assert await failing_read(bench, 1, [dict(fields)]) == FAILED
            assert bench.count["cpl_error_event"] - before == events
            assert await bench.memory(1) == image
    assert {value for name, value in bench.events if name == "cpl_error_event"} == {2}
    assert bench.causes == [*[ErrorCause.COMPLETION] * 3, ErrorCause.POISONED]
    assert bench.count["aer_unexpected_cpl"] == 0


def wrong_completions(bench: AppBench, read: Tlp) -> list[Tlp]:
    """Completions that must not be taken for the answer of `read` (16 DWs at 1000h)."""
    data = [0xBAD] * 16
    tag, rid = read.tag, read.requester
    good: dict[str, Any] = {"data": data, "byte_count": 64, "ide": 1, "t": 1}
    good["stream"] = bench.stream[read.side["tdi"]]
    return [
        completion(rid, tag ^ 1, **good),
        completion(rid, tag ^ 4, **good),
        completion(rid, tag | 0x40, **good),
        completion(rid, tag, **{**good, "common": Common(tag_high=1)}),
        completion(rid, tag, **{**good, "common": Common(tag_high=2)}),
        completion(rid, tag, **{**good, "common": Common(tc=1)}),
        completion(rid ^ 1, tag, **good),
        completion(bench.rids[0], tag, **good),
        completion(rid ^ 0x0100, tag, **good),
        completion(rid, tag, **{**good, "byte_count": 60}),
        completion(rid, tag, **{**good, "byte_count": 68}),
        completion(rid, tag, **{**good, "lower": 4}),
        completion(rid, tag, **{**good, "lower": 1}),
        completion(rid, tag, **{**good, "data": data + data[:1]}),
        completion(rid, tag, fmt_type=FmtType.CPLDLK, **good),
        completion(rid, tag, **{**good, "data": [], "byte_count": 64}),
        completion(rid, tag, **{**good, "status": CplStatus.UR}),
        completion(rid, tag, **{**good, "ide": 0, "t": 0}),
    ]


@cocotb.test(**LIMIT)
async def a_completion_that_does_not_fit_its_request_changes_nothing(dut: Any) -> None:
    bench = await AppBench(dut).start()
    await bench.set_state(1, TdiState.RUN)
    await cycles(dut, 4)
    image = await bench.fill(1)
    bench.held = []
    await bench.transfer(1, 0x1000, 0x100, 64, 0)
    (read,) = await bench.held_reads(1)
    wrong = wrong_completions(bench, read)
    for tlp in wrong:
        await bench.cplin.send(tlp)
    await cycles(dut, 10)
    assert bench.count == {**dict.fromkeys(bench.count, 0), "aer_unexpected_cpl": len(wrong)}
    assert await bench.memory(1) == image
    assert await bench.register(1, Register.STATUS) == Status.BUSY
    await bench.cplin.send(bench.part(read, range(16), 16, 0x1000))
    assert await bench.finished(1) == Status.DONE
    assert (await bench.memory(1))[0x40:0x50] == list(range(16))
    await bench.cplin.send(bench.part(read, [5] * 16, 16, 0x1000))
    await cycles(dut, 10)
    assert bench.count["aer_unexpected_cpl"] == len(wrong) + 1
    assert (await bench.memory(1))[0x40:0x50] == list(range(16))


@cocotb.test(**LIMIT)
async def a_completion_on_another_stream_is_dropped_and_reported(dut: Any) -> None:
    bench = await AppBench(dut).start()
    await bench.set_state(1, TdiState.RUN)
    await cycles(dut, 4)
    bench.held = []
    await bench.transfer(1, 0x1000, 0x100, 64, 0)
    (read,) = await bench.held_reads(1)
    for t in (0, 1):
        await bench.cplin.send(bench.part(read, [1] * 16, 16, 0x1000, stream=3, t=t))
    await cycles(dut, 10)
    assert bench.count == {**dict.fromkeys(bench.count, 0), "cpl_stream_error": 2}
    assert int(dut.cpl_stream_error_stream.value) == 3
    assert (await bench.memory(1))[0x40:0x50] == [0] * 16
    await bench.cplin.send(bench.part(read, range(16), 16, 0x1000, t=0))
    assert await bench.finished(1) == Status.DONE, "T of a Completion is ignored"
    assert (await bench.memory(1))[0x40:0x50] == list(range(16))


@cocotb.test(**LIMIT)
async def a_completion_comes_back_where_the_filter_let_the_request_out(dut: Any) -> None:
    bench = await AppBench(dut).start()
    await bench.set_state(1, TdiState.RUN)
    await cycles(dut, 4)
    bench.held = []
    bench.way = lambda tlp: (1, 3)  # to a peer
    await bench.transfer(1, 0x1000, 0x100, 64, 0)
    (read,) = await bench.held_reads(1)
    await bench.cplin.send(bench.part(read, [1] * 16, 16, 0x1000))
    await cycles(dut, 10)
    assert bench.count == {**dict.fromkeys(bench.count, 0), "cpl_stream_error": 1}
    assert int(dut.cpl_stream_error_stream.value) == bench.stream[1]
    await bench.cplin.send(bench.part(read, range(16), 16, 0x1000, stream=3))
    assert await bench.finished(1) == Status.DONE
    assert (await bench.memory(1))[0x40:0x50] == list(range(16))


@cocotb.test(**LIMIT)
async def one_functions_lost_reads_do_not_delay_another(dut: Any) -> None:
    bench = await AppBench(dut).start()
    bench.held = []
    await bench.transfer(0, 0x1000, 0, 4096, 0)
    lost = await bench.held_reads(4)
    await cycles(dut, 200)
    assert not bench.held, "more reads than a function has tags"
    assert len({t.tag for t in lost}) == 4
    bench.held = None
    await bench.transfer(1, 0x1000, 0, 4096, 0)
    assert await bench.finished(1) == Status.DONE
    assert await bench.register(0, Register.STATUS) == Status.BUSY


@cocotb.test(**LIMIT)
async def the_interrupt_comes_after_the_data(dut: Any) -> None:
    bench = await AppBench(dut).start()
    image = await bench.fill(0)
    for vector, address in ((0, 0xFEE0_0000), (3, 0x12_FEE0_1004)):
        await bench.msix_entry(0, vector, address | 3, 0x41 + vector, 0)
        for control in (Control.WRITE_HOST, 0):
            bench.requests.clear()
            bench.host = {0x1000 // 4 + n: v for n, v in enumerate(image[:100])}
            await bench.transfer(0, 0x1000, 0, 400, control | Control.INTERRUPT, vector)
            await bench.until(lambda: any(t.side["msix"] for t in bench.requests))
            *data, message = bench.requests
            assert sum(t.length for t in data) == 100
            assert message.side == {"tdi": 0, "msix": 1, "msi": 0, "pasid": 0}
            assert (message.address, message.data) == (address, (0x41 + vector,))
            check_request(bench, message)
            assert await bench.memory(0) == image
            assert await bench.finished(0) == Status.DONE
    assert await bench.read(0, 2, Bar2.MSIX_PBA) == [0]
