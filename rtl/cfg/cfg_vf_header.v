// SPDX-License-Identifier: Apache-2.0
//
// cfg_vf_header: type 0 header of the virtual functions: one table for all of them.
//
// All that a virtual function holds here is Bus Master Enable; it is a flip-flop of each, so that a
// reset of many functions takes one cycle.

`default_nettype none
`include "cfg_map.vh"

module cfg_vf_header #(
    parameter        NUM_TDI   = 4,
    parameter        TDI_W     = 2,
    parameter [15:0] VENDOR_ID = 16'h1234,
    parameter [15:0] DEVICE_ID = 16'h7d16
) (
    input wire               clk,
    input wire               rst,
    input wire [NUM_TDI-1:0] clear_functions, // FLR, or the function does not exist

    // Access to a register
    input  wire [TDI_W-1:0] func,
    input  wire             physical,
    input  wire [     11:0] addr,
    output reg  [     31:0] rdata,
    output wire [     31:0] rw_mask,
    input  wire             write,
    input  wire [     31:0] value,

    output wire [NUM_TDI-1:0] bus_master  // bit 0 is 0
);

  localparam [31:0] CAPABILITIES_LIST = 32'h0010_0000;
  localparam [31:0] BUS_MASTER = 32'h0000_0004;

  reg [NUM_TDI-1:0] bus_master_q;

  assign bus_master = bus_master_q;
  assign rw_mask    = addr == `CFG_REG_COMMAND ? BUS_MASTER : 32'd0;

  always @* begin
    case (addr)
      `CFG_REG_ID: rdata = 32'hffff_ffff;
      `CFG_REG_COMMAND: rdata = CAPABILITIES_LIST | {29'd0, bus_master_q[func], 2'd0};
      `CFG_REG_CLASS: rdata = {`CFG_CLASS_CODE, `CFG_REVISION_ID};
      `CFG_REG_SUBSYSTEM: rdata = {DEVICE_ID, VENDOR_ID};
      `CFG_REG_CAPABILITIES: rdata = {20'd0, `CFG_REG_MSIX};
      default: rdata = 32'd0;
    endcase
  end

  always @(posedge clk) begin
    if (rst) bus_master_q <= {NUM_TDI{1'b0}};
    else begin
      bus_master_q <= bus_master_q & ~clear_functions;
      if (write && !physical && addr == `CFG_REG_COMMAND) bus_master_q[func] <= value[2];
    end
  end

  wire unused = &{1'b0, value[31:3], value[1:0]};

endmodule

`default_nettype wire
