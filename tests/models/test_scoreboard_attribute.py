# SPDX-License-Identifier: Apache-2.0
"""SET_MMIO_ATTRIBUTE before the scoreboard: who may reach a page from when on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from models.app.config_map import ConfigRegister as Reg
from models.app.map import Bar0
from models.device.config import DeviceProfile
from models.pcie.codes import CplStatus
from models.pcie.rules import failed_completion, split_completions
from models.pcie.tlp import Tlp
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import ErrorCode, RangeAttributes, TdiState
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import ErrorResponse, SetMmioAttributeRequest
from models.tdisp.report import MmioRange
from tb.scoreboard.function_shadow import SCRUB_NS
from tb.scoreboard.timeline import RACE_NS
from tests.models.scoreboard_device import VF1, VF_BAR0, Bench, run
from tests.plan import covers

HOST = 0
OFFERED = DeviceProfile(mmio_attribute=True)
VF = InterfaceId.of(VF1)
MEMORY = VF_BAR0 + Bar0.MEMORY
VALUE = b"\x11\x22\x33\x44"


def attribute(*, non_tee: bool, page: int = MEMORY) -> SetMmioAttributeRequest:
    """The request for one page of VF 1."""
    value = RangeAttributes.IS_NON_TEE_MEM if non_tee else RangeAttributes(0)
    return SetMmioAttributeRequest(interface=VF, mmio_range=MmioRange(page >> 12, 1, int(value), 0))


class Access:
    """Accesses of the host without IDE, and a device that serves or refuses them."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.tag = 100

    def read(self, data: bytes | None, address: int = MEMORY) -> None:
        """A plain read that is answered with `data`, or refused."""
        self.answer(self.ask(address), data)

    def ask(self, address: int = MEMORY) -> Tlp:
        """A plain read."""
        self.tag += 1
        request = Tlp.mem_read(HOST, address, 4, self.tag)
        self.bench.to_device(request.encode())
        return request

    def answer(self, request: Tlp, data: bytes | None) -> None:
        """The device answers with `data`, or refuses."""
        if data is None:
            answer = failed_completion(VF1, request, CplStatus.UR)
        else:
            (answer,) = split_completions(VF1, request, data)
        self.bench.from_device(answer.encode())

    def write(self, data: bytes) -> None:
        """A plain write."""
        self.bench.to_device(Tlp.mem_write(HOST, MEMORY, data).encode())


def scene(act: Callable[[Bench, SecureSession], object]) -> Bench:
    """VF 1 in RUN on a device that offers SET_MMIO_ATTRIBUTE; the bench after `act`."""
    bench = Bench(OFFERED)

    async def life() -> None:
        session = await bench.started()
        result = act(bench, session)
        if hasattr(result, "__await__"):
            await result

    run(life())
    bench.finish()
    return bench


@covers("TDISP-MMA-003", "TDISP-MMIO-005")
@pytest.mark.parametrize("served", [True, False])
def test_after_the_answer_everybody_reaches_the_page(served: bool) -> None:
    async def act(bench: Bench, session: SecureSession) -> None:
        access = Access(bench)
        access.read(None)
        await bench.tdisp(session, attribute(non_tee=True))
        access.write(VALUE)
        access.read(VALUE if served else None)

    assert scene(act).found() == (set() if served else {"TDISP-MMA-003", "TDISP-MMIO-005"})


@covers("TDISP-MMA-003", "TDISP-MMIO-002")
@pytest.mark.parametrize("served", [True, False])
def test_after_it_is_closed_only_the_owner_reaches_the_page(served: bool) -> None:
    async def act(bench: Bench, session: SecureSession) -> None:
        access = Access(bench)
        await bench.tdisp(session, attribute(non_tee=True))
        await bench.tdisp(session, attribute(non_tee=False))
        access.read(bytes(4) if served else None)

    assert scene(act).found() == ({"TDISP-MMIO-002"} if served else set())


@covers("TDISP-MMA-003")
def test_a_write_before_it_is_opened_has_no_effect() -> None:
    async def act(bench: Bench, session: SecureSession) -> None:
        access = Access(bench)
        access.write(VALUE)
        await bench.tdisp(session, attribute(non_tee=True))
        access.read(VALUE)

    assert "TDISP-ZERO-001" in scene(act).found()


@covers("TDISP-MMA-003")
@pytest.mark.parametrize("opens", [True, False])
@pytest.mark.parametrize("served", [True, False])
def test_between_request_and_answer_both_values_may_govern(opens: bool, served: bool) -> None:
    async def act(bench: Bench, session: SecureSession) -> None:
        access = Access(bench)
        if not opens:
            await bench.tdisp(session, attribute(non_tee=True))
        handle = bench.device.handle_object

        def meanwhile(raw: bytes) -> bytes | None:
            access.read(bytes(4) if served else None)
            answer = handle(raw)
            access.read(bytes(4) if served else None)
            return answer

        bench.device.handle_object = meanwhile  # type: ignore[method-assign]
        await bench.tdisp(session, attribute(non_tee=opens))

    assert scene(act).found() == set()


@covers("TDISP-MMA-002", "TDISP-MMA-003")
def test_a_request_that_is_refused_opens_nothing_meanwhile() -> None:
    async def act(bench: Bench, session: SecureSession) -> None:
        access = Access(bench)
        handle = bench.device.handle_object

        def meanwhile(raw: bytes) -> bytes | None:
            access.read(bytes(4))
            return handle(raw)

        bench.device.handle_object = meanwhile  # type: ignore[method-assign]
        await bench.tdisp(session, attribute(non_tee=True, page=VF_BAR0 + Bar0.REGISTERS))

    assert scene(act).found() == {"TDISP-MMIO-002"}


@covers("TDISP-MMA-004", "TDISP-MMIO-002")
def test_a_device_that_opens_a_neighbour_page_is_found() -> None:
    async def act(bench: Bench, session: SecureSession) -> None:
        access = Access(bench)
        await bench.tdisp(session, attribute(non_tee=True))
        access.read(None, VF_BAR0 + Bar0.REGISTERS)
        access.read(bytes(4), VF_BAR0 + Bar0.REGISTERS)

    assert scene(act).found() == {"TDISP-MMIO-002"}


@covers("TDISP-MMA-003", "TDISP-STOP-006")
def test_a_page_that_stays_open_over_the_next_lock_is_found() -> None:
    async def act(bench: Bench, session: SecureSession) -> None:
        await bench.tdisp(session, attribute(non_tee=True))
        await bench.stop(session)
        await bench.lock(session)
        bench.now += 2 * RACE_NS
        Access(bench).read(bytes(4))

    assert "TDISP-MMIO-002" in scene(act).found()


@covers("TDISP-MMA-001", "TDISP-MMA-002")
def test_a_device_that_grants_what_it_must_refuse_is_found() -> None:
    async def act(bench: Bench, session: SecureSession) -> None:
        lock = bench.device.dsm.tdis[1].lock
        assert lock is not None
        everything = MmioRange(0, 0xFFFFFFFF, int(RangeAttributes.IS_MEM_ATTR_UPDATABLE), 0)
        lock.report = type(lock.report)(lock.report.interface_info, ranges=(everything,))
        await bench.tdisp(session, attribute(non_tee=True, page=VF_BAR0))

    assert "TDISP-SES-004" in scene(act).found()


@covers("TDISP-MMA-003")
def test_a_device_that_refuses_what_it_must_grant_is_found() -> None:
    async def act(bench: Bench, session: SecureSession) -> None:
        def refuse(session: int, body: bytes) -> bytes:
            code = ErrorCode.INVALID_REQUEST
            return ErrorResponse(interface=VF, error=code).encode() if session and body else b""

        bench.device.dsm.handle = refuse  # type: ignore[method-assign]
        await bench.tdisp(session, attribute(non_tee=True))

    assert "TDISP-SES-004" in scene(act).found()


@covers("TDISP-MMA-003", "TDISP-FSM-016")
@pytest.mark.parametrize("served", [True, False])
def test_in_error_an_open_page_may_stay_open_for_t_0_or_not(served: bool) -> None:
    async def act(bench: Bench, session: SecureSession) -> None:
        await bench.tdisp(session, attribute(non_tee=True))
        bench.write(VF1, Reg.COMMAND, 0)
        bench.now += 2 * RACE_NS
        Access(bench).read(bytes(4) if served else None)

    bench = scene(act)
    assert bench.device.tdi_states()[1] is TdiState.ERROR
    assert bench.found() == set()


@covers("TDISP-FSM-016", "TDISP-MMIO-002")
def test_in_error_a_page_that_was_closed_before_stays_closed() -> None:
    async def act(bench: Bench, session: SecureSession) -> None:
        await bench.tdisp(session, attribute(non_tee=True))
        await bench.tdisp(session, attribute(non_tee=False))
        bench.write(VF1, Reg.COMMAND, 0)
        bench.now += 2 * SCRUB_NS
        Access(bench).read(bytes(4))

    assert scene(act).found() == {"TDISP-MMIO-002"}
