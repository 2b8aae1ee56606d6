// SPDX-License-Identifier: Apache-2.0
//
// app_scrub: clears everything a function holds, one function after another.
//
// `busy` of a function is high from the cycle after its request until the last word is clear; after
// reset all functions are cleared (TDISP-ZERO-001, 003, TDISP-STOP-004). Requests are served in the
// order in which they came, so none waits for a later one; what only reset asked for gives way to
// them, and among it functions that somebody waits for come first. A request that comes while the
// function is being cleared starts over. An illegal state clears all functions.
//
// Requests of one cycle enter the queue one a cycle, and those that come meanwhile count as one
// with them.

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
    input  wire [NUM_TDI-1:0] awaited,    // somebody waits for the function
    input  wire [NUM_TDI-1:0] hold,       // the function still has a TLP in work
    output wire [NUM_TDI-1:0] scrub_busy,

    // One step a cycle when granted: word `sweep_word` of every memory, and all registers
    output wire               sweep_valid,
    input  wire               sweep_ready,
    output wire [  TDI_W-1:0] sweep_tdi,
    output wire [SWEEP_W-1:0] sweep_word
);

  // Hamming distance 2
  localparam [2:0] ST_SEARCH = 3'b001;
  localparam [2:0] ST_HEAD = 3'b010;
  localparam [2:0] ST_SWEEP = 3'b100;

  localparam [NUM_TDI-1:0] ONE = 1;
  localparam [NUM_TDI-1:0] ALL = {NUM_TDI{1'b1}};
  localparam [31:0] LAST_TDI = NUM_TDI - 1;
  localparam ENTRY_W = 16;  // bits of a word of the queue

  reg [2:0] state_q, state_d;
  reg [TDI_W-1:0] tdi_q, tdi_d;
  reg [SWEEP_W-1:0] word_q, word_d;
  reg begin_queued, begin_reset;  // a sweep of function tdi_d begins

  reg [NUM_TDI-1:0] reset_q;  // not cleared since reset
  reg [NUM_TDI-1:0] queued_q;  // requested, the sweep has not begun
  reg [NUM_TDI-1:0] new_q;  // of these, not in the queue yet

  // ------------------------------------------------------------------ queue
  // A function is in it at most once, so it never overflows.
  reg [TDI_W-1:0] head_q, tail_q;
  reg [TDI_W:0] count_q;
  wire push, pop;
  wire [  TDI_W-1:0] push_tdi;
  wire [NUM_TDI-1:0] pushed;
  wire [ENTRY_W-1:0] entry;
  wire [  TDI_W-1:0] head_tdi = entry[TDI_W-1:0];

  rotate_first #(
      .N(NUM_TDI),
      .W(TDI_W)
  ) u_new (
      .request(new_q),
      .last   (LAST_TDI[TDI_W-1:0]),
      .any    (push),
      .idx    (push_tdi),
      .grant  (pushed)
  );

  app_ram #(
      .WIDTH (ENTRY_W),
      .WORDS (1 << TDI_W),
      .ADDR_W(TDI_W)
  ) u_queue (
      .clk       (clk),
      .write_be  ({ENTRY_W / 8{push}}),
      .write_addr(tail_q),
      .write_data({{(ENTRY_W - TDI_W) {1'b0}}, push_tdi}),
      .read_req  (pop),
      .read_addr (head_q),
      .read_data (entry)
  );

  // ------------------------------------------------------------------ what only reset asked for
  wire [NUM_TDI-1:0] ready = reset_q & ~hold;
  wire [NUM_TDI-1:0] preferred = ready & awaited;
  wire reset_any;
  wire [TDI_W-1:0] reset_tdi;
  wire [NUM_TDI-1:0] reset_grant;

  rotate_first #(
      .N(NUM_TDI),
      .W(TDI_W)
  ) u_reset (
      .request(preferred != {NUM_TDI{1'b0}} ? preferred : ready),
      .last   (tdi_q),
      .any    (reset_any),
      .idx    (reset_tdi),
      .grant  (reset_grant)
  );

  // ------------------------------------------------------------------ state
  always @* begin
    state_d      = state_q;
    tdi_d        = tdi_q;
    word_d       = word_q;
    begin_queued = 1'b0;
    begin_reset  = 1'b0;
    case (state_q)
      ST_SEARCH: begin
        word_d = {SWEEP_W{1'b0}};
        if (pop) begin
          state_d = ST_HEAD;
        end else if (reset_any && !push) begin
          state_d     = ST_SWEEP;
          tdi_d       = reset_tdi;
          begin_reset = 1'b1;
        end
      end
      ST_HEAD: begin
        if (!hold[head_tdi]) begin
          state_d      = ST_SWEEP;
          tdi_d        = head_tdi;
          begin_queued = 1'b1;
        end
      end
      ST_SWEEP: begin
        if (sweep_ready) word_d = word_q + 1'b1;
        if (sweep_ready && &word_q) state_d = ST_SEARCH;
      end
      default: state_d = ST_SEARCH;
    endcase
  end

  assign pop = state_q == ST_SEARCH && count_q != {(TDI_W + 1) {1'b0}};

  wire [NUM_TDI-1:0] head = ONE << head_tdi;
  wire [NUM_TDI-1:0] started = begin_queued ? head : {NUM_TDI{1'b0}};
  wire [NUM_TDI-1:0] waiting = queued_q & ~started;
  wire [NUM_TDI-1:0] fresh = scrub_req & ~waiting;

  always @(posedge clk) begin
    if (rst || fault) begin
      state_q  <= ST_SEARCH;
      reset_q  <= ALL;
      queued_q <= {NUM_TDI{1'b0}};
      new_q    <= {NUM_TDI{1'b0}};
      head_q   <= {TDI_W{1'b0}};
      tail_q   <= {TDI_W{1'b0}};
      count_q  <= {(TDI_W + 1) {1'b0}};
      tdi_q    <= LAST_TDI[TDI_W-1:0];
      word_q   <= {SWEEP_W{1'b0}};
    end else begin
      state_q  <= state_d;
      reset_q  <= reset_q & ~started & ~(begin_reset ? reset_grant : {NUM_TDI{1'b0}});
      queued_q <= waiting | fresh;
      new_q    <= (new_q & ~pushed) | fresh;
      if (pop) head_q <= head_q + 1'b1;
      if (push) tail_q <= tail_q + 1'b1;
      count_q <= count_q + {{TDI_W{1'b0}}, push} - {{TDI_W{1'b0}}, pop};
      tdi_q   <= tdi_d;
      word_q  <= word_d;
    end
  end

  wire [NUM_TDI-1:0] sweeping = sweep_valid ? ONE << tdi_q : {NUM_TDI{1'b0}};

  assign fault       = state_q != ST_SEARCH && state_q != ST_HEAD && state_q != ST_SWEEP;
  assign scrub_busy  = reset_q | queued_q | sweeping;
  assign sweep_valid = state_q == ST_SWEEP;
  assign sweep_tdi   = tdi_q;
  assign sweep_word  = word_q;

  wire unused = &{1'b0, entry[ENTRY_W-1:TDI_W]};

endmodule

`default_nettype wire
