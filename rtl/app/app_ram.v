// SPDX-License-Identifier: Apache-2.0
//
// app_ram: one write port with byte enables, one registered read port.
//
// A read in the cycle of a write to the same word returns the old value. Contents are not reset:
// the owner sweeps them.

`default_nettype none

module app_ram #(
    parameter WIDTH  = 32,    // bits, a multiple of 8
    parameter WORDS  = 1024,
    parameter ADDR_W = 10
) (
    input wire clk,

    input wire [WIDTH/8-1:0] write_be,    // no bit set: no write
    input wire [ ADDR_W-1:0] write_addr,
    input wire [  WIDTH-1:0] write_data,

    input  wire              read_req,
    input  wire [ADDR_W-1:0] read_addr,
    output wire [ WIDTH-1:0] read_data   // one cycle after read_req
);

  function automatic integer clog2_min1(input integer value);
    integer n;
    begin
      clog2_min1 = 1;
      for (n = 2; n < 32; n = n + 1) if ((1 << (n - 1)) < value) clog2_min1 = n;
    end
  endfunction

  // The number of the only function has a bit, which is 0.
  localparam INDEX_W = clog2_min1(WORDS);

  reg [WIDTH-1:0] mem_q[0:WORDS-1];
  reg [WIDTH-1:0] read_data_q;
  wire [INDEX_W-1:0] write_index = write_addr[INDEX_W-1:0];
  wire [INDEX_W-1:0] read_index = read_addr[INDEX_W-1:0];
  integer i;

  always @(posedge clk) begin
    for (i = 0; i < WIDTH / 8; i = i + 1) begin
      if (write_be[i]) mem_q[write_index][8*i+:8] <= write_data[8*i+:8];
    end
    if (read_req) read_data_q <= mem_q[read_index];
  end

  assign read_data = read_data_q;

  wire unused = &{1'b0, write_addr, read_addr};

endmodule

`default_nettype wire
