// SPDX-License-Identifier: Apache-2.0
//
// tdisp_response: makes the bytes of a TDISP response. The output is registered.

`default_nettype none
`include "tdisp_defs.vh"

module tdisp_response #(
    parameter P2P_EN = 1,
    parameter MMIO_ATTRIBUTE_EN = 1,
    parameter TDISP_CONFIG_EN = 0
) (
    input wire clk,
    input wire rst,

    input  wire active,  // the other inputs hold while active; low at least a cycle between two
    output wire done,    // pulse: the last byte has been taken

    input  wire [  7:0] code,           // of the request
    input  wire [ 31:0] function_id,
    input  wire [ 31:0] sdi_id,         // which SDI of it
    input  wire [ 15:0] error,          // 0: the request was carried out
    input  wire [  1:0] state,          // for GET_DEVICE_INTERFACE_STATE
    input  wire [255:0] nonce,          // for LOCK_INTERFACE_REQUEST, byte 0 on top
    input  wire [ 15:0] report_offset,
    input  wire [ 15:0] report_length,
    input  wire [ 15:0] report_total,
    output wire [ 15:0] report_at,
    input  wire [  7:0] report_data,    // byte report_at of the report

    output wire [7:0] tdisp_rsp_tdata,
    output wire       tdisp_rsp_tvalid,
    input  wire       tdisp_rsp_tready,
    output wire       tdisp_rsp_tlast
);

  localparam [15:0] HEADER_BYTES = 16'd16;
  localparam [15:0] ERROR_BYTES = 16'd24;
  localparam [15:0] VERSION_BYTES = 16'd18;
  localparam [15:0] CAPABILITIES_BYTES = 16'd44;
  localparam [15:0] LOCK_BYTES = 16'd48;
  localparam [15:0] REPORT_BYTES = 16'd20;  // without the portion
  localparam [15:0] STATE_BYTES = 16'd17;
  localparam [15:0] REPORT_PORTION_MAX = 16'd1024;  // fits a DOE object with all its headers
  localparam [15:0] REPORT_PORTION_AT = REPORT_BYTES - HEADER_BYTES;

  localparam [7:0] VERSION_COUNT = 8'd1;
  localparam [7:0] ADDRESS_BITS = 8'd64;
  localparam [7:0] NUM_REQ = 8'd1;
  localparam [7:0] REQUEST_BASE = 8'h80;  // code of bit 0 of REQ_MSGS_SUPPORTED
  localparam [127:0] P2P_MSGS = 128'd1 << (`TDISP_REQ_BIND_P2P_STREAM_REQUEST - REQUEST_BASE)
      | 128'd1 << (`TDISP_REQ_UNBIND_P2P_STREAM_REQUEST - REQUEST_BASE);
  localparam [127:0] REQ_MSGS =
      128'd1 << (`TDISP_REQ_GET_TDISP_VERSION - REQUEST_BASE)
      | 128'd1 << (`TDISP_REQ_GET_TDISP_CAPABILITIES - REQUEST_BASE)
      | 128'd1 << (`TDISP_REQ_LOCK_INTERFACE_REQUEST - REQUEST_BASE)
      | 128'd1 << (`TDISP_REQ_GET_DEVICE_INTERFACE_REPORT - REQUEST_BASE)
      | 128'd1 << (`TDISP_REQ_GET_DEVICE_INTERFACE_STATE - REQUEST_BASE)
      | 128'd1 << (`TDISP_REQ_START_INTERFACE_REQUEST - REQUEST_BASE)
      | 128'd1 << (`TDISP_REQ_STOP_INTERFACE_REQUEST - REQUEST_BASE)
      | (P2P_EN != 0 ? P2P_MSGS : 128'd0)
      | (MMIO_ATTRIBUTE_EN != 0 ?
      128'd1 << (`TDISP_REQ_SET_MMIO_ATTRIBUTE_REQUEST - REQUEST_BASE) : 128'd0)
      | (TDISP_CONFIG_EN != 0 ?
      128'd1 << (`TDISP_REQ_SET_TDISP_CONFIG_REQUEST - REQUEST_BASE) : 128'd0);
  localparam [15:0] P2P_FLAGS =
      16'd1 << `TDISP_LOCK_BIT_BIND_P2P | 16'd1 << `TDISP_LOCK_BIT_ALL_REQUEST_REDIRECT;
  localparam [15:0] LOCK_FLAGS = 16'd1 <<
  `TDISP_LOCK_BIT_NO_FW_UPDATE
  | 16'd1 << `TDISP_LOCK_BIT_LOCK_MSIX | (P2P_EN != 0 ? P2P_FLAGS : 16'd0);
  // Last byte on top: from DSM_CAPS to NUM_REQ_ALL
  localparam [223:0] CAPABILITIES = {
    NUM_REQ, NUM_REQ, ADDRESS_BITS, 24'h0, LOCK_FLAGS, REQ_MSGS, 32'h0
  };

  wire failed = error != 16'd0;
  wire [7:0] rsp_code = failed ? `TDISP_RSP_TDISP_ERROR : {1'b0, code[6:0]};
  wire [127:0] header = {32'h0, sdi_id, function_id, 16'h0, rsp_code, `TDISP_VERSION_1_0};
  wire [7:0] error_data = error == `TDISP_ERR_UNSUPPORTED_REQUEST ? code : 8'h00;
  wire [63:0] error_body = {24'h0, error_data, 16'h0, error};

  wire [15:0] rest = report_total - report_offset;
  wire [15:0] asked = report_length < rest ? report_length : rest;
  wire [15:0] portion = asked < REPORT_PORTION_MAX ? asked : REPORT_PORTION_MAX;
  wire [31:0] report_head = {rest - portion, portion};

  // ---------------------------------------------------------------- byte at_q
  reg [15:0] at_q;
  reg [15:0] total;
  reg [7:0] body;
  wire [15:0] body_at = at_q - HEADER_BYTES;

  assign report_at = report_offset + body_at - REPORT_PORTION_AT;

  always @* begin
    total = HEADER_BYTES;
    body  = 8'h00;
    if (failed) begin
      total = ERROR_BYTES;
      body  = error_body[8*body_at[2:0]+:8];
    end else begin
      case (code)
        `TDISP_REQ_GET_TDISP_VERSION: begin
          total = VERSION_BYTES;
          body  = body_at[0] ? `TDISP_VERSION_1_0 : VERSION_COUNT;
        end
        `TDISP_REQ_GET_TDISP_CAPABILITIES: begin
          total = CAPABILITIES_BYTES;
          body  = CAPABILITIES[8*body_at[4:0]+:8];
        end
        `TDISP_REQ_LOCK_INTERFACE_REQUEST: begin
          total = LOCK_BYTES;
          body  = nonce[8*(5'd31-body_at[4:0])+:8];
        end
        `TDISP_REQ_GET_DEVICE_INTERFACE_REPORT: begin
          total = REPORT_BYTES + portion;
          body  = body_at < REPORT_PORTION_AT ? report_head[8*body_at[1:0]+:8] : report_data;
        end
        `TDISP_REQ_GET_DEVICE_INTERFACE_STATE: begin
          total = STATE_BYTES;
          body  = {6'h0, state};
        end
        default: total = HEADER_BYTES;
      endcase
    end
  end

  // ---------------------------------------------------------------- output
  reg [7:0] data_q;
  reg valid_q, last_q;
  reg  ended_q;  // the last byte is in data_q
  wire free = !valid_q || tdisp_rsp_tready;

  assign tdisp_rsp_tdata  = data_q;
  assign tdisp_rsp_tvalid = valid_q;
  assign tdisp_rsp_tlast  = last_q;
  assign done             = valid_q && tdisp_rsp_tready && last_q;

  always @(posedge clk) begin
    if (rst || !active) begin
      at_q    <= 16'd0;
      valid_q <= 1'b0;
      last_q  <= 1'b0;
      ended_q <= 1'b0;
      data_q  <= 8'h00;
    end else if (free) begin
      valid_q <= !ended_q;
      last_q  <= !ended_q && at_q == total - 16'd1;
      ended_q <= ended_q || at_q == total - 16'd1;
      data_q  <= ended_q ? 8'h00 : at_q < HEADER_BYTES ? header[8*at_q[3:0]+:8] : body;
      at_q    <= at_q + 16'd1;
    end
  end

endmodule

`default_nettype wire
