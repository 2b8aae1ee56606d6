# SPDX-License-Identifier: Apache-2.0
"""What both ends support, and how they agree on it (SPDM-VCA-001).

The profile is SHA-384, ECDSA P-384, secp384r1 and AES-256-GCM.
"""

from __future__ import annotations

from models.spdm.codes import (
    DATA_TRANSFER_SIZE_MIN,
    KEY_SCHEDULE_SPDM,
    MEASUREMENT_SPECIFICATION_DMTF,
    OPAQUE_FORMAT_1,
    Aead,
    BaseAsym,
    BaseHash,
    Capability,
    Dhe,
    MeasurementHash,
    TableType,
)
from models.spdm.errors import NegotiationError
from models.spdm.messages import Algorithms, AlgorithmTable, NegotiateAlgorithms

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
SUPPORTED_TABLES: dict[int, int] = {
    TableType.DHE: Dhe.SECP384R1,
    TableType.AEAD: Aead.AES_256_GCM,
    TableType.REQUESTER_ASYM: 0,  # no mutual authentication
    TableType.KEY_SCHEDULE: KEY_SCHEDULE_SPDM,
}
SESSION_TABLES = (TableType.DHE, TableType.AEAD, TableType.KEY_SCHEDULE)


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


def check_requester_flags(flags: int) -> None:
    """NegotiationError when the flags of GET_CAPABILITIES contradict each other."""
    _check_session_flags(flags)
    if flags & Capability.CERT and flags & Capability.PUB_KEY_ID:
        raise NegotiationError("CERT and PUB_KEY_ID exclude each other")


def check_responder_flags(flags: int) -> None:
    """NegotiationError when the flags of CAPABILITIES contradict each other."""
    check_requester_flags(flags)
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


def offer() -> NegotiateAlgorithms:
    """The request of a requester that wants exactly the profile."""
    tables = (AlgorithmTable(kind, bits) for kind, bits in SUPPORTED_TABLES.items() if bits)
    return NegotiateAlgorithms(
        base_asym=BaseAsym.ECDSA_P384, base_hash=BaseHash.SHA_384, tables=tuple(tables)
    )


def select(request: NegotiateAlgorithms, requester_flags: int) -> Algorithms:
    """The responder's answer; NegotiationError when there is nothing in common.

    The tables of the request that are understood are answered, with no bit where nothing
    is in common. A requester with key exchange gets a session profile or none at all.
    """
    base_asym = request.base_asym & BaseAsym.ECDSA_P384
    base_hash = request.base_hash & BaseHash.SHA_384
    if not base_asym or not base_hash:
        raise NegotiationError("no signature or hash algorithm in common")
    specification = request.measurement_specification & MEASUREMENT_SPECIFICATION_DMTF
    answer = Algorithms(
        measurement_specification=specification,
        other_params=request.other_params & OPAQUE_FORMAT_1,
        measurement_hash=MeasurementHash.SHA_384 if specification else 0,
        base_asym=base_asym,
        base_hash=base_hash,
        tables=tuple(
            AlgorithmTable(table.kind, table.bits & SUPPORTED_TABLES[table.kind])
            for table in request.tables
            if table.kind in SUPPORTED_TABLES
        ),
    )
    if requester_flags & Capability.KEY_EX:
        _check_session_profile(answer)
    return answer


def _check_session_profile(answer: Algorithms) -> None:
    for kind in SESSION_TABLES:
        if answer.table(kind) != SUPPORTED_TABLES[kind]:
            raise NegotiationError(f"no {kind.name} algorithm in common")
    if answer.other_params != OPAQUE_FORMAT_1:
        raise NegotiationError("no opaque data format in common")


def check_selection(answer: Algorithms) -> None:
    """NegotiationError unless a responder selected exactly what `offer` lists."""
    if answer.base_asym != BaseAsym.ECDSA_P384 or answer.base_hash != BaseHash.SHA_384:
        raise NegotiationError("responder selected no or other signature and hash algorithms")
    if answer.measurement_specification not in (0, MEASUREMENT_SPECIFICATION_DMTF):
        raise NegotiationError("responder selected a measurement specification not offered")
    if answer.measurement_hash.bit_count() > 1:
        raise NegotiationError("responder selected several measurement hash algorithms")
    offered = offer()
    for table in answer.tables:
        if offered.table(table.kind) is None:
            raise NegotiationError(f"responder answered table {table.kind}, not offered")
    _check_session_profile(answer)
