# SPDX-License-Identifier: Apache-2.0
"""The configuration of the server: its example, every mistake, certificates from files."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from models.socket.config import (
    ConfigError,
    IdentityFiles,
    IdePlan,
    Place,
    ServerConfig,
    SlotFiles,
)
from models.socket.identity import make_slots, read_certificates, write_root
from models.socket.toml_config import load, parse
from models.spdm.codes import (
    SECURED_MESSAGE_1_2,
    VERSION_1_2,
    VERSION_1_3,
    BaseAsym,
    BaseHash,
    Capability,
    Dhe,
    MeasurementHash,
    MeasurementType,
)
from models.spdm.identity import NOT_AFTER, NOT_BEFORE, DeviceIdentity, SlotStore
from models.spdm.measurements import DeviceState, Measurement
from models.spdm.negotiation import AlgorithmOffer
from models.spdm.responder_state import ResponderConfig
from models.spdm.transcript import digest
from tb.sim import ROOT
from tests.plan import covers

HERE = Path()
IDENTITY = DeviceIdentity.generate(random.Random(1))
KEY = IDENTITY._key
CHAIN = IDENTITY.certificates
KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def as_files(folder: Path, encoding: Encoding, leaf_first: bool = False) -> IdentityFiles:
    """IDENTITY as files."""
    chain = tuple(reversed(CHAIN)) if leaf_first else CHAIN
    files = SlotFiles(0, folder / "chain", folder / "key")
    files.chain.write_bytes(b"".join(item.public_bytes(encoding) for item in chain))
    files.key.write_bytes(KEY.private_bytes(encoding, PrivateFormat.PKCS8, NoEncryption()))
    return IdentityFiles((files,))


def slots_of(files: IdentityFiles, seed: int = 0) -> SlotStore:
    """The slots, with P-384 where there are no files."""
    return make_slots(files, seed, [BaseAsym.ECDSA_P384])


@covers("EMU-001")
def test_the_example_says_what_holds_without_a_file() -> None:
    assert load(ROOT / "tools" / "serve.toml") == ServerConfig() == parse("", HERE)


@covers("EMU-002", "TDISP-HDR-005")
def test_every_setting_arrives() -> None:
    text = """
    [device]
    bus = 23
    device = 4
    function = 7
    vfs = 5
    window = 0x2000_0000
    [ide]
    streams = [5, 6, 255]
    default = 255
    port_index = 3
    [identity]
    chain = "a.pem"
    key = "b.der"
    root = "c.der"
    [[identity.slots]]
    slot = 3
    chain = "d.pem"
    key = "e.pem"
    [spdm]
    versions = ["1.2", "1.3"]
    secured_versions = ["1.2"]
    hash = ["SHA_512", "SHA_256"]
    asym = ["ECDSA_P256"]
    dhe = ["SECP_521_R1"]
    capabilities = ["CERT", "MEAS_NO_SIG", "KEY_EX", "ENCRYPT", "MAC"]
    measurement_hash = "SHA_256"
    ct_exponent = 5
    max_sessions = 2
    heartbeat_period = 7
    [entropy]
    seed = 9
    """
    config = parse(text, Path("folder"))
    assert config.place == Place(23, 4, 7, 5, 0x2000_0000)
    assert config.place.pf_rid == 0x1727
    assert config.ide == IdePlan((5, 6, 255), 255, 3)
    folder = Path("folder")
    first = SlotFiles(0, folder / "a.pem", folder / "b.der")
    third = SlotFiles(3, folder / "d.pem", folder / "e.pem")
    assert config.identity == IdentityFiles((first, third), root=folder / "c.der")
    flags = Capability.CERT | Capability.MEAS_NO_SIG
    assert config.spdm == ResponderConfig(
        flags=flags | Capability.KEY_EX | Capability.ENCRYPT | Capability.MAC,
        ct_exponent=5,
        max_sessions=2,
        heartbeat_period=7,
        secured_versions=(SECURED_MESSAGE_1_2,),
        versions=(VERSION_1_2, VERSION_1_3),
        algorithms=AlgorithmOffer(
            (BaseHash.SHA_512, BaseHash.SHA_256), (BaseAsym.ECDSA_P256,), (Dhe.SECP521R1,)
        ),
        measurement_hash=MeasurementHash.SHA_256,
    )
    assert config.measurements == DeviceState().measurements(MeasurementHash.SHA_256)
    assert config.entropy().random() == config.entropy().random()
    profile = config.profile
    assert (profile.num_tdi, profile.num_streams, profile.pf_function) == (6, 3, 7)


@covers("EMU-002")
def test_the_default_stream_is_the_first_one_unless_named() -> None:
    assert parse("[ide]\nstreams = [8, 0]", HERE).ide.default == 8


@covers("EMU-002")
def test_unused_register_blocks_get_stream_ids_that_nobody_uses() -> None:
    plan = IdePlan((255, 3), default=3)
    assert plan.blocks(4) == (255, 3, 254, 253)


@covers("SPDM-MEA-001")
def test_measurements_are_values_or_digests_of_what_is_measured(tmp_path: Path) -> None:
    (tmp_path / "firmware.bin").write_bytes(b"code")
    text = """
    [[measurements]]
    index = 3
    type = "VERSION"
    text = "2.1"
    raw = true
    [[measurements]]
    index = 1
    file = "firmware.bin"
    [[measurements]]
    index = 2
    type = "ROM"
    hex = "00ff"
    """
    assert parse(text, tmp_path).measurements == (
        Measurement(1, MeasurementType.FIRMWARE, digest(BaseHash.SHA_384, b"code")),
        Measurement(2, MeasurementType.ROM, b"\x00\xff"),
        Measurement(3, MeasurementType.VERSION, b"2.1", raw=True),
    )


MISTAKES = {
    "[device]\nbus = 0": "device.bus is 0: it must be 1 to 255",
    "[device]\ndevice = 32": "device.device is 32",
    "[device]\nfunction = 8": "device.function is 8",
    "[device]\nvfs = 8": "device.vfs is 8",
    "[device]\nvfs = true": "device.vfs must be a whole number",
    "[device]\nbus = 'x'": "device.bus must be a whole number",
    "[device]\nbus = 255\ndevice = 31\nfunction = 7": "Requester ID of the last VF is 65538",
    "[ide]\nstreams = []": "number of ide.streams is 0",
    "[ide]\nstreams = [1, 1]": "ide.streams names a Stream ID twice",
    "[ide]\nstreams = [256]": "ide.streams is 256",
    "[ide]\nstreams = ['a']": "ide.streams must be a list of numbers",
    "[ide]\nport_index = 256": "ide.port_index is 256",
    "[identity]\nchain = 'x'": "identity.chain and identity.key go together",
    "[[identity.slots]]\nslot = 8\nchain = 'x'\nkey = 'x'": "identity.slots.slot is 8",
    "[[identity.slots]]\nslot = 1": "identity.slots[1] needs chain and key",
    "[[identity.slots]]\nslot = 1\nchain = 'x'\nkey = 'x'": "slot 0 must be filled",
    "[identity]\nfilled = [1]": "slot 0 must be filled",
    "[identity]\nfilled = [0, 8]": "identity.filled is 8",
    "[spdm]\nhash = ['MD5']": "spdm.hash: MD5 must be one of SHA_256, SHA_384, SHA_512",
    "[spdm]\nversions = ['2.0']": "spdm.versions: 2.0 must be one of 1.0, 1.1, 1.2, 1.3",
    "[spdm]\nversions = []": "spdm: versions must name at least one",
    "[spdm]\nasym = ['ECDSA_P256', 'ECDSA_P256']": "spdm: asym must name at least one",
    "[spdm]\ncapabilities = ['PSK']": "spdm.capabilities: PSK must be one of CERT",
    "[spdm]\ncapabilities = ['KEY_EX']": "spdm: key exchange without encryption or MAC",
    "[spdm]\nmeasurement_hash = 'X'": "spdm.measurement_hash: X must be one of RAW_BIT",
    "[spdm]\nheartbeat_period = 256": "spdm: heartbeat_period is 256",
    "[spdm]\nmax_sessions = 17": "spdm.max_sessions is 17",
    "[spdm]\ncolour = 1": "spdm has no setting colour",
    "[entropy]\nsede = 1": "entropy has no setting sede",
    "[devise]\nbus = 1": "the file has no setting devise",
    "device = 1": "device must be a table",
    "measurements = [1]": "measurements must be a list of tables",
    "[[measurements]]\nindex = 255\ntext = 'x'": "measurement index 255",
    "[[measurements]]\ntype = 'X'\ntext = 'x'": "measurement type X",
    "[[measurements]]\nindex = 1": "measurement 1 needs one of hex, text, file",
    "[[measurements]]\nhex = 'xy'": "'xy' is no hex",
    "[[measurements]]\nfile = 'is not there'": "is not there: No such file",
    "[[measurements]]\nindex=2\ntext='a'\n[[measurements]]\nindex=2\ntext='b'": "an index twice",
    "[[measurements]]\nraw = true\ntext = '%s'"
    % (70000 * "x"): "take 70007 bytes: at most 4362 fit",
    "[[measurements]]\nraw = true\nhex = '%s'" % (4356 * "00"): "take 4363 bytes: at most 4362 fit",
    "[[": "no TOML",
}


@covers("EMU-001")
@pytest.mark.parametrize("text", MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_named(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, HERE)
    assert MISTAKES[text] in str(caught.value)
    assert "\n" not in str(caught.value)


@covers("EMU-001")
def test_a_mistake_in_a_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    for text in ("[[", "[device]\nbus = 0"):
        path.write_text(text)
        with pytest.raises(ConfigError, match=re.escape(f"{path}: ")):
            load(path)


@covers("SPDM-CRT-001")
@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize("leaf_first", [False, True])
def test_certificates_and_key_come_from_pem_or_der(
    encoding: Encoding, leaf_first: bool, tmp_path: Path
) -> None:
    store = slots_of(as_files(tmp_path, encoding, leaf_first))
    (identity,) = store.slots[0]
    assert store.filled(BaseAsym.ECDSA_P384) == (0,)
    assert identity.certificates == CHAIN
    assert identity.chain == IDENTITY.chain


@covers("SPDM-CRT-001")
def test_without_files_the_seed_makes_the_identity() -> None:
    stores = [slots_of(IdentityFiles(), seed) for seed in (1, 1, 2)]
    one, same, other = (store.slots[0][0].chain for store in stores)
    assert one == same != other


@covers("SPDM-CRT-001")
def test_a_test_pki_has_a_key_of_each_algorithm_in_each_slot() -> None:
    asym = (BaseAsym.ECDSA_P256, BaseAsym.ECDSA_P384)
    store = make_slots(IdentityFiles(filled=(0, 2, 7)), 1, asym)
    assert [store.filled(one) for one in asym] == [(0, 2, 7)] * 2
    chains = {store.slots[slot][0].chain for slot in (0, 2, 7)}
    assert len(chains) == 3


@covers("SPDM-CRT-001")
@pytest.mark.parametrize("name", ["sub/root.pem", "root.der"])
def test_the_root_is_written_for_the_requester(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    write_root(SlotStore.single(IDENTITY), path)
    assert (b"BEGIN" in path.read_bytes()) == (path.suffix == ".pem")
    assert read_certificates(path) == [IDENTITY.root]


@covers("SPDM-CRT-001")
def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    identity = as_files(tmp_path, Encoding.PEM)
    (files,) = identity.slots
    pem = (Encoding.PEM, PrivateFormat.PKCS8)
    other = ec.generate_private_key(ec.SECP384R1()).private_bytes(*pem, NoEncryption())
    p256 = ec.generate_private_key(ec.SECP256R1()).private_bytes(*pem, NoEncryption())
    short = rsa.generate_private_key(65537, 2048).private_bytes(*pem, NoEncryption())
    locked = KEY.private_bytes(*pem, BestAvailableEncryption(b"secret"))
    for raw, finding in (
        (other, "is not the one of the last certificate"),
        (p256, "is not the one of the last certificate"),
        (short, "not of an elliptic curve"),
        (locked, "no private key without a password"),
        (b"nonsense", "no private key"),
    ):
        files.key.write_bytes(raw)
        with pytest.raises(ConfigError, match=finding):
            slots_of(identity)
    files.chain.write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match="no certificates"):
        slots_of(identity)
    swapped = (CHAIN[1], CHAIN[0], CHAIN[2])
    files.chain.write_bytes(b"".join(item.public_bytes(Encoding.PEM) for item in swapped))
    with pytest.raises(ConfigError, match="no chain from root to leaf"):
        slots_of(identity)
    files.chain.unlink()
    with pytest.raises(ConfigError, match="No such file"):
        slots_of(identity)


Authority = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def certificate(
    name: str, issuer: Authority | None = None, *extensions: x509.ExtensionType
) -> Authority:
    """A certificate with those extensions only, and its key; without an issuer it is a root."""
    key = ec.generate_private_key(ec.SECP384R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    above, signer = (issuer[0].subject, issuer[1]) if issuer else (subject, key)
    builder = x509.CertificateBuilder(above, subject, key.public_key(), 1, NOT_BEFORE, NOT_AFTER)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(signer, hashes.SHA384()), key


def usage(**allowed: bool) -> x509.KeyUsage:
    """KeyUsage with what is named and nothing else."""
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in KEY_USAGES})


CA = (x509.BasicConstraints(ca=True, path_length=None), usage(key_cert_sign=True))
LEAF = usage(digital_signature=True)


def bare_ca() -> list[Authority]:
    root = certificate("root")
    return [root, certificate("leaf", root, LEAF)]


def root_only() -> list[Authority]:
    return [certificate("root", None, *CA)]


def leaf_only() -> list[Authority]:
    return [certificate("leaf", certificate("root", None, *CA), LEAF)]


def forged() -> list[Authority]:
    return [certificate("root", None, *CA), certificate("leaf", certificate("root"), LEAF)]


def leaf_that_may_not_sign() -> list[Authority]:
    root = certificate("root", None, *CA)
    return [root, certificate("leaf", root, usage(key_agreement=True))]


UNTRUSTED: dict[Callable[[], list[Authority]], str] = {
    bare_ca: "CN=root: no basic constraints or key usage",
    root_only: "chain has no leaf under its root",
    leaf_only: "chain has no leaf under its root",
    forged: "CN=leaf: not issued by the certificate above it",
    leaf_that_may_not_sign: "CN=leaf: may not sign",
}


@covers("SPDM-CRT-001")
@pytest.mark.parametrize("make", UNTRUSTED, ids=lambda make: make.__name__)
def test_a_chain_that_no_requester_would_trust_is_refused(
    make: Callable[[], list[Authority]], tmp_path: Path
) -> None:
    chain = make()
    files = SlotFiles(0, tmp_path / "chain.pem", tmp_path / "key.pem")
    files.chain.write_bytes(b"".join(item.public_bytes(Encoding.PEM) for item, _ in chain))
    plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files.key.write_bytes(chain[-1][1].private_bytes(*plain))
    with pytest.raises(ConfigError, match=re.escape(f"chain.pem: {UNTRUSTED[make]}")):
        slots_of(IdentityFiles((files,)))


@covers("SPDM-CRT-001", "SPDM-VCA-001")
def test_keys_for_no_offered_algorithm_are_refused(tmp_path: Path) -> None:
    files = as_files(tmp_path, Encoding.PEM)
    with pytest.raises(ConfigError, match=r"no key for any of spdm\.asym: ECDSA_P256"):
        make_slots(files, 0, [BaseAsym.ECDSA_P256])
