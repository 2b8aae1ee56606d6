# SPDX-License-Identifier: Apache-2.0
"""What both ends support, and how they agree on it (SPDM-VCA-001).

The cipher is AES-256-GCM, since the record layer of the device has no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.spdm.codes import (
    DATA_TRANSFER_SIZE_MIN,
    KEY_SCHEDULE_SPDM,
    MEASUREMENT_SPECIFICATION_DMTF,
    OPAQUE_FORMAT_1,
    VERSION_1_0,
    VERSION_1_1,
    VERSION_1_2,
    VERSION_1_3,
    Aead,
    BaseAsym,
    BaseHash,
    Capability,
    Dhe,
    MeasurementHash,
    TableType,
)
from models.spdm.errors import NegotiationError
from models.spdm.messages import Algorithms, AlgorithmTable, GetCapabilities, NegotiateAlgorithms
from models.spdm.suite import Suite

RESPONDER_FLAGS = (
    Capability.CERT
    | Capability.CHAL
    | Capability.MEAS_SIG
    | Capability.MEAS_FRESH
    | Capability.ENCRYPT
    | Capability.MAC
    | Capability.KEY_EX
    | Capability.HBEAT
    | Capability.KEY_UPD
)
REQUESTER_FLAGS = (
    Capability.ENCRYPT | Capability.MAC | Capability.KEY_EX | Capability.HBEAT | Capability.KEY_UPD
)
SESSION_FLAGS = Capability.KEY_EX | Capability.ENCRYPT | Capability.MAC
MEASUREMENT_FLAGS = Capability.MEAS_SIG | Capability.MEAS_NO_SIG
PSK_FLAGS = Capability.PSK | Capability.PSK_WITH_CONTEXT
# The last version in which mutual authentication needs encapsulated requests; libspdm does it so.
MUT_AUTH_WITH_ENCAP_UNTIL = VERSION_1_1
# Flags that a version knows; the others are reserved in it.
KNOWN_FLAGS: dict[int, int] = {
    VERSION_1_0: 0x3F,
    VERSION_1_1: 0x1FFFF,
    VERSION_1_2: 0x3FFFFF,
    VERSION_1_3: 0x3FFFFFFF,
}
ALL_ALGORITHMS_WANTED = 1  # attribute of GET_CAPABILITIES, answered in chunks only


@dataclass(frozen=True, slots=True)
class AlgorithmOffer:
    """Algorithms of one side, best first."""

    hashes: tuple[BaseHash, ...] = (BaseHash.SHA_384,)
    asym: tuple[BaseAsym, ...] = (BaseAsym.ECDSA_P384,)
    dhe: tuple[Dhe, ...] = (Dhe.SECP384R1,)

    @property
    def tables(self) -> dict[int, tuple[int, ...]]:
        """What goes into the algorithm tables; mutual authentication is never offered."""
        return {
            TableType.DHE: self.dhe,
            TableType.AEAD: (Aead.AES_256_GCM,),
            TableType.REQUESTER_ASYM: (),
            TableType.KEY_SCHEDULE: (KEY_SCHEDULE_SPDM,),
        }


PROFILE = AlgorithmOffer()  # what our requester asks for unless told otherwise
RESPONDER_ALGORITHMS = AlgorithmOffer(
    hashes=(BaseHash.SHA_384, BaseHash.SHA_256, BaseHash.SHA_512),
    asym=(BaseAsym.ECDSA_P384, BaseAsym.ECDSA_P256, BaseAsym.ECDSA_P521),
    dhe=(Dhe.SECP384R1, Dhe.SECP256R1, Dhe.SECP521R1),
)
SESSION_TABLES = (TableType.DHE, TableType.AEAD, TableType.KEY_SCHEDULE)


def _best(supported: Sequence[int], offered: int) -> int:
    """The first of `supported` that is among the bits `offered`; 0 for none."""
    return next((int(one) for one in supported if one & offered), 0)


def _bits(supported: Sequence[int]) -> int:
    bits = 0
    for one in supported:
        bits |= one
    return bits


def check_sizes(flags: int, data_transfer_size: int, max_message_size: int) -> None:
    """NegotiationError when a peer's buffer sizes contradict each other or its flags."""
    if data_transfer_size < DATA_TRANSFER_SIZE_MIN:
        raise NegotiationError(f"DataTransferSize {data_transfer_size} is too small")
    if data_transfer_size > max_message_size:
        raise NegotiationError("DataTransferSize is above MaxSPDMmsgSize")
    if not flags & Capability.CHUNK and data_transfer_size != max_message_size:
        raise NegotiationError("DataTransferSize differs from MaxSPDMmsgSize without chunking")


def _check_session_flags(flags: int) -> None:
    exchange = flags & (Capability.KEY_EX | PSK_FLAGS)
    protection = flags & (Capability.ENCRYPT | Capability.MAC)
    dependent = Capability.HBEAT | Capability.KEY_UPD | Capability.HANDSHAKE_IN_THE_CLEAR
    if exchange and not protection:
        raise NegotiationError("key exchange without encryption or MAC")
    if not exchange and (protection or flags & dependent):
        raise NegotiationError("session capabilities without key exchange")


def _check_common_flags(flags: int) -> None:
    _check_session_flags(flags)
    if flags & Capability.CERT and flags & Capability.PUB_KEY_ID:
        raise NegotiationError("CERT and PUB_KEY_ID exclude each other")


def check_requester_flags(flags: int, version: int = VERSION_1_2) -> None:
    """NegotiationError when the flags of GET_CAPABILITIES contradict each other."""
    if version < VERSION_1_1:
        return
    _check_common_flags(flags)
    if flags & Capability.PSK_WITH_CONTEXT:
        raise NegotiationError("PSK_CAP has its reserved value")
    if flags & Capability.HANDSHAKE_IN_THE_CLEAR and not flags & Capability.KEY_EX:
        raise NegotiationError("HANDSHAKE_IN_THE_CLEAR without key exchange")
    owned = flags & (Capability.CERT | Capability.PUB_KEY_ID)
    if flags & (Capability.CHAL | Capability.MUT_AUTH) and not owned:
        raise NegotiationError("CHAL or MUT_AUTH without certificate or public key")
    if owned and not flags & (Capability.CHAL | Capability.KEY_EX):
        raise NegotiationError("certificate or public key without a use")
    encap = flags & Capability.ENCAP
    if flags & Capability.MUT_AUTH and version <= MUT_AUTH_WITH_ENCAP_UNTIL and not encap:
        raise NegotiationError("MUT_AUTH without ENCAP")


def check_requester(request: GetCapabilities) -> None:
    """NegotiationError when anything in GET_CAPABILITIES contradicts the rest."""
    check_requester_flags(request.flags, request.version)
    if request.version >= VERSION_1_2:
        check_sizes(request.flags, request.data_transfer_size, request.max_message_size)
    wanted = request.version >= VERSION_1_3 and request.attributes & ALL_ALGORITHMS_WANTED
    if wanted and not request.flags & Capability.CHUNK:
        raise NegotiationError("all algorithms are asked for without chunking")


def check_responder_flags(flags: int) -> None:
    """NegotiationError when the flags of CAPABILITIES contradict each other."""
    _check_common_flags(flags)
    if flags & MEASUREMENT_FLAGS == MEASUREMENT_FLAGS:
        raise NegotiationError("MEAS_CAP has its reserved value")
    if flags & Capability.MEAS_FRESH and not flags & MEASUREMENT_FLAGS:
        raise NegotiationError("MEAS_FRESH without measurements")
    signing = Capability.CHAL | Capability.KEY_EX | Capability.MEAS_SIG | Capability.MUT_AUTH
    if flags & signing and not flags & (Capability.CERT | Capability.PUB_KEY_ID):
        raise NegotiationError("signatures without certificate or public key")
    if flags & Capability.MUT_AUTH and not flags & (Capability.CHAL | Capability.KEY_EX):
        raise NegotiationError("MUT_AUTH without challenge or key exchange")
    if flags & (Capability.ALIAS_CERT | Capability.SET_CERT) and not flags & Capability.CERT:
        raise NegotiationError("ALIAS_CERT or SET_CERT without CERT")


def offer(algorithms: AlgorithmOffer = PROFILE, version: int = VERSION_1_2) -> NegotiateAlgorithms:
    """The request of a requester that wants `algorithms`."""
    tables = (AlgorithmTable(kind, _bits(bits)) for kind, bits in algorithms.tables.items() if bits)
    return NegotiateAlgorithms(
        version=version,
        other_params=OPAQUE_FORMAT_1 if version >= VERSION_1_2 else 0,
        base_asym=_bits(algorithms.asym),
        base_hash=_bits(algorithms.hashes),
        tables=tuple(tables) if version >= VERSION_1_1 else (),
    )


def select(
    request: NegotiateAlgorithms,
    common_flags: int,
    algorithms: AlgorithmOffer = PROFILE,
    measurement_hash: MeasurementHash = MeasurementHash.SHA_384,
) -> Algorithms:
    """The responder's answer; NegotiationError when there is nothing in common.

    The tables of the request that are understood are answered, with no bit where nothing
    is in common. Where both sides have key exchange, a session is possible or the whole
    negotiation fails; that the opaque data format fits is found at KEY_EXCHANGE.
    """
    base_asym = _best(algorithms.asym, request.base_asym)
    base_hash = _best(algorithms.hashes, request.base_hash)
    if not base_asym or not base_hash:
        raise NegotiationError("no signature or hash algorithm in common")
    specification = request.measurement_specification & MEASUREMENT_SPECIFICATION_DMTF
    with_format = request.version >= VERSION_1_2
    answer = Algorithms(
        version=request.version,
        measurement_specification=specification,
        other_params=request.other_params & OPAQUE_FORMAT_1 if with_format else 0,
        measurement_hash=measurement_hash if specification else 0,
        base_asym=base_asym,
        base_hash=base_hash,
        tables=tuple(
            AlgorithmTable(table.kind, _best(algorithms.tables[table.kind], table.bits))
            for table in request.tables
            if table.kind in algorithms.tables
        ),
    )
    if common_flags & Capability.KEY_EX and request.version >= VERSION_1_1:
        _check_session_tables(answer, algorithms)
    return answer


def _check_session_tables(answer: Algorithms, algorithms: AlgorithmOffer) -> None:
    for kind in SESSION_TABLES:
        if answer.table(kind) not in algorithms.tables[kind]:
            raise NegotiationError(f"no {kind.name} algorithm in common")


def check_selection(answer: Algorithms, algorithms: AlgorithmOffer = PROFILE) -> None:
    """NegotiationError unless a responder selected one of each that `offer` lists."""
    if answer.base_asym not in algorithms.asym or answer.base_hash not in algorithms.hashes:
        raise NegotiationError("responder selected no or other signature and hash algorithms")
    if answer.measurement_specification not in (0, MEASUREMENT_SPECIFICATION_DMTF):
        raise NegotiationError("responder selected a measurement specification not offered")
    if answer.measurement_hash.bit_count() > 1:
        raise NegotiationError("responder selected several measurement hash algorithms")
    offered = offer(algorithms, answer.version)
    for table in answer.tables:
        if offered.table(table.kind) is None:
            raise NegotiationError(f"responder answered table {table.kind}, not offered")
    if answer.version >= VERSION_1_1:
        _check_session_tables(answer, algorithms)
    if answer.version >= VERSION_1_2 and answer.other_params != OPAQUE_FORMAT_1:
        raise NegotiationError("no opaque data format in common")


def suite_of(answer: Algorithms) -> Suite:
    """What ALGORITHMS fixes."""
    return Suite(
        answer.version,
        BaseHash(answer.base_hash),
        BaseAsym(answer.base_asym),
        Dhe(answer.table(TableType.DHE) or 0),
    )
