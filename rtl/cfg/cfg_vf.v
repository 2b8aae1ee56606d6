// SPDX-License-Identifier: Apache-2.0
//
// cfg_vf: configuration space of one virtual function. While the function does not exist its
// registers are held in reset.

`default_nettype none
`include "cfg_map.vh"

module cfg_vf #(
    parameter        MAX_PAYLOAD = 512,
    parameter [15:0] VENDOR_ID   = 16'h1234,
    parameter [15:0] DEVICE_ID   = 16'h7d16
) (
    input wire clk,
    input wire rst,
    input wire present,
    input wire flr,

    // Access to a register
    input  wire [11:0] addr,
    output wire [31:0] rdata,
    output wire [31:0] rw_mask,
    output wire [31:0] w1c_mask,
    input  wire        write,
    input  wire [31:0] value,
    input  wire [31:0] clear,

    output wire        bus_master,
    output wire [15:0] msix_control,
    output wire        msix_enable,
    output wire        msix_function_mask,
    output wire        ats_enable
);

  localparam [31:0] CAPABILITIES_LIST = 32'h0010_0000;
  localparam [31:0] BUS_MASTER = 32'h0000_0004;

  wire clear_all = flr || !present;
  reg bus_master_q;
  reg [31:0] header_rdata;
  wire [31:0] header_rw_mask = addr == `CFG_REG_COMMAND ? BUS_MASTER : 32'd0;
  wire [31:0] msix_rdata, msix_rw_mask, pcie_rdata, pcie_rw_mask, ats_rdata, ats_rw_mask;

  always @* begin
    case (addr)
      `CFG_REG_ID: header_rdata = 32'hffff_ffff;
      `CFG_REG_COMMAND: header_rdata = CAPABILITIES_LIST | {29'd0, bus_master_q, 2'd0};
      `CFG_REG_CLASS: header_rdata = {`CFG_CLASS_CODE, `CFG_REVISION_ID};
      `CFG_REG_SUBSYSTEM: header_rdata = {DEVICE_ID, VENDOR_ID};
      `CFG_REG_CAPABILITIES: header_rdata = {20'd0, `CFG_REG_MSIX};
      default: header_rdata = 32'd0;
    endcase
  end

  always @(posedge clk) begin
    if (rst || clear_all) bus_master_q <= 1'b0;
    else if (write && addr == `CFG_REG_COMMAND) bus_master_q <= value[2];
  end

  assign bus_master = bus_master_q;

  cfg_msix u_msix (
      .clk               (clk),
      .rst               (rst),
      .flr               (clear_all),
      .addr              (addr),
      .rdata             (msix_rdata),
      .rw_mask           (msix_rw_mask),
      .write             (write),
      .value             (value),
      .msix_control      (msix_control),
      .msix_enable       (msix_enable),
      .msix_function_mask(msix_function_mask)
  );

  wire [2:0] max_payload_size, max_read_request_size;

  cfg_pcie #(
      .IS_VF      (1),
      .MAX_PAYLOAD(MAX_PAYLOAD)
  ) u_pcie (
      .clk                  (clk),
      .rst                  (rst),
      .flr                  (clear_all),
      .addr                 (addr),
      .rdata                (pcie_rdata),
      .rw_mask              (pcie_rw_mask),
      .w1c_mask             (w1c_mask),
      .write                (write),
      .value                (value),
      .clear                (clear),
      .nonfatal_error       (1'b0),
      .fatal_error          (1'b0),
      .unsupported_request  (1'b0),
      .max_payload_size     (max_payload_size),
      .max_read_request_size(max_read_request_size)
  );

  cfg_ats #(
      .IS_VF(1)
  ) u_ats (
      .clk       (clk),
      .rst       (rst),
      .flr       (clear_all),
      .addr      (addr),
      .rdata     (ats_rdata),
      .rw_mask   (ats_rw_mask),
      .write     (write),
      .value     (value),
      .ats_enable(ats_enable)
  );

  assign rdata   = header_rdata | msix_rdata | pcie_rdata | ats_rdata;
  assign rw_mask = header_rw_mask | msix_rw_mask | pcie_rw_mask | ats_rw_mask;

  wire unused = &{1'b0, max_payload_size, max_read_request_size};

endmodule

`default_nettype wire
