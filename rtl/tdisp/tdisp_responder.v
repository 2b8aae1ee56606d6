// SPDX-License-Identifier: Apache-2.0
//
// tdisp_responder: takes one TDISP request, has it checked, carries it out and answers it.
//
// A refused request changes nothing. LOCK and STOP answer only after the function is drained and,
// for STOP, its data is cleared (TDISP-LOCK-019, TDISP-STOP-003, TDISP-STOP-004). An illegal state
// is a fault: every locked TDI goes to ERROR and the request in hand gets no answer
// (TDISP-FSM-013).

`default_nettype none
`include "tdisp_defs.vh"

module tdisp_responder #(
    parameter NUM_TDI = 4,
    parameter TDI_W = 2,
    parameter SESSION_W = 2
) (
    input  wire clk,
    input  wire rst,
    output wire fault, // pulse

    // Request and response, behind the protocol id
    input  wire [          7:0] tdisp_tdata,
    input  wire                 tdisp_tvalid,
    output wire                 tdisp_tready,
    input  wire                 tdisp_tlast,
    input  wire [SESSION_W-1:0] tdisp_session,
    output wire [          7:0] tdisp_rsp_tdata,
    output wire                 tdisp_rsp_tvalid,
    input  wire                 tdisp_rsp_tready,
    output wire                 tdisp_rsp_tlast,
    output wire                 tdisp_rsp_none,

    input wire [  NUM_TDI-1:0] tdi_present,
    input wire [         15:0] pf_rid,             // TDI n has the Requester ID pf_rid + n
    input wire                 session_end_valid,
    input wire [SESSION_W-1:0] session_end_idx,

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
    output wire [SESSION_W-1:0] session,      // of the request
    output wire                 lock_req,
    output wire                 start_req,
    output wire                 stop_req,
    output wire                 read_req,     // what RAM holds of TDI req_idx is looked at
    input  wire [          1:0] req_state,
    input  wire [SESSION_W-1:0] req_session,
    output wire [        255:0] start_nonce,
    input  wire                 nonce_match,

    // Report
    output wire        report_capture,
    input  wire [15:0] report_total,
    output wire [15:0] report_at,
    input  wire [ 7:0] report_data,

    // Function
    output wire [NUM_TDI-1:0] quiesce,
    output wire [NUM_TDI-1:0] stopping,  // no access to the function from here to CONFIG_UNLOCKED
    output wire [NUM_TDI-1:0] scrub_req,
    input wire [NUM_TDI-1:0] tdi_drained,
    input wire [NUM_TDI-1:0] tdi_scrub_busy
);

  // Hamming distance 4
  localparam [7:0] ST_RECEIVE = 8'b00001111;
  localparam [7:0] ST_FIND = 8'b00110011;
  localparam [7:0] ST_READ = 8'b11110000;
  localparam [7:0] ST_CHECK = 8'b00111100;
  localparam [7:0] ST_LOCK_DRAIN = 8'b01010101;
  localparam [7:0] ST_LOCK_NONCE = 8'b01011010;
  localparam [7:0] ST_LOCK = 8'b01100110;
  localparam [7:0] ST_STOP_DRAIN = 8'b01101001;
  localparam [7:0] ST_STOP_SCRUB = 8'b10010110;
  localparam [7:0] ST_STOP = 8'b10011001;
  localparam [7:0] ST_CONFIRM = 8'b10100101;
  localparam [7:0] ST_RESPOND = 8'b10101010;
  localparam [7:0] ST_FAULT = 8'b11000011;
  localparam [7:0] ST_CAPTURE = 8'b11001100;

  localparam [6:0] HEADER_BYTES = 7'd16;
  localparam [15:0] NO_ERROR = 16'd0;

  reg [7:0] state_q, state_d;
  reg settle_q;  // the state has lasted a cycle: a request has shown its effect
  reg owed_q;  // a whole request was taken and not yet answered
  reg [15:0] error_q;

  // ---------------------------------------------------------------- request
  wire last_taken, response_done;
  wire [6:0] count;
  wire [7:0] version, code;
  wire [31:0] function_id;
  wire [15:0] report_offset, report_length;
  wire swallow = state_q == ST_FAULT && !owed_q && count != 7'd0;  // the rest of a request
  wire finished = state_q != ST_RECEIVE && state_d == ST_RECEIVE;

  tdisp_request #(
      .SESSION_W(SESSION_W)
  ) u_request (
      .clk           (clk),
      .rst           (rst),
      .clear         (finished),
      .open          (state_q == ST_RECEIVE || swallow),
      .tdisp_tdata   (tdisp_tdata),
      .tdisp_tvalid  (tdisp_tvalid),
      .tdisp_tready  (tdisp_tready),
      .tdisp_tlast   (tdisp_tlast),
      .tdisp_session (tdisp_session),
      .last_taken    (last_taken),
      .count         (count),
      .session       (session),
      .version       (version),
      .code          (code),
      .function_id   (function_id),
      .lock_flags    (lock_flags),
      .lock_stream_id(lock_stream_id),
      .lock_offset   (lock_offset),
      .report_offset (report_offset),
      .report_length (report_length),
      .start_nonce   (start_nonce)
  );

  wire is_lock = code == `TDISP_REQ_LOCK_INTERFACE_REQUEST;
  wire is_start = code == `TDISP_REQ_START_INTERFACE_REQUEST;
  wire is_stop = code == `TDISP_REQ_STOP_INTERFACE_REQUEST;

  // ---------------------------------------------------------------- which TDI
  // The device does not know its segment and accepts any (TDISP-HDR-006).
  localparam [31:0] NUM_TDIS = NUM_TDI;
  localparam [NUM_TDI-1:0] ONE = 1;

  reg found_q;
  reg [TDI_W-1:0] idx_q;
  wire [15:0] named_number = function_id[15:0] - pf_rid;
  wire [NUM_TDI-1:0] named = {16'd0, named_number} < NUM_TDIS ?
      tdi_present & (ONE << named_number[TDI_W-1:0]) : {NUM_TDI{1'b0}};
  wire [NUM_TDI-1:0] selected = ONE << idx_q;

  always @(posedge clk) begin
    if (rst) begin
      found_q <= 1'b0;
      idx_q   <= {TDI_W{1'b0}};
    end else if (state_q == ST_FIND) begin
      found_q <= |named;
      idx_q   <= |named ? named_number[TDI_W-1:0] : {TDI_W{1'b0}};
    end
  end

  assign req_idx  = idx_q;
  assign read_req = state_q == ST_READ || state_q == ST_CAPTURE;

  // ---------------------------------------------------------------- checks
  wire [15:0] error;

  tdisp_checks #(
      .SESSION_W(SESSION_W)
  ) u_checks (
      .count          (count),
      .session        (session),
      .version        (version),
      .code           (code),
      .report_offset  (report_offset),
      .report_length  (report_length),
      .found          (found_q),
      .state          (req_state),
      .owner          (req_session),
      .nonce_match    (nonce_match),
      .lock_allowed   (lock_allowed),
      .lock_error_code(lock_error_code),
      .report_total   (report_total),
      .error          (error)
  );

  // ---------------------------------------------------------------- carrying it out
  reg session_gone_q;  // the session of the request has ended

  always @(posedge clk) begin
    if (rst || state_q == ST_RECEIVE) session_gone_q <= 1'b0;
    else if (session_end_valid && session_end_idx == session) session_gone_q <= 1'b1;
  end

  wire drained = |(tdi_drained & selected);
  wire scrubbing = |(tdi_scrub_busy & selected);

  // LOCK is decided in the cycle in which it takes effect, and in none in which a configuration
  // write is between announcement and effect (TDISP-LOCK-028) or an access that came while the
  // nonce was made is in work (TDISP-LOCK-019). Everything is looked at again.
  wire still_named = |(named & selected);
  wire lock_now = state_q == ST_LOCK && !cfg_write_busy && drained && !scrubbing;
  wire lock_ok = lock_allowed && still_named && !session_gone_q;
  wire [15:0] lock_refusal = !still_named ?
  `TDISP_ERR_INVALID_INTERFACE
  : session_gone_q ? `TDISP_ERR_INVALID_REQUEST : lock_error_code;

  wire unlocked = req_state == `TDI_CONFIG_UNLOCKED;
  wire running = req_state == `TDI_RUN;
  wire locking = state_q == ST_LOCK_DRAIN || state_q == ST_LOCK_NONCE || state_q == ST_LOCK;
  wire stops = state_q == ST_STOP_DRAIN || state_q == ST_STOP_SCRUB || state_q == ST_STOP
      || (state_q == ST_CONFIRM && is_stop);

  assign nonce_start = state_q == ST_LOCK_DRAIN && state_d == ST_LOCK_NONCE;
  assign nonce_drop = state_q == ST_RECEIVE || state_q == ST_FAULT;
  assign lock_req = lock_now && lock_ok;
  assign start_req = state_q == ST_CHECK && is_start && error == NO_ERROR;
  assign stop_req = state_q == ST_STOP;
  assign quiesce = locking || stops ? selected : {NUM_TDI{1'b0}};
  assign stopping = stops ? selected : {NUM_TDI{1'b0}};
  assign scrub_req = state_q == ST_STOP_DRAIN && state_d == ST_STOP_SCRUB
      ? selected : {NUM_TDI{1'b0}};

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_RECEIVE: if (last_taken) state_d = ST_FIND;
      ST_FIND: state_d = ST_READ;
      ST_READ: state_d = ST_CAPTURE;
      ST_CAPTURE: state_d = ST_CHECK;
      ST_CHECK: begin
        state_d = ST_RESPOND;
        if (error == NO_ERROR) begin
          if (is_lock) state_d = ST_LOCK_DRAIN;
          else if (is_stop && !unlocked) state_d = ST_STOP_DRAIN;
          else if (is_start) state_d = ST_CONFIRM;
        end
      end
      ST_LOCK_DRAIN: if (settle_q && drained && !scrubbing) state_d = ST_LOCK_NONCE;
      ST_LOCK_NONCE: begin
        if (nonce_failed) state_d = ST_RESPOND;
        else if (nonce_ready) state_d = ST_LOCK;
      end
      ST_LOCK: if (lock_now) state_d = lock_ok ? ST_CONFIRM : ST_RESPOND;
      ST_STOP_DRAIN: if (settle_q && drained) state_d = ST_STOP_SCRUB;
      ST_STOP_SCRUB: if (settle_q && !scrubbing && drained) state_d = ST_STOP;
      ST_STOP: state_d = ST_CONFIRM;
      // An error of the cycle of the STOP has won: the TDI is in ERROR, with another scrub due.
      ST_CONFIRM: if (settle_q) state_d = is_stop && !unlocked ? ST_STOP_DRAIN : ST_RESPOND;
      ST_RESPOND: if (response_done) state_d = ST_RECEIVE;
      ST_FAULT: if (!swallow) state_d = ST_RECEIVE;
      default: state_d = ST_FAULT;
    endcase
  end

  assign fault          = state_q != ST_FAULT && state_d == ST_FAULT;
  assign tdisp_rsp_none = state_q == ST_FAULT && owed_q;

  always @(posedge clk) begin
    if (rst) begin
      state_q  <= ST_RECEIVE;
      settle_q <= 1'b0;
      owed_q   <= 1'b0;
      error_q  <= NO_ERROR;
    end else begin
      state_q  <= state_d;
      settle_q <= state_q == state_d;
      owed_q   <= last_taken || (owed_q && !finished);
      case (state_q)
        ST_CHECK: error_q <= error;
        ST_LOCK_NONCE: if (nonce_failed) error_q <= `TDISP_ERR_INSUFFICIENT_ENTROPY;
        ST_LOCK: if (lock_now && !lock_ok) error_q <= lock_refusal;
        // An error of the same cycle has won: the request did not take effect.
        ST_CONFIRM: begin
          if (!settle_q && is_lock && unlocked) error_q <= `TDISP_ERR_INVALID_DEVICE_CONFIGURATION;
          if (!settle_q && is_start && !running) error_q <= `TDISP_ERR_INVALID_INTERFACE_STATE;
        end
        default: error_q <= error_q;
      endcase
    end
  end

  // ---------------------------------------------------------------- response
  reg [1:0] shown_state_q;  // of the moment of the check

  always @(posedge clk) if (state_q == ST_CHECK) shown_state_q <= req_state;

  assign report_capture = state_q == ST_CAPTURE;

  tdisp_response u_response (
      .clk             (clk),
      .rst             (rst),
      .active          (state_q == ST_RESPOND),
      .done            (response_done),
      .code            (code),
      .function_id     (count < HEADER_BYTES ? 32'h0 : function_id),
      .error           (error_q),
      .state           (shown_state_q),
      .nonce           (nonce),
      .report_offset   (report_offset),
      .report_length   (report_length),
      .report_total    (report_total),
      .report_at       (report_at),
      .report_data     (report_data),
      .tdisp_rsp_tdata (tdisp_rsp_tdata),
      .tdisp_rsp_tvalid(tdisp_rsp_tvalid),
      .tdisp_rsp_tready(tdisp_rsp_tready),
      .tdisp_rsp_tlast (tdisp_rsp_tlast)
  );

endmodule

`default_nettype wire
