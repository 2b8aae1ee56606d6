// SPDX-License-Identifier: Apache-2.0
//
// cfg_msix: MSI-X capability of all functions. Table and PBA lie in BAR2.

`default_nettype none
`include "app_defs.vh"
`include "cfg_map.vh"
`include "pcie_defs.vh"

module cfg_msix #(
    parameter NUM_TDI = 4,
    parameter TDI_W   = 2
) (
    input wire               clk,
    input wire               rst,
    input wire [NUM_TDI-1:0] clear_functions, // FLR, or the function does not exist

    // Access to a register
    input  wire [TDI_W-1:0] func,
    input  wire [     11:0] addr,
    output reg  [     31:0] rdata,
    output reg  [     31:0] rw_mask,
    input  wire             write,
    input  wire [     31:0] value,

    output wire [NUM_TDI-1:0] msix_enable,
    output wire [NUM_TDI-1:0] msix_function_mask
);

  localparam [11:0] NEXT = `CFG_REG_PCIE;
  localparam [10:0] TABLE_SIZE = `APP_MSIX_VECTORS - 1;
  localparam [2:0] BIR = 3'd2;
  localparam [63:0] TABLE = `APP_BAR2_MSIX_TABLE;
  localparam [63:0] PBA = `APP_BAR2_MSIX_PBA;

  reg [NUM_TDI-1:0] enable_q, function_mask_q;

  assign msix_enable        = enable_q;
  assign msix_function_mask = function_mask_q;

  always @* begin
    rdata   = 32'd0;
    rw_mask = 32'd0;
    case (addr)
      `CFG_REG_MSIX: begin
        rdata = {
          enable_q[func], function_mask_q[func], 3'd0, TABLE_SIZE, NEXT[7:0], `PCIE_CAP_MSIX
        };
        rw_mask = 32'hc000_0000;
      end
      `CFG_REG_MSIX_TABLE: rdata = {TABLE[31:3], BIR};
      `CFG_REG_MSIX_PBA: rdata = {PBA[31:3], BIR};
      default: rdata = 32'd0;
    endcase
  end

  always @(posedge clk) begin
    if (rst) begin
      enable_q        <= {NUM_TDI{1'b0}};
      function_mask_q <= {NUM_TDI{1'b0}};
    end else begin
      enable_q        <= enable_q & ~clear_functions;
      function_mask_q <= function_mask_q & ~clear_functions;
      if (write && addr == `CFG_REG_MSIX) begin
        enable_q[func]        <= value[31];
        function_mask_q[func] <= value[30];
      end
    end
  end

  wire unused = &{1'b0, value[29:0]};

endmodule

`default_nettype wire
