// SPDX-License-Identifier: Apache-2.0
//
// ghash: GHASH accumulator, a block a cycle.
//
// acc <= (acc + block) * h with block_valid. `init` together with a block starts from zero with this
// block, `init` alone clears. The result of a block is in `acc` in the next cycle.

`default_nettype none

module ghash (
    input  wire         clk,
    input  wire         rst,
    input  wire         init,
    input  wire [127:0] h,
    input  wire         block_valid,
    input  wire [127:0] block,
    output wire [127:0] acc
);

  reg  [127:0] acc_q;
  wire [127:0] product;

  gf128_mul #(
      .DIGIT(128)
  ) u_mul (
      .en    (block_valid),
      .sum   (128'd0),
      .h     (h),
      .digit ((init ? 128'd0 : acc_q) ^ block),
      .result(product)
  );

  always @(posedge clk) begin
    if (rst) acc_q <= 128'd0;
    else if (block_valid) acc_q <= product;
    else if (init) acc_q <= 128'd0;
  end

  assign acc = acc_q;

endmodule

`default_nettype wire
