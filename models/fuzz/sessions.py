# SPDX-License-Identifier: Apache-2.0
"""The sessions of a campaign: a few at a time, and new ones where some were lost."""

from __future__ import annotations

import random
from collections.abc import Callable

from models.spdm.errors import SpdmError
from models.spdm.requester import SpdmRequester
from models.spdm.secure_session import SecureSession

SESSIONS = 2  # messages are interleaved over them


class Sessions:
    """`prepare` makes a requester that trusts the device."""

    def __init__(self, prepare: Callable[[], SpdmRequester], rng: random.Random) -> None:
        self._prepare = prepare
        self._rng = rng
        self._requester: SpdmRequester | None = None
        self._open: list[SecureSession] = []

    def living(self) -> list[SecureSession]:
        """Those that nothing has ended."""
        self._open = [session for session in self._open if session.alive]
        return self._open

    async def any(self) -> SecureSession:
        """One of them; SpdmError when the device does not open another one."""
        while len(self.living()) < SESSIONS:
            self._open.append(await self._start())
        return self._rng.choice(self._open)

    async def other(self, session: SecureSession) -> SecureSession:
        """One of them, and not this one."""
        await self.any()
        return self._rng.choice([other for other in self._open if other is not session])

    async def _start(self) -> SecureSession:
        if self._requester is not None:
            try:
                return await self._requester.start_session()
            except SpdmError:  # plain messages have taken the connection back, or its sessions
                self._forget()
        self._requester = self._prepare()
        await self._requester.connect()
        await self._requester.get_digests()
        await self._requester.get_certificate()
        return await self._requester.start_session()

    def _forget(self) -> None:
        """GET_VERSION ends all sessions."""
        for session in self._open:
            session.close()

    async def close(self) -> None:
        """End them, so that somebody else can begin."""
        for session in self.living():
            await session.end()
