// SPDX-License-Identifier: Apache-2.0
//
// gcm_counter: the counter blocks of one invocation after the other.
//
// For n blocks of payload: IV || 2 to IV || n + 1, then IV || 1, whose encryption hides the tag: the
// user of the key stream needs it last. A block is sent only when the store behind the cipher has
// room for it: `credit` counts down with a block and up with `taken`.

`default_nettype none

module gcm_counter #(
    parameter CTX_W = 3,
    parameter CREDIT_W = 5  // the store holds 2^CREDIT_W blocks
) (
    input wire clk,
    input wire rst,

    input  wire             start_valid,
    output wire             start_ready,
    input  wire [CTX_W-1:0] start_ctx,
    input  wire [     95:0] start_iv,
    input  wire [     12:0] start_len,    // bytes

    output wire             block_valid,
    output wire [CTX_W-1:0] block_ctx,
    output wire [    127:0] block,
    input  wire             taken,        // a block of key stream left the store

    output wire idle
);

  localparam [CREDIT_W:0] ROOM = {1'b1, {CREDIT_W{1'b0}}};
  localparam [CREDIT_W:0] ONE = 1;

  reg               active_q;
  reg  [ CTX_W-1:0] ctx_q;
  reg  [      95:0] iv_q;
  reg  [       9:0] count_q;  // block of payload, from 0
  reg  [       9:0] blocks_q;  // how many there are
  reg  [CREDIT_W:0] credit_q;

  wire              at_tag = count_q == blocks_q;
  wire [      12:0] len_up = start_len + 13'd15;
  wire              len_over = start_len > 13'h1ff0;  // len_up has wrapped

  assign block_valid = active_q && credit_q != {CREDIT_W + 1{1'b0}};
  assign start_ready = !active_q || (block_valid && at_tag);
  assign block_ctx   = ctx_q;
  assign block       = {iv_q, at_tag ? 32'd1 : {22'd0, count_q} + 32'd2};
  assign idle        = !active_q;

  always @(posedge clk) begin
    if (rst) begin
      active_q <= 1'b0;
      credit_q <= ROOM;
    end else begin
      if (start_ready) active_q <= start_valid;
      if (block_valid && !taken) credit_q <= credit_q - ONE;
      else if (taken && !block_valid) credit_q <= credit_q + ONE;
    end
  end

  always @(posedge clk) begin
    if (start_valid && start_ready) begin
      ctx_q    <= start_ctx;
      iv_q     <= start_iv;
      count_q  <= 10'd0;
      blocks_q <= {len_over, len_up[12:4]};
    end else if (block_valid && !at_tag) begin
      count_q <= count_q + 10'd1;
    end
  end

  wire unused = &{1'b0, len_up[3:0]};

endmodule

`default_nettype wire
