// SPDX-License-Identifier: Apache-2.0
//
// tdisp_report: any byte of the report of a TDI.
//
// The report is made from the configuration at `capture`. It cannot change while the TDI is locked
// without taking it to ERROR before the change takes effect, so that a capture in CONFIG_LOCKED or
// RUN is the configuration of the LOCK (TDISP-RPT-006).

`default_nettype none
`include "app_defs.vh"
`include "tdisp_defs.vh"

module tdisp_report #(
    parameter MMIO_ATTRIBUTE_EN = 1  // SET_MMIO_ATTRIBUTE is built, for the memory page
) (
    input wire clk,
    input wire capture, // pulse: the next six inputs are taken

    input wire [63:0] bar0,          // of the TDI's function
    input wire [63:0] bar2,
    input wire [63:0] offset,        // MMIO_REPORTING_OFFSET
    input wire        msix_locked,
    input wire [15:0] msix_control,
    input wire        ats_enable,

    output wire [51:0] memory_page,  // FIRST_PAGE of the memory page
    output wire [15:0] total,        // bytes of the whole report
    input  wire [15:0] at,
    output wire [ 7:0] data
);

  localparam [31:0] RANGES = 32'd3;
  localparam [31:0] RANGES_MSIX = 32'd5;
  localparam [15:0] HEADER = 16'd16;
  localparam [31:0] INFO_BYTES = 32'd4;
  localparam [31:0] ONE_PAGE = 32'd1;
  localparam [15:0] BAR2_ID = 16'd2;
  localparam [15:0] MEMORY_ATTRIBUTES =
      MMIO_ATTRIBUTE_EN != 0 ? 16'd1 << `TDISP_RANGE_BIT_IS_MEM_ATTR_UPDATABLE : 16'd0;

  reg [63:0] bar0_q, bar2_q, offset_q;
  reg [15:0] msix_control_q;
  reg msix_locked_q, ats_enable_q;

  always @(posedge clk) begin
    if (capture) begin
      bar0_q         <= bar0;
      bar2_q         <= bar2;
      offset_q       <= offset;
      msix_control_q <= msix_control;
      msix_locked_q  <= msix_locked;
      ats_enable_q   <= ats_enable;
    end
  end

  wire [31:0] ranges = msix_locked_q ? RANGES_MSIX : RANGES;
  wire [15:0] info_at = HEADER + {ranges[11:0], 4'h0};

  wire [15:0] interface_info = 16'd1 << `TDISP_INFO_BIT_NO_FW_UPDATE | 16'd1 <<
  `TDISP_INFO_BIT_DMA_WITHOUT_PASID
  | {15'd0, ats_enable_q} << `TDISP_INFO_BIT_ATS;
  wire [127:0] header = {
    ranges, 32'h0, 16'h0, msix_locked_q ? msix_control_q : 16'h0, 16'h0, interface_info
  };
  wire [63:0] tail = {`APP_ID_VALUE, INFO_BYTES};

  wire [63:0] memory = bar0_q + `APP_BAR0_MEMORY;
  wire [63:0] memory_reported = memory + offset_q;
  wire [15:0] range_at = at - HEADER;
  wire [2:0] range = range_at[6:4];
  reg [63:0] address;
  reg [15:0] attributes;
  reg [15:0] range_id;

  always @* begin
    range_id = 16'd0;
    case (range)
      3'd0: begin
        address    = bar0_q + `APP_BAR0_REGISTERS;
        attributes = 16'd0;
      end
      3'd1: begin
        address    = bar0_q + `APP_BAR0_PUBLIC;
        attributes = 16'd1 << `TDISP_RANGE_BIT_IS_NON_TEE_MEM;
      end
      3'd2: begin
        address    = memory;
        attributes = MEMORY_ATTRIBUTES;
      end
      3'd3: begin
        address    = bar2_q + `APP_BAR2_MSIX_TABLE;
        attributes = 16'd1 << `TDISP_RANGE_BIT_MSIX_TABLE;
        range_id   = BAR2_ID;
      end
      default: begin
        address    = bar2_q + `APP_BAR2_MSIX_PBA;
        attributes = 16'd1 << `TDISP_RANGE_BIT_MSIX_PBA;
        range_id   = BAR2_ID;
      end
    endcase
  end

  wire [ 63:0] reported = address + offset_q;
  wire [127:0] entry = {range_id, attributes, ONE_PAGE, 12'h0, reported[63:12]};
  wire [ 15:0] tail_at = at - info_at;

  assign memory_page = memory_reported[63:12];
  assign total = info_at + 16'd8;
  assign data = at < HEADER ? header[8*at[3:0]+:8]
      : at < info_at ? entry[8*range_at[3:0]+:8] : tail[8*tail_at[2:0]+:8];

  wire unused = &{1'b0, memory_reported[11:0], reported[11:0], range_at[15:7], tail_at[15:3]};

endmodule

`default_nettype wire
