// SPDX-License-Identifier: Apache-2.0
//
// cfg_msix: MSI-X capability of one function. Table and PBA lie in BAR2.

`default_nettype none
`include "app_defs.vh"
`include "cfg_map.vh"
`include "pcie_defs.vh"

module cfg_msix (
    input wire clk,
    input wire rst,
    input wire flr,

    // Access to a register
    input  wire [11:0] addr,
    output reg  [31:0] rdata,
    output reg  [31:0] rw_mask,
    input  wire        write,
    input  wire [31:0] value,

    output wire [15:0] msix_control,
    output wire        msix_enable,
    output wire        msix_function_mask
);

  localparam [11:0] NEXT = `CFG_REG_PCIE;
  localparam [10:0] TABLE_SIZE = `APP_MSIX_VECTORS - 1;
  localparam [2:0] BIR = 3'd2;
  localparam [63:0] TABLE = `APP_BAR2_MSIX_TABLE;
  localparam [63:0] PBA = `APP_BAR2_MSIX_PBA;

  reg enable_q, function_mask_q;

  assign msix_control       = {enable_q, function_mask_q, 3'd0, TABLE_SIZE};
  assign msix_enable        = enable_q;
  assign msix_function_mask = function_mask_q;

  always @* begin
    rdata   = 32'd0;
    rw_mask = 32'd0;
    case (addr)
      `CFG_REG_MSIX: begin
        rdata   = {msix_control, NEXT[7:0], `PCIE_CAP_MSIX};
        rw_mask = 32'hc000_0000;
      end
      `CFG_REG_MSIX_TABLE: rdata = {TABLE[31:3], BIR};
      `CFG_REG_MSIX_PBA: rdata = {PBA[31:3], BIR};
      default: rdata = 32'd0;
    endcase
  end

  always @(posedge clk) begin
    if (rst || flr) {enable_q, function_mask_q} <= 2'b00;
    else if (write && addr == `CFG_REG_MSIX) {enable_q, function_mask_q} <= value[31:30];
  end

  wire unused = &{1'b0, value[29:0]};

endmodule

`default_nettype wire
