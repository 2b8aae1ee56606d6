// SPDX-License-Identifier: Apache-2.0
//
// aes256_key_step: the round key after the two in `window`, as AES-256 key expansion makes it.
//
// window is {round key k - 2, round key k - 1}; `even` says that k is even, `rcon` is its round
// constant. While `en` is low the output is zero.

`default_nettype none

module aes256_key_step (
    input  wire         en,
    input  wire         even,
    input  wire [  7:0] rcon,
    input  wire [255:0] window,
    output wire [127:0] next_key
);

  wire [31:0] newest = window[31:0];
  wire [31:0] turned = even ? {newest[23:0], newest[31:24]} : newest;
  wire [31:0] planes;
  wire [31:0] substituted;
  wire [31:0] word;

  genvar i, b;
  generate
    for (i = 0; i < 4; i = i + 1) begin : g_byte
      for (b = 0; b < 8; b = b + 1) begin : g_bit
        assign planes[4*b+3-i] = turned[24-8*i+b];
        assign word[24-8*i+b]  = substituted[4*b+3-i];
      end
    end
  endgenerate

  aes_sbox_planes #(
      .LANES(4)
  ) u_sbox (
      .en    (en),
      .planes(planes),
      .result(substituted)
  );

  wire [31:0] word0 = window[255:224] ^ word ^ (even ? {rcon, 24'd0} : 32'd0);
  wire [31:0] word1 = window[223:192] ^ word0;
  wire [31:0] word2 = window[191:160] ^ word1;
  wire [31:0] word3 = window[159:128] ^ word2;

  assign next_key = en ? {word0, word1, word2, word3} : 128'd0;

  wire unused = &{1'b0, window[127:32]};

endmodule

`default_nettype wire
