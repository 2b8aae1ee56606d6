# SPDX-License-Identifier: Apache-2.0
"""The configuration of the server: its example, every mistake, certificates from files."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from models.socket.config import ConfigError, IdentityFiles, IdePlan, Place, ServerConfig
from models.socket.identity import make_identity, read_certificates, write_root
from models.socket.toml_config import load, parse
from models.spdm.codes import BaseHash, MeasurementType
from models.spdm.identity import DeviceIdentity
from models.spdm.measurements import Measurement
from models.spdm.transcript import digest
from tb.sim import ROOT
from tests.plan import covers

HERE = Path()
IDENTITY = DeviceIdentity.generate(random.Random(1))
KEY = IDENTITY._key
CHAIN = IDENTITY.certificates


def as_files(folder: Path, encoding: Encoding, leaf_first: bool = False) -> IdentityFiles:
    """IDENTITY as files."""
    chain = tuple(reversed(CHAIN)) if leaf_first else CHAIN
    files = IdentityFiles(folder / "chain", folder / "key")
    assert files.chain is not None
    assert files.key is not None
    files.chain.write_bytes(b"".join(item.public_bytes(encoding) for item in chain))
    files.key.write_bytes(KEY.private_bytes(encoding, PrivateFormat.PKCS8, NoEncryption()))
    return files


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
    [entropy]
    seed = 9
    """
    config = parse(text, Path("folder"))
    assert config.place == Place(23, 4, 7, 5, 0x2000_0000)
    assert config.place.pf_rid == 0x1727
    assert config.ide == IdePlan((5, 6, 255), 255, 3)
    folder = Path("folder")
    assert config.identity == IdentityFiles(folder / "a.pem", folder / "b.der", folder / "c.der")
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
    "[[": "no TOML",
}


@covers("EMU-001")
@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_named(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, HERE)
    assert MISTAKES[text] in str(caught.value)
    assert "\n" not in str(caught.value)


@covers("SPDM-CRT-001")
@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize("leaf_first", [False, True])
def test_certificates_and_key_come_from_pem_or_der(
    encoding: Encoding, leaf_first: bool, tmp_path: Path
) -> None:
    identity = make_identity(as_files(tmp_path, encoding, leaf_first), 0)
    assert identity.certificates == CHAIN
    assert identity.chain == IDENTITY.chain


@covers("SPDM-CRT-001")
def test_without_files_the_seed_makes_the_identity() -> None:
    one, same, other = (make_identity(IdentityFiles(), seed) for seed in (1, 1, 2))
    assert one.chain == same.chain != other.chain


@covers("SPDM-CRT-001")
@pytest.mark.parametrize("name", ["sub/root.pem", "root.der"])
def test_the_root_is_written_for_the_requester(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    write_root(IDENTITY, path)
    assert (b"BEGIN" in path.read_bytes()) == (path.suffix == ".pem")
    assert read_certificates(path) == [IDENTITY.root]


@covers("SPDM-CRT-001")
def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    files = as_files(tmp_path, Encoding.PEM)
    assert files.chain is not None
    assert files.key is not None
    pem = (Encoding.PEM, PrivateFormat.PKCS8)
    other = ec.generate_private_key(ec.SECP384R1()).private_bytes(*pem, NoEncryption())
    p256 = ec.generate_private_key(ec.SECP256R1()).private_bytes(*pem, NoEncryption())
    short = rsa.generate_private_key(65537, 2048).private_bytes(*pem, NoEncryption())
    locked = KEY.private_bytes(*pem, BestAvailableEncryption(b"secret"))
    for raw, finding in (
        (other, "is not the key of the last certificate"),
        (p256, "not of curve secp384r1"),
        (short, "not of curve secp384r1"),
        (locked, "no private key without a password"),
        (b"nonsense", "no private key"),
    ):
        files.key.write_bytes(raw)
        with pytest.raises(ConfigError, match=finding):
            make_identity(files, 0)
    files.chain.write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match="no certificates"):
        make_identity(files, 0)
    swapped = (CHAIN[1], CHAIN[0], CHAIN[2])
    files.chain.write_bytes(b"".join(item.public_bytes(Encoding.PEM) for item in swapped))
    with pytest.raises(ConfigError, match="no chain from root to leaf"):
        make_identity(files, 0)
    files.chain.unlink()
    with pytest.raises(ConfigError, match="No such file"):
        make_identity(files, 0)
