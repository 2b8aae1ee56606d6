# SPDX-License-Identifier: Apache-2.0
"""Saves the hits of model tests, as simulations save theirs; a run of all tests forgets the old.

The longest tests come first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator

import pytest

from tb.coverage import FILE, Run, save
from tb.sim import BUILD_ROOT
from tests.choices import ChoiceError, chosen_seed, chosen_size
from tests.hits import take
from tests.order import rank
from tools.coverage import files

FOLDER = BUILD_ROOT / "models" / "python" / "runs"


def pytest_configure() -> None:
    """What cannot be chosen is refused in one line, before anything runs."""
    try:
        chosen_seed()
        chosen_size()
    except ChoiceError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_sessionstart(session: pytest.Session) -> None:
    """A run of some tests adds to what is there."""
    config = session.config
    some = config.option.keyword or config.option.collectonly or hasattr(config, "workerinput")
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS and not some:
        for path in files(BUILD_ROOT):
            path.unlink()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test that fails leaves here by its exception: its samples are thrown away."""
    take()
    result = yield
    hits = take()
    if hits:
        folder = FOLDER / hashlib.sha256(item.nodeid.encode()).hexdigest()[:12]
        (folder / FILE).unlink(missing_ok=True)
        save(folder, Run(item.nodeid, 0, hits))
    return result


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Called in each worker alike."""
    items.sort(key=lambda item: rank(item.nodeid))
