// SPDX-License-Identifier: Apache-2.0
//
// app_scrub: clears everything a function holds, one function after another.
//
// `busy` of a function is high from the cycle after its request until the last word is clear; after
// reset all functions are cleared (TDISP-ZERO-001, 003, TDISP-STOP-004). A request that comes
// while the function is being cleared starts over. An illegal state clears all functions.

`default_nettype none

module app_scrub #(
    parameter NUM_TDI = 4,
    parameter TDI_W   = 2,
    parameter SWEEP_W = 8   // bits of the word counter
) (
    input wire clk,
    input wire rst,

    output wire fault,  // the state machine was in no state of its own

    input  wire [NUM_TDI-1:0] scrub_req,
    input  wire [NUM_TDI-1:0] hold,       // the function still has a TLP in work
    output wire [NUM_TDI-1:0] scrub_busy,

    // One step a cycle when granted: word `sweep_word` of every memory, and all registers
    output wire               sweep_valid,
    input  wire               sweep_ready,
    output wire [  TDI_W-1:0] sweep_tdi,
    output wire [SWEEP_W-1:0] sweep_word
);

  // Hamming distance 2
  localparam [1:0] ST_SEARCH = 2'b01;
  localparam [1:0] ST_SWEEP = 2'b10;

  localparam [TDI_W:0] LAST_TDI = NUM_TDI - 1;

  reg [1:0] state_q, state_d;
  reg [NUM_TDI-1:0] pending_q, pending_d;
  reg [TDI_W-1:0] tdi_q, tdi_d;
  reg [SWEEP_W-1:0] word_q, word_d;
  reg [NUM_TDI-1:0] sweeping;
  integer n;

  always @* begin
    sweeping = {NUM_TDI{1'b0}};
    for (n = 0; n < NUM_TDI; n = n + 1) begin
      sweeping[n] = state_q == ST_SWEEP && tdi_q == n[TDI_W-1:0];
    end
  end

  always @* begin
    state_d   = state_q;
    pending_d = pending_q | scrub_req;
    tdi_d     = tdi_q;
    word_d    = word_q;
    case (state_q)
      ST_SEARCH: begin
        word_d = {SWEEP_W{1'b0}};
        if (pending_q[tdi_q] && !hold[tdi_q]) begin
          state_d          = ST_SWEEP;
          pending_d[tdi_q] = scrub_req[tdi_q];
        end else begin
          tdi_d = {1'b0, tdi_q} == LAST_TDI ? {TDI_W{1'b0}} : tdi_q + 1'b1;
        end
      end
      ST_SWEEP: begin
        if (sweep_ready) word_d = word_q + 1'b1;
        if (sweep_ready && &word_q) state_d = ST_SEARCH;
      end
      default: begin
        state_d   = ST_SEARCH;
        pending_d = {NUM_TDI{1'b1}};
        tdi_d     = {TDI_W{1'b0}};
      end
    endcase
  end

  always @(posedge clk) begin
    if (rst) begin
      state_q   <= ST_SEARCH;
      pending_q <= {NUM_TDI{1'b1}};
      tdi_q     <= {TDI_W{1'b0}};
      word_q    <= {SWEEP_W{1'b0}};
    end else begin
      state_q   <= state_d;
      pending_q <= pending_d;
      tdi_q     <= tdi_d;
      word_q    <= word_d;
    end
  end

  assign fault       = state_q != ST_SEARCH && state_q != ST_SWEEP;
  assign scrub_busy  = pending_q | sweeping;
  assign sweep_valid = state_q == ST_SWEEP;
  assign sweep_tdi   = tdi_q;
  assign sweep_word  = word_q;

endmodule

`default_nettype wire
