# SPDX-License-Identifier: Apache-2.0
"""Many life cycles on one server: memory and time per cycle must not grow.

Starts `tools.serve` as a process, drives `tools.client` against it cycle by cycle, and looks at
the memory of the server's processes (Linux).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from models.socket.client import SocketError, SocketTransport
from models.socket.codes import DEFAULT_HOST
from models.socket.config import ServerConfig
from models.socket.identity import read_certificates
from models.socket.life_cycle import LifeCycle, Wanted
from models.socket.toml_config import load
from models.tsm.errors import TsmError

LISTENING = re.compile(r"listening on [\d.]+:(\d+)")
WARM_UP = 5  # cycles before the first look
GROWTH = 1.05  # of memory, between the first look and the last
SLOWER = 1.25  # median processor time of the last third against the first
PAGE = 4096
TICK = 1 / os.sysconf("SC_CLK_TCK")  # seconds, in which the kernel counts processor time
UTIME = 11  # field of /proc/<pid>/stat behind the name; system time follows
TOLD = 10  # every so many cycles
STOP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One cycle: what it took the server and all its children, and their memory behind it."""

    seconds: float  # of processor time, so that other work on the machine does not count
    megabytes: float


class SoakError(Exception):
    """The server did not start, or did not last."""


def children(pid: int) -> list[int]:
    """The processes below a process, itself included."""
    found = [pid]
    for path in Path("/proc").glob(f"{pid}/task/*/children"):
        for child in path.read_text().split():
            found += children(int(child))
    return found


def megabytes(pid: int) -> float:
    """Resident memory of a process and all below it."""
    pages = 0
    for each in children(pid):
        pages += int(Path(f"/proc/{each}/statm").read_text().split()[1])
    return pages * PAGE / (1 << 20)


@contextmanager
def server(dut: str, config: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server on a free port: its process and the port."""
    command = [sys.executable, "-m", "tools.serve", "--dut", dut, "--port", "0"]
    command += ["--config", str(config)]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                found = LISTENING.search(line)
                if found:
                    break
            else:
                errors.seek(0)
                raise SoakError(f"the server does not start: {errors.read()[-2000:]}")
            yield process, int(found[1])
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def processor_seconds(pid: int) -> float:
    """Processor time that a process and all below it have used."""
    ticks = 0
    for each in children(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[UTIME]) + int(fields[UTIME + 1])
    return ticks * TICK


def live(port: int, config: ServerConfig, entropy: random.Random) -> None:
    """One life cycle."""
    roots = read_certificates(config.identity.root)
    wanted = Wanted(config, roots, config.expected_measurements)
    with SocketTransport.connect(DEFAULT_HOST, port) as transport:
        asyncio.run(LifeCycle(transport, wanted, entropy).run())
        transport.leave()


def grown(samples: Sequence[Sample]) -> list[str]:
    """What is to be said of memory; nothing is good."""
    first, last = samples[WARM_UP].megabytes, samples[-1].megabytes
    return [f"memory grew from {first:.0f} to {last:.0f} MiB"] if last > GROWTH * first else []


def slowed(samples: Sequence[Sample]) -> list[str]:
    """What is to be said of time; nothing is good."""
    third = len(samples) // 3
    early = median(sample.seconds for sample in samples[:third])
    late = median(sample.seconds for sample in samples[-third:])
    if late <= SLOWER * early + TICK:
        return []
    return [f"a cycle took {early:.2f} s of processor time at first and {late:.2f} s at last"]


def soak(dut: str, cycles: int) -> list[Sample]:
    """All cycles; SoakError, SocketError or TsmError when one fails."""
    entropy = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "serve.toml"
        path.write_text('[identity]\nroot = "root.pem"\n')
        config = load(path)
        with server(dut, path) as (process, port):
            samples = []
            for number in range(1, cycles + 1):
                before = processor_seconds(process.pid)
                live(port, config, entropy)
                used = processor_seconds(process.pid) - before
                samples.append(Sample(used, megabytes(process.pid)))
                if number == 1 or number % TOLD == 0:
                    _tell(number, samples[-1])
            return samples


def _tell(number: int, sample: Sample) -> None:
    print(
        f"cycle {number}: {sample.seconds:.2f} s of processor time, "
        f"server {sample.megabytes:.1f} MiB",
        flush=True,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 0 when nothing grew."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__.split("\n\n")[0])
    parser.add_argument("--dut", choices=("rtl", "model"), default="rtl")
    parser.add_argument("--cycles", type=int, default=100)
    options = parser.parse_args(argv)
    if options.cycles < 3 * WARM_UP:
        parser.error(f"--cycles must be at least {3 * WARM_UP}")
    try:
        samples = soak(options.dut, options.cycles)
        findings = grown(samples) + slowed(samples)
    except (SoakError, SocketError, TsmError) as error:
        findings = [str(error)]
    for finding in findings:
        print(f"soak: {finding}")
    if not findings:
        print(f"{options.cycles} life cycles, no growth of memory or time")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
