// SPDX-License-Identifier: Apache-2.0
//
// ghash_serial: GHASH accumulator with a small multiplier, a block in 128 / DIGIT cycles.
//
// A block is taken when `block_valid` and `block_ready` meet; `acc` is complete whenever
// `block_ready` is high. `init` with a block starts from zero, `clear` forgets everything at once.
// `h` must hold while a block is at work.

`default_nettype none

module ghash_serial #(
    parameter DIGIT = 16
) (
    input  wire         clk,
    input  wire         rst,
    input  wire         clear,
    input  wire         init,
    input  wire [127:0] h,
    input  wire         block_valid,
    output wire         block_ready,
    input  wire [127:0] block,
    output wire [127:0] acc
);

  localparam [7:0] NUM_STEPS = 128 / DIGIT;

  generate
    if (DIGIT < 1 || DIGIT > 64 || 128 % DIGIT != 0) begin : g_check_digit
      PARAM_ERROR_DIGIT_must_divide_128_and_be_less u_stop ();
    end
  endgenerate

  reg  [  7:0] steps_q;  // left to do
  reg  [127:0] factor_q;
  reg  [127:0] acc_q;
  wire [127:0] sum;
  wire         step = steps_q != 8'd0;
  wire         take = block_valid && block_ready;

  gf128_mul #(
      .DIGIT(DIGIT)
  ) u_mul (
      .en    (step),
      .sum   (acc_q),
      .h     (h),
      .digit (factor_q[DIGIT-1:0]),
      .result(sum)
  );

  always @(posedge clk) begin
    if (rst || clear) begin
      steps_q  <= 8'd0;
      factor_q <= 128'd0;
      acc_q    <= 128'd0;
    end else if (take) begin
      steps_q  <= NUM_STEPS;
      factor_q <= (init ? 128'd0 : acc_q) ^ block;
      acc_q    <= 128'd0;
    end else if (step) begin
      steps_q  <= steps_q - 8'd1;
      factor_q <= {{DIGIT{1'b0}}, factor_q[127:DIGIT]};
      acc_q    <= sum;
    end
  end

  assign block_ready = !step;
  assign acc         = acc_q;

endmodule

`default_nettype wire
