// SPDX-License-Identifier: Apache-2.0
//
// doe_ram: one object of the DOE mailbox. One write port, one registered read port; reading an
// address while it is written gives the old word.

`default_nettype none

module doe_ram #(
    parameter DWORDS  = 1152,
    parameter INDEX_W = 11
) (
    input  wire               clk,
    input  wire               write,
    input  wire [INDEX_W-1:0] write_idx,
    input  wire [       31:0] write_data,
    input  wire [INDEX_W-1:0] read_idx,
    output reg  [       31:0] read_data
);

  reg [31:0] words_q[0:DWORDS-1];

  always @(posedge clk) begin
    if (write) words_q[write_idx] <= write_data;
    read_data <= words_q[read_idx];
  end

endmodule

`default_nettype wire
