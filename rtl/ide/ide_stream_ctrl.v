// SPDX-License-Identifier: Apache-2.0
//
// ide_stream_ctrl: state, keys and owner of one selective stream.
//
// The stream is Secure when Enable has risen since it last was Secure, its RID association is valid
// and one key set has GO for all sub-streams in both directions (IDE-ST-001, IDE-ST-007). Leaving
// Secure for whatever reason takes every key away in the same cycle, and anything that is not the
// code of a state counts as leaving it. A key slot is 2 * sub-stream + key set.

`default_nettype none
`include "ide_defs.vh"
`include "idekm_defs.vh"

module ide_stream_ctrl #(
    parameter SESSION_W = 2
) (
    input wire clk,
    input wire rst,

    // Configuration of the stream, and what ends Secure
    input wire        enable,
    input wire        rid_valid,
    input wire [ 7:0] stream_id,
    input wire [ 2:0] tc,
    input wire [15:0] rid_base,
    input wire        link_up,
    input wire        flr,
    input wire        fault,         // the GCM engines or the pipelines
    input wire        check_failed,
    input wire        fail_received,

    // Sessions
    input wire                 session_end_valid,
    input wire [SESSION_W-1:0] session_end_idx,

    // IDE_KM, pulses, for one key slot
    input  wire                 cmd_begin,      // KEY_PROG begins: the slot belongs to its session
    input  wire                 cmd_loaded,     // the engine has the key
    input  wire                 cmd_go,
    input  wire                 cmd_stop,
    input  wire [SESSION_W-1:0] cmd_session,
    input  wire                 cmd_direction,
    input  wire [          2:0] cmd_slot,
    output wire                 cmd_in_use,     // the slot's key set is in use
    output wire                 cmd_has_key,    // the slot holds a key
    output wire                 cmd_loading,    // KEY_PROG has begun and nothing ended it

    // Receiver: a TLP with the other key set was accepted
    input wire       rx_toggle,
    input wire [1:0] rx_toggle_sub,

    // Erasure of key slots, and slots that are not erased yet
    output reg  [5:0] rx_erase,
    output reg  [5:0] tx_erase,
    input  wire       erasing,

    output wire [5:0] rx_key_ready,
    output wire [5:0] tx_key_ready,
    output wire [2:0] rx_set,        // key set in use of each sub-stream
    output wire       tx_set,

    output wire                 secure,
    output wire                 insecure_event,
    output wire                 keys_ready,      // all six keys of the set in use are there
    output wire                 owner_valid,
    output wire [SESSION_W-1:0] owner_session,

    // IDE Fail to be sent
    output wire        fail_due,
    input  wire        fail_taken,
    output wire [ 7:0] fail_stream_id,
    output wire [ 2:0] fail_tc,
    output wire [15:0] fail_destination
);

  // Hamming distance 4
  localparam [3:0] ST_INSECURE = 4'b0011;
  localparam [3:0] ST_SECURE = 4'b1100;

  localparam [5:0] SET_0 = 6'b010101;
  localparam [5:0] SET_1 = 6'b101010;
  localparam [5:0] NO_KEYS = 6'b000000;
  localparam [5:0] ALL_KEYS = 6'b111111;

  reg [3:0] state_q;
  reg enable_q;
  reg may_start_q;  // Enable has risen since the stream last was Secure
  reg [5:0] rx_key_q, tx_key_q, rx_go_q, tx_go_q, rx_load_q, tx_load_q;
  reg [2:0] rx_set_q;
  reg tx_set_q;
  reg owner_valid_q;
  reg [SESSION_W-1:0] owner_q;
  reg event_q;
  reg fail_due_q;
  reg [7:0] fail_stream_id_q;
  reg [2:0] fail_tc_q;
  reg [15:0] fail_destination_q;

  assign secure = state_q == ST_SECURE;
  wire broken = state_q != ST_SECURE && state_q != ST_INSECURE;

  assign rx_key_ready = rx_key_q & rx_go_q;
  assign tx_key_ready = tx_key_q & tx_go_q;

  // ----------------------------------------------------------------- state

  wire owner_ends = session_end_valid && owner_valid_q && session_end_idx == owner_q;
  wire silent = !enable || fail_received || !link_up;  // no IDE Fail (IDE-ST-003, IDE-ST-004)
  wire leave = (secure && (silent || check_failed || owner_ends || flr || fault || !rid_valid)) ||
      broken;
  // These destroy keys of a stream that is not Secure as well (IDE-KEY-008).
  wire wipe = leave || !link_up || owner_ends || flr || fault;

  wire set_0_ready = ((rx_key_ready & tx_key_ready) & SET_0) == SET_0;
  wire set_1_ready = ((rx_key_ready & tx_key_ready) & SET_1) == SET_1;
  wire enter = state_q == ST_INSECURE && enable && may_start_q && rid_valid && !wipe && !erasing &&
      (set_0_ready || set_1_ready);

  always @(posedge clk) begin
    if (rst) begin
      state_q     <= ST_INSECURE;
      enable_q    <= 1'b0;
      may_start_q <= 1'b0;
      event_q     <= 1'b0;
    end else begin
      enable_q <= enable;
      event_q  <= leave;
      if (leave) state_q <= ST_INSECURE;
      else if (enter) state_q <= ST_SECURE;
      if (leave || !enable || !rid_valid) may_start_q <= 1'b0;
      else if (!enable_q) may_start_q <= 1'b1;
    end
  end

  assign insecure_event = event_q;

  // ----------------------------------------------------------------- keys

  wire [5:0] slot = 6'd1 << cmd_slot;
  wire cmd_tx = cmd_direction == `IDEKM_DIR_TX;
  wire [5:0] rx_slot = cmd_tx ? NO_KEYS : slot;
  wire [5:0] tx_slot = cmd_tx ? slot : NO_KEYS;

  assign cmd_has_key = |((rx_key_q & rx_slot) | (tx_key_q & tx_slot));
  assign cmd_loading = |((rx_load_q & rx_slot) | (tx_load_q & tx_slot));

  wire [5:0] rx_used = {
    rx_set_q[2], !rx_set_q[2], rx_set_q[1], !rx_set_q[1], rx_set_q[0], !rx_set_q[0]
  };
  wire [5:0] tx_used = tx_set_q ? SET_1 : SET_0;
  assign cmd_in_use = secure && |((rx_slot & rx_used) | (tx_slot & tx_used));

  // The transmitter toggles when a GO completes the other set; the old set dies (IDE-KEY-003).
  wire [5:0] tx_other = ~tx_used;
  wire [5:0] tx_ready_next = tx_key_q & (tx_go_q | tx_slot);
  wire tx_toggle = secure && cmd_go && |(tx_slot & tx_other) &&
      (tx_ready_next & tx_other) == tx_other;

  // The receiver toggles for each sub-stream when a TLP comes (IDE-KEY-004).
  wire [5:0] rx_toggle_mask = rx_toggle ? 6'b000011 << {rx_toggle_sub, 1'b0} : NO_KEYS;

  always @* begin
    rx_erase = NO_KEYS;
    tx_erase = NO_KEYS;
    if (cmd_stop || (cmd_loaded && (!cmd_loading || wipe))) begin
      rx_erase = rx_slot;
      tx_erase = tx_slot;
    end
    rx_erase = rx_erase | (rx_toggle_mask & rx_used);
    if (tx_toggle) tx_erase = tx_erase | tx_used;
    if (wipe) begin
      rx_erase = rx_erase | rx_key_q;
      tx_erase = tx_erase | tx_key_q;
    end
    if (broken) begin
      rx_erase = ALL_KEYS;
      tx_erase = ALL_KEYS;
    end
  end

  always @(posedge clk) begin
    if (rst) begin
      rx_key_q  <= NO_KEYS;
      tx_key_q  <= NO_KEYS;
      rx_go_q   <= NO_KEYS;
      tx_go_q   <= NO_KEYS;
      rx_load_q <= NO_KEYS;
      tx_load_q <= NO_KEYS;
    end else begin
      // A slot that is being programmed holds no key; what ends the stream ends the programming.
      rx_load_q <= (rx_load_q | (cmd_begin ? rx_slot : NO_KEYS)) &
          ~(cmd_loaded ? rx_slot : NO_KEYS) & ~(wipe ? ALL_KEYS : NO_KEYS);
      tx_load_q <= (tx_load_q | (cmd_begin ? tx_slot : NO_KEYS)) &
          ~(cmd_loaded ? tx_slot : NO_KEYS) & ~(wipe ? ALL_KEYS : NO_KEYS);
      rx_key_q <= (rx_key_q | (cmd_loaded ? rx_slot & rx_load_q : NO_KEYS)) &
          ~(cmd_begin ? rx_slot : NO_KEYS) & ~rx_erase;
      tx_key_q <= (tx_key_q | (cmd_loaded ? tx_slot & tx_load_q : NO_KEYS)) &
          ~(cmd_begin ? tx_slot : NO_KEYS) & ~tx_erase;
      rx_go_q <= (rx_go_q | (cmd_go ? rx_slot & rx_key_q : NO_KEYS)) &
          ~(cmd_begin ? rx_slot : NO_KEYS) & ~rx_erase;
      tx_go_q <= (tx_go_q | (cmd_go ? tx_slot & tx_key_q : NO_KEYS)) &
          ~(cmd_begin ? tx_slot : NO_KEYS) & ~tx_erase;
    end
  end

  always @(posedge clk) begin
    if (rst) begin
      rx_set_q <= 3'b000;
      tx_set_q <= 1'b0;
    end else if (enter) begin
      rx_set_q <= {3{!set_0_ready}};
      tx_set_q <= !set_0_ready;
    end else begin
      if (rx_toggle) rx_set_q <= rx_set_q ^ (3'b001 << rx_toggle_sub);
      if (tx_toggle) tx_set_q <= !tx_set_q;
    end
  end

  assign rx_set = rx_set_q;
  assign tx_set = tx_set_q;

  // While Insecure the set in use is the one that Secure would begin with.
  wire [5:0] both_keys = rx_key_q & tx_key_q;
  assign keys_ready = secure ? (rx_key_q & rx_used) == rx_used && (tx_key_q & tx_used) == tx_used :
      (both_keys & SET_0) == SET_0 || (both_keys & SET_1) == SET_1;

  // ----------------------------------------------------------------- owner

  always @(posedge clk) begin
    if (rst) begin
      owner_valid_q <= 1'b0;
      owner_q       <= {SESSION_W{1'b0}};
    end else if (owner_ends) begin
      owner_valid_q <= 1'b0;
    end else if (cmd_begin && !owner_valid_q) begin
      owner_valid_q <= 1'b1;
      owner_q       <= cmd_session;
    end
  end

  assign owner_valid   = owner_valid_q;
  assign owner_session = owner_q;

  // ----------------------------------------------------------------- IDE Fail

  always @(posedge clk) begin
    if (rst) begin
      fail_due_q <= 1'b0;
    end else if (leave) begin
      fail_due_q <= !silent;
    end else if (fail_taken || enter || !link_up) begin
      fail_due_q <= 1'b0;
    end
  end

  // The message goes out as the stream was, whatever becomes of its registers.
  always @(posedge clk) begin
    if (leave) begin
      fail_stream_id_q   <= stream_id;
      fail_tc_q          <= tc;
      fail_destination_q <= rid_base;
    end
  end

  assign fail_due         = fail_due_q;
  assign fail_stream_id   = fail_stream_id_q;
  assign fail_tc          = fail_tc_q;
  assign fail_destination = fail_destination_q;

endmodule

`default_nettype wire
