// SPDX-License-Identifier: Apache-2.0
//
// ide_key_store: invocation counters and erasure of the keys of one direction.
//
// The keys themselves live in the GCM engine. A context is {stream, sub-stream, key set} counted
// through: 6 * stream + 2 * sub-stream + set. An erasure that is asked for happens before the next
// key of that context is taken, and not before an invocation that was already offered with it has
// been accepted, so no invocation ever runs under an erased key.

`default_nettype none

module ide_key_store #(
    parameter NUM_CTX = 12,
    parameter CTX_W   = 4
) (
    input wire clk,
    input wire rst,

    // Erasure, one bit a context; `erasing` lasts until the engine has done it
    input  wire [NUM_CTX-1:0] erase,
    output wire [NUM_CTX-1:0] erasing,

    // A new key for the engine
    input  wire             key_valid,
    output wire             key_ready,
    input  wire [CTX_W-1:0] key_ctx,

    // The engine
    output wire             engine_key_valid,
    input  wire             engine_key_ready,
    output wire             engine_clear_valid,
    input  wire             engine_clear_ready,
    output wire [CTX_W-1:0] engine_clear_ctx,

    // Invocations: `offered` from the offer until the engine has accepted it
    input  wire             offered,
    input  wire [CTX_W-1:0] offered_ctx,
    input  wire             invoked,          // accepted: the counter of offered_ctx advances
    input  wire [CTX_W-1:0] read_ctx,
    output wire [     63:0] read_invocation,
    output wire             read_exhausted    // the counter may not be used any more
);

  localparam [63:0] FIRST_INVOCATION = 64'd1;
  localparam [63:0] LAST_INVOCATION = {64{1'b1}};

  reg [NUM_CTX-1:0] erasing_q;
  reg clear_valid_q;
  reg [CTX_W-1:0] clear_ctx_q;

  wire cleared = clear_valid_q && engine_clear_ready;

  // The lowest context that waits and that no offered invocation needs
  reg pick_valid;
  reg [CTX_W-1:0] pick_ctx;
  integer i;

  always @* begin
    pick_valid = 1'b0;
    pick_ctx   = {CTX_W{1'b0}};
    for (i = NUM_CTX - 1; i >= 0; i = i - 1) begin
      if (erasing_q[i] && !(offered && offered_ctx == i[CTX_W-1:0])) begin
        pick_valid = 1'b1;
        pick_ctx   = i[CTX_W-1:0];
      end
    end
  end

  // An erasure asked for in the cycle in which the last one ends is a new one.
  reg [NUM_CTX-1:0] done;
  always @* begin
    done = {NUM_CTX{1'b0}};
    for (i = 0; i < NUM_CTX; i = i + 1) done[i] = cleared && clear_ctx_q == i[CTX_W-1:0];
  end

  always @(posedge clk) begin
    if (rst) begin
      erasing_q     <= {NUM_CTX{1'b0}};
      clear_valid_q <= 1'b0;
      clear_ctx_q   <= {CTX_W{1'b0}};
    end else begin
      erasing_q <= (erasing_q & ~done) | erase;
      if (!clear_valid_q) begin
        clear_valid_q <= pick_valid;
        clear_ctx_q   <= pick_ctx;
      end else if (cleared) begin
        clear_valid_q <= 1'b0;
      end
    end
  end

  assign erasing            = erasing_q;
  assign engine_clear_valid = clear_valid_q;
  assign engine_clear_ctx   = clear_ctx_q;

  // A key waits for the erasure of its context.
  wire key_blocked = erasing_q[key_ctx];
  assign engine_key_valid = key_valid && !key_blocked;
  assign key_ready        = engine_key_ready && !key_blocked;

  // Counters. They are no secrets, and a key that is ready guards each.
  reg [63:0] invocation_q[0:NUM_CTX-1];

  always @(posedge clk) begin
    if (invoked) invocation_q[offered_ctx] <= invocation_q[offered_ctx] + 64'd1;
    if (key_valid && key_ready) invocation_q[key_ctx] <= FIRST_INVOCATION;
  end

  assign read_invocation = invocation_q[read_ctx];
  assign read_exhausted  = read_invocation == LAST_INVOCATION;

endmodule

`default_nettype wire
