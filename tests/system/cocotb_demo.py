# SPDX-License-Identifier: Apache-2.0
"""The scenario of `make demo`: a TVM attaches a TDI, uses it, is attacked, and detaches."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles

from models.app.map import ID_VALUE, Bar0, Bar2, Control, Register
from models.device.config import RANGES
from models.host.legacy import LegacyVm
from models.host.tvm import Expectation, ExpectedRange, MappedRange, MmioMapping, Tvm
from models.ide.codes import SubStream
from models.pcie.capture import TlpRecord
from models.pcie.codes import CplStatus, ExtendedCapabilityId
from models.pcie.tlp import Tlp
from models.spdm.measurements import DeviceState
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import InterfaceInfo, TdiState
from models.tdisp.report import DeviceInterfaceReport
from models.tsm.ports import Assignment
from models.tsm.tsm import Parties, Tsm
from tb.base_test import BaseTest
from tb.host.root_port import HOST_RID
from tb.host.route import PLAIN, Route
from tb.host.tsm_port import TsmHostPort
from tb.host.vmm_host import SRIOV_BAR0, FunctionAddress
from tb.report.config_dump import save_config_dump
from tb.report.recorder import ATTACK_NOTE, Recorder
from tb.scenario import (
    DEFAULT_STREAM,
    LEGACY_MEMORY,
    OTHER_STREAM,
    STREAM_BLOCKS,
    TVM,
    TVM_INTERRUPTS,
    TVM_MEMORY,
    Scenario,
)

VICTIM = 1  # VF1 belongs to the TVM
LEGACY_VF = 2
SECRET_SIZE = 256
SHORTEST = 8  # bytes of data that do not turn up in ciphertext by chance
PORTION = 40  # bytes of the report asked for at a time
REPORTING_OFFSET = -(1 << 40)
IDE_VECTOR = 2
MSIX_DATA = 0x51
POLLS = 200
LEGACY_PAUSE = 5000  # cycles between two rounds of the legacy VM


class Tenant:
    """The TVM as the TSM knows it."""

    def __init__(self, tvm: Tvm, mapping: MmioMapping, out: Recorder) -> None:
        self._tvm = tvm
        self._mapping = mapping
        self._out = out

    def keep_nonce(self, nonce: bytes, /) -> None:
        """Take the nonce of a new lock."""
        self._tvm.keep_nonce(nonce)

    def review(
        self, report: DeviceInterfaceReport, measurements: Mapping[int, bytes], /
    ) -> Sequence[str]:
        """What the TVM does not like."""
        decision = self._tvm.approve(report, measurements, self._mapping)
        self._out.message("TVM", "TSM", "approve" if decision.approved else "refuse")
        return decision.findings

    def release_nonce(self) -> bytes:
        """The nonce, after approval only."""
        return self._tvm.release_nonce()


@pyuvm.test()
class Demo(BaseTest):
    """Every step checks what it claims; the report shows all of it."""

    async def scenario(self, kit: Scenario) -> None:
        folder = Path(os.environ.get("DEMO_OUTPUT", "."))
        steps = (
            ("enumerate, enable VFs, place IDE associations", self.enumerate),
            ("authenticate the device, read measurements", self.authenticate),
            ("program both directions' keys and go", self.program_keys),
            ("lock VF1", self.lock),
            ("check the report against what the TVM expects", self.check_report),
            ("start VF1; a legacy VM uses VF2 in the clear", self.start),
            ("TVM reads and writes MMIO", self.mmio),
            ("engine reads and writes TVM memory", self.dma),
            ("TVM takes an MSI-X interrupt", self.interrupt),
            ("all of it was ciphertext on the link", self.ciphertext),
            ("hostile VMM reads without T, and with T on the wrong stream", self.wrong_access),
            ("hostile VMM redirects a BAR", self.redirect_bar),
            ("interposer replays an IDE TLP", self.replay),
            ("interposer flips a bit in an IDE TLP", self.flip),
            ("stop; the next owner reads zeros", self.stop),
        )
        self.kit = kit
        self.env.captures.folder = folder
        self.out = Recorder("TDISP attach, use, attack, detach", self.env.doe, folder, len(steps))
        self.secret = self.rng.randbytes(SECRET_SIZE)
        self.legacy_pattern = self.rng.randbytes(64)
        self.refusals: set[int] = set()
        self.legacy_runs = False
        self.legacy_rounds = 0
        self.out.watch_states(self.adapter)
        with self.out.saved():
            try:
                for name, step in steps:
                    self.out.step(name)
                    await self._run(step)
            finally:
                self.out.take_tlps(kit.host.capture.records, self._refused)
        await self._dump(folder)

    @staticmethod
    async def _run(step: Callable[[], Awaitable[None]]) -> None:
        await step()

    async def _dump(self, folder: Path) -> None:
        """Configuration space for `lspci -F`; its reads would bury the rest of the capture."""
        records = self.kit.host.capture.records
        before = len(records)
        await save_config_dump(self.kit.vmm, folder)
        del records[before:]

    def _refused(self, record: TlpRecord) -> bool:
        return record.note.startswith(ATTACK_NOTE)

    def _state(self, index: int = VICTIM) -> TdiState:
        return self.adapter.tdi_states()[index]

    # ------------------------------------------------------------------ attach

    async def enumerate(self) -> None:
        kit = self.kit
        await kit.bring_up()
        self.out.message("VMM", "DSM", "enumerate, VF Enable, BARs, IDE associations")
        for index in range(4):
            kit_function = kit.function(index)
            value = await kit.host.config_read(kit_function.rid, 0)
            self.out.check(
                f"function {index} answers at {kit_function.rid:04x}",
                value != 0xFFFFFFFF or index > 0,
                f"{value:08x}",
            )
        absent = await kit.host.config_read(kit.function(0).rid + 4, 0)
        self.out.check("a function that does not exist is refused", absent == 0xFFFFFFFF, "UR")

    async def authenticate(self) -> None:
        kit = self.kit
        port = TsmHostPort(kit.host, kit.vmm, STREAM_BLOCKS)
        parties = Parties(self.out, port, [kit.root.identity.root])
        self.tsm = Tsm(parties, self.rng)
        await self.tsm.connect()
        assert self.tsm.session is not None
        self.session: SecureSession = self.out.watch_session(self.tsm.session)
        self.out.check("certificate chain leads to the trusted root", self.session.alive)
        self.out.check("secured session", True, f"session {self.session.session_id:08x}")
        found = len(self.tsm.measurements)
        self.out.check("measurements are signed", found > 0, f"{found} blocks")

    async def program_keys(self) -> None:
        await self.tsm.protect(DEFAULT_STREAM, self.kit.host.pf_rid)
        self.out.check(
            "stream is Secure at both ends",
            self.kit.host.streams[DEFAULT_STREAM].secure
            and self.adapter.streams_secure()[STREAM_BLOCKS[DEFAULT_STREAM]],
            f"Stream ID {DEFAULT_STREAM}, {2 * len(SubStream)} keys",
        )

    async def lock(self) -> None:
        kit, function = self.kit, self.kit.function(VICTIM)
        await kit.vmm.enable_msix(VICTIM)
        mapped = tuple(
            MappedRange(
                {0: function.bar0, 2: function.bar2}[item.bar] + item.offset, item.num_pages
            )
            for item in RANGES
        )
        mapping = MmioMapping(mapped, REPORTING_OFFSET)
        self.tenant = Tenant(Tvm("TVM", self._expectation()), mapping, self.out)
        await self._lock()
        self.out.check("VF1 is CONFIG_LOCKED", self._state() is TdiState.CONFIG_LOCKED)

    async def _lock(self) -> None:
        function = self.kit.function(VICTIM)
        self.tdi = await self.tsm.attach(
            Assignment(
                function.rid,
                {0: function.bar0, 2: function.bar2},
                {0: Bar0.SIZE, 2: Bar2.SIZE},
                DEFAULT_STREAM,
                mmio_reporting_offset=REPORTING_OFFSET,
            )
        )
        await self.tsm.lock(self.tdi, self.tenant)

    def _expectation(self) -> Expectation:
        wanted = {block.index: block.value for block in DeviceState().measurements()}
        return Expectation(
            tuple(ExpectedRange(item.num_pages, item.attributes, item.bar) for item in RANGES),
            wanted,
            InterfaceInfo.NO_FW_UPDATE | InterfaceInfo.DMA_WITHOUT_PASID,
            msix_locked=True,
            device_specific_info=ID_VALUE.to_bytes(4, "little"),
        )

    async def check_report(self) -> None:
        report = await self.tsm.read_report(self.tdi)
        findings = self.tenant.review(report, self.tsm.measurements)
        self.out.check(
            "report, measurements and mapping are what the TVM expects",
            not findings,
            "; ".join(findings) or f"{len(report.ranges)} ranges",
        )

    async def start(self) -> None:
        await self._start()
        self.out.check("VF1 is in RUN", self._state() is TdiState.RUN)
        await self._start_legacy()

    async def _start(self) -> None:
        await self.tsm.start(self.tdi, self.tenant)
        self.kit.host.inbound.check.accept(TVM, self.kit.function(VICTIM).rid)

    async def _stop(self) -> None:
        await self.tsm.stop(self.tdi)
        self.kit.host.inbound.check.revoke(self.kit.function(VICTIM).rid)

    # ------------------------------------------------------------------ the legacy VM

    async def _start_legacy(self) -> None:
        function = self.kit.function(LEGACY_VF)
        self.legacy = LegacyVm("legacy VM", {0: function.bar0, 2: function.bar2})
        self.legacy_runs = True
        cocotb.start_soon(self._legacy_life())
        while self.legacy_rounds == 0:
            await ClockCycles(self.adapter.clk, 100)
        self.out.check("legacy VM uses VF2 in the clear", True, "MMIO and DMA")

    async def _legacy_life(self) -> None:
        host, function = self.kit.host, self.kit.function(LEGACY_VF)
        host.memory.write(LEGACY_MEMORY.base, self.legacy_pattern)
        while True:
            if self.legacy_runs:
                await self._program(function, False, LEGACY_MEMORY.base, 64, PLAIN)
                result = await host.mem_read(function.bar0 + Bar0.MEMORY, 64, note="legacy VM")
                if self.legacy_runs:
                    self.legacy.note(result.data)
                    assert result.data == self.legacy_pattern, "legacy VM reads something else"
                    self.legacy_rounds += 1
            await ClockCycles(self.adapter.clk, LEGACY_PAUSE)

    async def _program(
        self, function: FunctionAddress, to_host: bool, address: int, length: int, route: Route
    ) -> None:
        kit = self.kit
        control = Control.START | (Control.WRITE_HOST if to_host else Control(0))
        values = (
            (Register.HOST_ADDRESS_LOW, address & 0xFFFFFFFF),
            (Register.HOST_ADDRESS_HIGH, address >> 32),
            (Register.DEVICE_ADDRESS, 0),
            (Register.LENGTH, length),
            (Register.CONTROL, int(control)),
        )
        for register, value in values:
            await kit.write_register(function, register, value, route)
        for _ in range(POLLS):
            status = await kit.read_register(function, Register.STATUS, route)
            if not status & 1:
                await kit.write_register(function, Register.STATUS, status, route)
                assert not status & 4, "the transfer failed"
                return
        raise AssertionError("the transfer does not end")

    # ------------------------------------------------------------------ use

    async def mmio(self) -> None:
        kit, host, function = self.kit, self.kit.host, self.kit.function(VICTIM)
        value = await kit.read_register(function, Register.ID, kit.tee)
        self.out.check("identification register reads right", value == ID_VALUE, f"{value:08x}")
        memory = function.bar0 + Bar0.MEMORY
        await host.mem_write(memory, self.secret, kit.tee, "TVM")
        result = await host.mem_read(memory, SECRET_SIZE, kit.tee, "TVM")
        self.out.check(
            "memory reads back to the byte", result.data == self.secret, f"{SECRET_SIZE} bytes"
        )

    async def dma(self) -> None:
        kit, function = self.kit, self.kit.function(VICTIM)
        target = TVM_MEMORY.base + 0x800
        await self._program(function, True, target, SECRET_SIZE, kit.tee)
        self.out.check(
            "engine wrote TVM memory", kit.memory.read(target, SECRET_SIZE) == self.secret
        )
        self.secret = self.rng.randbytes(SECRET_SIZE)
        kit.memory.write(TVM_MEMORY.base, self.secret)
        await self._program(function, False, TVM_MEMORY.base, SECRET_SIZE, kit.tee)
        result = await kit.host.mem_read(function.bar0 + Bar0.MEMORY, SECRET_SIZE, kit.tee)
        self.out.check("engine read TVM memory", result.data == self.secret)

    async def interrupt(self) -> None:
        kit, host, function = self.kit, self.kit.host, self.kit.function(VICTIM)
        entry = function.bar2 + Bar2.MSIX_TABLE + 16 * IDE_VECTOR
        for offset, value in ((0, TVM_INTERRUPTS.base), (4, 0), (8, MSIX_DATA), (12, 0)):
            await host.mem_write(entry + offset, value.to_bytes(4, "little"), kit.tee)
        await kit.write_register(function, Register.VECTOR, IDE_VECTOR, kit.tee)
        await kit.write_register(
            function, Register.CONTROL, Control.START | Control.INTERRUPT, kit.tee
        )
        for _ in range(POLLS):
            if host.inbound.interrupts:
                break
            await ClockCycles(self.adapter.clk, 20)
        seen = [item for item in host.inbound.interrupts if item.requester_id == function.rid]
        self.out.check(
            "interrupt came with T = 1",
            bool(seen) and seen[0].t and seen[0].data == MSIX_DATA,
            f"address {seen[0].address:08x}, data {seen[0].data:#x}" if seen else "none came",
        )

    async def ciphertext(self) -> None:
        records = [r for r in self.kit.host.capture.records if r.prefix is not None]
        payloads = [(Tlp.decode(r.plain).payload, r.wire) for r in records if r.plain is not None]
        long = [(data, wire) for data, wire in payloads if len(data) >= SHORTEST]
        clear = [data for data, wire in long if data in wire]
        self.out.check(
            "no IDE TLP carries its data in clear",
            len(payloads) == len(records) and bool(long) and not clear,
            f"{len(records)} IDE TLPs, all decrypted by the model",
        )
        self.out.check("no TLP in clear carries TVM data", not self._leaks(), "capture searched")

    def _leaks(self) -> list[TlpRecord]:
        parts = [self.secret[n : n + 8] for n in range(0, SECRET_SIZE, 8)]
        return [
            record
            for record in self.kit.host.capture.records
            if record.prefix is None and any(part in record.wire for part in parts)
        ]

    # ------------------------------------------------------------------ attacks

    async def wrong_access(self) -> None:
        kit, host = self.kit, self.kit.host
        memory = self.kit.function(VICTIM).bar0 + Bar0.MEMORY
        await kit.key_stream(self.session, OTHER_STREAM)
        ways = (
            ("without IDE", PLAIN),
            ("with T = 0 on the bound stream", Route(DEFAULT_STREAM)),
            ("with T = 1 on another stream", Route(OTHER_STREAM, True)),
        )
        for name, route in ways:
            result = await host.mem_read(memory, 64, route, f"{ATTACK_NOTE}: {name}")
            self.out.check(
                f"read {name} is refused",
                result.status is CplStatus.UR and not result.data,
                str(result.status and result.status.name),
            )
            self.legacy.note(result.data)
        self.out.check("VF1 is still in RUN", self._state() is TdiState.RUN)

    async def redirect_bar(self) -> None:
        kit, host = self.kit, self.kit.host
        self.legacy_runs = False
        await ClockCycles(self.adapter.clk, 4000)
        at = await host.extended_capability(host.pf_rid, ExtendedCapabilityId.SRIOV)
        base = kit.function(1).bar0
        await host.config_write(host.pf_rid, at + SRIOV_BAR0, (base + (1 << 20)) & 0xFFFFFFFF)
        self.out.message("VMM", "DSM", "write VF BAR0")
        self.out.check("VF1 is in ERROR", self._state() is TdiState.ERROR)
        note = f"{ATTACK_NOTE}: after the BAR was moved"
        moved = await host.mem_read(base + (1 << 20) + Bar0.MEMORY, 64, kit.tee, note)
        self.out.check("memory at its new place is refused", moved.status is CplStatus.UR)
        await host.config_write(host.pf_rid, at + SRIOV_BAR0, base & 0xFFFFFFFF)
        await self._attach_again()
        self.legacy_runs = True

    async def _attach_again(self) -> None:
        kit = self.kit
        await self._stop()
        await self._lock()
        await self.tsm.read_report(self.tdi)
        await self._start()
        await kit.host.mem_write(kit.function(VICTIM).bar0 + Bar0.MEMORY, self.secret, kit.tee)
        self.out.check("the TVM has attached VF1 again", self._state() is TdiState.RUN)

    async def _key_again(self) -> None:
        await self.tsm.streams.pop(DEFAULT_STREAM).stop()
        await self.tsm.protect(DEFAULT_STREAM, self.kit.host.pf_rid)

    async def _stream_is_gone(self) -> None:
        await ClockCycles(self.adapter.clk, 500)
        secure = self.adapter.streams_secure()[STREAM_BLOCKS[DEFAULT_STREAM]]
        self.out.check(
            "stream is Insecure, VF1 in ERROR", not secure and self._state() is TdiState.ERROR
        )

    async def replay(self) -> None:
        kit, host = self.kit, self.kit.host
        address = self.kit.function(VICTIM).bar0 + Register.SCRATCH
        wire = await host.mem_write(address, b"once", kit.tee, "TVM")
        await ClockCycles(self.adapter.clk, 200)
        await host.transmit_wire(wire, f"{ATTACK_NOTE}: replay")
        await self._stream_is_gone()
        await self._key_again()
        await self._attach_again()

    async def flip(self) -> None:
        host = self.kit.host
        target = self.kit.function(VICTIM).bar0 + Bar0.MEMORY
        raw = Tlp.mem_write(HOST_RID, target, b"altered on its way..").encode()
        wire = bytearray(host.streams[DEFAULT_STREAM].encrypt(raw, True))
        wire[24] ^= 0x10
        await host.transmit_wire(bytes(wire), f"{ATTACK_NOTE}: one bit flipped")
        await self._stream_is_gone()
        result = await host.mem_read(
            self.kit.function(VICTIM).bar0 + Bar0.MEMORY, 64, PLAIN, f"{ATTACK_NOTE}: look in ERROR"
        )
        self.out.check("memory is refused in ERROR", result.status is CplStatus.UR)

    async def stop(self) -> None:
        host = self.kit.host
        await self._stop()
        self.out.check("VF1 is CONFIG_UNLOCKED", self._state() is TdiState.CONFIG_UNLOCKED)
        memory = self.kit.function(VICTIM).bar0 + Bar0.MEMORY
        result = await host.mem_read(memory, SECRET_SIZE, PLAIN, "next owner")
        self.legacy.note(result.data)
        self.out.check("memory reads as zero", result.data == bytes(SECRET_SIZE))
        self.out.check("no TLP in clear carried TVM data", not self._leaks(), "whole capture")
        self.out.check("the VMM's side saw none of it", not self.legacy.leaks([self.secret]))
        rounds = self.legacy_rounds
        self.out.check("the legacy VM worked all the while", rounds > 1, f"{rounds} rounds")
        self.legacy_runs = False
        await self.tsm.close()
