// SPDX-License-Identifier: Apache-2.0
//
// tdi_table: the one owner of the state of every TDI and of what LOCK has latched for it.
//
// What one event may ask of all TDIs in one cycle is held in flip-flops, a vector for each bit with
// TDI n in bit n; what is wide is held in RAM and seen only for TDI req_idx. All that is latched
// carries parity: a locked TDI whose parity is wrong goes to ERROR, at once for flip-flops and when
// it is read for a row of RAM (TDISP-FSM-013).

`default_nettype none
`include "tdisp_defs.vh"

module tdi_table #(
    parameter NUM_TDI = 4,
    parameter TDI_W = 2,
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W = 1,
    parameter SESSION_W = 2,
    parameter P2P_EN = 1
) (
    input wire clk,
    input wire rst,

    // Requests for TDI req_idx, one-cycle pulses
    input wire [    TDI_W-1:0] req_idx,
    input wire                 lock_req,
    input wire                 start_req,
    input wire                 stop_req,
    input wire                 attribute_req,
    input wire                 bind_req,
    input wire                 unbind_req,
    input wire [SESSION_W-1:0] lock_session,   // valid with lock_req, as the next seven
    input wire [ STREAM_W-1:0] lock_stream,
    input wire                 lock_msix,
    input wire                 lock_p2p,
    input wire                 lock_redirect,
    input wire [         63:0] lock_offset,
    input wire [         63:0] lock_mask,
    input wire [        255:0] lock_nonce,

    input wire                       attribute_open,  // valid with attribute_req
    input wire [NUM_IDE_STREAMS-1:0] p2p_streams,     // valid with bind_req and unbind_req

    // What is known of TDI req_idx; the last two one cycle after read_req
    output wire [                1:0] req_state,
    output wire [      SESSION_W-1:0] req_session,
    output wire                       req_msix_locked,
    output wire                       req_p2p_permitted,
    output wire [NUM_IDE_STREAMS-1:0] req_p2p,
    input  wire                       read_req,
    input  wire [              255:0] start_nonce,
    output wire                       nonce_match,
    output wire [               63:0] req_offset,

    // Errors
    input wire [  NUM_TDI-1:0] error_req,
    input wire [          3:0] error_cause,
    input wire                 session_end_valid,
    input wire [SESSION_W-1:0] session_end_idx,
    input wire                 dsm_fault,          // every locked TDI

    output wire [              2*NUM_TDI-1:0] tdi_state,
    output wire [       STREAM_W*NUM_TDI-1:0] tdi_stream,
    output wire [                NUM_TDI-1:0] tdi_msix_locked,
    output wire [                NUM_TDI-1:0] tdi_redirect,
    output wire [                NUM_TDI-1:0] tdi_memory_open,
    output wire [NUM_IDE_STREAMS*NUM_TDI-1:0] tdi_p2p,
    input  wire [                  TDI_W-1:0] p2p_mask_tdi,
    output wire [                       63:0] p2p_mask,
    output wire                               all_unlocked,
    output wire [                NUM_TDI-1:0] in_error,
    output wire [                NUM_TDI-1:0] enters_error,
    input  wire [                  TDI_W-1:0] status_idx,
    output wire [                       31:0] status_data
);

  localparam [NUM_TDI-1:0] ONE = 1;
  localparam CAUSE_W = 4;
  localparam FLAGS_W = 3;
  localparam FLAG_MSIX = 0;
  localparam FLAG_P2P = 1;
  localparam FLAG_REDIRECT = 2;
  localparam [CAUSE_W-1:0] SESSION_END = `TDISP_CAUSE_SESSION_END;
  localparam [CAUSE_W-1:0] DSM_FAULT = `TDISP_CAUSE_DSM_FAULT;

  // Bit b of all TDIs in slice b
  reg [SESSION_W*NUM_TDI-1:0] session_q;
  reg [STREAM_W*NUM_TDI-1:0] stream_q;
  reg [CAUSE_W*NUM_TDI-1:0] cause_q;
  reg [FLAGS_W*NUM_TDI-1:0] flags_q;
  reg [NUM_TDI-1:0] parity_q;

  wire [NUM_TDI-1:0] selected = ONE << req_idx;
  wire [NUM_TDI-1:0] locks = lock_req ? selected : {NUM_TDI{1'b0}};
  wire [NUM_TDI-1:0] starts = start_req ? selected : {NUM_TDI{1'b0}};
  wire [NUM_TDI-1:0] stops = stop_req ? selected : {NUM_TDI{1'b0}};
  wire [NUM_TDI-1:0] unlocked, locked, running, enters_lock, stays_locked, stays_running;
  wire [NUM_TDI-1:0] held = locked | running;

  // ---------------------------------------------------------------- errors
  reg [NUM_TDI-1:0] of_session, parity;
  integer b;

  always @* begin
    of_session = {NUM_TDI{1'b1}};
    parity     = {NUM_TDI{1'b0}};
    for (b = 0; b < SESSION_W; b = b + 1) begin
      of_session = of_session & ~(session_q[NUM_TDI*b+:NUM_TDI] ^{NUM_TDI{session_end_idx[b]}});
      parity     = parity ^ session_q[NUM_TDI*b+:NUM_TDI];
    end
    for (b = 0; b < STREAM_W; b = b + 1) begin
      parity = parity ^ stream_q[NUM_TDI*b+:NUM_TDI];
    end
    for (b = 0; b < FLAGS_W; b = b + 1) parity = parity ^ flags_q[NUM_TDI*b+:NUM_TDI];
  end

  // A LOCK of the very cycle in which its session ends is refused as well (TDISP-SES-007).
  wire [NUM_TDI-1:0] orphans = session_end_idx == lock_session ? locks : {NUM_TDI{1'b0}};
  wire [NUM_TDI-1:0] session_lost = session_end_valid
      ? (held & of_session) | (~held & orphans) : {NUM_TDI{1'b0}};

  wire nonce_wrong, record_wrong;
  wire [NUM_TDI-1:0] row_wrong = nonce_wrong || record_wrong ? selected : {NUM_TDI{1'b0}};
  wire [NUM_TDI-1:0] grants_wrong, mask_wrong;
  wire [NUM_TDI-1:0] data_wrong =
      held & ((parity ^ parity_q) | row_wrong | grants_wrong | mask_wrong);

  tdi_fsm #(
      .NUM_TDI(NUM_TDI)
  ) u_fsm (
      .clk          (clk),
      .rst          (rst),
      .lock_req     (locks),
      .start_req    (starts),
      .stop_req     (stops),
      .error_req    (error_req | session_lost | data_wrong | {NUM_TDI{dsm_fault}}),
      .unlocked     (unlocked),
      .locked       (locked),
      .running      (running),
      .in_error     (in_error),
      .enters_lock  (enters_lock),
      .enters_error (enters_error),
      .stays_locked (stays_locked),
      .stays_running(stays_running)
  );

  // ---------------------------------------------------------------- latched by LOCK
  wire [FLAGS_W-1:0] lock_flags = {lock_redirect, lock_p2p, lock_msix};
  wire lock_parity = ^{lock_session, lock_stream, lock_flags};

  always @(posedge clk) begin : latched
    integer s;
    if (rst) begin
      session_q <= {SESSION_W * NUM_TDI{1'b0}};
      stream_q  <= {STREAM_W * NUM_TDI{1'b0}};
      flags_q   <= {FLAGS_W * NUM_TDI{1'b0}};
      parity_q  <= {NUM_TDI{1'b0}};
    end else begin
      for (s = 0; s < SESSION_W; s = s + 1) begin
        session_q[NUM_TDI*s+:NUM_TDI] <= (session_q[NUM_TDI*s+:NUM_TDI] & ~enters_lock)
            | (enters_lock & {NUM_TDI{lock_session[s]}});
      end
      for (s = 0; s < STREAM_W; s = s + 1) begin
        stream_q[NUM_TDI*s+:NUM_TDI] <= (stream_q[NUM_TDI*s+:NUM_TDI] & ~enters_lock)
            | (enters_lock & {NUM_TDI{lock_stream[s]}});
      end
      for (s = 0; s < FLAGS_W; s = s + 1) begin
        flags_q[NUM_TDI*s+:NUM_TDI] <= (flags_q[NUM_TDI*s+:NUM_TDI] & ~unlocked)
            | (enters_lock & {NUM_TDI{lock_flags[s]}});
      end
      parity_q <= (parity_q & ~enters_lock) | (enters_lock & {NUM_TDI{lock_parity}});
    end
  end

  tdi_nonces #(
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W)
  ) u_nonces (
      .clk         (clk),
      .rst         (rst),
      .req_idx     (req_idx),
      .lock_req    (lock_req),
      .lock_nonce  (lock_nonce),
      .forget_req  (start_req || stop_req),
      .enters_lock (enters_lock),
      .stays_locked(stays_locked),
      .read_req    (read_req),
      .start_nonce (start_nonce),
      .match       (nonce_match),
      .parity_wrong(nonce_wrong)
  );

  // A row of a TDI that is not locked means nothing.
  wire [64:0] record;
  reg read_q;

  secret_ram #(
      .DATA_W(65),
      .ADDR_W(TDI_W)
  ) u_records (
      .clk       (clk),
      .write_en  (lock_req),
      .write_addr(req_idx),
      .write_data({~^lock_offset, lock_offset}),
      .read_en   (read_req),
      .read_addr (req_idx),
      .read_data (record)
  );

  always @(posedge clk) begin
    if (rst) read_q <= 1'b0;
    else read_q <= read_req;
  end

  assign record_wrong = read_q && !(^record);
  assign req_offset   = record[63:0];

  generate
    if (P2P_EN != 0) begin : g_masks
      tdi_p2p_masks #(
          .NUM_TDI(NUM_TDI),
          .TDI_W  (TDI_W)
      ) u_masks (
          .clk         (clk),
          .rst         (rst),
          .req_idx     (req_idx),
          .lock_req    (lock_req),
          .lock_mask   (lock_mask),
          .held        (held),
          .mask_idx    (p2p_mask_tdi),
          .mask        (p2p_mask),
          .parity_wrong(mask_wrong)
      );
    end else begin : g_no_masks
      wire unused = &{1'b0, lock_mask, p2p_mask_tdi};
      assign p2p_mask   = 64'h0;
      assign mask_wrong = {NUM_TDI{1'b0}};
    end
  endgenerate

  tdi_grants #(
      .NUM_TDI        (NUM_TDI),
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS)
  ) u_grants (
      .clk           (clk),
      .rst           (rst),
      .running       (running),
      .stays_running (stays_running),
      .selected      (selected),
      .attribute_req (attribute_req),
      .attribute_open(attribute_open),
      .bind_req      (bind_req),
      .unbind_req    (unbind_req),
      .p2p_streams   (p2p_streams),
      .req_p2p       (req_p2p),
      .memory_open   (tdi_memory_open),
      .p2p           (tdi_p2p),
      .parity_wrong  (grants_wrong)
  );

  // ---------------------------------------------------------------- cause of ERROR
  reg [CAUSE_W*NUM_TDI-1:0] cause_d;

  always @* begin : causes
    integer s;
    cause_d = cause_q;
    for (s = 0; s < CAUSE_W; s = s + 1) begin
      cause_d[NUM_TDI*s+:NUM_TDI] = (cause_q[NUM_TDI*s+:NUM_TDI] & ~unlocked & ~enters_error)
          | (enters_error & error_req & {NUM_TDI{error_cause[s]}})
          | (enters_error & ~error_req & session_lost & {NUM_TDI{SESSION_END[s]}})
          | (enters_error & ~error_req & ~session_lost & {NUM_TDI{DSM_FAULT[s]}});
    end
  end

  always @(posedge clk) begin
    if (rst) cause_q <= {CAUSE_W * NUM_TDI{1'b0}};
    else cause_q <= cause_d;
  end

  // ---------------------------------------------------------------- what others see
  reg [2*NUM_TDI-1:0] state;
  reg [STREAM_W*NUM_TDI-1:0] stream;

  always @* begin : unsliced
    integer n, s;
    for (n = 0; n < NUM_TDI; n = n + 1) begin
      state[2*n+:2] = unlocked[n] ?
      `TDI_CONFIG_UNLOCKED
      : locked[n] ? `TDI_CONFIG_LOCKED : running[n] ? `TDI_RUN : `TDI_ERROR;
      for (s = 0; s < STREAM_W; s = s + 1) stream[STREAM_W*n+s] = stream_q[NUM_TDI*s+n];
    end
  end

  reg  [SESSION_W-1:0] owner;
  reg  [  CAUSE_W-1:0] status_cause;
  wire [  NUM_TDI-1:0] status_selected = ONE << status_idx;

  always @* begin : looked_up
    integer s;
    for (s = 0; s < SESSION_W; s = s + 1) owner[s] = |(session_q[NUM_TDI*s+:NUM_TDI] & selected);
    for (s = 0; s < CAUSE_W; s = s + 1) begin
      status_cause[s] = |(cause_q[NUM_TDI*s+:NUM_TDI] & status_selected);
    end
  end

  assign tdi_state         = state;
  assign tdi_stream        = stream;
  assign tdi_msix_locked   = flags_q[NUM_TDI*FLAG_MSIX+:NUM_TDI];
  assign tdi_redirect      = flags_q[NUM_TDI*FLAG_REDIRECT+:NUM_TDI];
  assign req_state         = state[2*req_idx+:2];
  assign req_session       = owner;
  assign req_msix_locked   = |(flags_q[NUM_TDI*FLAG_MSIX+:NUM_TDI] & selected);
  assign req_p2p_permitted = |(flags_q[NUM_TDI*FLAG_P2P+:NUM_TDI] & selected);
  assign all_unlocked      = &unlocked;
  assign status_data       = {24'h0, status_cause, 2'b00, state[2*status_idx+:2]};

endmodule

`default_nettype wire
