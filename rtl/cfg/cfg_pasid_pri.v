// SPDX-License-Identifier: Apache-2.0
//
// cfg_pasid_pri: PASID and Page Request extended capabilities of the physical function; virtual
// functions share both.
//
// Neither Execute Permission nor Privileged Mode is supported (TDISP-ATS-004). Reset of the page
// request interface reads 0 and counts only while Enable is 0, as a pulse. Stopped tells that no page
// request is outstanding while none may be sent.

`default_nettype none
`include "cfg_map.vh"
`include "pcie_defs.vh"

module cfg_pasid_pri #(
    parameter        PASID_EN     = 1,
    parameter        PRI_EN       = 1,
    parameter [31:0] PRI_CAPACITY = 32'd16,  // page requests that can be outstanding
    parameter [11:0] NEXT         = 12'h000
) (
    input wire clk,
    input wire rst,
    input wire flr,

    // Access to a register
    input  wire [11:0] addr,
    output reg  [31:0] rdata,
    output reg  [31:0] rw_mask,
    output reg  [31:0] w1c_mask,
    input  wire        write,
    input  wire [31:0] value,
    input  wire [31:0] clear,
    input  wire [31:0] wdata,
    input  wire [ 3:0] be,

    output wire pasid_enable,

    // To and from the source of page requests
    output wire        pri_enable,
    output wire [31:0] pri_allocation,
    output wire        pri_reset_req,
    input  wire        pri_idle,              // no page request is outstanding
    input  wire        pri_response_failure,  // pulse: a response said Response Failure
    input  wire        pri_unexpected_index   // pulse: a response matched no page request
);

  localparam HAS_PASID = PASID_EN != 0;
  localparam HAS_PRI = PRI_EN != 0;
  localparam [11:0] AFTER_PASID = HAS_PRI ? `CFG_REG_PRI : NEXT;
  localparam [15:0] PASID_CAPABILITY = 16'h1400;  // 20 bits wide
  localparam [31:0] PASID_MASK = 32'h0001_0000;  // Enable
  localparam [31:0] PRI_MASK = 32'h0000_0001;  // Enable
  localparam [31:0] STATUS_MASK = 32'h0003_0000;  // Response Failure, Unexpected PRG Index
  localparam RESET_BIT = 1;

  reg pasid_enable_q, pri_enable_q;
  reg [1:0] status_q;
  reg [31:0] allocation_q;

  wire write_pasid = HAS_PASID && write && addr == `CFG_REG_PASID_CONTROL;
  wire write_pri = HAS_PRI && write && addr == `CFG_REG_PRI_CONTROL;
  wire write_allocation = HAS_PRI && write && addr == `CFG_REG_PRI_ALLOCATION;

  always @* begin
    rdata    = 32'd0;
    rw_mask  = 32'd0;
    w1c_mask = 32'd0;
    case (addr)
      `CFG_REG_PASID: if (HAS_PASID) rdata = {AFTER_PASID, 4'd1, `PCIE_ECAP_PASID};
      `CFG_REG_PASID_CONTROL:
      if (HAS_PASID) begin
        rdata   = {15'd0, pasid_enable_q, PASID_CAPABILITY};
        rw_mask = PASID_MASK;
      end
      `CFG_REG_PRI: if (HAS_PRI) rdata = {NEXT, 4'd1, `PCIE_ECAP_PRI};
      `CFG_REG_PRI_CONTROL:
      if (HAS_PRI) begin
        rdata    = {7'd0, !pri_enable_q && pri_idle, 6'd0, status_q, 15'd0, pri_enable_q};
        rw_mask  = PRI_MASK;
        w1c_mask = STATUS_MASK;
      end
      `CFG_REG_PRI_CAPACITY: if (HAS_PRI) rdata = PRI_CAPACITY;
      `CFG_REG_PRI_ALLOCATION:
      if (HAS_PRI) begin
        rdata   = allocation_q;
        rw_mask = 32'hffff_ffff;
      end
      default: rdata = 32'd0;
    endcase
  end

  always @(posedge clk) begin
    if (rst || flr) begin
      pasid_enable_q <= 1'b0;
      pri_enable_q   <= 1'b0;
      allocation_q   <= 32'd0;
    end else begin
      if (write_pasid) pasid_enable_q <= value[16];
      if (write_pri) pri_enable_q <= value[0];
      if (write_allocation) allocation_q <= value;
    end
  end

  // An event that comes with the write that clears it stays.
  wire [1:0] cleared = write_pri ? clear[17:16] : 2'b00;

  always @(posedge clk) begin
    if (rst || flr || !HAS_PRI) status_q <= 2'b00;
    else status_q <= (status_q & ~cleared) | {pri_unexpected_index, pri_response_failure};
  end

  assign pasid_enable   = HAS_PASID && pasid_enable_q;
  assign pri_enable     = HAS_PRI && pri_enable_q;
  assign pri_allocation = allocation_q;
  assign pri_reset_req  = write_pri && be[0] && wdata[RESET_BIT] && !pri_enable_q;

  wire unused = &{1'b0, wdata[31:2], wdata[0], be[3:1], clear[31:18], clear[15:0]};

endmodule

`default_nettype wire
