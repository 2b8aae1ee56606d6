# SPDX-License-Identifier: Apache-2.0
"""How the attack tests are run: one representative of an attack on both simulators."""

from __future__ import annotations

import pytest

on_verilator = pytest.mark.parametrize("simulator", ["verilator"])
