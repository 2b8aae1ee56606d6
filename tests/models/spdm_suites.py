# SPDX-License-Identifier: Apache-2.0
"""Every version and algorithm: a device that has them all, and requesters that want one of each."""

from __future__ import annotations

import random
from itertools import product

from models.spdm.codes import (
    SECURED_MESSAGE_1_0,
    SECURED_MESSAGE_1_1,
    SECURED_MESSAGE_1_2,
    BaseAsym,
    BaseHash,
    Capability,
    Dhe,
)
from models.spdm.curves import CURVES
from models.spdm.identity import make_test_pki
from models.spdm.negotiation import REQUESTER_FLAGS, RESPONDER_FLAGS, AlgorithmOffer
from models.spdm.requester import RequesterConfig, SpdmRequester
from models.spdm.responder_state import SUPPORTED_VERSIONS, ResponderConfig
from models.spdm.suite import Suite
from tests.models.spdm_device import Device

SLOTS = (0, 3, 7)
PKI = make_test_pki(random.Random(9), SLOTS, CURVES)
HASHES = tuple(BaseHash)
ASYM = tuple(curve.asym for curve in CURVES)
DHES = tuple(curve.dhe for curve in CURVES)
SUITES = [Suite(*one) for one in product(SUPPORTED_VERSIONS, HASHES, ASYM, DHES)]
SECURED_VERSIONS = (SECURED_MESSAGE_1_2, SECURED_MESSAGE_1_1, SECURED_MESSAGE_1_0)
IN_THE_CLEAR = Capability.HANDSHAKE_IN_THE_CLEAR


def suite_name(suite: Suite) -> str:
    """The name of a test."""
    parts = (suite.base_hash.name, suite.base_asym.name, suite.dhe.name)
    return "-".join([f"{suite.version:#x}", *map(str, parts)])


def capable_device(*, in_the_clear: bool = False) -> Device:
    """A device that offers everything."""
    config = ResponderConfig(
        flags=RESPONDER_FLAGS | IN_THE_CLEAR if in_the_clear else RESPONDER_FLAGS,
        versions=SUPPORTED_VERSIONS,
        secured_versions=SECURED_VERSIONS,
        heartbeat_period=5,
    )
    return Device(config, identity=PKI.store)


def wanting(
    device: Device,
    suite: Suite,
    secured_versions: tuple[int, ...] = SECURED_VERSIONS,
    *,
    in_the_clear: bool = False,
) -> SpdmRequester:
    """A requester that takes this suite only."""
    flags = REQUESTER_FLAGS | IN_THE_CLEAR if in_the_clear else REQUESTER_FLAGS
    config = RequesterConfig(
        flags=flags,
        versions=(suite.version,),
        secured_versions=secured_versions,
        algorithms=AlgorithmOffer(
            (BaseHash(suite.base_hash),), (BaseAsym(suite.base_asym),), (Dhe(suite.dhe),)
        ),
    )
    return SpdmRequester(device, random.Random(3), [PKI.root], config)
