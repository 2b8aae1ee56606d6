# SPDX-License-Identifier: Apache-2.0
"""Key schedule and signing input against known answers."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from models.spdm.codes import BaseHash
from models.spdm.errors import DecodeError, SignatureError
from models.spdm.key_schedule import KeySchedule, bin_concat
from models.spdm.signing import (
    SigningContext,
    exchange_data,
    private_key,
    shared_secret,
    sign,
    signing_input,
    verify,
)
from models.spdm.transcript import Transcript, digest
from tests.plan import covers


@covers("SPDM-KEY-001")
@pytest.mark.parametrize(
    ("base_hash", "ikm", "salt", "info", "prk", "okm"),
    [
        (
            BaseHash.SHA_256,
            "0b" * 22,
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            BaseHash.SHA_384,
            "8677dc79233ef3480777c4c601ef4f0b",
            "ad88db718244e2cb60e35f874d7ad81f",
            "a38f634d947819a9bfa792174b42baa20c9fce15",
            "60aea0deca9762aa43af0e77a80fb776d0081962f830b50d9208927a8ad56a3d"
            "c44a5dfeb6b4792f979271e6cb088652",
            "758546362a070c0f13cbfbf1756e8f29b7819fb903c7ed4f97a56be3c8f81e8c"
            "37aef5c0f8e5d2b17eb1aa02ec04c33f546cb2f3d193e930a9f89ec9ce3a82b5",
        ),
    ],
)
def test_hkdf_equals_the_published_vectors(
    base_hash: BaseHash, ikm: str, salt: str, info: str, prk: str, okm: str
) -> None:
    schedule = KeySchedule(base_hash)
    secret = schedule.extract(bytes.fromhex(salt), bytes.fromhex(ikm))
    assert secret.hex() == prk
    assert schedule.expand(secret, bytes.fromhex(info), len(okm) // 2).hex() == okm


@dataclass(frozen=True)
class Vector:
    """Expected values of one hash algorithm, in hex."""

    base_hash: BaseHash
    values: dict[str, str]


VECTORS = [
    Vector(
        BaseHash.SHA_256,
        {
            "DHE secret": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "TH1 hash": "c609901b663ab99994c6c27f6d67ffa2544000df339a88534b57aed3c52f1559",
            "TH2 hash": "19bf04c9d57f6f4825213b5eb5fd32eb2409a3cb6d58ba737ba834ae3c67c6ae",
            "BinConcat req hs data": "20007370646d312e32207265712068732064617461c609901b663ab9"
            "9994c6c27f6d67ffa2544000df339a88534b57aed3c52f1559",
            "Handshake-Secret": "46bd320605c5a6b6163ab70bc6345b92a5f908e79fe58979c23ebb47d1a5e307",
            "S0 req hs": "9a3fffaf69f35479f745e47b5ef7fd41670b50cfb6e56914a79857e778b7bda8",
            "S1 rsp hs": "767f098eb3e10df1906d51a612bd2e1c8ddbd27b404d19ae76b8d299a76ebcb3",
            "finished key req": "93161ab48000d84a57e81611f3152193df8836a69d84874ec7e5c5a045dfa524",
            "finished key rsp": "ab72dfc44ffce8e56bf7e34a521e57f8fc55944735d00bd3ce6162a29a5aa6c2",
            "req hs key": "31520ebc619c2e93f3acfa87503b4401c39698eaab7c9a08ef064fa4d60cee2e",
            "req hs iv": "5eb555bca802631cd86ce043",
            "rsp hs key": "b0ae2cd7f88c3c1e0e86da266986aca36f5b8b89abfc2481b6a3c8b92ef5ef9c",
            "rsp hs iv": "307664afada1b868540fc326",
            "Salt_1": "5c3fd8d84abcd07b25d74a7833333eda27b2b83635deca76e9ba8a1e4acd70b0",
            "Master-Secret": "e6209c58435df5be77edc4341fc40385fc481f113db6daf21a5bd2a4ea5cbbd6",
            "S2 req app": "aa2e6a9ed7f117707b1e02faf4815fa4a5b9ff2575dc48fb1ced056d3b4d9b8b",
            "S3 rsp app": "cc588383f137f2c3f1b8cbb2662364f58e034ecc66410b34af3c027c0291da36",
            "export master": "49d65a4eb75308488bd8820b56f131c85ebdc6c6fd7d591cccbe5576f978d3f9",
            "req app key": "422419d1ba314a0bafd6ad39d234a2db69bbd045bb4156f11e05af71aa1bb68a",
            "req app iv": "62852224a2bcc5003071a17d",
            "rsp app key": "2b0c14e874dd6fd566605fd8c313f550ad5869e39126b447b690bbac1f5785ce",
            "rsp app iv": "57f4c9b05b15c96264bca6be",
            "S2 after update": "2e6d2fecbd1390f5c1f364025fc1539308e686f0cb5bd24aca5930dfa6d9c2c0",
            "req key updated": "77867e2f1be1903a4d874a722f04d6b81d7e0ffd4baf6f0d96cf8fd0a0643d83",
            "req iv updated": "71a5eb90f14187d86e32ad28",
        },
    ),
    Vector(
        BaseHash.SHA_384,
        {
            "DHE secret": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b"
            "1c1d1e1f202122232425262728292a2b2c2d2e2f",
            "TH1 hash": "af8d1cfcb832e203d945549d67b51a3b050c232655fbb0bf50f84ab0"
            "024ec357a775f307b586b0ce4f996fa19fc95593",
            "TH2 hash": "8732e356525135c9e386c83c91844101a3622eb0a10ba3ac542ffde2"
            "5f854ce932ff1abe0b0d21a467916cd7b39dade1",
            "BinConcat req hs data": "30007370646d312e32207265712068732064617461af8d1cfcb832e2"
            "03d945549d67b51a3b050c232655fbb0bf50f84ab0024ec357a775f3"
            "07b586b0ce4f996fa19fc95593",
            "Handshake-Secret": "360732e7447a7e51164ebc696c02061ead7f37c94691c4c830c8bb5c"
            "cc75ad69aa72ba3bc5d8112486c6d0c5c6b9e0be",
            "S0 req hs": "39ac177147efb8775ddf30c36d37aec1c5104fe8d01234dd8f917c22"
            "256b1fafc3ac69551ecc5b4e115841e364ac7b0f",
            "S1 rsp hs": "4a94f39408d1dfba25bd2116448dd72156174a2b27c88c6d0cc39eb6"
            "f2b1f158ffa86744e86d21fdf0afaa7ee751011c",
            "finished key req": "0c342a8bfc514ab85c546bc8216ffabce9d12d2046a606a25fcef85f"
            "eb74df7cfd1e5e3cda98ffba78018a7526aba547",
            "finished key rsp": "75e322f9a917129ba7c15a1108bf0eeb7c3579a5df8d7252de3b412f"
            "f16362c2a21fff048cfbe0b9cefed46c21f315cd",
            "req hs key": "ec3db79ca24def99c3fea8030c2de9303322d3ed62f7b61081d8ec846b1a8b0a",
            "req hs iv": "084eebbfb47f2a7965f758dd",
            "rsp hs key": "64b7a22de584b86e9bf5899bc7b71489e6bb92bf51a726174ca6122d1be292ec",
            "rsp hs iv": "5027156aaff675f41321cd1c",
            "Salt_1": "1f524a5fdf14917b4716a3a68a17095642221e32b9baa47a082cb3a4"
            "3ece665ae2a368b922a2c028eb91569e20f212b9",
            "Master-Secret": "8640594d596156cff44e02500ff07a7fd5dd57435e8b6cf02472e2a9"
            "5acc9160fa45a22a48c6b593e29084de1aba4982",
            "S2 req app": "968328c0df982c6615043f9b18b1c7c9d4666c0671649e2105577a08"
            "92d3694a67b619b6190af7aa6f162b65bf0cb532",
            "S3 rsp app": "c7600a8695a27f595002ad84aa97c6d83ba9d5b175834c46040d8fe8"
            "a942f5e2b41ce8af09f738f0e2f97a1b72127aeb",
            "export master": "11e5efea0905e80a402ea9b42e7ce45cf09a1dcc1fdaae4ebc6204c7"
            "696da2bde4d299ef16481b1ffe65a7b970cae1b0",
            "req app key": "848d206a0b0b9ebf2c2db70e5a447cb8c6ceae51db25ae2e59bfc3739b693b2f",
            "req app iv": "159f1e766c1428b698751f0f",
            "rsp app key": "e75693cf32a2af8c16a445e050873d9dc4c7f6921350016ebd3377456d260950",
            "rsp app iv": "ba1ca8e08bba9941343bd883",
            "S2 after update": "11947caf706b99bc227641902ae9ad7ed9c22d44621de5eeedb29b11"
            "4a8ab694d2e5417fb65e1da91c06a7d2a780c8c1",
            "req key updated": "4e5a97deb7662b8328359808a48068ad9b4ebb53383b34743cd61e7417f495a3",
            "req iv updated": "c2b8dfd7005735d3d07048f8",
        },
    ),
]


def _computed(base_hash: BaseHash) -> dict[str, bytes]:
    schedule = KeySchedule(base_hash)
    th1, th2 = digest(base_hash, b"TH1"), digest(base_hash, b"TH2")
    handshake = schedule.handshake(bytes(range(schedule.hash_size)), th1)
    application = schedule.application(handshake.handshake, th2)
    updated = schedule.updated(application.request)
    values = {
        "DHE secret": bytes(range(schedule.hash_size)),
        "TH1 hash": th1,
        "TH2 hash": th2,
        "BinConcat req hs data": bin_concat(schedule.hash_size, b"req hs data", th1),
        "Handshake-Secret": handshake.handshake,
        "S0 req hs": handshake.request,
        "S1 rsp hs": handshake.response,
        "finished key req": schedule.finished_key(handshake.request),
        "finished key rsp": schedule.finished_key(handshake.response),
        "Salt_1": schedule.expand(
            handshake.handshake, bin_concat(schedule.hash_size, b"derived"), schedule.hash_size
        ),
        "Master-Secret": schedule.master_secret(handshake.handshake),
        "S2 req app": application.request,
        "S3 rsp app": application.response,
        "export master": application.export,
        "S2 after update": updated,
    }
    for name, secret in (
        ("req hs {}", handshake.request),
        ("rsp hs {}", handshake.response),
        ("req app {}", application.request),
        ("rsp app {}", application.response),
        ("req {} updated", updated),
    ):
        keys = schedule.record_keys(secret)
        values[name.format("key")] = keys.key
        values[name.format("iv")] = keys.iv
    return values


@covers("SPDM-KEY-001")
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.base_hash.name)
def test_key_schedule_equals_the_vectors(vector: Vector) -> None:
    computed = {name: value.hex() for name, value in _computed(vector.base_hash).items()}
    assert computed == vector.values


@covers("SPDM-KEX-001")
def test_signing_input_is_prefix_padded_context_and_hash() -> None:
    expected = bytes.fromhex(
        "646d7466 2d737064 6d2d7631 2e322e2a 646d7466 2d737064 6d2d7631 2e322e2a"
        "646d7466 2d737064 6d2d7631 2e322e2a 646d7466 2d737064 6d2d7631 2e322e2a"
        "00007265 73706f6e 6465722d 6b65795f 65786368 616e6765 5f727370 20736967 6e696e67"
    )
    assert signing_input(SigningContext.KEY_EXCHANGE_RSP, b"\x01" * 48) == expected + b"\x01" * 48
    for context in SigningContext:
        assert len(signing_input(context, b"")) == 100


@covers("SPDM-KEX-001", "SPDM-MEA-001")
def test_signature_verifies_with_the_bare_library_and_is_repeatable() -> None:
    key, transcript_hash = private_key(random.Random(5)), bytes(48)
    signature = sign(key, SigningContext.MEASUREMENTS, transcript_hash)
    assert signature == sign(key, SigningContext.MEASUREMENTS, transcript_hash)
    der = encode_dss_signature(
        int.from_bytes(signature[:48], "big"), int.from_bytes(signature[48:], "big")
    )
    data = b"dmtf-spdm-v1.2.*" * 4 + bytes(6) + b"responder-measurements signing" + bytes(48)
    key.public_key().verify(der, data, ec.ECDSA(hashes.SHA384()))


@covers("SPDM-MEA-001")
@pytest.mark.parametrize("what", ["context", "transcript", "signature", "length", "zero"])
def test_signature_is_refused_after_any_change(what: str) -> None:
    key, context, transcript_hash = private_key(random.Random(5)), SigningContext.MEASUREMENTS, b""
    signature = sign(key, context, transcript_hash)
    if what == "context":
        context = SigningContext.CHALLENGE_AUTH
    elif what == "transcript":
        transcript_hash = b"\0"
    else:
        altered = {"signature": b"\1" + signature[1:], "length": signature[1:], "zero": bytes(96)}
        signature = altered[what]
    with pytest.raises(SignatureError):
        verify(key.public_key(), context, transcript_hash, signature)


@covers("SPDM-KEX-001")
def test_both_ends_get_the_same_secret_and_foreign_points_are_refused() -> None:
    rng = random.Random(7)
    ours, theirs = private_key(rng), private_key(rng)
    secret = shared_secret(ours, exchange_data(theirs))
    assert secret == shared_secret(theirs, exchange_data(ours))
    assert len(secret) == 48
    for data in (bytes(96), b"\xff" * 96, exchange_data(theirs)[:-1] + b"\0"):
        with pytest.raises(DecodeError, match="point"):
            shared_secret(ours, data)


@covers("SPDM-KEX-001")
def test_a_forked_transcript_is_independent() -> None:
    log = Transcript().append(b"a")
    fork = log.fork().append(b"b")
    assert log.digest() == digest(BaseHash.SHA_384, b"a")
    assert fork.digest() == digest(BaseHash.SHA_384, b"ab")


class _Constant:
    """The same byte again and again."""

    def __init__(self, byte: int) -> None:
        self._byte = byte

    def randbytes(self, n: int, /) -> bytes:
        return bytes((self._byte,)) * n


@covers("SPDM-KEX-001")
def test_any_randomness_gives_a_key() -> None:
    assert private_key(_Constant(0)).private_numbers().private_value == 1
    assert private_key(_Constant(0xFF)).private_numbers().private_value > 1
