# SPDX-License-Identifier: Apache-2.0
"""Which test drives which row of the transition table on the whole device."""

from __future__ import annotations

from collections.abc import Mapping

from models.tdisp.codes import Request, TdiState
from models.tdisp.table import Event

# Rows by the test class that drives them.
GROUPS: Mapping[str, tuple[Event, ...]] = {
    "EveryRequestInEveryState": (
        Event.LOCK_GOOD,
        Event.LOCK_BAD,
        Event.START_GOOD,
        Event.START_BAD,
        Event.STOP,
        Event.GET_REPORT,
        Event.GET_STATE,
        Event.GET_VERSION,
        Event.GET_CAPABILITIES,
    ),
    "OptionalRequestsInEveryState": (
        Event.BIND_P2P,
        Event.UNBIND_P2P,
        Event.SET_MMIO,
    ),
    "RequestsThatAreNotBuiltInEveryState": (Event.SET_CONFIG, Event.VDM),
    "EveryEventInEveryState": (
        Event.CONFIG_CHANGE,
        Event.FLR,
        Event.STREAM_INSECURE,
        Event.SESSION_END,
    ),
    "RareEventsInEveryState": (
        Event.REQUESTER_ID_CHANGE,
        Event.POISONED,
        Event.CONVENTIONAL_RESET,
        Event.DSM_FAULT,
    ),
    "AnswersInEveryState": (Event.COMPLETION_ERROR, Event.TRANSLATION_T0),
    "PageResponsesInEveryState": (Event.PRG_RESPONSE_T0,),
}

# What the device is built with for a test class, where that is not the default.
BUILDS: Mapping[str, Mapping[str, int]] = {
    "PageResponsesInEveryState": {"PASID_EN": 1, "PRI_EN": 1},
}

# These get UNSUPPORTED_REQUEST wherever the table has a response or INVALID_INTERFACE_STATE: the
# code is looked at before the state.
NOT_BUILT: Mapping[Event, tuple[Request, int]] = {  # with the bytes of its payload
    Event.SET_CONFIG: (Request.SET_TDISP_CONFIG_REQUEST, 4),
    Event.VDM: (Request.VDM_REQUEST, 4),
}

# Rows that nobody can drive at the pins of this device, and why.
OUT_OF_REACH: Mapping[Event, str] = {
    Event.FORCED_UPDATE: "firmware is not updated at run time",
    Event.DEBUG: "there is no debug port",
    Event.POWER: "No_Soft_Reset is 1, so that no transition loses state",
    Event.SELF_CLEAN: "ERROR is left by STOP only",
}

# Single cells of the same kind.
CELLS_OUT_OF_REACH: Mapping[tuple[TdiState, Event], str] = {
    (
        TdiState.CONFIG_LOCKED,
        Event.COMPLETION_ERROR,
    ): "LOCK waits for the last Completion or its time-out",
    (
        TdiState.CONFIG_LOCKED,
        Event.TRANSLATION_T0,
    ): "LOCK waits for the last Completion or its time-out",
}
