// SPDX-License-Identifier: Apache-2.0
//
// tdisp_checks: what is wrong with a request. Combinational; the first failing check decides.
//
// Order: header, version, code, interface, length, state, session, message.

`default_nettype none
`include "tdisp_defs.vh"

module tdisp_checks #(
    parameter SESSION_W = 2,
    parameter P2P_EN = 1,
    parameter MMIO_ATTRIBUTE_EN = 1,
    parameter TDISP_CONFIG_EN = 0
) (
    input wire [          6:0] count,
    input wire [SESSION_W-1:0] session,
    input wire [          7:0] version,
    input wire [          7:0] code,
    input wire [         15:0] report_offset,
    input wire [         15:0] report_length,
    input wire [        127:0] mmio_range,
    input wire [         31:0] config_bits,

    input wire                 found,            // INTERFACE_ID names a TDI
    input wire [          1:0] state,            // of that TDI
    input wire [SESSION_W-1:0] owner,            // session that locked it
    input wire                 nonce_match,
    input wire                 lock_allowed,
    input wire [         15:0] lock_error_code,
    input wire [         15:0] report_total,
    input wire                 bind_allowed,
    input wire                 unbind_allowed,
    input wire [         51:0] memory_page,      // the page whose attribute can be set
    input wire                 all_unlocked,     // all TDIs

    output reg [15:0] error  // 0: none
);

  localparam [6:0] HEADER_BYTES = 7'd16;
  localparam [6:0] LOCK_BYTES = 7'd36;
  localparam [6:0] START_BYTES = 7'd48;
  localparam [6:0] CAPABILITIES_BYTES = 7'd20;
  localparam [6:0] REPORT_BYTES = 7'd20;
  localparam [6:0] P2P_BYTES = 7'd17;
  localparam [6:0] MMIO_BYTES = 7'd32;
  localparam [6:0] CONFIG_BYTES = 7'd20;
  localparam [3:0] MAJOR_1 = 4'd1;
  localparam [31:0] ONE_PAGE = 32'd1;
  localparam [15:0] BAR0_ID = 16'd0;
  localparam XT_MODE_ENABLE = 0;  // bit of SET_TDISP_CONFIG: XT mode is not built
  localparam [15:0] NO_ERROR = 16'd0;
  // Nobody can set these; bits that are not defined are ignored (TDISP-HDR-002).
  localparam [15:0] FIXED_ATTRIBUTES = 16'd1 <<
  `TDISP_RANGE_BIT_MSIX_TABLE
  | 16'd1 << `TDISP_RANGE_BIT_MSIX_PBA | 16'd1 << `TDISP_RANGE_BIT_IS_MEM_ATTR_UPDATABLE;

  wire unlocked = state == `TDI_CONFIG_UNLOCKED;
  wire locked = state == `TDI_CONFIG_LOCKED;
  wire running = state == `TDI_RUN;
  wire foreign = (locked || running) && owner != session;
  wire is_version = code == `TDISP_REQ_GET_TDISP_VERSION;
  wire is_report = code == `TDISP_REQ_GET_DEVICE_INTERFACE_REPORT;
  wire is_start = code == `TDISP_REQ_START_INTERFACE_REQUEST;
  wire is_stop = code == `TDISP_REQ_STOP_INTERFACE_REQUEST;
  wire is_lock = code == `TDISP_REQ_LOCK_INTERFACE_REQUEST;
  wire is_bind = code == `TDISP_REQ_BIND_P2P_STREAM_REQUEST;
  wire is_unbind = code == `TDISP_REQ_UNBIND_P2P_STREAM_REQUEST;
  wire is_mmio = code == `TDISP_REQ_SET_MMIO_ATTRIBUTE_REQUEST;
  wire is_config = code == `TDISP_REQ_SET_TDISP_CONFIG_REQUEST;

  reg known, state_ok;
  reg [6:0] right_count;

  always @* begin
    known       = 1'b1;
    state_ok    = 1'b1;
    right_count = HEADER_BYTES;
    case (code)
      `TDISP_REQ_GET_TDISP_VERSION:          right_count = HEADER_BYTES;
      `TDISP_REQ_GET_TDISP_CAPABILITIES:     right_count = CAPABILITIES_BYTES;
      `TDISP_REQ_LOCK_INTERFACE_REQUEST: begin
        right_count = LOCK_BYTES;
        state_ok    = unlocked;
      end
      `TDISP_REQ_GET_DEVICE_INTERFACE_REPORT: begin
        right_count = REPORT_BYTES;
        state_ok    = locked || running;
      end
      `TDISP_REQ_GET_DEVICE_INTERFACE_STATE: right_count = HEADER_BYTES;
      `TDISP_REQ_START_INTERFACE_REQUEST: begin
        right_count = START_BYTES;
        state_ok    = locked;
      end
      `TDISP_REQ_STOP_INTERFACE_REQUEST:     right_count = HEADER_BYTES;
      `TDISP_REQ_BIND_P2P_STREAM_REQUEST, `TDISP_REQ_UNBIND_P2P_STREAM_REQUEST: begin
        known       = P2P_EN != 0;
        right_count = P2P_BYTES;
        state_ok    = running;
      end
      `TDISP_REQ_SET_MMIO_ATTRIBUTE_REQUEST: begin
        known       = MMIO_ATTRIBUTE_EN != 0;
        right_count = MMIO_BYTES;
        state_ok    = running;
      end
      `TDISP_REQ_SET_TDISP_CONFIG_REQUEST: begin
        known       = TDISP_CONFIG_EN != 0;
        right_count = CONFIG_BYTES;
        state_ok    = all_unlocked;
      end
      default:                               known = 1'b0;
    endcase
  end

  wire version_ok = is_version ? version[7:4] == MAJOR_1 : version == `TDISP_VERSION_1_0;
  wire range_ok = report_offset < report_total && report_length != 16'd0;

  // SET_MMIO_ATTRIBUTE: the one page that can be updated, with nothing else in its attributes.
  wire page_ok = mmio_range[63:0] == {12'h0, memory_page} && mmio_range[95:64] == ONE_PAGE;
  wire mmio_ok = page_ok && mmio_range[127:112] == BAR0_ID
      && (mmio_range[111:96] & FIXED_ATTRIBUTES) == 16'd0;

  always @* begin
    error = NO_ERROR;
    if (count < HEADER_BYTES) error = `TDISP_ERR_INVALID_REQUEST;
    else if (!version_ok) error = `TDISP_ERR_VERSION_MISMATCH;
    else if (!known) error = `TDISP_ERR_UNSUPPORTED_REQUEST;
    else if (!found) error = `TDISP_ERR_INVALID_INTERFACE;
    else if (count != right_count) error = `TDISP_ERR_INVALID_REQUEST;
    else if (!state_ok) error = `TDISP_ERR_INVALID_INTERFACE_STATE;
    else if (foreign && is_start) error = `TDISP_ERR_INVALID_NONCE;
    else if (foreign && (is_report || is_stop)) error = `TDISP_ERR_INVALID_REQUEST;
    else if (foreign && (is_bind || is_unbind || is_mmio)) error = `TDISP_ERR_INVALID_REQUEST;
    else if (is_lock && !lock_allowed) error = lock_error_code;
    else if (is_report && !range_ok) error = `TDISP_ERR_INVALID_REQUEST;
    else if (is_start && !nonce_match) error = `TDISP_ERR_INVALID_NONCE;
    else if (is_bind && !bind_allowed) error = `TDISP_ERR_INVALID_REQUEST;
    else if (is_unbind && !unbind_allowed) error = `TDISP_ERR_INVALID_REQUEST;
    else if (is_mmio && !mmio_ok) error = `TDISP_ERR_INVALID_REQUEST;
    else if (is_config && config_bits[XT_MODE_ENABLE]) error = `TDISP_ERR_INVALID_REQUEST;
  end

endmodule

`default_nettype wire
