# SPDX-License-Identifier: Apache-2.0
"""SET_MMIO_ATTRIBUTE from the TVM's wish to the reference device and back."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from models.app.config_map import ConfigRegister as Reg
from models.app.map import PAGE, Bar0
from models.device.config import DeviceProfile
from models.device.device import NOTHING
from models.host.tvm import Expectation, Tvm
from models.tdisp.codes import ErrorCode, Request, TdiState
from models.tdisp.messages import ErrorResponse, SetMmioAttributeRequest
from models.tdisp.report import MmioRange
from models.tsm.errors import PolicyError, TsmError
from models.tsm.tsm import TdiHandle
from tests.models.life_cycle_parties import (
    INFO,
    MEASUREMENTS,
    STREAM,
    Bench,
    TvmTenant,
    expected_ranges,
    interface,
    run,
    tdisp,
)
from tests.plan import covers

L, R, E = TdiState.CONFIG_LOCKED, TdiState.RUN, TdiState.ERROR
OFFERED = DeviceProfile(mmio_attribute=True)
NOT_OFFERED = DeviceProfile(mmio_attribute=False)
MEMORY = 2  # the range of the report
OPEN = frozenset({(0, int(Bar0.MEMORY))})


def opened(bench: Bench) -> frozenset[tuple[int, int]]:
    """Pages of VF 1 that are open."""
    return bench.device.grants(1).pages


async def running(bench: Bench) -> tuple[TdiHandle, TvmTenant]:
    """VF 1 in RUN, and its tenant."""
    tenant = bench.tenant()
    handle = await bench.tsm.bring_up(bench.assignment(), tenant, bench.host.pf_rid)
    return handle, tenant


@covers("TDISP-MMA-003", "TDISP-MMA-004", "TDISP-RPT-012", "TDISP-CAP-003")
def test_a_tvm_opens_its_memory_and_closes_it_again() -> None:
    bench = Bench(OFFERED)

    async def life() -> None:
        handle, tenant = await running(bench)
        assert handle.report is not None
        assert opened(bench) == frozenset()
        await bench.tsm.set_mmio_attribute(handle, tenant.tvm.wish(MEMORY, non_tee=True))
        assert opened(bench) == OPEN
        assert await handle.requester.report() == handle.report
        await bench.tsm.set_mmio_attribute(handle, tenant.tvm.wish(MEMORY, non_tee=False))
        assert opened(bench) == frozenset()
        assert bench.state() is R

    run(life())


@covers("TDISP-MMA-003", "TDISP-STOP-006")
@pytest.mark.parametrize("through_error", [False, True])
def test_what_was_open_is_closed_in_error_and_after_the_next_lock(through_error: bool) -> None:
    bench = Bench(OFFERED)

    async def life() -> None:
        handle, tenant = await running(bench)
        await bench.tsm.set_mmio_attribute(handle, tenant.tvm.wish(MEMORY, non_tee=True))
        if through_error:
            bench.device.config_write(bench.host.rid(1), Reg.COMMAND, 0)
            assert bench.state() is E
            assert bench.device.grants(1) == NOTHING
        await bench.tsm.stop(handle)
        await running(bench)
        assert opened(bench) == frozenset()

    run(life())


@covers("TDISP-MMA-001", "TDISP-MMA-002")
def test_the_device_refuses_outside_run_and_for_other_pages() -> None:
    bench = Bench(OFFERED)

    async def life() -> None:
        handle = await bench.tsm.bring_up(bench.assignment(), bench.tenant(), bench.host.pf_rid)
        assert handle.report is not None
        assert bench.tsm.session is not None
        name, ranges = interface(bench), handle.report.ranges
        for n, item in enumerate(ranges):
            request = SetMmioAttributeRequest(
                interface=name, mmio_range=replace(item, attributes=0)
            )
            answer = await tdisp(bench.tsm.session, request)
            assert isinstance(answer, ErrorResponse) == (n != MEMORY), n
        bench.device.config_write(bench.host.rid(1), Reg.COMMAND, 0)
        answer = await tdisp(bench.tsm.session, request)
        assert isinstance(answer, ErrorResponse)
        assert answer.error == ErrorCode.INVALID_INTERFACE_STATE

    run(life())


@covers("TDISP-CAP-003", "TDISP-MMA-002", "TDISP-RPT-011")
def test_without_the_switch_nothing_is_offered_and_the_tsm_asks_for_nothing() -> None:
    bench = Bench(NOT_OFFERED)

    async def life() -> None:
        handle, _ = await running(bench)
        assert handle.report is not None
        assert handle.capabilities is not None
        assert not handle.capabilities.supports(Request.SET_MMIO_ATTRIBUTE_REQUEST)
        with pytest.raises(PolicyError, match="TDISP-CAP-003"):
            await bench.tsm.set_mmio_attribute(handle, handle.report.ranges[MEMORY])
        assert bench.state() is R

    run(life())


@covers("TDISP-MMA-002")
def test_a_wish_for_fixed_pages_reaches_no_device() -> None:
    bench = Bench(OFFERED)

    async def life() -> None:
        handle, tenant = await running(bench)
        wanted = tenant.tvm.wish(MEMORY, non_tee=True)
        for wrong in (
            replace(wanted, first_page=wanted.first_page - 1),
            replace(wanted, num_pages=2),
            replace(wanted, range_id=2),
        ):
            with pytest.raises(PolicyError, match="TDISP-MMA-002"):
                await bench.tsm.set_mmio_attribute(handle, wrong)
        assert bench.state() is R

    run(life())


@covers("TDISP-HOST-009", "TDISP-MMA-002")
def test_a_device_that_refuses_what_it_offers_loses_everything() -> None:
    bench = Bench(OFFERED)

    async def life() -> None:
        handle, tenant = await running(bench)
        lock = bench.device.dsm.tdis[1].lock
        assert lock is not None
        lock.report = replace(lock.report, ranges=())
        with pytest.raises(TsmError, match="INVALID_REQUEST"):
            await bench.tsm.set_mmio_attribute(handle, tenant.tvm.wish(MEMORY, non_tee=True))

    run(life())
    assert bench.state() is TdiState.CONFIG_UNLOCKED
    assert bench.tsm.session is None


@covers("TDISP-HOST-004")
def test_a_tvm_that_expects_fixed_memory_objects_to_memory_that_can_be_opened() -> None:
    bench = Bench(OFFERED)
    tenant = bench.tenant()
    fixed = expected_ranges(NOT_OFFERED)
    tenant.tvm = Tvm("A", Expectation(fixed, MEASUREMENTS, INFO, msix_locked=True))
    with pytest.raises(TsmError, match="attributes"):
        run(bench.tsm.bring_up(bench.assignment(), tenant, bench.host.pf_rid))


@covers("TDISP-MMA-004")
def test_the_prospect_of_a_request_changes_nothing() -> None:
    bench = Bench(OFFERED)

    async def life() -> None:
        _, tenant = await running(bench)
        assert bench.tsm.session is not None
        wanted: MmioRange = tenant.tvm.wish(MEMORY, non_tee=True)
        body = SetMmioAttributeRequest(interface=interface(bench), mmio_range=wanted).encode()
        owner = bench.device.dsm.tdis[1].lock
        assert owner is not None
        found = bench.device.prospect(owner.session, body)
        assert found is not None
        assert (found[0], found[1].pages, found[1].streams) == (1, OPEN, frozenset({STREAM}))
        assert bench.device.prospect(owner.session + 1, body) is None
        assert opened(bench) == frozenset()

    run(life())


@covers("TDISP-MMA-004", "TDISP-RPT-007")
def test_pages_are_found_whatever_the_reporting_offset() -> None:
    rng = random.Random(4)
    for _ in range(3):
        bench = Bench(OFFERED)
        offset = rng.randrange(1 << 20) * PAGE
        tenant = bench.tenant(offset=offset)

        async def life(bench: Bench, tenant: TvmTenant, offset: int) -> None:
            wanted = bench.assignment(mmio_reporting_offset=offset)
            handle = await bench.tsm.bring_up(wanted, tenant, bench.host.pf_rid)
            await bench.tsm.set_mmio_attribute(handle, tenant.tvm.wish(MEMORY, non_tee=True))

        run(life(bench, tenant, offset))
        assert opened(bench) == OPEN
