// SPDX-License-Identifier: Apache-2.0
//
// cfg_pcie: PCI Express capability of all functions: endpoint, TEE-IO, function level reset.
//
// A virtual function follows the physical function in Device Control and Link Control; of its own it
// has Initiate Function Level Reset, and a Device Status in which nothing is ever set because errors
// are logged in the physical function. Initiate FLR reads 0; who looks for it looks at the write. FLR
// keeps Max_Payload_Size and the link's registers.

`default_nettype none
`include "cfg_map.vh"
`include "pcie_defs.vh"

module cfg_pcie #(
    parameter MAX_PAYLOAD = 512,
    parameter PASID_EN = 0,
    parameter [7:0] NEXT = 8'h00
) (
    input wire clk,
    input wire rst,
    input wire flr,  // of the physical function

    // Access to a register
    input  wire        physical,
    input  wire [11:0] addr,
    output reg  [31:0] rdata,
    output reg  [31:0] rw_mask,
    output reg  [31:0] w1c_mask,
    input  wire        write,
    input  wire [31:0] value,
    input  wire [31:0] clear,

    // Errors, one-cycle pulses
    input wire nonfatal_error,
    input wire fatal_error,
    input wire unsupported_request,

    output wire [2:0] max_payload_size,       // never above MAX_PAYLOAD
    output wire [2:0] max_read_request_size,
    // Of the physical function, for all: ID-Based Ordering, Relaxed Ordering, No Snoop of requests;
    // ID-Based Ordering of Completions; AtomicOps
    output wire [2:0] attr_enable,
    output wire       cpl_ido_enable,
    output wire       atomic_enable
);

  localparam [2:0] MPS = MAX_PAYLOAD >= 4096 ? 3'd5 : MAX_PAYLOAD >= 2048 ? 3'd4 :
      MAX_PAYLOAD >= 1024 ? 3'd3 : MAX_PAYLOAD >= 512 ? 3'd2 : MAX_PAYLOAD >= 256 ? 3'd1 : 3'd0;
  localparam [15:0] PCIE_CAPABILITIES = 16'h0002;  // version 2, endpoint
  // TEE-IO Supported, FLR, Role-Based Error Reporting, Extended Tags; no Phantom Functions
  localparam [31:0] DEVICE_CAPABILITIES = 32'h5000_8020 | {29'd0, MPS};
  // Reset: Relaxed Ordering and No Snoop enabled, 512 bytes of read request. All bits but Phantom
  // Functions, Aux Power and Initiate FLR can be written.
  localparam [15:0] CONTROL_RESET = 16'h2810;
  localparam [15:0] CONTROL_MASK = 16'h79ff;
  localparam [15:0] STATUS_MASK = 16'h000e;  // non-fatal, fatal, Unsupported Request
  localparam [31:0] LINK_CAPABILITIES = 32'h0040_0044;  // x4, 16 GT/s
  localparam [15:0] LINK_STATUS = 16'h1044;
  localparam [15:0] LINK_CONTROL_MASK = 16'h00cb;
  // Completes requests with 10-bit tags; with PASIDs takes two End-End prefixes, that of IDE and one
  // behind it.
  localparam [31:0] PREFIXES = PASID_EN != 0 ? 32'h00a0_0000 : 32'd0;
  localparam [31:0] DEVICE_CAPABILITIES_2 = 32'h0001_0000 | PREFIXES;
  // AtomicOp Requester, ID-Based Ordering of requests and of Completions
  localparam [15:0] CONTROL_2_MASK = 16'h0340;
  localparam [31:0] LINK_CAPABILITIES_2 = 32'h0000_001e;
  localparam [15:0] LINK_CONTROL_2_MASK = 16'h000f;
  localparam [15:0] LINK_CONTROL_2_RESET = 16'h0004;
  localparam [15:0] MPS_FIELD = 16'h00e0;
  localparam RELAXED_ORDERING = 4;  // bits of Device Control
  localparam NO_SNOOP = 11;
  localparam ATOMIC_REQUESTER = 6;  // and of Device Control 2
  localparam ID_ORDERING_REQUEST = 8;
  localparam ID_ORDERING_COMPLETION = 9;

  reg [15:0] control_q, control_2_q, link_control_q, link_control_2_q;
  reg [3:1] status_q;
  wire [31:0] own = {32{physical}};  // what a virtual function does not have
  wire pf_write = write && physical;

  always @* begin
    rdata    = 32'd0;
    rw_mask  = 32'd0;
    w1c_mask = 32'd0;
    case (addr)
      `CFG_REG_PCIE: rdata = {PCIE_CAPABILITIES, NEXT, `PCIE_CAP_PCIE};
      `CFG_REG_DEVICE_CAPABILITIES: rdata = DEVICE_CAPABILITIES;
      `CFG_REG_DEVICE_CONTROL: begin
        rdata    = {12'd0, status_q, 1'b0, control_q} & own;
        rw_mask  = {16'd0, CONTROL_MASK} & own;
        w1c_mask = {STATUS_MASK, 16'd0};
      end
      `CFG_REG_LINK_CAPABILITIES: rdata = LINK_CAPABILITIES;
      `CFG_REG_LINK_CONTROL: begin
        rdata   = {LINK_STATUS, link_control_q} & own;
        rw_mask = {16'd0, LINK_CONTROL_MASK} & own;
      end
      `CFG_REG_DEVICE_CAPABILITIES_2: rdata = DEVICE_CAPABILITIES_2;
      `CFG_REG_DEVICE_CONTROL_2: begin
        rdata   = {16'd0, control_2_q} & own;
        rw_mask = {16'd0, CONTROL_2_MASK} & own;
      end
      `CFG_REG_LINK_CAPABILITIES_2: rdata = LINK_CAPABILITIES_2;
      `CFG_REG_LINK_CONTROL_2: begin
        rdata   = {16'd0, link_control_2_q} & own;
        rw_mask = {16'd0, LINK_CONTROL_2_MASK} & own;
      end
      default: rdata = 32'd0;
    endcase
  end

  always @(posedge clk) begin
    if (rst) control_q <= CONTROL_RESET;
    else if (flr) control_q <= (CONTROL_RESET & ~MPS_FIELD) | (control_q & MPS_FIELD);
    else if (pf_write && addr == `CFG_REG_DEVICE_CONTROL) control_q <= value[15:0];
  end

  always @(posedge clk) begin
    if (rst || flr) control_2_q <= 16'd0;
    else if (pf_write && addr == `CFG_REG_DEVICE_CONTROL_2) control_2_q <= value[15:0];
  end

  always @(posedge clk) begin
    if (rst) begin
      link_control_q   <= 16'd0;
      link_control_2_q <= LINK_CONTROL_2_RESET;
    end else if (pf_write) begin
      if (addr == `CFG_REG_LINK_CONTROL) link_control_q <= value[15:0];
      if (addr == `CFG_REG_LINK_CONTROL_2) link_control_2_q <= value[15:0];
    end
  end

  // An error that comes with the write that clears it stays.
  wire [3:1] cleared = (pf_write && addr == `CFG_REG_DEVICE_CONTROL) ? clear[19:17] : 3'b000;

  always @(posedge clk) begin
    if (rst || flr) status_q <= 3'b000;
    else status_q <= (status_q & ~cleared) | {unsupported_request, fatal_error, nonfatal_error};
  end

  assign max_payload_size = control_q[7:5] > MPS ? MPS : control_q[7:5];
  assign max_read_request_size = control_q[14:12];
  assign attr_enable = {
    control_2_q[ID_ORDERING_REQUEST], control_q[RELAXED_ORDERING], control_q[NO_SNOOP]
  };
  assign cpl_ido_enable = control_2_q[ID_ORDERING_COMPLETION];
  assign atomic_enable = control_2_q[ATOMIC_REQUESTER];

  wire unused = &{1'b0, value[31:16], clear[31:20], clear[16:0]};

endmodule

`default_nettype wire
