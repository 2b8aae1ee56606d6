# SPDX-License-Identifier: Apache-2.0
"""dsm with SET_TDISP_CONFIG of later revisions."""

from __future__ import annotations

from typing import Any

import cocotb

from models.tdisp.codes import ErrorCause, ErrorCode, Response, TdiState
from models.tdisp.messages import SetTdispConfigRequest
from tests.unit.dsm_bench import CONFIG, FIRST, LAST, LIMIT, TDIS, DsmBench, make

XT_MODE_ENABLE, XT_BIT_FOR_LOCKED_MSIX = 0x1, 0x2


def error_of(answer: bytes) -> int:
    """ERROR_CODE of a TDISP_ERROR, 0 for another response."""
    return int.from_bytes(answer[16:20], "little") if answer[1] == Response.TDISP_ERROR else 0


def request(bench: DsmBench, tdi: int, config: int) -> SetTdispConfigRequest:
    """SET_TDISP_CONFIG_REQUEST."""
    return SetTdispConfigRequest(interface=bench.name(tdi), config=config)


@cocotb.test(skip=not CONFIG, **LIMIT)
async def the_configuration_is_set_while_all_tdis_are_unlocked(dut: Any) -> None:
    bench = await make(dut)
    for config in (XT_BIT_FOR_LOCKED_MSIX, 0, XT_BIT_FOR_LOCKED_MSIX):
        assert error_of(await bench.ask(request(bench, LAST, config))) == 0
        assert int(dut.tdisp_config.value) == config
    for locked in TDIS:
        for state in (TdiState.CONFIG_LOCKED, TdiState.RUN, TdiState.ERROR):
            await bench.bring_to(locked, state)
            for tdi in (FIRST, LAST):
                got = error_of(await bench.ask(request(bench, tdi, 0)))
                assert got == ErrorCode.INVALID_INTERFACE_STATE, (locked, state)
            if state is TdiState.ERROR:
                await bench.error(1 << locked, ErrorCause.BAR)
            await bench.stop(locked)
    assert error_of(await bench.ask(request(bench, FIRST, 0))) == 0


@cocotb.test(skip=not CONFIG, **LIMIT)
async def xt_mode_is_refused_while_it_is_not_built(dut: Any) -> None:
    bench = await make(dut)
    await bench.ask(request(bench, FIRST, XT_BIT_FOR_LOCKED_MSIX))
    for config in (XT_MODE_ENABLE, XT_MODE_ENABLE | XT_BIT_FOR_LOCKED_MSIX, 0xFFFFFFFF):
        got = error_of(await bench.raw(request(bench, FIRST, config).encode()))
        assert got == ErrorCode.INVALID_REQUEST
        assert int(dut.tdisp_config.value) == XT_BIT_FOR_LOCKED_MSIX
    bench.compare()


@cocotb.test(skip=not CONFIG, **LIMIT)
async def reserved_bits_are_ignored_and_reset_forgets(dut: Any) -> None:
    bench = await make(dut)
    for config, kept in ((0xFFFFFFFE, XT_BIT_FOR_LOCKED_MSIX), (0xFFFFFFFC, 0), (0x6, 2)):
        assert error_of(await bench.raw(request(bench, LAST, config).encode())) == 0
        assert int(dut.tdisp_config.value) == kept
    await bench.pulse(rst=1)
    assert int(dut.tdisp_config.value) == 0
