// SPDX-License-Identifier: Apache-2.0
//
// cfg_msi_ram: one register of the MSI capability of every function: one write port, two registered
// read ports.
//
// A read in the cycle of a write to the same word returns the old value. Contents are not reset: the
// owner knows which words it has written.

`default_nettype none

module cfg_msi_ram #(
    parameter WIDTH  = 32,
    parameter WORDS  = 4,
    parameter ADDR_W = 2
) (
    input wire clk,

    input  wire              write_req,
    input  wire [ADDR_W-1:0] addr,        // of writes and of the first port
    input  wire [ WIDTH-1:0] write_data,
    output wire [ WIDTH-1:0] read_data,   // one cycle after addr
    input  wire [ADDR_W-1:0] look_addr,
    output wire [ WIDTH-1:0] look_data    // one cycle after look_addr
);

  reg [WIDTH-1:0] mem_q[0:WORDS-1];
  reg [WIDTH-1:0] read_data_q, look_data_q;

  always @(posedge clk) begin
    if (write_req) mem_q[addr] <= write_data;
    read_data_q <= mem_q[addr];
    look_data_q <= mem_q[look_addr];
  end

  assign read_data = read_data_q;
  assign look_data = look_data_q;

endmodule

`default_nettype wire
