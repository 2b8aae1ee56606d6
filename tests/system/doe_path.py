# SPDX-License-Identifier: Apache-2.0
"""Somebody on the way between the TSM and the DOE mailbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from tb.agents.doe.agent import DoeAgent

Exchange = Callable[[bytes], Awaitable[bytes | None]]


@contextmanager
def on_the_way(
    doe: DoeAgent, exchange: Callable[[Exchange, bytes], Awaitable[bytes | None]]
) -> Iterator[None]:
    """Within the block each object goes through `exchange`, which gets the honest way too."""
    honest = doe.exchange

    async def through(doe_object: bytes) -> bytes | None:
        return await exchange(honest, doe_object)

    doe.exchange = through  # type: ignore[method-assign]
    try:
        yield
    finally:
        doe.exchange = honest  # type: ignore[method-assign]
