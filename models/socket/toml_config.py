# SPDX-License-Identifier: Apache-2.0
"""Reads the configuration of the server from TOML. Every mistake is named in one line."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from models.socket.config import ConfigError, IdentityFiles, IdePlan, Place, ServerConfig
from models.spdm.codes import BaseHash, MeasurementType
from models.spdm.measurements import INDEX_MAX, Measurement
from models.spdm.transcript import digest

T = TypeVar("T")
_Table = Mapping[str, Any]
_KINDS: Mapping[type, str] = {
    int: "a whole number",
    str: "a text",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


class _Reader:
    """One table: takes keys out by type, and complains about what is left."""

    def __init__(self, name: str, table: _Table) -> None:
        self._name = name
        self._left = dict(table)

    def _place(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key

    def take(self, key: str, kind: type[T], default: T) -> T:
        """The value of `key`; a bool is no int."""
        value = self._left.pop(key, default)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ConfigError(f"{self._place(key)} must be {_KINDS[kind]}")
        return value

    def optional(self, key: str, kind: type[T]) -> T | None:
        """The value of `key`, None where it is not given."""
        return self.take(key, kind, kind()) if key in self._left else None

    def numbers(self, key: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """A list of numbers."""
        values: list[Any] = self.take(key, list, list(default))
        if any(not isinstance(value, int) or isinstance(value, bool) for value in values):
            raise ConfigError(f"{self._place(key)} must be a list of numbers")
        return tuple(values)

    def names(self, key: str) -> tuple[str, ...] | None:
        """A list of names, None where it is not given."""
        values: list[Any] | None = self.optional(key, list)
        if values is not None and any(not isinstance(value, str) for value in values):
            raise ConfigError(f"{self._place(key)} must be a list of names")
        return None if values is None else tuple(values)

    def finish(self) -> None:
        """ConfigError for keys that nobody knows."""
        if self._left:
            raise ConfigError(f"{self._name or 'the file'} has no setting {', '.join(self._left)}")


def load(path: Path) -> ServerConfig:
    """The configuration of a file; names of files in it are relative to its folder."""
    return parse(read_text(path), path.parent)


def read_text(path: Path) -> str:
    """The text of a configuration file."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def parse(text: str, folder: Path) -> ServerConfig:
    """The configuration in `text`."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"no TOML: {error}") from error
    top = _Reader("", tables)
    default = ServerConfig()
    config = ServerConfig(
        place=_place(_table(top, "device")),
        ide=_ide(_table(top, "ide")),
        identity=_identity(_table(top, "identity"), folder),
        seed=_seed(_table(top, "entropy")),
        measurements=_measurements(top, folder) or default.measurements,
    )
    top.finish()
    return config


def _table(top: _Reader, name: str) -> _Reader:
    return _Reader(name, top.take(name, dict, {}))


def _place(table: _Reader) -> Place:
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


def _ide(table: _Reader) -> IdePlan:
    default = IdePlan()
    streams = table.numbers("streams", default.streams)
    plan = IdePlan(
        streams=streams,
        default=table.take("default", int, streams[0] if streams else default.default),
        port_index=table.take("port_index", int, default.port_index),
    )
    table.finish()
    return plan


def _identity(table: _Reader, folder: Path) -> IdentityFiles:
    chain, key = table.optional("chain", str), table.optional("key", str)
    root = table.optional("root", str)
    table.finish()
    return IdentityFiles(
        chain=None if chain is None else folder / chain,
        key=None if key is None else folder / key,
        root=IdentityFiles().root if root is None else folder / root,
    )


def _seed(table: _Reader) -> int | None:
    seed = table.optional("seed", int)
    table.finish()
    return seed


def _measurements(top: _Reader, folder: Path) -> tuple[Measurement, ...]:
    blocks = []
    for number, raw in enumerate(top.take("measurements", list, []), start=1):
        if not isinstance(raw, dict):
            raise ConfigError("measurements must be a list of tables")
        blocks.append(_measurement(_Reader(f"measurements[{number}]", raw), number, folder))
    indices = [block.index for block in blocks]
    if len(set(indices)) != len(indices):
        raise ConfigError("measurements have an index twice")
    return tuple(sorted(blocks, key=lambda block: block.index))


def _measurement(table: _Reader, number: int, folder: Path) -> Measurement:
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
        value = contents[0] if raw else digest(BaseHash.SHA_384, contents[0])
    return Measurement(index, MeasurementType[name], value, raw)


def _hex(table: _Reader) -> bytes | None:
    value = table.optional("hex", str)
    try:
        return None if value is None else bytes.fromhex(value)
    except ValueError as error:
        raise ConfigError(f"{value!r} is no hex") from error


def _text(table: _Reader) -> bytes | None:
    value = table.optional("text", str)
    return None if value is None else value.encode()


def _file(table: _Reader, folder: Path) -> bytes | None:
    name = table.optional("file", str)
    if name is None:
        return None
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise ConfigError(f"{name}: {error.strerror}") from error
