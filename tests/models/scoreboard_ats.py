# SPDX-License-Identifier: Apache-2.0
"""A link checker around a device that translates addresses, and a host that answers it."""

from __future__ import annotations

from models.app.map import Bar0, Control
from models.device.config import DEFAULT_PROFILE, DeviceProfile
from models.pcie.ats import (
    InvalidateCompletion,
    InvalidateRequest,
    Span,
    TranslationEntry,
    translated,
    translation_request,
)
from models.pcie.rules import split_completions
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.scoreboard.world import PLAIN, Route
from tests.models.scoreboard_world import HOST, SECURED, VF, VF_BAR0, Bench

R = TdiState.RUN
DATA = bytes(range(1, 65))
BUFFER, TARGET = 0x8000_0000, 0x4000_0000  # untranslated and translated
PAGE = Span(BUFFER)


class AtsBench(Bench):
    """VF 1 with ATS, in RUN unless `state` says otherwise."""

    def __init__(self, state: TdiState = R, profile: DeviceProfile = DEFAULT_PROFILE) -> None:
        super().__init__(profile)
        self.change_view(1, ats_enable=True)
        self.route = SECURED if state is R else PLAIN
        if state is not TdiState.CONFIG_UNLOCKED:
            self.state(state)

    def transfer(self, control: Control = Control.WRITE_HOST, length: int = 64) -> None:
        """Software starts a transfer with `BUFFER`."""
        self.write(VF_BAR0 + Bar0.MEMORY, DATA, self.route)
        self.start(VF_BAR0, BUFFER, length, control, self.route)

    def ask(self, route: Route | None = None, address: int = BUFFER, tag: int = 30) -> Tlp:
        """The device asks for a translation."""
        request = translation_request(VF, address, tag)
        self.from_device(request, route or self.route)
        return request

    def tell(
        self,
        request: Tlp,
        route: Route | None = None,
        entry: TranslationEntry | None = None,
    ) -> None:
        """The host answers."""
        raw = (entry or TranslationEntry(Span(TARGET))).encode()
        (completion,) = split_completions(HOST, request, raw)
        self.to_device(completion, route or self.route)

    def learn(self, entry: TranslationEntry | None = None) -> None:
        """The device asks and gets an answer."""
        self.tell(self.ask(), entry=entry)

    def send(self, data: bytes = DATA, at: int = TARGET, route: Route | None = None) -> None:
        """The device writes to a translated address."""
        write = translated(Tlp.mem_write(VF, BUFFER, data), at)
        self.from_device(write, route or self.route)

    def fetch(self, tag: int = 31) -> Tlp:
        """The device reads 64 bytes from a translated address."""
        read = translated(Tlp.mem_read(VF, BUFFER, 64, tag), TARGET)
        self.from_device(read, self.route)
        return read

    def invalidate(
        self, span: Span = PAGE, itag: int = 0, route: Route | None = None, target: int = VF
    ) -> None:
        """The host takes translations back."""
        request = InvalidateRequest(HOST, target, itag, span)
        self.to_device(request.tlp(), route or self.route)

    def invalidated(self, *itags: int, route: Route | None = None, count: int = 1) -> None:
        """The device says that they are gone."""
        completion = InvalidateCompletion(VF, HOST, itags or (0,), count)
        self.from_device(completion.tlp(), route or self.route)
