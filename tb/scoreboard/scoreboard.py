# SPDX-License-Identifier: Apache-2.0
"""The scoreboard of the bench: hands what the monitors see to the checkers, reports at once."""

from __future__ import annotations

import os
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, First, RisingEdge
from cocotb.utils import get_sim_time
from pyuvm import ConfigDB, UVMConfigItemNotFound, uvm_analysis_port, uvm_component, uvm_subscriber

from models.device.config import DeviceProfile
from models.pcie.codes import CplStatus
from models.tdisp.codes import ErrorCause
from tb.agents.cfg.item import SeenAccess
from tb.agents.doe.monitor import DoeObject
from tb.agents.rot.item import RotItem, RotKind
from tb.agents.tlp.item import SeenTlp, Side
from tb.scoreboard.checker import DEFAULT_COMPLETION_TIMEOUT_NS, DeviceChecker
from tb.scoreboard.findings import Finding, Findings

Imp = uvm_subscriber.uvm_AnalysisImp


class ScoreboardError(AssertionError):
    """The device did something else than the reference."""


def repeat_command() -> str:
    """The command that repeats this run."""
    seed, size = os.environ.get("COCOTB_RANDOM_SEED", "1"), os.environ.get("NUM_TDI")
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rsplit(" ", 1)[0]
    command = f".venv/bin/pytest '{test}'" if test else "make demo"
    return f"SEED={seed} " + (f"NUM_TDI={size} " if size else "") + command


class Scoreboard(uvm_component):
    """Passive: sees only what monitors write.

    Exports: `link_export` (SeenTlp of both directions), `cfg_export` (SeenAccess), `doe_export`
    (DoeObject), `refused_export` (DoeObject that the mailbox has refused), `rot_export` (RotItem).
    `ap` gives a CoverItem for everything that was compared.
    `findings` takes what a test announces (`expect_error`, `expect_mismatch`).
    """

    def build_phase(self) -> None:
        self.adapter: Any = ConfigDB().get(self, "", "ADAPTER")
        self.ap = uvm_analysis_port("ap", self)
        self.link_export = Imp("link_export", self, self._link)
        self.cfg_export = Imp("cfg_export", self, self._cfg)
        self.doe_export = Imp("doe_export", self, self._doe)
        self.refused_export = Imp("refused_export", self, self._refused)
        self.rot_export = Imp("rot_export", self, self._rot)
        self._watching = False
        self.findings = Findings(repeat_command(), self._report)
        self.checker = DeviceChecker(self.findings, self._profile(), self._completion_timeout())

    def _profile(self) -> DeviceProfile:
        adapter = self.adapter
        default = DeviceProfile(num_tdi=adapter.num_tdi, num_streams=adapter.num_streams)
        profile: DeviceProfile = self._knob("PROFILE", default)
        return profile

    def _completion_timeout(self) -> float:
        return float(self._knob("COMPLETION_TIMEOUT_NS", DEFAULT_COMPLETION_TIMEOUT_NS))

    def _knob(self, name: str, default: Any) -> Any:
        try:
            return ConfigDB().get(self, "", name)
        except UVMConfigItemNotFound:
            return default

    def _report(self, finding: Finding) -> None:
        self.logger.error("\n%s", finding)

    # ------------------------------------------------------------------ what monitors see

    def _link(self, item: SeenTlp) -> None:
        self._pins()
        self.checker.tlp(item.time_ns, item.raw, to_device=item.side is Side.TO_DEVICE)
        self._emit()

    def _cfg(self, item: SeenAccess) -> None:
        if item.status is CplStatus.SC:
            now = get_sim_time("ns")
            if item.write:
                self.checker.config_write(now, item.rid, item.address, item.data, item.enables)
            else:
                self.checker.config_read(now, item.rid, item.address, item.data)
        self._emit()

    def _doe(self, item: DoeObject) -> None:
        self.checker.doe_object(item.time_ns, item.raw, request=item.request)
        self._emit()

    def _refused(self, item: DoeObject) -> None:
        self.checker.request_refused(item.time_ns)
        self._emit()

    def _rot(self, item: RotItem) -> None:
        control = self.checker.control
        if item.kind is RotKind.REQUEST and item.raw is not None:
            control.rot_request(item.raw, item.session_id)
        elif item.kind is RotKind.RESPONSE:
            control.rot_answer(item.raw)
        elif item.key is not None:
            self.checker.key_write(get_sim_time("ns"), item.key)
        elif item.session_id is not None:
            control.tap.ended(item.session_id)

    # ------------------------------------------------------------------ pins

    async def run_phase(self) -> None:
        cocotb.start_soon(self._watch_states())
        cocotb.start_soon(self._watch_reset())

    async def _watch_states(self) -> None:
        adapter = self.adapter
        await adapter.out_of_reset()
        self._watching = True
        while True:
            self._pins()
            await First(adapter.tdi_state_event, adapter.stream_secure_event)

    def _pins(self) -> None:
        if self._watching:
            states, secure = self.adapter.tdi_states(), self.adapter.streams_secure()
            self.checker.pins(get_sim_time("ns"), states, secure)

    async def _watch_reset(self) -> None:
        while True:
            await RisingEdge(self.adapter.rst)
            await FallingEdge(self.adapter.rst)
            self.checker.reset(get_sim_time("ns"))

    def link_down(self) -> None:
        """A test has taken the data link down: this is on no monitored stream."""
        self.checker.link_down(get_sim_time("ns"))
        self._emit()

    def link_stalls(self, stalled: bool) -> None:
        """A test takes nothing from the link any more, or does again."""
        stalls, now = self.checker.stalls, get_sim_time("ns")
        if stalled:
            stalls.begin(now)
        else:
            stalls.end(now)

    def internal_error(self, tdi: int) -> None:
        """A test has reported an internal error at a pin."""
        now = get_sim_time("ns")
        self.checker.tdi_error(tdi, ErrorCause.DSM_FAULT, now)
        self._emit()

    def transfer_may_fail(self, tdi: int) -> None:
        """A test with a hostile function says that the device refuses what its engine sends."""
        self.checker.link.shadows[tdi].may_fail(get_sim_time("ns"))

    # ------------------------------------------------------------------ reports

    def _emit(self) -> None:
        for sample in self.checker.take_covered():
            self.ap.write(sample)

    def check_phase(self) -> None:
        self.checker.finish(get_sim_time("ns"))
        self._emit()
        findings = self.findings
        if findings.tolerances:
            self.logger.info("accepted because of races: %s", dict(findings.tolerances))
        lines = [str(finding) for finding in findings.mismatches] + findings.unmet()
        if lines:
            raise ScoreboardError("\n".join([f"{len(lines)} findings", *lines]))
