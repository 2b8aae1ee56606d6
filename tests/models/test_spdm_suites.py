# SPDX-License-Identifier: Apache-2.0
"""Every version with every algorithm: attestation, sessions, and what a mere observer can read."""

from __future__ import annotations

import pytest

from models.doe.codes import ObjectType
from models.spdm.codes import (
    VERSION_1_0,
    VERSION_1_1,
    VERSION_1_2,
    BaseHash,
    KeyUpdateOperation,
    MeasurementOperation,
    SummaryType,
)
from models.spdm.dialogue import MeasurementQuery
from models.spdm.errors import NegotiationError
from models.spdm.key_file import line, parse_secrets
from models.spdm.measurements import summary_hash
from models.spdm.observer import NO_KEYS, SpdmObserver
from models.spdm.requester import SpdmRequester
from models.spdm.secure_session import SecureSession
from models.spdm.suite import Suite
from tests.models.spdm_device import Device, run
from tests.models.spdm_suites import (
    SECURED_VERSIONS,
    SLOTS,
    SUITES,
    capable_device,
    suite_name,
    wanting,
)
from tests.plan import covers

WITH_SESSIONS = [suite for suite in SUITES if suite.version >= VERSION_1_1]
# One for each version and each algorithm, without all their combinations.
SOME = [suite for number, suite in enumerate(WITH_SESSIONS) if number % 10 == 0]
every_suite = pytest.mark.parametrize("suite", SUITES, ids=suite_name)


async def connected(device: Device, suite: Suite, **options: bool) -> SpdmRequester:
    """A requester that has negotiated and has the chain of every slot."""
    peer = wanting(device, suite, in_the_clear=options.get("in_the_clear", False))
    await peer.connect()
    await peer.get_digests()
    for slot in SLOTS:
        await peer.get_certificate(slot, portion=700)
    return peer


@covers("SPDM-VCA-001", "SPDM-CRT-001", "SPDM-MEA-001")
@every_suite
def test_a_device_is_attested_under_every_suite(suite: Suite) -> None:
    async def scenario() -> None:
        device = capable_device()
        peer = await connected(device, suite)
        assert peer.suite == suite if suite.version > VERSION_1_0 else peer.suite.dhe == 0
        assert tuple(peer.digests) == SLOTS
        blocks = device.responder.measurements
        for slot, kind in zip(SLOTS, SummaryType, strict=True):
            summary = await peer.challenge(kind, slot)
            expected = summary_hash(blocks, kind, suite.base_hash) if kind else b""
            assert summary == expected
        for signed in (False, True):
            # Version 1.0 has no slot in GET_MEASUREMENTS.
            slot = 3 if signed and suite.version > VERSION_1_0 else 0
            count = await peer.get_measurements(
                MeasurementQuery(MeasurementOperation.COUNT, signed=signed, slot=slot)
            )
            assert (count.total, count.blocks) == (len(blocks), ())
            for index, block in enumerate(blocks, start=1):
                query = MeasurementQuery(index, signed=signed, slot=slot)
                assert (await peer.get_measurements(query)).blocks == (block,)
            query = MeasurementQuery(MeasurementOperation.ALL, signed=signed, slot=slot)
            assert (await peer.get_measurements(query)).blocks == blocks

    run(scenario())


async def use(session: SecureSession, device: Device) -> None:
    """Everything that a session can do, up to its end."""
    blocks = device.responder.measurements
    await session.heartbeat()
    for kind in (KeyUpdateOperation.UPDATE_KEY, KeyUpdateOperation.UPDATE_ALL_KEYS):
        await session.key_update(kind)
        await session.heartbeat()
    assert len(await session.get_digests()) == len(SLOTS)
    for slot in SLOTS:
        assert await session.get_certificate(slot, portion=501)
    for signed in (False, True):
        query = MeasurementQuery(MeasurementOperation.ALL, signed=signed)
        assert (await session.get_measurements(query)).blocks == blocks
    await session.end()


@covers("SPDM-KEX-001", "SPDM-KEY-001", "SPDM-SES-001", "SPDM-SES-002", "SEC-REC-001")
@pytest.mark.parametrize("in_the_clear", [False, True], ids=["with keys", "in the clear"])
@pytest.mark.parametrize("suite", WITH_SESSIONS, ids=suite_name)
def test_sessions_work_under_every_suite_and_an_observer_with_the_secrets_reads_them(
    suite: Suite, in_the_clear: bool
) -> None:
    async def scenario() -> None:
        device = capable_device(in_the_clear=in_the_clear)
        peer = await connected(device, suite, in_the_clear=in_the_clear)
        blocks = device.responder.measurements
        for slot, kind in zip(SLOTS, SummaryType, strict=True):
            session = await peer.start_session(kind, slot)
            summary = summary_hash(blocks, kind, suite.base_hash) if kind else b""
            assert session.parameters.summary == summary
            assert session.parameters.heartbeat_period == 5
            await use(session, device)
        assert not device.slots
        lines = filter(None, map(line, device.secrets))
        assert read(device, parse_secrets("\n".join(lines))) == device.plain

    run(scenario())


def read(device: Device, secrets: list[bytes]) -> list[bytes]:
    """What an observer of all objects reads in records."""
    observer = SpdmObserver(secrets)
    raw = [one for pair in device.objects for one in pair if one is not None]
    seen = [observer.see(one) for one in raw]
    secured = [one for one in seen if one.kind == ObjectType.SECURED_SPDM]
    return [one.message for one in secured if one.message is not None]


@covers("SEC-REC-001")
def test_an_observer_without_or_with_foreign_secrets_reads_nothing() -> None:
    async def scenario() -> None:
        device = capable_device()
        peer = await connected(device, SOME[-1])
        await use(await peer.start_session(), device)
        assert device.plain
        assert read(device, []) == read(device, [bytes(32)]) == []
        observer = SpdmObserver()
        notes = {observer.see(pair[0]).note for pair in device.objects}
        assert notes == {"", NO_KEYS}

    run(scenario())


@covers("SPDM-KEX-001")
@pytest.mark.parametrize("suite", SOME, ids=suite_name)
@pytest.mark.parametrize("secured", SECURED_VERSIONS)
def test_the_secured_message_version_is_one_that_both_have(suite: Suite, secured: int) -> None:
    async def scenario() -> None:
        device = capable_device()
        peer = wanting(device, suite, (secured,))
        await peer.connect()
        await peer.get_certificate()
        session = await peer.start_session()
        assert session.parameters.secured_version == secured

    run(scenario())


@covers("SPDM-VCA-001")
def test_the_best_version_of_both_is_taken() -> None:
    async def scenario() -> None:
        device = capable_device()
        peer = wanting(device, Suite(VERSION_1_2))
        answer = await peer.connect()
        assert answer.version == VERSION_1_2
        with pytest.raises(NegotiationError, match=r"does not support SPDM 1\.4"):
            await wanting(device, Suite(0x14)).connect()

    run(scenario())


@covers("SPDM-KEX-001")
def test_spdm_1_0_has_no_sessions() -> None:
    async def scenario() -> None:
        peer = await connected(capable_device(), Suite(VERSION_1_0, BaseHash.SHA_256))
        with pytest.raises(NegotiationError):
            await peer.start_session()

    run(scenario())
