# SPDX-License-Identifier: Apache-2.0
"""Every failure of the host's parts."""

from __future__ import annotations


class HostError(Exception):
    """A host part was asked for what it must not or cannot do."""
