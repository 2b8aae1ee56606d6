// SPDX-License-Identifier: Apache-2.0
//
// cfg_pm: power management capability of the physical function.
//
// D0 and D3hot. No_Soft_Reset is 1: a function keeps its state, so no transition ends a TDI
// (TDISP-TRK-011).

`default_nettype none
`include "cfg_map.vh"
`include "pcie_defs.vh"

module cfg_pm (
    input wire clk,
    input wire rst,
    input wire flr,

    // Access to a register
    input  wire [11:0] addr,
    input  wire [31:0] wdata,
    output reg  [31:0] rdata,
    output reg  [31:0] rw_mask,
    input  wire        write,
    input  wire [31:0] value,

    output wire d0  // the function is in D0
);

  localparam [11:0] NEXT = `CFG_REG_MSIX;
  localparam [15:0] PM_CAPABILITIES = 16'h0003;  // version 3, neither D1 nor D2 nor PME
  localparam [31:0] NO_SOFT_RESET = 32'h0000_0008;

  reg [1:0] power_state_q;
  wire known_state = wdata[1:0] == 2'd0 || wdata[1:0] == 2'd3;

  always @* begin
    rdata   = 32'd0;
    rw_mask = 32'd0;
    case (addr)
      `CFG_REG_PM: rdata = {PM_CAPABILITIES, NEXT[7:0], `PCIE_CAP_PM};
      `CFG_REG_PM_CONTROL: begin
        rdata   = {30'd0, power_state_q} | NO_SOFT_RESET;
        rw_mask = {30'd0, {2{known_state}}};  // other states are discarded
      end
      default: rdata = 32'd0;
    endcase
  end

  always @(posedge clk) begin
    if (rst || flr) power_state_q <= 2'd0;
    else if (write && addr == `CFG_REG_PM_CONTROL) power_state_q <= value[1:0];
  end

  assign d0 = power_state_q == 2'd0;

  wire unused = &{1'b0, wdata[31:2], value[31:2]};

endmodule

`default_nettype wire
