# SPDX-License-Identifier: Apache-2.0
"""The commands of a build as a process group, so that none of them outlives who wanted it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

PATIENCE_SECONDS = 5.0  # of `end`, until what is half written is gone


class BuildEndedError(RuntimeError):
    """The build was ended from outside."""


class BuildGroup:
    """One command at a time; `end` may come from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[Any] | None = None
        self._ended = False

    def run(self, command: Sequence[str], keep: Sequence[int] = (), **options: Any) -> int:
        """The exit code of a command; the file descriptors `keep` stay open in it.

        BuildEndedError when `end` has been called. A signal or exception here ends the command.
        """
        with self._lock:
            if self._ended:
                raise BuildEndedError("the build was ended")
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, process_group=0, pass_fds=keep, **options
            )
            self._process = process
        try:
            code = process.wait()
        except BaseException:
            self.end()
            raise
        if self._ended:
            raise BuildEndedError("the build was ended")
        return code

    def end(self) -> None:
        """End the command that runs, with all below it, and let none follow.

        SIGTERM first: make and the compiler then remove what is half written.
        """
        with self._lock:
            self._ended = True
            process = self._process
        if process is None or process.poll() is not None:
            return
        self._signal(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_SECONDS)
        self._signal(process.pid, signal.SIGKILL)

    @staticmethod
    def _signal(group: int, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(group, number)


class GroupedBuild:
    """Before a cocotb runner among the bases: its build runs in `group`.

    The simulation does not: a terminal's signals reach it as before. `keep` are file descriptors
    that the build shares, such as that of the lock on its folder, which is then held for as long
    as any of it runs.
    """

    group: BuildGroup
    keep: Sequence[int] = ()
    env: dict[str, str]
    _building = False

    def build(self, **options: Any) -> None:
        """As cocotb's, in the group."""
        self._building = True
        try:
            super().build(**options)  # type: ignore[misc]
        finally:
            self._building = False

    def _execute_cmds(
        self, cmds: Sequence[Sequence[str]], cwd: Path, stdout: TextIO | None = None
    ) -> None:
        if not self._building:
            super()._execute_cmds(cmds, cwd, stdout)  # type: ignore[misc]
            return
        stderr = None if stdout is None else subprocess.STDOUT
        for command in cmds:
            code = self.group.run(
                command, self.keep, cwd=cwd, env=self.env, stdout=stdout, stderr=stderr
            )
            if code != 0:
                raise RuntimeError(f"Command failed with return code: {code}")
