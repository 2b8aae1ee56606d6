// SPDX-License-Identifier: Apache-2.0
//
// aes_round_planes: one AES round on bit planes: SubBytes, ShiftRows, MixColumns (not in the last
// round), round key.
//
// Plane b is planes[16*b+:16]; its bit 15 - i belongs to byte i of the block (FIPS order, row
// i % 4, column i / 4). While `en` is low the output is zero and nothing toggles.

`default_nettype none

module aes_round_planes (
    input  wire         en,
    input  wire         last,
    input  wire [127:0] planes,
    input  wire [127:0] round_key,  // bit planes too
    output reg  [127:0] result
);

  wire [127:0] substituted;

  aes_sbox_planes #(
      .LANES(16)
  ) u_sbox (
      .en    (en),
      .planes(planes),
      .result(substituted)
  );

  // Row r turns left by r columns; a column is a nibble.
  function automatic [15:0] shift_rows(input reg [15:0] p);
    shift_rows = {
      p[15],
      p[10],
      p[5],
      p[0],
      p[11],
      p[6],
      p[1],
      p[12],
      p[7],
      p[2],
      p[13],
      p[8],
      p[3],
      p[14],
      p[9],
      p[4]
    };
  endfunction

  // The byte below, two below, in each column.
  function automatic [15:0] below(input reg [15:0] p);
    below = {p[14:12], p[15], p[10:8], p[11], p[6:4], p[7], p[2:0], p[3]};
  endfunction

  function automatic [15:0] below2(input reg [15:0] p);
    below2 = {p[13:12], p[15:14], p[9:8], p[11:10], p[5:4], p[7:6], p[1:0], p[3:2]};
  endfunction

  // 2 a + 3 b + c + d = 2 (a + b) + b + (c + d), and c + d is a + b two rows below.
  function automatic [127:0] mix_columns(input reg [127:0] s);
    reg [15:0] s0, s1, s2, s3, s4, s5, s6, s7;
    reg [15:0] b0, b1, b2, b3, b4, b5, b6, b7;
    reg [15:0] t0, t1, t2, t3, t4, t5, t6, t7;
    begin
      {s7, s6, s5, s4, s3, s2, s1, s0} = s;
      b0 = below(s0);
      b1 = below(s1);
      b2 = below(s2);
      b3 = below(s3);
      b4 = below(s4);
      b5 = below(s5);
      b6 = below(s6);
      b7 = below(s7);
      t0 = s0 ^ b0;
      t1 = s1 ^ b1;
      t2 = s2 ^ b2;
      t3 = s3 ^ b3;
      t4 = s4 ^ b4;
      t5 = s5 ^ b5;
      t6 = s6 ^ b6;
      t7 = s7 ^ b7;
      mix_columns = {
        t6 ^ b7 ^ below2(t7),
        t5 ^ b6 ^ below2(t6),
        t4 ^ b5 ^ below2(t5),
        t3 ^ t7 ^ b4 ^ below2(t4),
        t2 ^ t7 ^ b3 ^ below2(t3),
        t1 ^ b2 ^ below2(t2),
        t0 ^ t7 ^ b1 ^ below2(t1),
        t7 ^ b0 ^ below2(t0)
      };
    end
  endfunction

  function automatic [127:0] shift_all(input reg [127:0] s);
    shift_all = {
      shift_rows(s[127:112]),
      shift_rows(s[111:96]),
      shift_rows(s[95:80]),
      shift_rows(s[79:64]),
      shift_rows(s[63:48]),
      shift_rows(s[47:32]),
      shift_rows(s[31:16]),
      shift_rows(s[15:0])
    };
  endfunction

  always @* begin
    result = 128'd0;
    if (en) begin
      if (last) result = shift_all(substituted) ^ round_key;
      else result = mix_columns(shift_all(substituted)) ^ round_key;
    end
  end

endmodule

`default_nettype wire
