# SPDX-License-Identifier: Apache-2.0
"""Reads the configuration of the server from TOML. Every mistake is named in one line."""

from __future__ import annotations

import tomllib
from pathlib import Path

from models.socket.config import (
    ConfigError,
    IdentityFiles,
    IdePlan,
    Place,
    ServerConfig,
    SlotFiles,
)
from models.socket.toml_spdm import read_spdm
from models.socket.toml_table import TomlTable
from models.spdm.codes import MeasurementHash, MeasurementType
from models.spdm.measurements import INDEX_MAX, DeviceState, Measurement, measured
from models.spdm.responder_state import ResponderConfig

BLOCK_HEAD = 4 + 3  # bytes of a measurement block and of its value before the value
# Around the record of MEASUREMENTS: header, counts, nonce, opaque data, context, signature.
MEASUREMENTS_FRAME = 4 + 4 + 32 + 2 + 8 + 2 * 66


def load(path: Path) -> ServerConfig:
    """The configuration of a file; names of files in it are relative to its folder."""
    return parse_file(path, read_text(path))


def read_text(path: Path) -> str:
    """The text of a configuration file."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def parse_file(path: Path, text: str) -> ServerConfig:
    """The configuration in `text`, which was read from `path`: mistakes name that."""
    try:
        return parse(text, path.parent)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse(text: str, folder: Path) -> ServerConfig:
    """The configuration in `text`."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"no TOML: {error}") from error
    top = TomlTable("", tables)
    spdm = read_spdm(_table(top, "spdm"))
    state = DeviceState()
    config = ServerConfig(
        place=_place(_table(top, "device")),
        ide=_ide(_table(top, "ide")),
        identity=_identity(_table(top, "identity"), folder),
        seed=_seed(_table(top, "entropy")),
        spdm=spdm,
        measurements=_measurements(top, folder, spdm) or state.measurements(spdm.measurement_hash),
    )
    top.finish()
    return config


def _table(top: TomlTable, name: str) -> TomlTable:
    return TomlTable(name, top.take(name, dict, {}))


def _place(table: TomlTable) -> Place:
    default = Place()
    place = Place(
        bus=table.take("bus", int, default.bus),
        device=table.take("device", int, default.device),
        function=table.take("function", int, default.function),
        vfs=table.take("vfs", int, default.vfs),
        window=table.take("window", int, default.window),
    )
    table.finish()
    return place


def _ide(table: TomlTable) -> IdePlan:
    default = IdePlan()
    streams = table.numbers("streams", default.streams)
    plan = IdePlan(
        streams=streams,
        default=table.take("default", int, streams[0] if streams else default.default),
        port_index=table.take("port_index", int, default.port_index),
    )
    table.finish()
    return plan


def _identity(table: TomlTable, folder: Path) -> IdentityFiles:
    default = IdentityFiles()
    chain, key = table.optional("chain", str), table.optional("key", str)
    if (chain is None) != (key is None):
        raise ConfigError("identity.chain and identity.key go together")
    slots = tuple(_slot(one, folder) for one in table.tables("slots"))
    if chain is not None and key is not None:
        slots = (SlotFiles(0, folder / chain, folder / key), *slots)
    filled = table.numbers("filled", default.filled)
    root = table.optional("root", str)
    table.finish()
    return IdentityFiles(slots, filled, default.root if root is None else folder / root)


def _slot(table: TomlTable, folder: Path) -> SlotFiles:
    slot = table.take("slot", int, 0)
    chain, key = table.optional("chain", str), table.optional("key", str)
    table.finish()
    if chain is None or key is None:
        raise ConfigError(f"{table.name} needs chain and key")
    return SlotFiles(slot, folder / chain, folder / key)


def _seed(table: TomlTable) -> int | None:
    seed = table.optional("seed", int)
    table.finish()
    return seed


def _measurements(top: TomlTable, folder: Path, spdm: ResponderConfig) -> tuple[Measurement, ...]:
    tables = enumerate(top.tables("measurements"), start=1)
    algorithm = spdm.measurement_hash
    blocks = [_measurement(table, number, folder, algorithm) for number, table in tables]
    indices = [block.index for block in blocks]
    if len(set(indices)) != len(indices):
        raise ConfigError("measurements have an index twice")
    size = sum(BLOCK_HEAD + len(block.value) for block in blocks)
    limit = spdm.message_size - MEASUREMENTS_FRAME
    if size > limit:
        raise ConfigError(f"measurements take {size} bytes: at most {limit} fit a message")
    return tuple(sorted(blocks, key=lambda block: block.index))


def _measurement(
    table: TomlTable, number: int, folder: Path, algorithm: MeasurementHash
) -> Measurement:
    index = table.take("index", int, number)
    if not 1 <= index <= INDEX_MAX:
        raise ConfigError(f"measurement index {index}: it must be 1 to {INDEX_MAX}")
    name = table.take("type", str, MeasurementType.FIRMWARE.name)
    if name not in MeasurementType.__members__:
        known = ", ".join(MeasurementType.__members__)
        raise ConfigError(f"measurement type {name}: it must be one of {known}")
    raw = table.take("raw", bool, False)
    value, given = _hex(table), [_text(table), _file(table, folder)]
    contents = [item for item in given if item is not None]
    table.finish()
    if len(contents) + (value is not None) != 1:
        raise ConfigError(f"measurement {index} needs one of hex, text, file")
    if value is None:
        return measured(index, MeasurementType[name], contents[0], algorithm, raw=raw)
    return Measurement(index, MeasurementType[name], value, raw)


def _hex(table: TomlTable) -> bytes | None:
    value = table.optional("hex", str)
    try:
        return None if value is None else bytes.fromhex(value)
    except ValueError as error:
        raise ConfigError(f"{value!r} is no hex") from error


def _text(table: TomlTable) -> bytes | None:
    value = table.optional("text", str)
    return None if value is None else value.encode()


def _file(table: TomlTable, folder: Path) -> bytes | None:
    name = table.optional("file", str)
    if name is None:
        return None
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise ConfigError(f"{name}: {error.strerror}") from error
