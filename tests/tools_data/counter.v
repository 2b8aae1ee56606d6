// SPDX-License-Identifier: Apache-2.0
//
// counter: the smallest design that a simulation can be started on.

`default_nettype none

module counter (
    input  wire       clk,
    output reg  [3:0] count
);

  always @(posedge clk) count <= count + 4'd1;

endmodule

`default_nettype wire
