// SPDX-License-Identifier: Apache-2.0
//
// tdi_table: the one owner of the state of every TDI and of what LOCK has latched for it.
//
// A nonce lives exactly as long as CONFIG_LOCKED (TDISP-START-005, TDISP-STOP-005,
// TDISP-FSM-018); it leaves the table as the result of a comparison only. What is latched carries
// a parity bit; a locked TDI whose parity is wrong goes to ERROR (TDISP-FSM-013).

`default_nettype none
`include "tdisp_defs.vh"

module tdi_table #(
    parameter NUM_TDI = 4,
    parameter TDI_W = 2,
    parameter STREAM_W = 1,
    parameter SESSION_W = 2
) (
    input wire clk,
    input wire rst,

    // Requests for TDI req_idx, one-cycle pulses
    input wire [    TDI_W-1:0] req_idx,
    input wire                 lock_req,
    input wire                 start_req,
    input wire                 stop_req,
    input wire [SESSION_W-1:0] lock_session,  // valid with lock_req, as the next four
    input wire [ STREAM_W-1:0] lock_stream,
    input wire                 lock_msix,
    input wire [         63:0] lock_offset,
    input wire [        255:0] lock_nonce,

    // What is known of TDI req_idx
    output wire [          1:0] req_state,
    output wire [SESSION_W-1:0] req_session,
    output wire                 req_msix_locked,
    output wire [         63:0] req_offset,
    input  wire [        255:0] start_nonce,
    output wire                 nonce_match,

    // Errors
    input wire [  NUM_TDI-1:0] error_req,
    input wire [          3:0] error_cause,
    input wire                 session_end_valid,
    input wire [SESSION_W-1:0] session_end_idx,
    input wire                 dsm_fault,          // every locked TDI

    output wire [       2*NUM_TDI-1:0] tdi_state,
    output wire [STREAM_W*NUM_TDI-1:0] tdi_stream,
    output wire [         NUM_TDI-1:0] tdi_msix_locked,
    output wire [         NUM_TDI-1:0] enters_error,
    input  wire [           TDI_W-1:0] status_idx,
    output reg  [                31:0] status_data
);

  reg [SESSION_W-1:0] session_q[0:NUM_TDI-1];
  reg [STREAM_W-1:0] stream_q[0:NUM_TDI-1];
  reg [NUM_TDI-1:0] msix_q;
  reg [63:0] offset_q[0:NUM_TDI-1];
  reg [NUM_TDI-1:0] parity_q;
  reg [255:0] nonce_q[0:NUM_TDI-1];
  reg [NUM_TDI-1:0] nonce_valid_q;
  reg [4*NUM_TDI-1:0] cause_q;

  wire [1:0] state[0:NUM_TDI-1];
  wire lock_parity = ^{lock_session, lock_stream, lock_msix, lock_offset};

  generate
    genvar n;
    for (n = 0; n < NUM_TDI; n = n + 1) begin : g_tdi
      localparam [31:0] INDEX = n;
      wire selected = req_idx == INDEX[TDI_W-1:0];
      wire unlocked = state[n] == `TDI_CONFIG_UNLOCKED;
      wire locked = state[n] == `TDI_CONFIG_LOCKED || state[n] == `TDI_RUN;
      wire locks = selected && lock_req;
      wire enters_lock, stays_locked;

      // A LOCK of the very cycle in which its session ends is refused as well (TDISP-SES-007).
      wire session_lost = session_end_valid
          && session_end_idx == (locked ? session_q[n] : lock_session) && (locked || locks);
      wire parity_wrong = locked
          && parity_q[n] != ^{session_q[n], stream_q[n], msix_q[n], offset_q[n]};

      tdi_fsm u_fsm (
          .clk         (clk),
          .rst         (rst),
          .lock_req    (locks),
          .start_req   (selected && start_req),
          .stop_req    (selected && stop_req),
          .error_req   (error_req[n] || session_lost || parity_wrong || dsm_fault),
          .state       (state[n]),
          .enters_lock (enters_lock),
          .enters_error(enters_error[n]),
          .stays_locked(stays_locked)
      );

      assign tdi_state[2*n+:2]                = state[n];
      assign tdi_stream[STREAM_W*n+:STREAM_W] = stream_q[n];
      assign tdi_msix_locked[n]               = msix_q[n];

      always @(posedge clk) begin
        if (rst) begin
          session_q[n] <= {SESSION_W{1'b0}};
          stream_q[n]  <= {STREAM_W{1'b0}};
          msix_q[n]    <= 1'b0;
          offset_q[n]  <= 64'h0;
          parity_q[n]  <= 1'b0;
        end else if (enters_lock) begin
          session_q[n] <= lock_session;
          stream_q[n]  <= lock_stream;
          msix_q[n]    <= lock_msix;
          offset_q[n]  <= lock_offset;
          parity_q[n]  <= lock_parity;
        end else if (unlocked) begin
          msix_q[n]   <= 1'b0;
          offset_q[n] <= 64'h0;
        end
      end

      always @(posedge clk) begin
        if (rst || (unlocked && !enters_error[n])) begin
          cause_q[4*n+:4] <= `TDISP_CAUSE_NONE;
        end else if (enters_error[n]) begin
          cause_q[4*n+:4] <= error_req[n] ? error_cause
              : session_lost ? `TDISP_CAUSE_SESSION_END : `TDISP_CAUSE_DSM_FAULT;
        end
      end

      always @(posedge clk) begin
        if (rst || !(enters_lock || stays_locked)) begin
          nonce_q[n]       <= 256'h0;
          nonce_valid_q[n] <= 1'b0;
        end else if (enters_lock) begin
          nonce_q[n]       <= lock_nonce;
          nonce_valid_q[n] <= 1'b1;
        end
      end
    end
  endgenerate

  assign req_state       = state[req_idx];
  assign req_session     = session_q[req_idx];
  assign req_msix_locked = msix_q[req_idx];
  assign req_offset      = offset_q[req_idx];
  assign nonce_match     = nonce_valid_q[req_idx] && nonce_q[req_idx] == start_nonce;

  integer i;

  always @* begin
    status_data = 32'h0;
    for (i = 0; i < NUM_TDI; i = i + 1) begin
      if (status_idx == i[TDI_W-1:0]) begin
        status_data = {24'h0, cause_q[4*i+:4], 2'b00, tdi_state[2*i+:2]};
      end
    end
  end

endmodule

`default_nettype wire
