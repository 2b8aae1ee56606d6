// SPDX-License-Identifier: Apache-2.0
//
// aes256_pipe: AES-256 encryption, a block a cycle, 16 cycles from input to output.
//
// Each round looks its key up by the context of the block it holds, so neighbouring blocks may have
// different keys. The pipeline never stalls. A stage without a block is zero: no key-dependent
// value outlives its block. While blocks of a context are on their way, its keys must not change.

`default_nettype none

module aes256_pipe #(
    parameter NUM_CTX = 8,  // keys held at a time
    parameter CTX_W = NUM_CTX > 1 ? $clog2(NUM_CTX) : 1,
    parameter USER_W = 1  // bits that travel beside a block
) (
    input wire clk,
    input wire rst,

    // Round keys, write only; rk_clear zeroes all rounds of a context at once
    input wire             rk_we,
    input wire             rk_clear,
    input wire [CTX_W-1:0] rk_ctx,
    input wire [      3:0] rk_round,
    input wire [    127:0] rk_data,

    // Plain blocks, byte 0 in the most significant bits
    input wire              in_valid,
    input wire [ CTX_W-1:0] in_ctx,
    input wire [     127:0] in_block,
    input wire [USER_W-1:0] in_user,

    // Encrypted blocks in the order of input
    output wire              out_valid,
    output wire [     127:0] out_block,
    output wire [USER_W-1:0] out_user
);

  localparam NUM_ROUNDS = 14;

  generate
    if (NUM_CTX < 1 || (1 << CTX_W) < NUM_CTX) begin : g_check_ctx_w
      PARAM_ERROR_CTX_W_must_fit_NUM_CTX u_stop ();
    end
  endgenerate

  wire [127:0] in_planes;
  wire [127:0] rk_planes;
  wire [127:0] write_planes = rk_clear ? 128'd0 : rk_planes;

  aes_planes #(
      .TO_BLOCK(0)
  ) u_in_planes (
      .in (in_block),
      .out(in_planes)
  );
  aes_planes #(
      .TO_BLOCK(0)
  ) u_rk_planes (
      .in (rk_data),
      .out(rk_planes)
  );

  // Stage r holds the block before round key r is used; the key is read while the block comes in.
  wire [NUM_ROUNDS+1:0] valid;
  wire [CTX_W*(NUM_ROUNDS+2)-1:0] ctx;
  wire [USER_W*(NUM_ROUNDS+2)-1:0] user;
  wire [128*(NUM_ROUNDS+2)-1:0] planes;

  assign valid[0]        = in_valid;
  assign ctx[0+:CTX_W]   = in_ctx;
  assign user[0+:USER_W] = in_user;
  assign planes[0+:128]  = in_planes;

  genvar r;
  generate
    for (r = 0; r <= NUM_ROUNDS; r = r + 1) begin : g_round
      reg               valid_q;
      reg  [ CTX_W-1:0] ctx_q;
      reg  [USER_W-1:0] user_q;
      reg  [     127:0] planes_q;
      wire [     127:0] round_key;
      wire [     127:0] result;

      secret_ram #(
          .DATA_W(128),
          .ADDR_W(CTX_W)
      ) u_keys (
          .clk       (clk),
          .write_en  (rk_clear || (rk_we && rk_round == r)),
          .write_addr(rk_ctx),
          .write_data(write_planes),
          .read_en   (valid[r]),
          .read_addr (ctx[r*CTX_W+:CTX_W]),
          .read_data (round_key)
      );

      always @(posedge clk) begin
        if (rst) valid_q <= 1'b0;
        else valid_q <= valid[r];
        if (valid[r]) begin
          ctx_q    <= ctx[r*CTX_W+:CTX_W];
          user_q   <= user[r*USER_W+:USER_W];
          planes_q <= planes[r*128+:128];
        end else begin
          planes_q <= 128'd0;
        end
      end

      if (r == 0) begin : g_whiten
        assign result = planes_q ^ round_key;
      end else begin : g_rest
        aes_round_planes u_round (
            .en       (valid_q),
            .last     (r == NUM_ROUNDS),
            .planes   (planes_q),
            .round_key(round_key),
            .result   (result)
        );
      end

      assign valid[r+1]                 = valid_q;
      assign ctx[(r+1)*CTX_W+:CTX_W]    = ctx_q;
      assign user[(r+1)*USER_W+:USER_W] = user_q;
      assign planes[(r+1)*128+:128]     = result;
    end
  endgenerate

  reg              out_valid_q;
  reg [     127:0] out_planes_q;
  reg [USER_W-1:0] out_user_q;

  always @(posedge clk) begin
    if (rst) out_valid_q <= 1'b0;
    else out_valid_q <= valid[NUM_ROUNDS+1];
    if (valid[NUM_ROUNDS+1]) begin
      out_planes_q <= planes[128*(NUM_ROUNDS+1)+:128];
      out_user_q   <= user[USER_W*(NUM_ROUNDS+1)+:USER_W];
    end else begin
      out_planes_q <= 128'd0;
    end
  end

  aes_planes #(
      .TO_BLOCK(1)
  ) u_out_block (
      .in (out_planes_q),
      .out(out_block)
  );
  assign out_valid = out_valid_q;
  assign out_user  = out_user_q;

  wire unused = &{1'b0, ctx[CTX_W*(NUM_ROUNDS+1)+:CTX_W]};

endmodule

`default_nettype wire
