# SPDX-License-Identifier: Apache-2.0
"""Who may read the file with the secrets of sessions."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.spdm.key_file import KeyFile
from tests.plan import covers


@covers("SPDM-KEY-001")
@pytest.mark.parametrize("before", [None, 0o644, 0o666], ids=["new", "0644", "0666"])
def test_secrets_are_for_their_owner_only_whatever_the_file_was(
    before: int | None, tmp_path: Path
) -> None:
    path = tmp_path / "keys.txt"
    if before is not None:
        path.write_text("old")
        path.chmod(before)
    KeyFile(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "old" not in path.read_text()
