// SPDX-License-Identifier: Apache-2.0
//
// tdisp_responder: takes one TDISP request, checks it, carries it out and answers it.
//
// Checks go in the order version, code, interface, length, state, session, message. A refused
// request changes nothing. LOCK and STOP answer only after the function is drained and, for STOP,
// its data is cleared (TDISP-LOCK-019, TDISP-STOP-003, TDISP-STOP-004).

`default_nettype none
`include "tdisp_defs.vh"

module tdisp_responder #(
    parameter NUM_TDI = 4,
    parameter TDI_W = 2,
    parameter SESSION_W = 2
) (
    input wire clk,
    input wire rst,

    // Request and response, after the protocol id
    input  wire [          7:0] tdisp_tdata,
    input  wire                 tdisp_tvalid,
    output wire                 tdisp_tready,
    input  wire                 tdisp_tlast,
    input  wire [SESSION_W-1:0] tdisp_session,
    output wire [          7:0] tdisp_rsp_tdata,
    output wire                 tdisp_rsp_tvalid,
    input  wire                 tdisp_rsp_tready,
    output wire                 tdisp_rsp_tlast,

    input wire [   NUM_TDI-1:0] tdi_present,
    input wire [16*NUM_TDI-1:0] tdi_rid,

    // LOCK
    output wire [ 15:0] lock_flags,
    output wire [  7:0] lock_stream_id,
    output wire [ 63:0] lock_offset,
    input  wire         lock_allowed,
    input  wire [ 15:0] lock_error_code,
    input  wire         cfg_write_busy,
    output wire         nonce_start,
    output wire         nonce_drop,
    input  wire         nonce_ready,
    input  wire         nonce_failed,
    input  wire [255:0] nonce,

    // TDI table
    output wire [    TDI_W-1:0] req_idx,
    output wire                 lock_req,
    output wire                 start_req,
    output wire                 stop_req,
    input  wire [          1:0] req_state,
    input  wire [SESSION_W-1:0] req_session,
    output wire [        255:0] start_nonce,
    input  wire                 nonce_match,

    // Report
    input  wire [15:0] report_total,
    output wire [15:0] report_at,
    input  wire [ 7:0] report_data,

    // Function
    output wire [NUM_TDI-1:0] quiesce,
    output wire [NUM_TDI-1:0] stopping,   // no access to the function until CONFIG_UNLOCKED
    output wire [NUM_TDI-1:0] scrub_req,
    input  wire [NUM_TDI-1:0] tdi_drained,
    input  wire [NUM_TDI-1:0] tdi_scrub_busy
);

  localparam [10:0] ST_RECEIVE = 11'b00000000001;
  localparam [10:0] ST_FIND = 11'b00000000010;
  localparam [10:0] ST_CHECK = 11'b00000000100;
  localparam [10:0] ST_LOCK_DRAIN = 11'b00000001000;
  localparam [10:0] ST_LOCK_NONCE = 11'b00000010000;
  localparam [10:0] ST_LOCK = 11'b00000100000;
  localparam [10:0] ST_STOP_DRAIN = 11'b00001000000;
  localparam [10:0] ST_STOP_SCRUB = 11'b00010000000;
  localparam [10:0] ST_STOP = 11'b00100000000;
  localparam [10:0] ST_CONFIRM = 11'b01000000000;
  localparam [10:0] ST_RESPOND = 11'b10000000000;

  localparam [6:0] MSG_BYTES = 7'd48;  // longest request
  localparam [6:0] HEADER = 7'd16;
  localparam [6:0] LOCK_BYTES = 7'd36;
  localparam [6:0] START_BYTES = 7'd48;
  localparam [6:0] FOUR_MORE = 7'd20;
  localparam [15:0] RSP_HEADER = 16'd16;

  // ---------------------------------------------------------------- request
  reg [10:0] state_q, state_d;
  reg [8*48-1:0] msg_q;  // byte n in [8n+7:8n]
  reg [6:0] count_q;  // bytes received, stops at 127
  reg [SESSION_W-1:0] session_q;
  wire take = tdisp_tvalid && tdisp_tready;

  assign tdisp_tready = state_q == ST_RECEIVE;

  always @(posedge clk) begin
    if (rst || (state_q == ST_RESPOND && state_d == ST_RECEIVE)) begin
      msg_q   <= {8 * 48{1'b0}};
      count_q <= 7'd0;
    end else if (take) begin
      if (count_q < MSG_BYTES) msg_q[8*count_q+:8] <= tdisp_tdata;
      if (count_q != 7'h7f) count_q <= count_q + 7'd1;
      session_q <= tdisp_session;
    end
  end

  function automatic [255:0] top_first(input reg [255:0] bytes);
    integer n;
    begin
      for (n = 0; n < 32; n = n + 1) top_first[8*n+:8] = bytes[8*(31-n)+:8];
    end
  endfunction

  wire [7:0] version = msg_q[7:0];
  wire [7:0] code = msg_q[15:8];
  wire [31:0] function_id = msg_q[63:32];
  wire [15:0] report_offset = msg_q[143:128];
  wire [15:0] report_length = msg_q[159:144];

  assign lock_flags = msg_q[143:128];
  assign lock_stream_id = msg_q[151:144];
  assign lock_offset = msg_q[223:160];
  assign start_nonce = top_first(msg_q[383:128]);

  // ---------------------------------------------------------------- which TDI
  reg found_q;
  reg [TDI_W-1:0] idx_q;
  reg found;
  reg [TDI_W-1:0] found_idx;
  integer n;

  always @* begin
    found = 1'b0;
    found_idx = {TDI_W{1'b0}};
    for (n = 0; n < NUM_TDI; n = n + 1) begin
      if (tdi_present[n] && tdi_rid[16*n+:16] == function_id[15:0]) begin
        found = 1'b1;
        found_idx = n[TDI_W-1:0];
      end
    end
  end

  always @(posedge clk) begin
    if (rst) begin
      found_q <= 1'b0;
      idx_q   <= {TDI_W{1'b0}};
    end else if (state_q == ST_FIND) begin
      found_q <= found;
      idx_q   <= found_idx;
    end
  end

  assign req_idx = idx_q;

  // ---------------------------------------------------------------- checks
  wire is_version = code == `TDISP_REQ_GET_TDISP_VERSION;
  wire is_caps = code == `TDISP_REQ_GET_TDISP_CAPABILITIES;
  wire is_lock = code == `TDISP_REQ_LOCK_INTERFACE_REQUEST;
  wire is_report = code == `TDISP_REQ_GET_DEVICE_INTERFACE_REPORT;
  wire is_state = code == `TDISP_REQ_GET_DEVICE_INTERFACE_STATE;
  wire is_start = code == `TDISP_REQ_START_INTERFACE_REQUEST;
  wire is_stop = code == `TDISP_REQ_STOP_INTERFACE_REQUEST;
  wire known = is_version || is_caps || is_lock || is_report || is_state || is_start || is_stop;

  wire unlocked = req_state == `TDI_CONFIG_UNLOCKED;
  wire locked = req_state == `TDI_CONFIG_LOCKED;
  wire running = req_state == `TDI_RUN;
  wire foreign = (locked || running) && req_session != session_q;

  wire version_ok = is_version ? version[7:4] == 4'd1 : version == `TDISP_VERSION_1_0;
  wire [6:0] right_count = is_lock ? LOCK_BYTES : is_start ? START_BYTES
      : is_caps || is_report ? FOUR_MORE : HEADER;
  wire state_ok = is_lock ? unlocked : is_report ? locked || running : !is_start || locked;
  wire range_ok = report_offset < report_total && report_length != 16'd0;

  reg [15:0] error;  // 0: none

  always @* begin
    error = 16'd0;
    if (count_q < HEADER) error = `TDISP_ERR_INVALID_REQUEST;
    else if (!version_ok) error = `TDISP_ERR_VERSION_MISMATCH;
    else if (!known) error = `TDISP_ERR_UNSUPPORTED_REQUEST;
    else if (!found_q) error = `TDISP_ERR_INVALID_INTERFACE;
    else if (count_q != right_count) error = `TDISP_ERR_INVALID_REQUEST;
    else if (!state_ok) error = `TDISP_ERR_INVALID_INTERFACE_STATE;
    else if (foreign && is_start) error = `TDISP_ERR_INVALID_NONCE;
    else if (foreign && (is_report || is_stop)) error = `TDISP_ERR_INVALID_REQUEST;
    else if (is_lock && !lock_allowed) error = lock_error_code;
    else if (is_report && !range_ok) error = `TDISP_ERR_INVALID_REQUEST;
    else if (is_start && !nonce_match) error = `TDISP_ERR_INVALID_NONCE;
  end

  // ---------------------------------------------------------------- carrying it out
  // LOCK is decided in the cycle in which it takes effect, and in none in which a configuration
  // write is between announcement and effect (TDISP-LOCK-028).
  wire lock_now = state_q == ST_LOCK && !cfg_write_busy;
  wire [NUM_TDI-1:0] selected = {{(NUM_TDI - 1) {1'b0}}, 1'b1} << idx_q;
  wire drained = |(tdi_drained & selected);
  wire scrubbing = |(tdi_scrub_busy & selected);
  reg settle_q;  // one cycle for a request to show its effect
  reg [15:0] error_q;

  assign nonce_start = state_q == ST_LOCK_DRAIN && state_d == ST_LOCK_NONCE;
  assign nonce_drop = state_q == ST_RECEIVE;
  assign lock_req = lock_now && lock_allowed;
  assign start_req = state_q == ST_CHECK && is_start && error == 16'd0;
  assign stop_req = state_q == ST_STOP;
  assign quiesce = state_q == ST_LOCK_DRAIN || state_q == ST_LOCK_NONCE || state_q == ST_LOCK
      || state_q == ST_STOP_DRAIN || state_q == ST_STOP_SCRUB || state_q == ST_STOP
      ? selected : {NUM_TDI{1'b0}};
  assign stopping = state_q == ST_STOP_DRAIN || state_q == ST_STOP_SCRUB || state_q == ST_STOP
      || (state_q == ST_CONFIRM && is_stop) ? selected : {NUM_TDI{1'b0}};
  assign scrub_req = state_q == ST_STOP_DRAIN && state_d == ST_STOP_SCRUB
      ? selected : {NUM_TDI{1'b0}};

  wire response_done;

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_RECEIVE: if (take && tdisp_tlast) state_d = ST_FIND;
      ST_FIND: state_d = ST_CHECK;
      ST_CHECK: begin
        if (error != 16'd0) state_d = ST_RESPOND;
        else if (is_lock) state_d = ST_LOCK_DRAIN;
        else if (is_stop && !unlocked) state_d = ST_STOP_DRAIN;
        else state_d = is_start ? ST_CONFIRM : ST_RESPOND;
      end
      ST_LOCK_DRAIN: if (settle_q && drained) state_d = ST_LOCK_NONCE;
      ST_LOCK_NONCE: begin
        if (nonce_failed) state_d = ST_RESPOND;
        else if (nonce_ready) state_d = ST_LOCK;
      end
      ST_LOCK: if (lock_now) state_d = lock_allowed ? ST_CONFIRM : ST_RESPOND;
      ST_STOP_DRAIN: if (settle_q && drained) state_d = ST_STOP_SCRUB;
      ST_STOP_SCRUB: if (settle_q && !scrubbing && drained) state_d = ST_STOP;
      ST_STOP: state_d = ST_CONFIRM;
      ST_CONFIRM:
      if (settle_q) state_d = is_stop && !unlocked ? ST_STOP_DRAIN : ST_RESPOND;
      ST_RESPOND: if (response_done) state_d = ST_RECEIVE;
      default: state_d = ST_RECEIVE;
    endcase
  end

  always @(posedge clk) begin
    if (rst) begin
      state_q  <= ST_RECEIVE;
      settle_q <= 1'b0;
      error_q  <= 16'd0;
    end else begin
      state_q  <= state_d;
      settle_q <= state_q == state_d;
      case (state_q)
        ST_CHECK: error_q <= error;
        ST_LOCK_NONCE: if (nonce_failed) error_q <= `TDISP_ERR_INSUFFICIENT_ENTROPY;
        ST_LOCK: if (lock_now && !lock_allowed) error_q <= lock_error_code;
        // An error of the same cycle has won: the request did not take effect.
        ST_CONFIRM: begin
          if (is_lock && unlocked) error_q <= `TDISP_ERR_INVALID_DEVICE_CONFIGURATION;
          if (is_start && !running && !settle_q) error_q <= `TDISP_ERR_INVALID_INTERFACE_STATE;
        end
        default: error_q <= error_q;
      endcase
    end
  end

  // ---------------------------------------------------------------- response
  reg [15:0] at_q;  // byte of the response
  wire failed = error_q != 16'd0;
  wire [15:0] rest = report_total - report_offset;
  wire [15:0] portion = report_length < rest ? report_length : rest;
  wire [15:0] remainder = rest - portion;
  wire [7:0] error_data = error_q == `TDISP_ERR_UNSUPPORTED_REQUEST ? code : 8'h00;
  wire [7:0] rsp_code = failed ? `TDISP_RSP_TDISP_ERROR : {1'b0, code[6:0]};
  wire [127:0] rsp_header = {
    64'h0, count_q < HEADER ? 32'h0 : function_id, 16'h0, rsp_code, `TDISP_VERSION_1_0
  };
  wire [15:0] body_at = at_q - RSP_HEADER;

  // REQ_MSGS_SUPPORTED: bits 1 to 7, the mandatory requests
  wire [223:0] caps = {
    8'd1, 8'd1, 8'd64, 24'h0,
    16'd1 << `TDISP_LOCK_BIT_NO_FW_UPDATE | 16'd1 << `TDISP_LOCK_BIT_LOCK_MSIX,
    120'h0, 8'hfe, 32'h0
  };

  // GET_DEVICE_INTERFACE_STATE and the report speak of one moment, that of the check.
  reg [1:0] shown_state_q;

  always @(posedge clk) if (state_q == ST_CHECK) shown_state_q <= req_state;

  reg [15:0] rsp_len;
  reg [ 7:0] body;

  always @* begin
    rsp_len = RSP_HEADER;
    body = 8'h00;
    if (failed) begin
      rsp_len = RSP_HEADER + 16'd8;
      case (body_at[2:0])
        3'd0: body = error_q[7:0];
        3'd1: body = error_q[15:8];
        3'd4: body = error_data;
        default: body = 8'h00;
      endcase
    end else if (is_version) begin
      rsp_len = RSP_HEADER + 16'd2;
      body = body_at[0] ? `TDISP_VERSION_1_0 : 8'd1;
    end else if (is_caps) begin
      rsp_len = RSP_HEADER + 16'd28;
      body = caps[8*body_at[4:0]+:8];
    end else if (is_lock) begin
      rsp_len = RSP_HEADER + 16'd32;
      body = nonce[8*(5'd31-body_at[4:0])+:8];
    end else if (is_report) begin
      rsp_len = RSP_HEADER + 16'd4 + portion;
      case (body_at)
        16'd0: body = portion[7:0];
        16'd1: body = portion[15:8];
        16'd2: body = remainder[7:0];
        16'd3: body = remainder[15:8];
        default: body = report_data;
      endcase
    end else if (is_state) begin
      rsp_len = RSP_HEADER + 16'd1;
      body = {6'h0, shown_state_q};
    end
  end

  assign report_at = report_offset + body_at - 16'd4;
  assign tdisp_rsp_tvalid = state_q == ST_RESPOND;
  assign tdisp_rsp_tdata = at_q < RSP_HEADER ? rsp_header[8*at_q[3:0]+:8] : body;
  assign tdisp_rsp_tlast = at_q == rsp_len - 16'd1;
  assign response_done = tdisp_rsp_tvalid && tdisp_rsp_tready && tdisp_rsp_tlast;

  always @(posedge clk) begin
    if (rst || state_q != ST_RESPOND) at_q <= 16'd0;
    else if (tdisp_rsp_tready) at_q <= at_q + 16'd1;
  end

  // Reserved fields are ignored (TDISP-HDR-002); the device does not know its segment.
  wire unused = &{1'b0, msg_q[31:16], msg_q[127:64]};

endmodule

`default_nettype wire
