// SPDX-License-Identifier: Apache-2.0
//
// cfg_vsec: vendor-specific extended capability that shows the status of one TDI.

`default_nettype none
`include "cfg_map.vh"
`include "pcie_defs.vh"

module cfg_vsec #(
    parameter        NUM_TDI = 4,
    parameter        TDI_W   = 2,
    parameter [11:0] NEXT    = 12'h000
) (
    input wire clk,
    input wire rst,
    input wire flr,

    // Access to a register
    input  wire [11:0] addr,
    output reg  [31:0] rdata,
    output reg  [31:0] rw_mask,
    input  wire        write,
    input  wire [31:0] value,

    output wire [TDI_W-1:0] tdi_status_idx,
    input  wire [     31:0] tdi_status_data
);

  localparam [31:0] LAST = NUM_TDI - 1;

  reg [7:0] select_q;
  wire in_range = {24'd0, select_q} <= LAST;

  always @* begin
    rdata   = 32'd0;
    rw_mask = 32'd0;
    case (addr)
      `CFG_REG_VSEC: rdata = {NEXT, 4'd1, `PCIE_ECAP_VSEC};
      `CFG_REG_VSEC_HEADER: rdata = {`CFG_VSEC_LENGTH, `CFG_VSEC_REVISION, `CFG_VSEC_ID};
      `CFG_REG_VSEC_TDI_SELECT: begin
        rdata   = {24'd0, select_q};
        rw_mask = 32'h0000_00ff;
      end
      `CFG_REG_VSEC_TDI_STATUS: rdata = in_range ? tdi_status_data : 32'd0;
      default: rdata = 32'd0;
    endcase
  end

  always @(posedge clk) begin
    if (rst || flr) select_q <= 8'd0;
    else if (write && addr == `CFG_REG_VSEC_TDI_SELECT) select_q <= value[7:0];
  end

  assign tdi_status_idx = in_range ? select_q[TDI_W-1:0] : {TDI_W{1'b0}};

  wire unused = &{1'b0, value[31:8]};

endmodule

`default_nettype wire
