// SPDX-License-Identifier: Apache-2.0
//
// message_ram: one message, 32 bits wide with byte write enables; a read takes one cycle.
//
// A read in the cycle of a write to the same word returns the old value.

`default_nettype none

module message_ram #(
    parameter DWORDS = 1152,
    parameter ADDR_W = 11
) (
    input wire clk,

    input wire [       3:0] write_en,
    input wire [ADDR_W-1:0] write_addr,
    input wire [      31:0] write_data,

    input  wire [ADDR_W-1:0] read_addr,
    output reg  [      31:0] read_data
);

  reg [31:0] words[0:DWORDS-1];

  always @(posedge clk) begin
    if (write_en[0]) words[write_addr][7:0] <= write_data[7:0];
    if (write_en[1]) words[write_addr][15:8] <= write_data[15:8];
    if (write_en[2]) words[write_addr][23:16] <= write_data[23:16];
    if (write_en[3]) words[write_addr][31:24] <= write_data[31:24];
    read_data <= words[read_addr];
  end

endmodule

`default_nettype wire
