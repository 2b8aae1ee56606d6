# SPDX-License-Identifier: Apache-2.0
"""The device as a design for the simulators, also with some of its checks taken out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile

from tb.sim import BUILD_ROOT, ROOT, Design

RTL = ROOT / "rtl"
TOPLEVEL = "tdisp_device"
END_OF_PORTS = "\n);\n"
SELECT = """
  integer mutant_on, mutant_also;
  initial begin
    if (!$value$plusargs("MUTANT=%d", mutant_on)) mutant_on = 0;
    if (!$value$plusargs("ALSO=%d", mutant_also)) mutant_also = 0;
  end
"""


class MutationError(Exception):
    """The source text that a mutation replaces is not there exactly once."""


@dataclass(frozen=True)
class Mutation:
    """A weakness put into the RTL at test time: `old` becomes `new` in one file.

    Both are expressions, or both are the end of an assignment, from the name on its left to its
    semicolon: "allow = a && b;" becomes "allow = a;". In `new` a signal of another module
    goes by its full name: "dsm.flr_req".
    """

    name: str
    file: str  # path below rtl/
    old: str
    new: str


def device(parameters: Mapping[str, int] | None = None, rtl: Path = RTL) -> Design:
    """The whole device with its default parameters unless others are given."""
    return Design(TOPLEVEL, sorted(rtl.glob("*/*.v")), dict(parameters or {}), (rtl / "include",))


def mutated(design: Design, mutations: Sequence[Mutation]) -> Design:
    """`design` on a copy of the sources that holds all `mutations`, each of them turned off.

    A simulation turns on one with the plusarg of `select`. Raises MutationError when the text to
    replace is not there exactly once.
    """
    recipe = json.dumps([asdict(mutation) for mutation in mutations]).encode()
    folder = BUILD_ROOT / "mutants" / f"{design.toplevel}-{hashlib.sha256(recipe).hexdigest()[:12]}"
    sources = []
    for source in map(Path, design.sources):
        file = source.relative_to(RTL)
        text = _mutate(source.read_text(encoding="utf-8"), file.as_posix(), mutations)
        _write(folder / file, text)
        sources.append(folder / file)
    return replace(design, sources=sources, throwaway=True)


def select(mutations: Sequence[Mutation], wanted: Mutation) -> str:
    """The plusarg that turns on `wanted` in the design with `mutations`."""
    return f"+MUTANT={mutations.index(wanted) + 1}"


def select_also(mutations: Sequence[Mutation], wanted: Mutation) -> str:
    """The plusarg that turns on `wanted` beside the mutation of `select`, if there is one."""
    return f"+ALSO={mutations.index(wanted) + 1}"


def _write(path: Path, text: str) -> None:
    """At once: another test may be reading the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
    Path(file.name).replace(path)


def _mutate(text: str, file: str, mutations: Sequence[Mutation]) -> str:
    numbered = [(n, m) for n, m in enumerate(mutations, 1) if m.file == file]
    if not numbered:
        return text
    for old in dict.fromkeys(mutation.old for _, mutation in numbered):
        if text.count(old) != 1:
            names = ", ".join(m.name for _, m in numbered if m.old == old)
            places = f"{text.count(old)} places in rtl/{file} read {old!r}"
            raise MutationError(f"{names}: {places}; exactly one is needed")
        alternatives = [(n, m.new) for n, m in numbered if m.old == old]
        text = text.replace(old, _choice(old, alternatives))
    return text.replace(END_OF_PORTS, END_OF_PORTS + SELECT, 1)


def _choice(old: str, alternatives: Iterable[tuple[int, str]]) -> str:
    """An expression that is `old` unless one of the numbered alternatives is turned on."""
    target, end = "", ""
    if old.endswith(";"):
        target, _, old = old.removesuffix(";").partition("=")
        target, end = f"{target}= ", ";"
        alternatives = [(n, new.removesuffix(";").partition("=")[2]) for n, new in alternatives]
    choice = f"({old})"
    for number, new in alternatives:
        choice = f"(mutant_on == {number} || mutant_also == {number} ? ({new}) : {choice})"
    return f"{target}{choice}{end}"
