# SPDX-License-Identifier: Apache-2.0
"""The message sequence of DMTF's requester with PCI_DOE, on the RTL and the reference device."""

from __future__ import annotations

import asyncio
import random
from itertools import product
from pathlib import Path

import pytest

from models.doe.codes import ObjectType
from models.doe.objects import DataObject, DiscoveryRequest, DiscoveryResponse
from models.idekm.codes import KEY_SIZE, Direction
from models.idekm.messages import SUB_STREAMS, KeyInfo
from models.idekm.requester import IdeKmRequester
from models.socket.client import SocketTransport
from models.socket.identity import read_certificates
from models.spdm.codes import SECURED_MESSAGE_1_1, Capability, KeyUpdateOperation, SummaryType
from models.spdm.requester import RequesterConfig, SpdmRequester
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import LockFlags, TdiState
from models.tdisp.interface_id import InterfaceId
from models.tdisp.requester import TdispRequester
from tests.plan import covers
from tests.system.server_process import server

FUNCTION_ID = 0xBEEF
PORT_INDEX = 1
STREAM_ID = 0
REPORTING_OFFSET = 0xD0000000
PORTION = 0x40
KEYS = [KeyInfo(0, *each) for each in product(Direction, range(SUB_STREAMS))]
FLAGS = Capability.ENCRYPT | Capability.MAC | Capability.KEY_EX
LIVELY = FLAGS | Capability.HBEAT | Capability.KEY_UPD


async def discover(transport: SocketTransport) -> set[int]:
    """DOE Discovery from index 0 until the next one is 0."""
    index, found = 0, set()
    while True:
        raw = await transport.exchange(DiscoveryRequest(index).encode())
        assert raw is not None
        entry = DiscoveryResponse.decode(DataObject.decode(raw).payload)
        found.add(entry.kind)
        if entry.next_index == 0:
            return found
        index = entry.next_index


async def attest(peer: SpdmRequester) -> None:
    """Everything outside a session."""
    await peer.connect()
    await peer.get_digests()
    await peer.get_certificate()
    await peer.challenge(SummaryType.ALL)
    assert (await peer.get_measurements()).blocks


async def set_keys(idekm: IdeKmRequester, rng: random.Random) -> None:
    """Step 1: each key is programmed and let go before the next one."""
    answer = await idekm.query()
    assert answer.port_index == PORT_INDEX
    for info in KEYS:
        await idekm.program(STREAM_ID, info, rng.randbytes(KEY_SIZE))
        await idekm.go(STREAM_ID, info)


async def use_tdi(tdi: TdispRequester) -> None:
    """Step 2: all states and back."""
    assert await tdi.version() == (0x10,)
    capabilities = await tdi.capabilities()
    assert await tdi.state() is TdiState.CONFIG_UNLOCKED
    flags = LockFlags(capabilities.lock_interface_flags_supported)
    nonce = await tdi.lock(STREAM_ID, flags, REPORTING_OFFSET)
    assert await tdi.state() is TdiState.CONFIG_LOCKED
    assert (await tdi.report(PORTION)).ranges
    await tdi.start(nonce)
    assert await tdi.state() is TdiState.RUN
    await tdi.stop()
    assert await tdi.state() is TdiState.CONFIG_UNLOCKED


async def maintain(session: SecureSession) -> None:
    """What follows in a session that is still alive."""
    await session.heartbeat()
    for operation in (KeyUpdateOperation.UPDATE_KEY, KeyUpdateOperation.UPDATE_ALL_KEYS):
        await session.key_update(operation)
    assert (await session.get_measurements()).blocks
    assert await session.get_digests()
    assert await session.get_certificate()
    await session.end()


async def sequence(peer: SpdmRequester, rng: random.Random, *, sessions: int) -> None:
    """From GET_VERSION on; the last of several sessions is ended, one alone is left as it is."""
    await attest(peer)
    for number in range(sessions):
        session = await peer.start_session(SummaryType.ALL)
        if number == 0:
            idekm = IdeKmRequester(session, PORT_INDEX)
            await set_keys(idekm, rng)
            await use_tdi(TdispRequester(session, InterfaceId.of(FUNCTION_ID)))
            for info in KEYS:
                await idekm.stop(STREAM_ID, info)
        if sessions > 1:
            await maintain(session)


@covers("EMU-001", "EMU-002", "IDEKM-QRY-001", "TDISP-FSM-007", "SPDM-SES-001")
@pytest.mark.parametrize("dut", ["rtl", "model"])
@pytest.mark.parametrize(
    ("flags", "sessions"), [(FLAGS, 1), (LIVELY, 2)], ids=["to SHUTDOWN", "to END_SESSION"]
)
def test_the_sequence_of_the_public_requester_passes(
    dut: str, flags: Capability, sessions: int, tmp_path: Path
) -> None:
    with server(tmp_path, "--dut", dut) as running:
        roots = read_certificates(running.config.identity.root)
        rng = random.Random(21)
        config = RequesterConfig(flags=flags, secured_versions=(SECURED_MESSAGE_1_1,))
        for _ in range(2):  # the second run finds what the first one left behind
            with running.connect() as transport:
                transport.hello()
                assert asyncio.run(discover(transport)) == set(ObjectType)
                peer = SpdmRequester(transport, rng, roots, config)
                asyncio.run(sequence(peer, rng, sessions=sessions))
                transport.leave()
        with running.connect() as transport:
            assert running.end(transport.shut_down) == 0
        assert running.complaints == []
