// SPDX-License-Identifier: Apache-2.0
//
// aes256_iter: AES-256 encryption of one block, a round a cycle, round keys made on the way.
//
// `done` comes 15 cycles after `start` was taken, with the result in the same cycle only; after it
// nothing of key or block is left here. `key` and `block` are looked at in the cycle of `start`.

`default_nettype none

module aes256_iter (
    input wire clk,
    input wire rst,

    input  wire         start,
    output wire         ready,
    input  wire [255:0] key,    // byte 0 in the most significant bits
    input  wire [127:0] block,

    output wire         done,
    output wire [127:0] result
);

  localparam [3:0] LAST_ROUND = 4'd14;

  reg          busy_q;
  reg          done_q;
  reg  [  3:0] round_q;
  reg  [  7:0] rcon_q;
  reg  [255:0] window_q;  // round keys round_q - 1 and round_q
  reg  [127:0] planes_q;

  wire [127:0] next_key;
  wire [127:0] round_key;
  wire [127:0] start_planes;
  wire [127:0] round_planes;
  wire [127:0] result_block;
  wire         last = round_q == LAST_ROUND;

  aes_planes #(
      .TO_BLOCK(0)
  ) u_start (
      .in (block ^ key[255:128]),
      .out(start_planes)
  );

  aes_planes #(
      .TO_BLOCK(0)
  ) u_round_key (
      .in (window_q[127:0]),
      .out(round_key)
  );

  aes_planes #(
      .TO_BLOCK(1)
  ) u_result (
      .in (planes_q),
      .out(result_block)
  );

  // Round key k + 1 is made in round k, so it is an even one in an odd round.
  aes256_key_step u_step (
      .en      (busy_q && !last),
      .even    (round_q[0]),
      .rcon    (rcon_q),
      .window  (window_q),
      .next_key(next_key)
  );

  aes_round_planes u_round (
      .en       (busy_q),
      .last     (last),
      .planes   (planes_q),
      .round_key(round_key),
      .result   (round_planes)
  );

  always @(posedge clk) begin
    if (rst || done_q) begin
      busy_q   <= 1'b0;
      done_q   <= 1'b0;
      round_q  <= 4'd1;
      rcon_q   <= 8'd1;
      window_q <= 256'd0;
      planes_q <= 128'd0;
    end else if (busy_q) begin
      busy_q   <= !last;
      done_q   <= last;
      round_q  <= round_q + 4'd1;
      planes_q <= round_planes;
      window_q <= last ? 256'd0 : {window_q[127:0], next_key};
      // Seven constants are used, 0x01 to 0x40: no reduction.
      if (round_q[0]) rcon_q <= {rcon_q[6:0], 1'b0};
    end else if (start) begin
      busy_q   <= 1'b1;
      window_q <= key;
      planes_q <= start_planes;
    end
  end

  assign ready  = !busy_q && !done_q;
  assign done   = done_q;
  assign result = done_q ? result_block : 128'd0;

endmodule

`default_nettype wire
