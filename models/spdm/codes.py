# SPDX-License-Identifier: Apache-2.0
"""Numbers of SPDM 1.0 to 1.3 and of secured messages (SPDM-VCA-001, SEC-VDM-001)."""

from __future__ import annotations

from enum import IntEnum, IntFlag

VERSION_1_0 = 0x10  # the header version of GET_VERSION and VERSION, always
VERSION_1_1 = 0x11
VERSION_1_2 = 0x12
VERSION_1_3 = 0x13
HEADER_SIZE = 4
NONCE_SIZE = 32
CONTEXT_SIZE = 8  # of the requester, from version 1.3 on
NUM_SLOTS = 8
DATA_TRANSFER_SIZE_MIN = 42
MEASUREMENT_SPECIFICATION_DMTF = 1
OPAQUE_FORMAT_1 = 2
SECURED_MESSAGE_1_0 = 0x1000
SECURED_MESSAGE_1_1 = 0x1100
SECURED_MESSAGE_1_2 = 0x1200
STANDARD_ID_PCI_SIG = 0x0003
VENDOR_ID_PCI_SIG = 0x0001
AEAD_KEY_SIZE = 32
AEAD_IV_SIZE = 12
AEAD_TAG_SIZE = 16


class Request(IntEnum):
    """Request codes, byte 1 of the header."""

    GET_DIGESTS = 0x81
    GET_CERTIFICATE = 0x82
    CHALLENGE = 0x83
    GET_VERSION = 0x84
    GET_MEASUREMENTS = 0xE0
    GET_CAPABILITIES = 0xE1
    NEGOTIATE_ALGORITHMS = 0xE3
    KEY_EXCHANGE = 0xE4
    FINISH = 0xE5
    HEARTBEAT = 0xE8
    KEY_UPDATE = 0xE9
    END_SESSION = 0xEC
    VENDOR_DEFINED = 0xFE
    RESPOND_IF_READY = 0xFF


class Response(IntEnum):
    """Response codes, byte 1 of the header."""

    DIGESTS = 0x01
    CERTIFICATE = 0x02
    CHALLENGE_AUTH = 0x03
    VERSION = 0x04
    MEASUREMENTS = 0x60
    CAPABILITIES = 0x61
    ALGORITHMS = 0x63
    KEY_EXCHANGE_RSP = 0x64
    FINISH_RSP = 0x65
    HEARTBEAT_ACK = 0x68
    KEY_UPDATE_ACK = 0x69
    END_SESSION_ACK = 0x6C
    VENDOR_DEFINED = 0x7E
    ERROR = 0x7F


class ErrorCode(IntEnum):
    """param1 of ERROR (SPDM-ERR-001)."""

    INVALID_REQUEST = 0x01
    BUSY = 0x03
    UNEXPECTED_REQUEST = 0x04
    UNSPECIFIED = 0x05
    DECRYPT_ERROR = 0x06
    UNSUPPORTED_REQUEST = 0x07
    REQUEST_IN_FLIGHT = 0x08
    SESSION_LIMIT_EXCEEDED = 0x0A
    SESSION_REQUIRED = 0x0B
    RESPONSE_TOO_LARGE = 0x0D
    REQUEST_TOO_LARGE = 0x0E
    LARGE_RESPONSE = 0x0F
    VERSION_MISMATCH = 0x41
    RESPONSE_NOT_READY = 0x42
    REQUEST_RESYNCH = 0x43
    VENDOR = 0xFF


class Capability(IntFlag):
    """Flags of GET_CAPABILITIES and CAPABILITIES, version 1.2."""

    CACHE = 0x1
    CERT = 0x2
    CHAL = 0x4
    MEAS_NO_SIG = 0x8
    MEAS_SIG = 0x10
    MEAS_FRESH = 0x20
    ENCRYPT = 0x40
    MAC = 0x80
    MUT_AUTH = 0x100
    KEY_EX = 0x200
    PSK = 0x400
    PSK_WITH_CONTEXT = 0x800
    ENCAP = 0x1000
    HBEAT = 0x2000
    KEY_UPD = 0x4000
    HANDSHAKE_IN_THE_CLEAR = 0x8000
    PUB_KEY_ID = 0x10000
    CHUNK = 0x20000
    ALIAS_CERT = 0x40000
    SET_CERT = 0x80000
    CSR = 0x100000
    CERT_INSTALL_RESET = 0x200000


class BaseAsym(IntFlag):
    """Signature algorithms of the responder."""

    RSASSA_2048 = 0x1
    RSAPSS_2048 = 0x2
    RSASSA_3072 = 0x4
    RSAPSS_3072 = 0x8
    ECDSA_P256 = 0x10
    RSASSA_4096 = 0x20
    RSAPSS_4096 = 0x40
    ECDSA_P384 = 0x80
    ECDSA_P521 = 0x100


class BaseHash(IntFlag):
    """Hash algorithms of transcripts and certificate chains."""

    SHA_256 = 1
    SHA_384 = 2
    SHA_512 = 4


class MeasurementHash(IntFlag):
    """Hash algorithms of measurements."""

    RAW = 1
    SHA_256 = 2
    SHA_384 = 4
    SHA_512 = 8


class TableType(IntEnum):
    """Types of the algorithm tables; they ascend in a message."""

    DHE = 2
    AEAD = 3
    REQUESTER_ASYM = 4
    KEY_SCHEDULE = 5


class Dhe(IntFlag):
    """Groups of the key exchange."""

    FFDHE_2048 = 0x1
    FFDHE_3072 = 0x2
    FFDHE_4096 = 0x4
    SECP256R1 = 0x8
    SECP384R1 = 0x10
    SECP521R1 = 0x20


class Aead(IntFlag):
    """Ciphers of the record layer."""

    AES_128_GCM = 1
    AES_256_GCM = 2
    CHACHA20_POLY1305 = 4


KEY_SCHEDULE_SPDM = 1


class SummaryType(IntEnum):
    """Which measurements a measurement summary hash covers."""

    NONE = 0x00
    TCB = 0x01
    ALL = 0xFF


class MeasurementType(IntEnum):
    """DMTF measurement value types, without the raw bit."""

    ROM = 0
    FIRMWARE = 1
    HARDWARE_CONFIG = 2
    FIRMWARE_CONFIG = 3
    MANIFEST = 4
    DEVICE_MODE = 5
    VERSION = 6
    SECURITY_VERSION = 7


class MeasurementOperation(IntEnum):
    """param2 of GET_MEASUREMENTS; the values between select one block by its index."""

    COUNT = 0x00
    ALL = 0xFF


class MeasurementAttribute(IntFlag):
    """param1 of GET_MEASUREMENTS."""

    SIGNATURE = 1
    RAW = 2
    NEW = 4


class KeyUpdateOperation(IntEnum):
    """param1 of KEY_UPDATE."""

    UPDATE_KEY = 1
    UPDATE_ALL_KEYS = 2
    VERIFY_NEW_KEY = 3


class OpaqueDataId(IntEnum):
    """SMDataID of an opaque data element of the secured message specification."""

    VERSION_SELECTION = 0
    SUPPORTED_VERSIONS = 1
    AEAD_LIMIT = 2
