// SPDX-License-Identifier: Apache-2.0
//
// cfg_header: type 0 header of the physical function, with BAR0/1, BAR2/3 and an Expansion ROM.

`default_nettype none
`include "app_defs.vh"
`include "cfg_map.vh"

module cfg_header #(
    parameter VENDOR_ID  = 16'h1234,
    parameter DEVICE_ID  = 16'h7d15,
    parameter ROM_EN     = 1,         // 0: no Expansion ROM
    parameter BAR_SLICES = 1          // of the size of a function, a power of 2
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

    input wire parity_error,  // pulse: a poisoned TLP was received

    output wire        memory_space,
    output wire        bus_master,
    output wire [63:0] bar0,
    output wire [63:0] bar2,
    output wire        rom_enable,
    output wire [31:0] rom_base
);

  localparam [15:0] VENDOR = VENDOR_ID;
  localparam [15:0] DEVICE = DEVICE_ID;
  localparam [63:0] BAR0_MASK = ~(BAR_SLICES * `APP_BAR0_SIZE - 64'd1);
  localparam [63:0] BAR2_MASK = ~(BAR_SLICES * `APP_BAR2_SIZE - 64'd1);
  localparam [63:0] ROM_SIZE_MASK = ~(`APP_ROM_BYTES - 64'd1);
  localparam [31:0] ROM_MASK = ROM_EN != 0 ? ROM_SIZE_MASK[31:0] | 32'd1 : 32'd0;
  localparam [31:0] BAR_TYPE = 32'h0000_000c;  // 64 bits, prefetchable
  // Command: Memory Space, Bus Master, Parity Error Response, SERR#, Interrupt Disable
  localparam [31:0] COMMAND_MASK = 32'h0000_0546;
  localparam [31:0] PARITY_ERROR = 32'h8000_0000;
  localparam [31:0] CAPABILITIES_LIST = 32'h0010_0000;

  reg [15:0] command_q;
  reg parity_error_q;
  reg [7:0] cache_line_q, interrupt_line_q;
  reg [63:0] bar0_q, bar2_q;
  reg [31:0] rom_q;  // bit 0: Expansion ROM Enable

  always @* begin
    rdata    = 32'd0;
    rw_mask  = 32'd0;
    w1c_mask = 32'd0;
    case (addr)
      `CFG_REG_ID: rdata = {DEVICE, VENDOR};
      `CFG_REG_COMMAND: begin
        rdata    = {parity_error_q, 15'd0, command_q} | CAPABILITIES_LIST;
        rw_mask  = COMMAND_MASK;
        w1c_mask = PARITY_ERROR;
      end
      `CFG_REG_CLASS: rdata = {`CFG_CLASS_CODE, `CFG_REVISION_ID};
      `CFG_REG_HEADER_TYPE: begin
        rdata   = {24'd0, cache_line_q};
        rw_mask = 32'h0000_00ff;
      end
      `CFG_REG_BAR0: begin
        rdata   = bar0_q[31:0] | BAR_TYPE;
        rw_mask = BAR0_MASK[31:0];
      end
      `CFG_REG_BAR1: begin
        rdata   = bar0_q[63:32];
        rw_mask = BAR0_MASK[63:32];
      end
      `CFG_REG_BAR2: begin
        rdata   = bar2_q[31:0] | BAR_TYPE;
        rw_mask = BAR2_MASK[31:0];
      end
      `CFG_REG_BAR3: begin
        rdata   = bar2_q[63:32];
        rw_mask = BAR2_MASK[63:32];
      end
      `CFG_REG_ROM: begin
        rdata   = rom_q;
        rw_mask = ROM_MASK;
      end
      `CFG_REG_SUBSYSTEM: rdata = {DEVICE, VENDOR};
      `CFG_REG_CAPABILITIES: rdata = {20'd0, `CFG_REG_PM};
      `CFG_REG_INTERRUPT: begin
        rdata   = {24'd0, interrupt_line_q};
        rw_mask = 32'h0000_00ff;
      end
      default: rdata = 32'd0;
    endcase
  end

  always @(posedge clk) begin
    if (rst || flr) begin
      command_q        <= 16'd0;
      cache_line_q     <= 8'd0;
      interrupt_line_q <= 8'd0;
      bar0_q           <= 64'd0;
      bar2_q           <= 64'd0;
      rom_q            <= 32'd0;
    end else if (write) begin
      case (addr)
        `CFG_REG_COMMAND: command_q <= value[15:0];
        `CFG_REG_HEADER_TYPE: cache_line_q <= value[7:0];
        `CFG_REG_BAR0: bar0_q[31:0] <= value & BAR0_MASK[31:0];
        `CFG_REG_BAR1: bar0_q[63:32] <= value;
        `CFG_REG_BAR2: bar2_q[31:0] <= value & BAR2_MASK[31:0];
        `CFG_REG_BAR3: bar2_q[63:32] <= value;
        `CFG_REG_ROM: rom_q <= value & ROM_MASK;
        `CFG_REG_INTERRUPT: interrupt_line_q <= value[7:0];
        default: ;
      endcase
    end
  end

  always @(posedge clk) begin
    if (rst || flr) parity_error_q <= 1'b0;
    else if (parity_error) parity_error_q <= 1'b1;
    else if (write && addr == `CFG_REG_COMMAND && clear[31]) parity_error_q <= 1'b0;
  end

  assign memory_space = command_q[1];
  assign bus_master   = command_q[2];
  assign bar0         = bar0_q;
  assign bar2         = bar2_q;
  assign rom_enable   = rom_q[0];
  assign rom_base     = {rom_q[31:1], 1'b0};

  wire unused = &{1'b0, clear[30:0]};

endmodule

`default_nettype wire
