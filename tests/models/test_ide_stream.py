# SPDX-License-Identifier: Apache-2.0
"""The IDE stream against hand-computed vectors and against every way to break a TLP."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ide import gcm
from models.ide.codes import (
    INVOCATION_MAX,
    MAC_SIZE,
    RECEIVED_COUNTER_MAX,
    SYNC_DUE,
    StreamState,
    SubStream,
)
from models.ide.keys import ALL_SLOTS, KeySlot
from models.ide.prefix import IdePrefix, peek
from models.ide.stream import IdeError, IdeFailure, IdeStream, InsecureCause, StreamConfig
from models.idekm.codes import Direction
from models.pcie.codes import CplStatus, FmtType
from models.pcie.tlp import Tlp
from tests.models.ide_pair import (
    C1,
    K1,
    K_PR,
    PASID_RUN,
    Q1,
    R1,
    RUN,
    W1,
    W2,
    W3,
    Vector,
    give_keys,
    port,
    refresh,
)
from tests.plan import covers

WRITE = W1.plain_bytes
READ = R1.plain_bytes
COMPLETION = C1.plain_bytes


def refused(stream: IdeStream, wire: bytes) -> IdeFailure:
    """How `stream` fails `wire`; the test fails if it serves it."""
    with pytest.raises(IdeError) as caught:
        stream.decrypt(wire)
    return caught.value.failure


def sealed(prefix: str, rest: str, plaintext: bytes, invocation: int = 1) -> bytes:
    """An IDE TLP made by hand with K_PR, MAC valid whatever the prefix says."""
    aad = bytes.fromhex(prefix + rest)
    body = AESGCM(K_PR).encrypt(bytes(4) + invocation.to_bytes(8, "big"), plaintext, aad)
    return aad + body[: len(plaintext) + MAC_SIZE]


# ---------------------------------------------------------------------- vectors


@covers("IDE-TLP-001", "IDE-TLP-004", "IDE-TLP-005", "IDE-GCM-001", "IDE-GCM-002")
@covers("IDE-GCM-004", "IDE-GCM-005", "IDE-GCM-006", "IDE-CNT-001", "IDE-KEY-001")
def test_a_run_of_five_tlps_matches_the_vectors_and_comes_back() -> None:
    transmitter, receiver = port(), port()
    for name, vector in RUN.items():
        wire = transmitter.encrypt(vector.plain_bytes, vector.t)
        assert wire.hex() == vector.wire_bytes.hex(), name
        plain, t, _ = receiver.decrypt(wire)
        assert (plain, t) == (vector.plain_bytes, vector.t), name


@covers("IDE-PCRC-001", "IDE-PCRC-002", "IDE-TLP-004")
def test_a_write_with_pcrc_matches_its_vector() -> None:
    wire = port(pcrc=True).encrypt(Q1.plain_bytes, True)
    assert wire.hex() == Q1.wire_bytes.hex()
    assert port(pcrc=True).decrypt(wire)[0] == Q1.plain_bytes


@covers("IDE-KEY-003", "IDE-KEY-006", "IDE-GCM-003")
def test_the_first_write_after_a_refresh_matches_its_vector() -> None:
    transmitter, receiver = port(), port()
    receiver.decrypt(transmitter.encrypt(WRITE, True))
    refresh(transmitter, receiver, 1)
    wire = transmitter.encrypt(WRITE, True)
    assert wire.hex() == K1.wire_bytes.hex()
    assert receiver.decrypt(wire)[0] == WRITE


@covers("IDE-PCRC-001")
@pytest.mark.parametrize(
    ("data", "crc"),
    [
        ("313233343536373839", "2639f4cb"),
        ("00000000", "1cdf4421"),
        ("deadbeef", "5aa39c7c"),
        ("101112131415161718191a1b1c1d1e1f", "67fda7f4"),
    ],
)
def test_pcrc_matches_the_vectors(data: str, crc: str) -> None:
    assert gcm.pcrc(bytes.fromhex(data)).hex() == crc


@covers("IDE-GCM-001")
@pytest.mark.parametrize(
    ("key", "iv", "aad", "plaintext", "ciphertext", "mac"),
    [
        ("00" * 32, "00" * 12, "", "", "", "530f8afbc74536b9a963b4f1"),
        (
            "00" * 32,
            "00" * 12,
            "",
            "00" * 16,
            "cea7403d4d606b6e074ec5d3baf39d18",
            "d0d1c8a799996bf0265b98b5",
        ),
        (
            "feffe9928665731c6d6a8f9467308308" * 2,
            "cafebabefacedbaddecaf888",
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
            "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            "76fc6ece0f4e1768cddf8853",
        ),
    ],
)
def test_the_mac_is_the_leftmost_96_bits_of_the_tag(
    key: str, iv: str, aad: str, plaintext: str, ciphertext: str, mac: str
) -> None:
    raw_key, nonce, raw_aad = bytes.fromhex(key), bytes.fromhex(iv), bytes.fromhex(aad)
    result = gcm.seal(raw_key, nonce, bytes.fromhex(plaintext), raw_aad)
    assert (result[0].hex(), result[1].hex()) == (ciphertext, mac)
    opened = gcm.open_sealed(raw_key, nonce, result[0], result[1], raw_aad)
    assert opened == bytes.fromhex(plaintext)


# ---------------------------------------------------------------------- negative cases


@covers("IDE-GCM-011", "IDE-GCM-008", "IDE-ST-002")
@pytest.mark.parametrize("vector", [W1, R1, W3], ids=["W1", "R1", "W3"])
def test_no_single_flipped_bit_is_served(vector: Vector) -> None:
    before = [W1, W2] if vector is R1 else [W1, W2] if vector is W3 else []
    for bit in range(8 * len(vector.wire_bytes)):
        receiver = port()
        for earlier in before:
            receiver.decrypt(earlier.wire_bytes)
        broken = bytearray(vector.wire_bytes)
        broken[bit // 8] ^= 0x80 >> bit % 8
        failure = refused(receiver, bytes(broken))
        if bit < 8:
            assert failure is IdeFailure.NOT_IDE
        elif 16 <= bit < 24:
            assert failure is IdeFailure.MISROUTED
        else:
            assert failure in (IdeFailure.CHECK_FAILED, IdeFailure.MALFORMED), bit
            assert not receiver.secure, bit


@covers("IDE-ST-008", "IDE-ST-011")
def test_an_unused_stream_id_is_misrouted_and_harms_nobody() -> None:
    receiver = port()
    wire = bytearray(W1.wire_bytes)
    wire[2] = 9
    assert refused(receiver, bytes(wire)) is IdeFailure.MISROUTED
    assert receiver.decrypt(W1.wire_bytes)[0] == WRITE


@covers("IDE-SEL-007")
def test_a_changed_first_byte_makes_it_a_plain_tlp() -> None:
    wire = b"\x90" + W1.wire_bytes[1:]
    assert peek(wire) is None
    assert refused(port(), wire) is IdeFailure.NOT_IDE


@covers("IDE-GCM-004", "IDE-GCM-011")
def test_the_reserved_counter_of_a_posted_tlp_is_covered_by_the_mac() -> None:
    wire = bytearray(W1.wire_bytes)
    wire[1] = 1
    assert refused(port(), bytes(wire)) is IdeFailure.CHECK_FAILED


@covers("IDE-GCM-003", "IDE-ST-013")
@pytest.mark.parametrize("order", [[W2], [W1, W1], [W1, W3]], ids=["early", "twice", "missing"])
def test_a_posted_tlp_out_of_turn_fails_at_the_first_wrong_one(order: list[Vector]) -> None:
    receiver = port()
    for vector in order[:-1]:
        receiver.decrypt(vector.wire_bytes)
    assert refused(receiver, order[-1].wire_bytes) is IdeFailure.CHECK_FAILED
    assert refused(receiver, W2.wire_bytes) is IdeFailure.DISCARDED


@covers("IDE-CNT-004", "IDE-CNT-007")
def test_a_read_that_overtook_a_write_fails_by_counter_underflow() -> None:
    receiver = port()
    receiver.decrypt(W1.wire_bytes)
    with pytest.raises(IdeError, match="2, 0 posted TLPs announced, 1, 1 received"):
        receiver.decrypt(R1.wire_bytes)
    assert not receiver.secure


@covers("IDE-CNT-006")
def test_a_read_that_a_write_has_overtaken_is_accepted() -> None:
    receiver = port()
    for vector in (W1, W2, W3, R1):
        assert receiver.decrypt(vector.wire_bytes)[0] == vector.plain_bytes
    assert receiver.received.npr == 1


@covers("IDE-PCRC-002", "IDE-GCM-011")
def test_clearing_only_the_p_bit_is_never_served() -> None:
    wire = bytearray(Q1.wire_bytes)
    wire[3] &= ~8
    assert refused(port(pcrc=True), bytes(wire)) in (
        IdeFailure.CHECK_FAILED,
        IdeFailure.MALFORMED,
    )
    shorter = bytes(wire[:-16]) + bytes(wire[-12:])
    assert refused(port(pcrc=True), shorter) is IdeFailure.CHECK_FAILED


@covers("IDE-PCRC-002", "IDE-ST-009")
def test_data_without_pcrc_on_a_pcrc_stream_fails_pcrc_and_stays_secure() -> None:
    receiver = port(pcrc=True)
    assert refused(receiver, W1.wire_bytes) is IdeFailure.PCRC_FAILED
    assert receiver.secure


@covers("IDE-PCRC-001", "IDE-ST-009")
def test_a_wrong_pcrc_under_a_good_mac_fails_pcrc_and_stays_secure() -> None:
    data = WRITE[12:]
    wire = sealed("9200010d", W1.plain[:26], data + bytes(4))
    receiver = port(pcrc=True)
    assert refused(receiver, wire) is IdeFailure.PCRC_FAILED
    assert receiver.secure


@covers("IDE-PCRC-002")
def test_p_without_pcrc_on_the_stream_or_without_data_fails_under_a_good_mac() -> None:
    assert refused(port(), Q1.wire_bytes) is IdeFailure.CHECK_FAILED
    message = sealed("9200010c", "30000000 0100007e 00000000 00000000", gcm.pcrc(b""))
    assert refused(port(pcrc=True), message) is IdeFailure.CHECK_FAILED


@covers("IDE-CNT-004", "IDE-CNT-007")
def test_a_completion_that_overtook_a_write_fails_by_counter_underflow() -> None:
    receiver = port()
    receiver.decrypt(W1.wire_bytes)
    with pytest.raises(IdeError, match="0, 3 posted TLPs announced, 1, 1 received"):
        receiver.decrypt(C1.wire_bytes)
    assert not receiver.secure


@covers("IDE-KEY-002", "IDE-KEY-005")
def test_the_other_key_set_without_keys_fails() -> None:
    receiver = port()
    assert refused(receiver, K1.wire_bytes) is IdeFailure.CHECK_FAILED
    assert not receiver.secure


@covers("IDE-KEY-004", "IDE-KEY-005")
def test_the_old_key_set_is_not_accepted_after_the_switch() -> None:
    receiver = port()
    give_keys(receiver, Direction.RX, 1)
    receiver.decrypt(K1.wire_bytes)
    assert not receiver.keys.programmed(KeySlot(Direction.RX, SubStream.PR, 0))
    assert receiver.keys.programmed(KeySlot(Direction.RX, SubStream.NPR, 0))
    assert refused(receiver, W1.wire_bytes) is IdeFailure.CHECK_FAILED


@covers("IDE-AGG-001")
def test_a_valid_tlp_without_mac_bit_fails_without_aggregation() -> None:
    wire = bytes.fromhex("92000101 40000001 0100000f 80001000 653fcdff")
    with pytest.raises(IdeError, match="IDE Check Failed: M is 0"):
        port().decrypt(wire)


@covers("IDE-TLP-009")
@pytest.mark.parametrize(
    ("prefix", "header"),
    [
        ("92000114", "40000001 0100000f 80001000"),  # posted in the non-posted sub-stream
        ("92000134", "40000001 0100000f 80001000"),  # reserved sub-stream
        ("92000174", "40000001 0100000f 80001000"),
        ("92000104", "40200001 0100000f 80001000"),  # TC 2
        ("92000104", "34000000 01000054 00000000 00000000"),  # local message
    ],
)
def test_a_wrong_sub_stream_type_or_tc_fails_under_a_good_mac(prefix: str, header: str) -> None:
    data = bytes(4) if header.startswith("4") else b""
    assert refused(port(), sealed(prefix, header, data)) is IdeFailure.CHECK_FAILED


@covers("IDE-TLP-003")
def test_td_is_refused_in_both_directions() -> None:
    header = "40008001 0100000f 80001000"
    assert refused(port(), sealed("92000104", header, bytes(4))) is IdeFailure.CHECK_FAILED
    with pytest.raises(IdeError) as caught:
        port().encrypt(bytes.fromhex(header) + bytes(8), True)
    assert caught.value.failure is IdeFailure.NOT_PERMITTED


@covers("IDE-TLP-008")
def test_the_reserved_prefix_bit_is_ignored() -> None:
    wire = sealed("92000185", W1.plain[:26], WRITE[12:])
    assert port().decrypt(wire) == (WRITE, True, SubStream.PR)


# ---------------------------------------------------------------------- prefixes


@covers("IDE-TLP-002", "IDE-GCM-004")
def test_vectors_with_a_pasid_are_met_in_both_directions() -> None:
    transmitter, receiver = port(), port()
    for name, vector in PASID_RUN.items():
        assert transmitter.encrypt(vector.plain_bytes, vector.t) == vector.wire_bytes, name
        assert receiver.decrypt(vector.wire_bytes)[:2] == (vector.plain_bytes, vector.t), name


@covers("IDE-TLP-002", "IDE-GCM-004")
def test_the_ide_prefix_stands_between_local_and_other_prefixes() -> None:
    local, pasid = bytes.fromhex("8e000000"), bytes.fromhex("91000005")
    wire = port().encrypt(local + pasid + WRITE, True)
    assert wire[0:4] == local
    assert wire[4] == 0x92
    assert wire[8:12] == pasid
    plain, _, _ = port().decrypt(wire)
    assert plain == local + pasid + WRITE
    changed = bytes.fromhex("8e000001") + wire[4:]  # a local prefix is not covered by the MAC
    assert port().decrypt(changed)[0][4:] == pasid + WRITE


@covers("IDE-TLP-001")
@given(
    st.builds(
        IdePrefix,
        stream_id=st.integers(0, 255),
        sub_stream=st.integers(0, 7),
        t=st.booleans(),
        k=st.integers(0, 1),
        pr_sent_counter=st.integers(0, 255),
        m=st.booleans(),
        p=st.booleans(),
    )
)
def test_the_prefix_comes_back(prefix: IdePrefix) -> None:
    assert IdePrefix.decode(prefix.encode()) == prefix


# ---------------------------------------------------------------------- transmit


@covers("IDE-ST-005", "IDE-ST-006")
def test_an_insecure_stream_neither_sends_nor_receives() -> None:
    stream = port()
    stream.make_insecure(InsecureCause.INTERNAL_FAULT)
    with pytest.raises(IdeError) as caught:
        stream.encrypt(WRITE, True)
    assert caught.value.failure is IdeFailure.DISCARDED
    assert refused(stream, W1.wire_bytes) is IdeFailure.DISCARDED


@covers("IDE-TLP-009")
@pytest.mark.parametrize(
    "raw",
    [
        Tlp.cfg_read(0, 0x100, 0).encode(),
        Tlp.msg(0, 0x50, bytes(8), FmtType.MSG_BROADCAST).encode(),
        Tlp(FmtType.IORD, length=1, first_be=0xF).encode(),
        W1.wire_bytes,
        replace(Tlp.mem_write(0, 0x1000, bytes(4)), tc=1).encode(),
        WRITE[:-1],
        WRITE[:8],
    ],
    ids=["type 0", "broadcast", "IO", "IDE already", "TC", "cut", "no header"],
)
def test_what_may_not_travel_on_a_stream_is_not_sent(raw: bytes) -> None:
    with pytest.raises(IdeError) as caught:
        port().encrypt(raw, False)
    assert caught.value.failure is IdeFailure.NOT_PERMITTED


@covers("IDE-TLP-009")
def test_a_configuration_request_travels_as_type_1_with_t_0() -> None:
    raw = Tlp.cfg_read(0, 0x100, 0x10, kind=1).encode()
    assert port().decrypt(port().encrypt(raw, False)) == (raw, False, SubStream.NPR)
    with pytest.raises(IdeError, match="T = 1"):
        port().encrypt(raw, True)


@covers("IDE-KEY-007")
def test_a_stopped_key_is_unusable_but_the_stream_stays_secure() -> None:
    stream = port()
    stream.stop(KeySlot(Direction.TX, SubStream.PR, 0))
    with pytest.raises(IdeError) as caught:
        stream.encrypt(WRITE, True)
    assert caught.value.failure is IdeFailure.NO_KEY
    assert stream.secure
    assert stream.encrypt(READ, True)


# ---------------------------------------------------------------------- counters


@covers("IDE-CNT-002", "IDE-CNT-003", "IDE-MSG-001", "IDE-MSG-003")
def test_a_sync_is_due_at_245_and_carries_the_counters_with_itself() -> None:
    transmitter, receiver = port(), port()
    for _ in range(SYNC_DUE):
        assert not transmitter.sync_due
        receiver.decrypt(transmitter.encrypt(WRITE, True))
    assert transmitter.sync_due
    raw, t, sub_stream = receiver.decrypt(transmitter.sync(0x0100, 0x0000))
    header = bytes.fromhex("32000000 01000054 00000000 0000f6f6")
    assert (raw, t, sub_stream) == (header, False, SubStream.PR)
    assert (transmitter.sent.npr, transmitter.sent.cpl) == (0, 0)
    assert (receiver.received.npr, receiver.received.cpl) == (0, 0)


@covers("IDE-CNT-002")
def test_posted_tlps_stop_before_a_counter_wraps() -> None:
    transmitter = port()
    for _ in range(255):
        transmitter.encrypt(WRITE, True)
    with pytest.raises(IdeError) as caught:
        transmitter.encrypt(WRITE, True)
    assert caught.value.failure is IdeFailure.SYNC_OVERDUE


@covers("IDE-CNT-004")
def test_a_sync_that_announces_more_than_came_fails() -> None:
    header = "32000000 01000054 00000000 00000201"
    assert refused(port(), sealed("92000104", header, b"")) is IdeFailure.CHECK_FAILED


@covers("IDE-CNT-005")
def test_overflow_of_a_receive_counter_fails() -> None:
    receiver = port()
    receiver.received.cpl = RECEIVED_COUNTER_MAX
    assert refused(receiver, W1.wire_bytes) is IdeFailure.CHECK_FAILED
    assert not receiver.secure


@covers("IDE-GCM-010")
def test_the_invocation_counter_never_wraps() -> None:
    stream = port()
    context = stream.keys.usable(KeySlot(Direction.TX, SubStream.PR, 0))
    assert context is not None
    context.invocation = INVOCATION_MAX
    with pytest.raises(IdeError):
        stream.encrypt(WRITE, True)
    assert not stream.secure


@covers("IDE-CNT-008", "IDE-KEY-006")
def test_a_refresh_keeps_the_ordering_counters() -> None:
    transmitter, receiver = port(), port()
    receiver.decrypt(transmitter.encrypt(WRITE, True))
    refresh(transmitter, receiver, 1)
    receiver.decrypt(transmitter.encrypt(WRITE, True))
    wire = transmitter.encrypt(READ, True)
    assert wire[1] == 2
    assert receiver.decrypt(wire)[0] == READ


# ---------------------------------------------------------------------- keys and state


@covers("IDE-ST-001", "IDE-KEY-002")
@pytest.mark.parametrize("enable_first", [False, True])
def test_a_stream_is_secure_with_all_keys_and_enable_in_any_order(enable_first: bool) -> None:
    stream = IdeStream(StreamConfig(1))
    if enable_first:
        stream.enable()
    slots = [slot for slot in ALL_SLOTS if slot.key_set == 1]
    for index, slot in enumerate(slots):
        assert not stream.secure
        stream.program(slot, bytes([index]) * 32)
        assert not stream.secure
        stream.go(slot)
    if not enable_first:
        assert (stream.secure, stream.status_state) == (False, 0)
        stream.enable()
    assert (stream.secure, stream.status_state) == (True, StreamState.SECURE)
    assert stream.key_set(Direction.TX) == 1


@covers("IDE-CAP-006")
def test_enable_without_rid_association_leaves_the_stream_insecure() -> None:
    stream = IdeStream(StreamConfig(1))
    for direction in Direction:
        give_keys(stream, direction)
    stream.enable(rid_valid=False)
    assert not stream.secure


@covers("IDE-ST-007", "IDE-KEY-008")
def test_return_to_secure_needs_new_keys_and_a_rising_enable() -> None:
    stream = port()
    stream.make_insecure(InsecureCause.INTERNAL_FAULT)
    assert not any(stream.keys.programmed(slot) for slot in ALL_SLOTS)
    stream.enable()
    for direction in Direction:
        give_keys(stream, direction)
    assert not stream.secure
    stream.disable()
    stream.enable()
    assert stream.secure


@covers("IDE-ST-003", "IDE-ST-004", "IDE-ST-002", "IDE-ST-010")
@pytest.mark.parametrize(
    ("cause", "tells"),
    [
        (InsecureCause.ENABLE_CLEARED, False),
        (InsecureCause.FAIL_RECEIVED, False),
        (InsecureCause.LINK_DOWN, False),
        (InsecureCause.RESET, False),
        (InsecureCause.CHECK_FAILED, True),
        (InsecureCause.SESSION_ENDED, True),
        (InsecureCause.ASSOCIATION_INVALID, True),
    ],
)
def test_the_partner_is_told_where_it_must_be(cause: InsecureCause, tells: bool) -> None:
    stream = port()
    stream.make_insecure(cause)
    assert (stream.secure, stream.cause, stream.fail_due) == (False, cause, tells)


@covers("IDE-MSG-001", "IDE-MSG-003")
def test_an_ide_fail_names_its_stream() -> None:
    stream = port(stream_id=0x5A)
    stream.make_insecure(InsecureCause.CHECK_FAILED)
    assert stream.fail(0x0100, 0x0008).hex() == "32000000010000550008000000" + "00005a"
    assert not stream.fail_due


@covers("IDE-KEY-009")
def test_the_key_set_in_use_is_not_programmed() -> None:
    stream = port()
    for slot in ALL_SLOTS:
        if slot.key_set == 0:
            with pytest.raises(IdeError) as caught:
                stream.program(slot, bytes(32))
            assert caught.value.failure is IdeFailure.KEY_REFUSED


@covers("IDE-KEY-002")
def test_go_without_a_key_and_a_key_of_wrong_size_are_refused() -> None:
    stream = IdeStream(StreamConfig(1))
    slot = KeySlot(Direction.RX, SubStream.PR, 0)
    with pytest.raises(IdeError):
        stream.go(slot)
    with pytest.raises(IdeError):
        stream.program(slot, bytes(31))
    with pytest.raises(IdeError):
        stream.program(slot, bytes(32), invocation=2)


@covers("IDE-KEY-003")
def test_the_transmitter_toggles_only_when_all_sub_streams_are_ready() -> None:
    transmitter = port()
    for sub_stream in (SubStream.PR, SubStream.NPR, SubStream.CPL):
        assert transmitter.encrypt(WRITE, True)[3] & 2 == 0
        slot = KeySlot(Direction.TX, sub_stream, 1)
        transmitter.program(slot, bytes([sub_stream]) * 32)
        transmitter.go(slot)
    for raw in (WRITE, READ, COMPLETION):
        assert transmitter.encrypt(raw, True)[3] & 2 == 2
    assert not transmitter.keys.programmed(KeySlot(Direction.TX, SubStream.CPL, 0))


@covers("IDE-KEY-001")
def test_the_twelve_key_contexts_are_independent_and_do_not_print_their_key() -> None:
    stream = IdeStream(StreamConfig(1))
    keys = {slot: bytes([0x20 + index]) * 32 for index, slot in enumerate(ALL_SLOTS)}
    assert len(keys) == 12
    for slot, key in keys.items():
        stream.program(slot, key)
    stream.stop(ALL_SLOTS[0])
    for slot in ALL_SLOTS[1:]:
        stream.go(slot)
        context = stream.keys.usable(slot)
        assert context is not None
        assert context.key == keys[slot]
        assert str(keys[slot]) not in repr(context)
        assert keys[slot].hex() not in repr(context)
    assert not stream.keys.programmed(ALL_SLOTS[0])


# ---------------------------------------------------------------------- properties

TLPS: dict[str, Callable[[random.Random], bytes]] = {
    "write": lambda rng: Tlp.mem_write(
        0x100, 4096 * rng.randrange(1 << 40), rng.randbytes(4 * rng.choice((1, 2, 3, 4, 5, 64)))
    ).encode(),
    "read": lambda rng: Tlp.mem_read(0x100, 4096 * rng.randrange(1 << 30), 64).encode(),
    "completion": lambda rng: Tlp.cpl(
        0x100, Tlp.mem_read(0, 0x1000, 4, tag=rng.randrange(256)), CplStatus.UR
    ).encode(),
}
EVENTS = st.lists(st.sampled_from([*TLPS, "sync", "refresh"]), max_size=40)


@covers("IDE-KEY-006", "IDE-CNT-001", "IDE-CNT-003", "IDE-GCM-007")
@settings(max_examples=60, deadline=None)
@given(EVENTS, st.integers(0, 1 << 32), st.booleans())
def test_any_traffic_with_syncs_and_refreshes_comes_through(
    events: list[str], seed: int, pcrc: bool
) -> None:
    rng = random.Random(seed)
    transmitter, receiver = port(pcrc=pcrc), port(pcrc=pcrc)
    for event in events:
        if event == "refresh":
            fresh_refresh(transmitter, receiver, rng)
        elif event == "sync":
            receiver.decrypt(transmitter.sync(0x100, 0))
        else:
            raw, t = TLPS[event](rng), rng.random() < 0.5
            plain, got_t, _ = receiver.decrypt(transmitter.encrypt(raw, t))
            assert (plain, got_t) == (raw, t)


def fresh_refresh(transmitter: IdeStream, receiver: IdeStream, rng: random.Random) -> None:
    """A refresh with keys never used before; skipped while the receiver still needs a set."""
    key_set = 1 - transmitter.key_set(Direction.TX)
    if any(receiver.key_set(Direction.RX, sub) == key_set for sub in SubStream):
        return
    keys = {sub: rng.randbytes(32) for sub in SubStream}
    for port_, direction in ((receiver, Direction.RX), (transmitter, Direction.TX)):
        for sub in SubStream:
            slot = KeySlot(direction, sub, key_set)
            port_.program(slot, keys[sub])
            port_.go(slot)


@covers("IDE-GCM-011", "IDE-GCM-008")
@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(TLPS)), st.integers(0, 1 << 32), st.data())
def test_no_flipped_bit_of_any_ide_tlp_is_served(kind: str, seed: int, data: st.DataObject) -> None:
    wire = bytearray(port().encrypt(TLPS[kind](random.Random(seed)), True))
    bit = data.draw(st.integers(0, 8 * len(wire) - 1))
    wire[bit // 8] ^= 1 << bit % 8
    with pytest.raises(IdeError):
        port().decrypt(bytes(wire))


@covers("IDE-GCM-011")
@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(1, 400), st.booleans())
def test_no_cut_or_lengthened_ide_tlp_is_served(seed: int, amount: int, cut: bool) -> None:
    wire = port().encrypt(TLPS["write"](random.Random(seed)), True)
    changed = wire[: max(0, len(wire) - amount)] if cut else wire + bytes(amount)
    with pytest.raises(IdeError):
        port().decrypt(changed)
