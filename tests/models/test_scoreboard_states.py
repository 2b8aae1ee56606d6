# SPDX-License-Identifier: Apache-2.0
"""Findings, timelines and the comparison of state transitions, without a simulator."""

from __future__ import annotations

from models.tdisp.codes import TdiState
from tb.scoreboard.findings import Finding, Findings
from tb.scoreboard.states import LAG_NS, TransitionChecker
from tb.scoreboard.timeline import RACE_NS, Timeline, Track
from tests.plan import covers

U, L, R, E = TdiState


def checker(findings: Findings) -> TransitionChecker[TdiState]:
    return TransitionChecker("TDI", [U, U], ("TDISP-STATE-003", "TDISP-STATE-004"), findings)


@covers("TDISP-STATE-003")
def test_predicted_transitions_that_are_seen_leave_nothing_to_report() -> None:
    findings = Findings()
    states = checker(findings)
    states.predict(100, 1, L, "LOCK")
    states.observe(120, (U, L))
    states.observe(200, (U, R))
    states.predict(260, 1, R, "START")
    states.finish(1000)
    assert findings.mismatches == []
    assert states.tracks[1].reference.during(200, 200) == {L, R}


@covers("TDISP-STATE-003")
def test_a_transition_that_nobody_predicted_is_reported_at_the_end() -> None:
    findings = Findings()
    states = checker(findings)
    states.observe(100, (U, R))
    states.finish(1000)
    (finding,) = findings.mismatches
    assert ("to", "no transition", "RUN") in finding.fields


@covers("TDISP-STATE-003")
def test_a_transition_that_nobody_predicted_is_reported_after_a_while() -> None:
    findings = Findings()
    states = checker(findings)
    states.observe(100, (U, R))
    states.advance(200 + LAG_NS, answer_pending=True)
    assert findings.mismatches == []
    states.advance(200 + LAG_NS, answer_pending=False)
    assert len(findings.mismatches) == 1


@covers("TDISP-FSM-001")
def test_a_missing_transition_to_error_is_reported() -> None:
    findings = Findings()
    states = checker(findings)
    states.predict(100, 0, L, "LOCK")
    states.observe(100, (L, U))
    states.predict(200, 0, E, "BME cleared")
    states.advance(300 + LAG_NS, answer_pending=False)
    (finding,) = findings.mismatches
    assert "BME cleared" in str(finding)


@covers("TDISP-FSM-004")
def test_another_state_than_predicted_is_reported() -> None:
    findings = Findings()
    states = checker(findings)
    states.predict(100, 0, L, "LOCK")
    states.observe(100, (L, U))
    states.predict(200, 0, E, "FLR")
    states.observe(210, (U, U))
    (finding,) = findings.mismatches
    assert ("to", "ERROR", "CONFIG_UNLOCKED") in finding.fields


@covers("TDISP-STATE-004")
def test_the_transition_of_another_tdi_does_not_count() -> None:
    findings = Findings()
    states = checker(findings)
    states.predict(100, 0, L, "LOCK")
    states.observe(110, (U, L))
    states.finish(1000)
    assert len(findings.mismatches) == 2


@covers("TDISP-STATE-002")
def test_reset_is_no_transition() -> None:
    findings = Findings()
    states = checker(findings)
    states.predict(100, 0, L, "LOCK")
    states.reset(150, U)
    states.observe(160, (U, U))
    states.finish(1000)
    assert findings.mismatches == []


@covers("TDISP-STATE-003")
def test_a_timeline_gives_every_value_of_an_interval() -> None:
    line = Timeline(U)
    line.change(100, L)
    line.change(200, R)
    assert line.during(0, 50) == {U}
    assert line.during(50, 150) == {U, L}
    assert line.during(150, 150) == {L}
    assert line.during(0, 300) == {U, L, R}


@covers("TDISP-STATE-003")
def test_a_race_accepts_both_states_for_a_short_time_only() -> None:
    track = Track(R)
    track.reference.change(1000, E)
    track.device.change(1050, E)
    assert track.around(1000 + RACE_NS) == {R, E}
    assert track.around(1100 + RACE_NS) == {E}


@covers("TDISP-FSM-001")
def test_a_finding_shows_fields_history_and_the_command() -> None:
    shown: list[Finding] = []
    findings = Findings("pytest x.py --seed 7", shown.append)
    for n in range(20):
        findings.note(n, f"event {n}", tdi=1)
    findings.note(30, "of another TDI", tdi=0)
    same = findings.compare(("TDISP-HDR-007",), 50, "answer", {"code": 3}, {"code": 4}, 1)
    text = str(shown[0])
    assert not same
    assert "TDISP-HDR-007" in text
    assert "50 ns" in text
    assert "expected 3" in text
    assert "got 4" in text
    assert "event 10" in text
    assert "event 9" not in text
    assert "another" not in text
    assert "pytest x.py --seed 7" in text


@covers("TDISP-FSM-001")
def test_an_announced_mismatch_is_kept_apart_and_must_be_found() -> None:
    findings = Findings()
    findings.expect_mismatch("TDISP-TRK-002")
    findings.expect_error("Misrouted IDE TLP")
    assert len(findings.unmet()) == 2
    findings.mismatch(("TDISP-TRK-002",), 1, "x", {}, {})
    findings.error(2, "Misrouted IDE TLP")
    assert findings.unmet() == []
    assert findings.mismatches == []
