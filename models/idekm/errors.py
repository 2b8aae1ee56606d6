# SPDX-License-Identifier: Apache-2.0
"""Failures of IDE_KM."""

from __future__ import annotations


class IdeKmError(Exception):
    """An object that cannot be made or read, or an answer that is not the one expected."""
