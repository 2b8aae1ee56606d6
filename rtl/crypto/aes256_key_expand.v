// SPDX-License-Identifier: Apache-2.0
//
// aes256_key_expand: the 15 round keys of an AES-256 key, one a cycle from the cycle after `start`.
//
// `done` is high in the cycle of the last one; after it nothing of the key is left here. A start
// while busy is ignored.

`default_nettype none

module aes256_key_expand (
    input wire clk,
    input wire rst,

    input  wire         start,
    input  wire [255:0] key,    // byte 0 in the most significant bits
    output wire         busy,
    output wire         done,

    output wire         rk_we,
    output wire [  3:0] rk_round,
    output wire [127:0] rk_data
);

  localparam [3:0] LAST_ROUND = 4'd14;

  reg          busy_q;
  reg  [  3:0] round_q;
  reg  [  7:0] rcon_q;
  reg  [255:0] window_q;
  wire [127:0] next_key;

  aes256_key_step u_step (
      .en      (busy_q),
      .even    (!round_q[0]),
      .rcon    (rcon_q),
      .window  (window_q),
      .next_key(next_key)
  );

  always @(posedge clk) begin
    if (rst || done) begin
      busy_q   <= 1'b0;
      round_q  <= 4'd0;
      rcon_q   <= 8'd1;
      window_q <= 256'd0;
    end else if (busy_q) begin
      round_q  <= round_q + 4'd1;
      window_q <= {window_q[127:0], next_key};
      // Seven constants are used, 0x01 to 0x40: no reduction.
      if (!round_q[0]) rcon_q <= {rcon_q[6:0], 1'b0};
    end else if (start) begin
      busy_q   <= 1'b1;
      window_q <= key;
    end
  end

  assign busy     = busy_q;
  assign done     = busy_q && round_q == LAST_ROUND;
  assign rk_we    = busy_q;
  assign rk_round = round_q;
  assign rk_data  = busy_q ? window_q[255:128] : 128'd0;

endmodule

`default_nettype wire
