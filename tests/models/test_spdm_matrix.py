# SPDX-License-Identifier: Apache-2.0
"""Each request in each place, length and version: the error of the specification, and no trace."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from enum import Enum

import pytest

from models.spdm.codes import (
    VERSION_1_0,
    VERSION_1_1,
    VERSION_1_2,
    ErrorCode,
    Request,
    Response,
)
from models.spdm.curves import P384
from models.spdm.messages import (
    Challenge,
    EndSession,
    Finish,
    GetCapabilities,
    GetCertificate,
    GetDigests,
    GetMeasurements,
    GetVersion,
    Heartbeat,
    KeyExchange,
    KeyUpdate,
    Message,
)
from models.spdm.negotiation import KNOWN_FLAGS, REQUESTER_FLAGS, offer
from models.spdm.opaque import encode_supported
from models.spdm.responder_state import SUPPORTED_VERSIONS
from models.spdm.secure_session import SecureSession
from models.spdm.signing import exchange_data, private_key
from models.spdm.suite import Suite
from tests.models.spdm_device import Device, run
from tests.models.spdm_suites import capable_device, wanting
from tests.plan import covers

NONCE = bytes(range(32))
POINT = exchange_data(private_key(random.Random(4), P384))
UNUSED = (0x80, 0x85, 0xE2, 0xE6, 0xE7, 0xEA, 0xEB, 0xED, 0xEE, 0xFD, Request.RESPOND_IF_READY)


class Place(Enum):
    """Where a request comes."""

    START = "before anything"
    VERSION = "after VERSION"
    CAPABILITIES = "after CAPABILITIES"
    NEGOTIATED = "after ALGORITHMS"
    HANDSHAKE = "in a session before FINISH"
    SESSION = "in a session"


IN_SESSION = (Place.HANDSHAKE, Place.SESSION)
# Requests that are answered, by place; elsewhere they are unexpected.
SERVED: dict[Request, tuple[Place, ...]] = {
    Request.GET_VERSION: (Place.START, Place.VERSION, Place.CAPABILITIES, Place.NEGOTIATED),
    Request.GET_CAPABILITIES: (Place.VERSION,),
    Request.NEGOTIATE_ALGORITHMS: (Place.CAPABILITIES,),
    Request.GET_DIGESTS: (Place.NEGOTIATED, Place.SESSION),
    Request.GET_CERTIFICATE: (Place.NEGOTIATED, Place.SESSION),
    Request.CHALLENGE: (Place.NEGOTIATED,),
    Request.GET_MEASUREMENTS: (Place.NEGOTIATED, Place.SESSION),
    Request.KEY_EXCHANGE: (Place.NEGOTIATED,),
    Request.FINISH: (Place.HANDSHAKE,),
    Request.HEARTBEAT: (Place.SESSION,),
    Request.KEY_UPDATE: (Place.SESSION,),
    Request.END_SESSION: (Place.SESSION,),
}
SESSION_ONLY = (Request.FINISH, Request.HEARTBEAT, Request.KEY_UPDATE, Request.END_SESSION)
OF_SESSIONS = (Request.KEY_EXCHANGE, *SESSION_ONLY)


@dataclass
class World:
    """A device in a place of the dialogue, spoken to in one version."""

    place: Place
    version: int
    device: Device
    session: SecureSession | None = None

    @property
    def header_version(self) -> int:
        """The version of an answer here."""
        early = (Place.START, Place.VERSION)
        return VERSION_1_0 if self.place in early else self.version

    def ask(self, raw: bytes) -> bytes:
        """The answer of the responder."""
        session_id = None if self.session is None else self.session.session_id
        answer = self.device.responder.handle(raw, session_id)
        assert answer is not None
        return answer

    def request(self, code: Request) -> Message:
        """A sound request of this code."""
        verify = b""
        if code == Request.FINISH and self.session is not None:
            parameters = self.session.parameters
            log = parameters.transcript.fork()
            log.append(Finish(version=self.version).authenticated_part())
            schedule = parameters.suite.schedule
            verify = schedule.verify_data(parameters.secrets.request, log.digest())
        messages: tuple[Message, ...] = (
            GetVersion(),
            capabilities(self.version),
            offer(version=self.version),
            GetDigests(),
            GetCertificate(offset=0, length=100),
            Challenge(nonce=NONCE),
            GetMeasurements(operation=0xFF, nonce=NONCE),
            KeyExchange(
                requester_session_id=9,
                random=NONCE,
                exchange_data=POINT,
                opaque=encode_supported((0x1100,), self.version),
            ),
            Finish(verify_data=verify or bytes(48)),
            Heartbeat(),
            KeyUpdate(operation=1, tag=3),
            EndSession(),
        )
        (message,) = (one for one in messages if code == one.CODE)
        return message if code == Request.GET_VERSION else replace(message, version=self.version)


def capabilities(version: int) -> GetCapabilities:
    """A sound GET_CAPABILITIES."""
    return GetCapabilities(
        version=version,
        ct_exponent=20,
        flags=REQUESTER_FLAGS & KNOWN_FLAGS[version],
        data_transfer_size=0x1000,
        max_message_size=0x1000,
    )


def world(place: Place, version: int) -> World:
    """A device in that place."""
    device = capable_device()
    made = World(place, version, device)
    steps: tuple[Message, ...] = (
        GetVersion(),
        capabilities(version),
        offer(version=version),
    )
    for message in steps[: list(Place).index(place)]:
        made.ask(message.encode())
    if place in IN_SESSION:

        async def open_session() -> SecureSession:
            peer = wanting(device, Suite(version))
            await peer.connect()
            await peer.get_certificate()
            session = await peer.exchange_keys()
            if place is Place.SESSION:
                await session.finish()
            return session

        made.session = run(open_session())
    return made


PLACES = [
    (place, version)
    for place in Place
    for version in SUPPORTED_VERSIONS
    if place not in IN_SESSION or version >= VERSION_1_1
]
every_place = pytest.mark.parametrize(
    ("place", "version"), PLACES, ids=lambda one: one.name if isinstance(one, Place) else hex(one)
)


def refusal(code: Request, place: Place, version: int) -> tuple[ErrorCode, int] | None:
    """Error code and data that the specification has for a request; None where it is served."""
    negotiated = place in (Place.NEGOTIATED, *IN_SESSION)
    if negotiated and version < VERSION_1_1 and code in OF_SESSIONS:
        return ErrorCode.UNSUPPORTED_REQUEST, code
    if place in SERVED[code]:
        return None
    if place is Place.NEGOTIATED and code in SESSION_ONLY:
        since = version >= VERSION_1_2
        return (ErrorCode.SESSION_REQUIRED if since else ErrorCode.UNSPECIFIED), 0
    return ErrorCode.UNEXPECTED_REQUEST, 0


def error(code: ErrorCode, data: int, version: int) -> bytes:
    """The bytes of ERROR."""
    return bytes((version, Response.ERROR, code, data))


def version_of_errors(here: World, code: int) -> int:
    """The version byte of an ERROR.

    GET_CAPABILITIES is answered in its own version, if it is an offered one: from there on there is
    a version.
    """
    if here.place is Place.VERSION and code == Request.GET_CAPABILITIES:
        return here.version
    return here.header_version


@covers("SPDM-VCA-003", "SPDM-ERR-001")
@pytest.mark.parametrize("code", SERVED, ids=lambda code: code.name)
@every_place
def test_each_request_in_each_place(place: Place, version: int, code: Request) -> None:
    here = world(place, version)
    answer = here.ask(here.request(code).encode())
    refused = refusal(code, place, version)
    if refused is None:
        assert answer[1] == code & 0x7F
    else:
        assert answer == error(*refused, version_of_errors(here, code))
        lives_on(here)


def lives_on(here: World) -> None:
    """What is served in this place still is."""
    for code in (code for code, places in SERVED.items() if here.place in places):
        if refusal(code, here.place, here.version) is None and code != Request.GET_VERSION:
            assert here.ask(here.request(code).encode())[1] == code & 0x7F, code.name
            return
    assert here.ask(GetVersion().encode())[1] == Response.VERSION


@covers("SPDM-ERR-001")
@pytest.mark.parametrize("code", UNUSED, ids=hex)
@every_place
def test_requests_that_are_not_built_are_unsupported_everywhere(
    place: Place, version: int, code: int
) -> None:
    here = world(place, version)
    answer = here.ask(bytes((here.header_version, code, 0, 0)))
    assert answer == error(ErrorCode.UNSUPPORTED_REQUEST, code, here.header_version)
    lives_on(here)


@covers("SPDM-VCA-002")
@pytest.mark.parametrize("other", [0x00, 0x0F, *SUPPORTED_VERSIONS, 0x14, 0x20, 0xFF], ids=hex)
@every_place
def test_each_version_in_each_place(place: Place, version: int, other: int) -> None:
    if other == version and place is not Place.START:
        return
    here = world(place, version)
    for code in (code for code, places in SERVED.items() if place in places):
        if refusal(code, place, version) is not None:
            continue
        right = VERSION_1_0 if code == Request.GET_VERSION else version
        free = code == Request.GET_CAPABILITIES and other in SUPPORTED_VERSIONS
        if other == right or free:
            continue
        raw = here.request(code).encode()
        answer = here.ask(bytes((other,)) + raw[1:])
        assert answer == error(ErrorCode.VERSION_MISMATCH, 0, here.header_version), code.name
    lives_on(here)


@covers("SPDM-ERR-001", "SEC-REC-004")
@every_place
def test_each_length_of_each_request(place: Place, version: int) -> None:
    """Shorter and longer by any number of bytes; a plain object may end in padding of a DW."""
    here = world(place, version)
    padding = 0 if here.session is not None else 3
    for code in (code for code, places in SERVED.items() if place in places):
        if refusal(code, place, version) is not None:
            continue
        raw = here.request(code).encode()
        wrong = [raw[:size] for size in range(len(raw))]
        wrong += [raw + bytes(extra) for extra in (padding + 1, padding + 4, 100)]
        for one in wrong:
            in_own = version_of_errors(here, one[1]) if len(one) > 1 else here.header_version
            expected = error(ErrorCode.INVALID_REQUEST, 0, in_own)
            assert here.ask(one) == expected, (code.name, len(one))
    lives_on(here)


@covers("SPDM-ERR-001")
@pytest.mark.parametrize("version", SUPPORTED_VERSIONS, ids=hex)
def test_mutual_authentication_is_refused(version: int) -> None:
    """It is not offered: ENCAP requests are unsupported, a FINISH with a signature is invalid."""
    here = world(Place.NEGOTIATED, version)
    for code in (0xEA, 0xEB):  # GET_ENCAPSULATED_REQUEST, DELIVER_ENCAPSULATED_RESPONSE
        answer = here.ask(bytes((version, code, 0, 0)))
        assert answer == error(ErrorCode.UNSUPPORTED_REQUEST, code, version)
    if version < VERSION_1_1:
        return
    here = world(Place.HANDSHAKE, version)
    signed = Finish(version=version, signature=bytes(96), verify_data=bytes(48)).encode()
    assert here.ask(signed) == error(ErrorCode.INVALID_REQUEST, 0, version)
    lives_on(here)
