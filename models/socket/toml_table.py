# SPDX-License-Identifier: Apache-2.0
"""One table of a TOML file, read key by key with its types checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from models.socket.config import ConfigError

T = TypeVar("T")
_KINDS: Mapping[type, str] = {
    int: "a whole number",
    str: "a text",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


class TomlTable:
    """One table: takes keys out by type, and complains about what is left."""

    def __init__(self, name: str, table: Mapping[str, Any]) -> None:
        self.name = name
        self._left = dict(table)

    def _place(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

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

    def tables(self, key: str) -> tuple[TomlTable, ...]:
        """A list of tables, each named by its place, from 1 on."""
        values: list[Any] = self.take(key, list, [])
        if any(not isinstance(value, dict) for value in values):
            raise ConfigError(f"{self._place(key)} must be a list of tables")
        place = self._place(key)
        return tuple(
            TomlTable(f"{place}[{number}]", value) for number, value in enumerate(values, start=1)
        )

    def finish(self) -> None:
        """ConfigError for keys that nobody knows."""
        if self._left:
            raise ConfigError(f"{self.name or 'the file'} has no setting {', '.join(self._left)}")
