// SPDX-License-Identifier: Apache-2.0
//
// aes_planes: a block in FIPS order as bit planes, or back. Wires only.
//
// Plane b is planes[16*b+:16]; its bit 15 - i is bit b of byte i, and byte i of a block is
// block[127-8*i-:8].

`default_nettype none

module aes_planes #(
    parameter TO_BLOCK = 0  // 0: block to planes, 1: planes to block
) (
    input  wire [127:0] in,
    output wire [127:0] out
);

  genvar i, b;
  generate
    for (i = 0; i < 16; i = i + 1) begin : g_byte
      for (b = 0; b < 8; b = b + 1) begin : g_bit
        if (TO_BLOCK != 0) begin : g_to_block
          assign out[120-8*i+b] = in[16*b+15-i];
        end else begin : g_to_planes
          assign out[16*b+15-i] = in[120-8*i+b];
        end
      end
    end
  endgenerate

endmodule

`default_nettype wire
