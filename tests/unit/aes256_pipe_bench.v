// SPDX-License-Identifier: Apache-2.0
//
// aes256_pipe_bench: the cipher pipeline with a key expansion in front of its key port.

`default_nettype none

module aes256_pipe_bench #(
    parameter NUM_CTX = 4,
    parameter CTX_W   = 2,
    parameter USER_W  = 16
) (
    input  wire              clk,
    input  wire              rst,
    input  wire              key_start,
    input  wire [ CTX_W-1:0] key_ctx,
    input  wire [     255:0] key,
    output wire              key_busy,
    output wire              key_done,
    output wire              rk_we,
    output wire [       3:0] rk_round,
    output wire [     127:0] rk_data,
    input  wire              rk_clear,
    input  wire              in_valid,
    input  wire [ CTX_W-1:0] in_ctx,
    input  wire [     127:0] in_block,
    input  wire [USER_W-1:0] in_user,
    output wire              out_valid,
    output wire [     127:0] out_block,
    output wire [USER_W-1:0] out_user
);

  aes256_key_expand u_expand (
      .clk     (clk),
      .rst     (rst),
      .start   (key_start),
      .key     (key),
      .busy    (key_busy),
      .done    (key_done),
      .rk_we   (rk_we),
      .rk_round(rk_round),
      .rk_data (rk_data)
  );

  aes256_pipe #(
      .NUM_CTX(NUM_CTX),
      .CTX_W  (CTX_W),
      .USER_W (USER_W)
  ) u_pipe (
      .clk      (clk),
      .rst      (rst),
      .rk_we    (rk_we),
      .rk_clear (rk_clear),
      .rk_ctx   (key_ctx),
      .rk_round (rk_round),
      .rk_data  (rk_data),
      .in_valid (in_valid),
      .in_ctx   (in_ctx),
      .in_block (in_block),
      .in_user  (in_user),
      .out_valid(out_valid),
      .out_block(out_block),
      .out_user (out_user)
  );

endmodule

`default_nettype wire
