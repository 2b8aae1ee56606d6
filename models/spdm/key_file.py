# SPDX-License-Identifier: Apache-2.0
"""DHE secrets of sessions in a side file, in the form that libspdm's tools print them.

One line for each session, in the order of their KEY_EXCHANGE_RSP:

    [DHE Secret]: <hex>

The value is what `spdm_dump --dhe_secret` takes. With the messages of the handshake it gives all
keys of the session: whoever has the file can read and forge its records. Other lines belong to
other readers.
"""

from __future__ import annotations

import os
from pathlib import Path

from models.spdm.key_log import LoggedSecret, SecretName

MARK = "[DHE Secret]:"
WARNING = "# Whoever has this file can read and forge the records of these sessions.\n"
OWNER_ONLY = 0o600


class KeyFile:
    """Is a `KeyLog`. A line is in the file as soon as its session has keys."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
        os.fchmod(descriptor, OWNER_ONLY)  # the mode above is only for a new file
        self._file = os.fdopen(descriptor, "w")
        self._write(WARNING)

    def __call__(self, entry: LoggedSecret) -> None:
        text = line(entry)
        if text is not None:
            self._write(f"{text}\n")

    def _write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()

    def close(self) -> None:
        """Nothing is written any more."""
        self._file.close()


def line(entry: LoggedSecret) -> str | None:
    """The line for a secret, without its end; None for those that follow from the others."""
    return f"{MARK} {entry.value.hex()}" if entry.name is SecretName.DHE else None


def parse_secrets(text: str) -> list[bytes]:
    """The secrets of a side file in their order; ValueError for one that is no hex."""
    lines = (one.strip() for one in text.splitlines())
    return [_value(one) for one in lines if one.startswith(MARK)]


def _value(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix(MARK))
    except ValueError as error:
        raise ValueError(f"not a DHE secret: {text!r}") from error
