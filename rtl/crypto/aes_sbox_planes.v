// SPDX-License-Identifier: Apache-2.0
//
// aes_sbox_planes: SubBytes on bit planes.
//
// Plane b holds bit b of every byte, one bit a lane, so that one vector operation serves all lanes.
// The inverse is taken in GF((2^4)^2): y^2 + y + LAMBDA over GF(2^4) with x^4 + x + 1, LAMBDA =
// x^3 + x, where the AES generator is 5 y. While `en` is low the output is zero and nothing toggles.

`default_nettype none

module aes_sbox_planes #(
    parameter LANES = 16
) (
    input  wire               en,
    input  wire [8*LANES-1:0] planes,
    output reg  [8*LANES-1:0] result
);

  // An element of GF(2^4) in every lane, as four planes.
  function automatic [4*LANES-1:0] mul4(input reg [4*LANES-1:0] a, input reg [4*LANES-1:0] b);
    reg [LANES-1:0] a0, a1, a2, a3, b0, b1, b2, b3, a03, a23, a12;
    begin
      {a3, a2, a1, a0}     = a;
      {b3, b2, b1, b0}     = b;
      a03                  = a0 ^ a3;
      a23                  = a2 ^ a3;
      a12                  = a1 ^ a2;
      mul4[0*LANES+:LANES] = (a0 & b0) ^ (a3 & b1) ^ (a2 & b2) ^ (a1 & b3);
      mul4[1*LANES+:LANES] = (a1 & b0) ^ (a03 & b1) ^ (a23 & b2) ^ (a12 & b3);
      mul4[2*LANES+:LANES] = (a2 & b0) ^ (a1 & b1) ^ (a03 & b2) ^ (a23 & b3);
      mul4[3*LANES+:LANES] = (a3 & b0) ^ (a2 & b1) ^ (a1 & b2) ^ (a03 & b3);
    end
  endfunction

  function automatic [4*LANES-1:0] inv4(input reg [4*LANES-1:0] d);
    reg [LANES-1:0] d0, d1, d2, d3, d01, d02, d12, d03, d13;
    begin
      {d3, d2, d1, d0}     = d;
      d01                  = d0 & d1;
      d02                  = d0 & d2;
      d12                  = d1 & d2;
      d03                  = d0 & d3;
      d13                  = d1 & d3;
      inv4[0*LANES+:LANES] = d0 ^ d1 ^ d2 ^ d3 ^ d02 ^ d12 ^ (d01 & d2) ^ (d12 & d3);
      inv4[1*LANES+:LANES] = d01 ^ d02 ^ d12 ^ d3 ^ d13 ^ (d01 & d3);
      inv4[2*LANES+:LANES] = d01 ^ d2 ^ d02 ^ d3 ^ d03 ^ (d02 & d3);
      inv4[3*LANES+:LANES] = d1 ^ d2 ^ d3 ^ d03 ^ d13 ^ (d2 & d3) ^ (d12 & d3);
    end
  endfunction

  // LAMBDA times the square.
  function automatic [4*LANES-1:0] square_scale(input reg [4*LANES-1:0] a);
    reg [LANES-1:0] a0, a1, a2, a3, a12;
    begin
      {a3, a2, a1, a0} = a;
      a12              = a1 ^ a2;
      square_scale     = {a0 ^ a12, a12, a0 ^ a1, a2 ^ a3};
    end
  endfunction

  function automatic [4*LANES-1:0] square(input reg [4*LANES-1:0] a);
    reg [LANES-1:0] a0, a1, a2, a3;
    begin
      {a3, a2, a1, a0} = a;
      square           = {a3, a1 ^ a3, a2, a0 ^ a2};
    end
  endfunction

  function automatic [8*LANES-1:0] to_tower(input reg [8*LANES-1:0] a);
    reg [LANES-1:0] a0, a1, a2, a3, a4, a5, a6, a7, a57, a257;
    begin
      {a7, a6, a5, a4, a3, a2, a1, a0} = a;
      a57 = a5 ^ a7;
      a257 = a2 ^ a57;
      to_tower = {a57, a1 ^ a4 ^ a6 ^ a7, a2 ^ a3, a1 ^ a57, a3 ^ a4, a2, a257 ^ a6, a0 ^ a257};
    end
  endfunction

  // Back to the AES basis, with the affine map of the S-box and its constant 0x63.
  function automatic [8*LANES-1:0] from_tower(input reg [8*LANES-1:0] u);
    reg [LANES-1:0] u0, u1, u2, u3, u4, u5, u6, u7, u01, u03, u56, u123, u0357;
    begin
      {u7, u6, u5, u4, u3, u2, u1, u0} = u;
      u01 = u0 ^ u1;
      u03 = u0 ^ u3;
      u56 = u5 ^ u6;
      u123 = u1 ^ u2 ^ u3;
      u0357 = u03 ^ u5 ^ u7;
      from_tower = {
        u123,
        ~(u4 ^ u56),
        ~(u1 ^ u2 ^ u56),
        u03 ^ u4,
        u0 ^ u123 ^ u6,
        u0357 ^ u2 ^ u6,
        ~(u01 ^ u4),
        ~(u0357 ^ u1 ^ u2)
      };
    end
  endfunction

  function automatic [8*LANES-1:0] sub_bytes(input reg [8*LANES-1:0] a);
    reg [4*LANES-1:0] high, low, sum, inverse;
    begin
      {high, low} = to_tower(a);
      sum         = high ^ low;
      inverse     = inv4(square_scale(high) ^ mul4(high, low) ^ square(low));
      sub_bytes   = from_tower({mul4(high, inverse), mul4(sum, inverse)});
    end
  endfunction

  always @* begin
    result = {8 * LANES{1'b0}};
    if (en) result = sub_bytes(planes);
  end

endmodule

`default_nettype wire
