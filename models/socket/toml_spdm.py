# SPDX-License-Identifier: Apache-2.0
"""What SPDM offers, by the names that the public emulator uses on its command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from models.socket.config import ConfigError
from models.socket.toml_table import TomlTable
from models.spdm.codes import (
    SECURED_MESSAGE_1_0,
    SECURED_MESSAGE_1_1,
    SECURED_MESSAGE_1_2,
    VERSION_1_0,
    VERSION_1_1,
    VERSION_1_2,
    VERSION_1_3,
    BaseAsym,
    BaseHash,
    Capability,
    Dhe,
    MeasurementHash,
)
from models.spdm.errors import NegotiationError
from models.spdm.negotiation import AlgorithmOffer
from models.spdm.responder_state import SUPPORTED_FLAGS, ResponderConfig

T = TypeVar("T")
VERSIONS = {"1.0": VERSION_1_0, "1.1": VERSION_1_1, "1.2": VERSION_1_2, "1.3": VERSION_1_3}
SECURED_VERSIONS = {
    "1.0": SECURED_MESSAGE_1_0,
    "1.1": SECURED_MESSAGE_1_1,
    "1.2": SECURED_MESSAGE_1_2,
}
HASHES = {one.name: one for one in BaseHash if one.name}
ASYM = {
    "ECDSA_P256": BaseAsym.ECDSA_P256,
    "ECDSA_P384": BaseAsym.ECDSA_P384,
    "ECDSA_P521": BaseAsym.ECDSA_P521,
}
DHE = {
    "SECP_256_R1": Dhe.SECP256R1,
    "SECP_384_R1": Dhe.SECP384R1,
    "SECP_521_R1": Dhe.SECP521R1,
}
MEASUREMENT_HASHES = {
    "RAW_BIT": MeasurementHash.RAW,
    "SHA_256": MeasurementHash.SHA_256,
    "SHA_384": MeasurementHash.SHA_384,
    "SHA_512": MeasurementHash.SHA_512,
}
CAPABILITIES = {one.name: one for one in Capability if one in SUPPORTED_FLAGS and one.name}


def _choose(key: str, names: Sequence[str], known: Mapping[str, T]) -> tuple[T, ...]:
    for name in names:
        if name not in known:
            raise ConfigError(f"spdm.{key}: {name} must be one of {', '.join(known)}")
    return tuple(known[name] for name in names)


def _list(
    table: TomlTable, key: str, known: Mapping[str, T], default: Sequence[T]
) -> tuple[T, ...]:
    names = table.names(key)
    return tuple(default) if names is None else _choose(key, names, known)


def read_spdm(table: TomlTable) -> ResponderConfig:
    """The table `spdm`; ConfigError for what no responder can be."""
    default = ResponderConfig()
    offer = default.algorithms
    algorithms = AlgorithmOffer(
        hashes=_list(table, "hash", HASHES, offer.hashes),
        asym=_list(table, "asym", ASYM, offer.asym),
        dhe=_list(table, "dhe", DHE, offer.dhe),
    )
    flags = default.flags
    names = table.names("capabilities")
    if names is not None:
        flags = Capability(0)
        for flag in _choose("capabilities", names, CAPABILITIES):
            flags |= flag
    measurement_hash = table.take("measurement_hash", str, "SHA_384")
    try:
        config = ResponderConfig(
            flags=flags,
            ct_exponent=table.take("ct_exponent", int, default.ct_exponent),
            max_sessions=table.take("max_sessions", int, default.max_sessions),
            heartbeat_period=table.take("heartbeat_period", int, default.heartbeat_period),
            secured_versions=_list(
                table, "secured_versions", SECURED_VERSIONS, default.secured_versions
            ),
            versions=_list(table, "versions", VERSIONS, default.versions),
            algorithms=algorithms,
            measurement_hash=_choose("measurement_hash", [measurement_hash], MEASUREMENT_HASHES)[0],
        )
    except NegotiationError as error:
        raise ConfigError(f"spdm: {error}") from error
    table.finish()
    return config
