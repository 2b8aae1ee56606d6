// SPDX-License-Identifier: Apache-2.0
//
// secret_ram: words that may be secret, such as round keys: one write and one registered read port.
//
// A read in the cycle of a write to the same address gives the old word. The read register is zero
// unless the cycle before asked for a word.

`default_nettype none

module secret_ram #(
    parameter DATA_W = 128,
    parameter ADDR_W = 3
) (
    input  wire              clk,
    input  wire              write_en,
    input  wire [ADDR_W-1:0] write_addr,
    input  wire [DATA_W-1:0] write_data,
    input  wire              read_en,
    input  wire [ADDR_W-1:0] read_addr,
    output reg  [DATA_W-1:0] read_data
);

  localparam WORDS = 1 << ADDR_W;

  reg [DATA_W-1:0] mem[0:WORDS-1];

  always @(posedge clk) begin
    if (write_en) mem[write_addr] <= write_data;
    if (read_en) read_data <= mem[read_addr];
    else read_data <= {DATA_W{1'b0}};
  end

endmodule

`default_nettype wire
