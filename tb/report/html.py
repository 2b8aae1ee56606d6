# SPDX-License-Identifier: Apache-2.0
"""The scenario's report: one self-contained HTML page with drawings in SVG."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from tb.report.log import ScenarioLog, TlpEvent, Verdict

WIDTH = 1180
LEFT = 130
LANE = 34
ROW = 26
ACTORS = ("TVM", "TSM", "VMM", "RoT", "IDE", "DSM")  # left to right
STATE_COLOUR = {
    "CONFIG_UNLOCKED": "#9aa5b1",
    "CONFIG_LOCKED": "#e0a100",
    "RUN": "#2f9e44",
    "ERROR": "#d6336c",
}

STYLE = """
:root { color-scheme: light dark; --fg: #1c2430; --bg: #ffffff; --line: #ccd3db; --soft: #f3f5f8; }
@media (prefers-color-scheme: dark) {
  :root { --fg: #e6e9ee; --bg: #14181f; --line: #39424e; --soft: #1d232c; }
}
body { font: 15px/1.45 system-ui, sans-serif; color: var(--fg); background: var(--bg);
  max-width: 1240px; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; }
.ok { color: #2f9e44; font-weight: 600; } .bad { color: #d6336c; font-weight: 600; }
.scroll { overflow-x: auto; } code { font-size: .85em; word-break: break-all; }
svg text { fill: var(--fg); font: 12px system-ui, sans-serif; }
svg .thin { stroke: var(--line); } svg .soft { fill: var(--soft); }
details { margin-top: .6rem; } summary { cursor: pointer; }
"""


def render(log: ScenarioLog) -> str:
    """The whole page."""
    verdict = "all checks passed" if log.passed else "A CHECK FAILED"
    body = [
        f"<h1>{escape(log.title)}: {verdict}</h1>",
        "<h2>What was checked</h2>",
        _checks(log),
        "<h2>TDI states</h2>",
        _states(log),
        "<h2>TLPs on the link, passed and refused</h2>",
        _tlps(log),
        "<h2>Messages</h2>",
        _sequence(log),
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>{escape(log.title)}</title><style>{STYLE}</style><body>{''.join(body)}</body></html>"
    )


def _checks(log: ScenarioLog) -> str:
    rows = "".join(
        f"<tr><td>{escape(check.step)}</td><td>{escape(check.claim)}</td>"
        f'<td class="{"ok" if check.passed else "bad"}">{"pass" if check.passed else "FAIL"}</td>'
        f"<td>{escape(check.detail)}</td></tr>"
        for check in log.checks
    )
    return f"<table><tr><th>Step</th><th>Claim</th><th></th><th>Seen</th></tr>{rows}</table>"


def _end(log: ScenarioLog) -> float:
    times = [message.time_ns for message in log.messages] + _moments(log)
    return max(times, default=1.0) * 1.01


def _moments(log: ScenarioLog) -> list[float]:
    return [state.time_ns for state in log.states] + [tlp.time_ns for tlp in log.tlps]


def _scale(log: ScenarioLog) -> Callable[[float], float]:
    # Most of the time goes into key exchange; a lane of equal steps shows what happened.
    times = sorted({0.0, _end(log), *_moments(log)})
    index = {time: n for n, time in enumerate(times)}
    step = (WIDTH - LEFT - 20) / max(len(times) - 1, 1)

    def place(time: float) -> float:
        if time in index:
            return LEFT + index[time] * step
        before = sum(1 for known in times if known < time)
        return LEFT + before * step

    return place


def _svg(height: float, parts: list[str]) -> str:
    return (
        f'<div class="scroll"><svg width="{WIDTH}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH} {height:.0f}">{"".join(parts)}</svg></div>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _states(log: ScenarioLog) -> str:
    place, end = _scale(log), _end(log)
    parts = []
    for tdi in range(log.num_tdi):
        y = 8 + tdi * LANE
        name = "TDI 0 (PF)" if tdi == 0 else f"TDI {tdi} (VF{tdi})"
        parts.append(_text(4, y + 16, name))
        changes = [(c.time_ns, c.state) for c in log.states if c.tdi == tdi]
        if not changes or changes[0][0] > 0:
            changes.insert(0, (0.0, "CONFIG_UNLOCKED"))
        for n, (start, state) in enumerate(changes):
            stop = changes[n + 1][0] if n + 1 < len(changes) else end
            x, width = place(start), max(place(stop) - place(start), 2)
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="22" rx="3" '
                f'fill="{STATE_COLOUR[state]}"><title>{state} from {start:.0f} ns</title></rect>'
            )
            if width > 8 * len(state):
                parts.append(f'<text x="{x + 5:.1f}" y="{y + 15}" style="fill:#fff">{state}</text>')
    return _svg(16 + log.num_tdi * LANE, parts)


def _tlps(log: ScenarioLog) -> str:
    place = _scale(log)
    lanes = [
        ("to device", True, Verdict.PASSED),
        ("refused", True, Verdict.REFUSED),
        ("from device", False, Verdict.PASSED),
        ("refused at host", False, Verdict.REFUSED),
    ]
    parts = []
    for row, (name, to_device, verdict) in enumerate(lanes):
        y = 8 + row * LANE
        parts.append(_text(4, y + 16, name))
        parts.append(
            f'<line class="thin" x1="{LEFT}" x2="{WIDTH - 20}" y1="{y + 11}" y2="{y + 11}"/>'
        )
        for event in log.tlps:
            if event.to_device is to_device and event.verdict is verdict:
                parts.append(_mark(event, place(event.time_ns), y))
    legend = (
        "<p>Filled: IDE TLP (ciphertext on the link). Open: plain TLP. Point at a mark to read it."
        " One step to the right is one event, not a time.</p>"
    )
    return legend + _svg(16 + len(lanes) * LANE, parts) + _tlp_table(log)


def _mark(event: TlpEvent, x: float, y: float) -> str:
    colour = "#2f9e44" if event.verdict is Verdict.PASSED else "#d6336c"
    fill = colour if event.ide else "none"
    title = f"{event.time_ns:.0f} ns {event.actor} {event.label}"
    return (
        f'<circle cx="{x:.1f}" cy="{y + 11}" r="5" stroke="{colour}" stroke-width="1.6" '
        f'fill="{fill}"><title>{escape(title)}</title></circle>'
    )


def _tlp_table(log: ScenarioLog) -> str:
    rows = "".join(
        f"<tr><td>{event.time_ns:.0f}</td><td>{'to' if event.to_device else 'from'} device</td>"
        f"<td>{escape(event.actor)}</td><td>{escape(event.label)}</td>"
        f'<td class="{"ok" if event.verdict is Verdict.PASSED else "bad"}">{event.verdict.value}'
        f"</td><td><code>{event.wire[:64].hex()}{'…' if len(event.wire) > 64 else ''}</code></td>"
        "</tr>"
        for event in log.tlps
    )
    return (
        f"<details><summary>All {len(log.tlps)} memory and message TLPs</summary><table><tr><th>ns"
        "</th><th>Direction</th><th>Actor</th><th>TLP</th><th></th><th>On the wire</th></tr>"
        f"{rows}</table></details>"
    )


def _sequence(log: ScenarioLog) -> str:
    seen = {name for message in log.messages for name in (message.sender, message.receiver)}
    actors = [name for name in ACTORS if name in seen] + sorted(seen - set(ACTORS))
    if not actors:
        return "<p>No messages.</p>"
    gap = (WIDTH - 160) / max(len(actors) - 1, 1)
    x_of = {name: 80 + n * gap for n, name in enumerate(actors)}
    height = 50 + ROW * len(log.messages)
    parts = [_text(x, 16, name, "middle") for name, x in x_of.items()]
    parts += [
        f'<line class="thin" x1="{x:.1f}" x2="{x:.1f}" y1="24" y2="{height - 8}"/>'
        for x in x_of.values()
    ]
    parts.append(
        '<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" fill="#4c6ef5"/>'
        "</marker></defs>"
    )
    for n, message in enumerate(log.messages):
        y = 46 + n * ROW
        start, stop = x_of[message.sender], x_of[message.receiver]
        parts.append(
            f'<line x1="{start:.1f}" x2="{stop:.1f}" y1="{y}" y2="{y}" stroke="#4c6ef5" '
            f'marker-end="url(#a)"><title>{escape(message.detail)}</title></line>'
        )
        parts.append(_text((start + stop) / 2, y - 5, message.label, "middle"))
    return _svg(height, parts)
