// SPDX-License-Identifier: Apache-2.0
//
// app_rom: contents of the Expansion ROM: one image without code, so that software that looks for
// images finds a well-formed one and nothing to run.

`default_nettype none
`include "cfg_map.vh"

module app_rom #(
    parameter VENDOR_ID = 16'h1234,
    parameter DEVICE_ID = 16'h7d15
) (
    input wire clk,

    input  wire        read_req,
    input  wire [ 9:0] read_dw,
    output reg  [31:0] read_data  // one cycle after read_req
);

  localparam [15:0] VENDOR = VENDOR_ID;
  localparam [15:0] DEVICE = DEVICE_ID;
  localparam [31:0] SIGNATURE = 32'h0000_aa55;
  localparam [31:0] DATA_STRUCTURE_AT = 32'h0000_001c;
  localparam [31:0] DATA_STRUCTURE_SIGNATURE = 32'h5249_4350;  // "PCIR"
  localparam [31:0] DATA_STRUCTURE_LENGTH = 32'h001c_0000;
  localparam [7:0] DATA_STRUCTURE_REVISION = 8'h03;
  localparam [31:0] IMAGE_LENGTH = 32'h0000_0008;  // of 512 bytes each
  localparam [31:0] LAST_IMAGE_WITHOUT_CODE = 32'h0000_80ff;

  always @(posedge clk) begin
    if (read_req) begin
      case ({
        read_dw, 2'b00
      })
        12'h000: read_data <= SIGNATURE;
        12'h018: read_data <= DATA_STRUCTURE_AT;
        12'h01c: read_data <= DATA_STRUCTURE_SIGNATURE;
        12'h020: read_data <= {DEVICE, VENDOR};
        12'h024: read_data <= DATA_STRUCTURE_LENGTH;
        12'h028: read_data <= {`CFG_CLASS_CODE, DATA_STRUCTURE_REVISION};
        12'h02c: read_data <= IMAGE_LENGTH;
        12'h030: read_data <= LAST_IMAGE_WITHOUT_CODE;
        default: read_data <= 32'd0;
      endcase
    end
  end

endmodule

`default_nettype wire
