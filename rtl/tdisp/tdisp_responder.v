// SPDX-License-Identifier: Apache-2.0
//
// tdisp_responder: takes one TDISP request, has it checked, carries it out and answers it.
//
// A refused request changes nothing. LOCK and STOP answer only after the function is drained and,
// for STOP, its data is cleared (TDISP-LOCK-019, TDISP-STOP-003, TDISP-STOP-004). BIND and UNBIND
// hold the function between two requests until those before are done, so that nothing sent before is
// overtaken (TDISP-P2P-004); its transfer goes on afterwards. So does SET_MMIO_ATTRIBUTE that has
// closed a page: what was admitted before must have read its data (TDISP-MMA-003). An illegal state is
// a fault: every locked TDI goes to ERROR and the request in hand gets no answer (TDISP-FSM-013).

`default_nettype none
`include "tdisp_defs.vh"

module tdisp_responder #(
    parameter NUM_TDI = 4,
    parameter TDI_W = 2,
    parameter SESSION_W = 2,
    parameter P2P_EN = 1,
    parameter MMIO_ATTRIBUTE_EN = 1,
    parameter TDISP_CONFIG_EN = 0,
    parameter SDI_EN = 0,
    parameter SDI_PASID = 0
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
    output wire [ 63:0] lock_mask,
    input  wire         lock_allowed,
    input  wire [ 15:0] lock_error_code,
    input  wire         cfg_write_busy,
    output wire         nonce_start,
    output wire         nonce_drop,
    input  wire         nonce_ready,
    input  wire         nonce_failed,
    input  wire [255:0] nonce,

    // Optional requests
    output wire [ 7:0] p2p_stream_id,
    input  wire        bind_allowed,
    input  wire        unbind_allowed,
    output wire        attribute_open,  // for SET_MMIO_ATTRIBUTE: the page becomes non-TEE
    input  wire [51:0] memory_page,
    output reg  [ 1:0] tdisp_config,

    // TDI table
    output wire [    TDI_W-1:0] req_idx,
    output wire [SESSION_W-1:0] session,        // of the request
    output wire                 lock_req,
    output wire                 start_req,
    output wire                 stop_req,
    output wire                 attribute_req,
    output wire                 bind_req,
    output wire                 unbind_req,
    output wire                 read_req,       // what RAM holds of TDI req_idx is looked at
    input  wire                 all_unlocked,
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
    output wire [NUM_TDI-1:0] hold,  // nothing new is sent, what goes on is not ended
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
  localparam [7:0] ST_DRAIN = 8'b01010101;
  localparam [7:0] ST_NONCE = 8'b01011010;
  localparam [7:0] ST_DECIDE = 8'b01100110;
  localparam [7:0] ST_STOP_DRAIN = 8'b01101001;
  localparam [7:0] ST_STOP_SCRUB = 8'b10010110;
  localparam [7:0] ST_STOP = 8'b10011001;
  localparam [7:0] ST_CONFIRM = 8'b10100101;
  localparam [7:0] ST_RESPOND = 8'b10101010;
  localparam [7:0] ST_FAULT = 8'b11000011;
  localparam [7:0] ST_CAPTURE = 8'b11001100;

  localparam [6:0] HEADER_BYTES = 7'd16;
  localparam IS_NON_TEE_MEM = 96 + `TDISP_RANGE_BIT_IS_NON_TEE_MEM;  // bit of an MMIO_RANGE
  localparam XT_BIT_FOR_LOCKED_MSIX = 1;
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
  wire [63:0] reserved_id;
  wire [15:0] report_offset, report_length;
  wire [127:0] mmio_range;
  wire [31:0] config_bits;
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
      .reserved_id   (reserved_id),
      .lock_flags    (lock_flags),
      .lock_stream_id(lock_stream_id),
      .lock_offset   (lock_offset),
      .lock_mask     (lock_mask),
      .report_offset (report_offset),
      .report_length (report_length),
      .start_nonce   (start_nonce),
      .p2p_stream_id (p2p_stream_id),
      .mmio_range    (mmio_range),
      .config_bits   (config_bits)
  );

  wire is_lock = code == `TDISP_REQ_LOCK_INTERFACE_REQUEST;
  wire is_start = code == `TDISP_REQ_START_INTERFACE_REQUEST;
  wire is_stop = code == `TDISP_REQ_STOP_INTERFACE_REQUEST;
  wire is_bind = code == `TDISP_REQ_BIND_P2P_STREAM_REQUEST;
  wire is_unbind = code == `TDISP_REQ_UNBIND_P2P_STREAM_REQUEST;
  wire is_attribute = code == `TDISP_REQ_SET_MMIO_ATTRIBUTE_REQUEST;
  wire in_run = is_start || is_bind || is_unbind || is_attribute;  // RUN is what it leaves behind
  wire is_config = code == `TDISP_REQ_SET_TDISP_CONFIG_REQUEST;

  // ---------------------------------------------------------------- which TDI
  // The device does not know its segment and accepts any (TDISP-HDR-006).
  localparam [31:0] NUM_TDIS = NUM_TDI;
  localparam [NUM_TDI-1:0] ONE = 1;

  reg found_q;
  reg [TDI_W-1:0] idx_q;
  // The specification says that an SDI is told apart by its PASID, but not where. Here the first DW of
  // the formerly reserved bytes holds it, with a valid bit; without that bit the function is meant.
  localparam SDI_VALID = 31;
  localparam [31:0] PASID_BASE = SDI_PASID;
  wire is_sdi = SDI_EN != 0 && reserved_id[SDI_VALID];
  wire [15:0] function_number = function_id[15:0] - pf_rid;
  wire [19:0] sdi_number = reserved_id[19:0] - PASID_BASE[19:0];
  wire sdi_ok = function_number == 16'd0 && sdi_number[19:16] == 4'd0 && sdi_number != 20'd0;
  wire function_ok = SDI_EN == 0 || function_number == 16'd0;
  wire unused_id = &{1'b0, reserved_id};
  wire [15:0] named_number = is_sdi ? sdi_number[15:0] : function_number;
  wire name_ok = is_sdi ? sdi_ok : function_ok;
  wire [NUM_TDI-1:0] named = name_ok && {16'd0, named_number} < NUM_TDIS ?
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
      .SESSION_W        (SESSION_W),
      .P2P_EN           (P2P_EN),
      .MMIO_ATTRIBUTE_EN(MMIO_ATTRIBUTE_EN),
      .TDISP_CONFIG_EN  (TDISP_CONFIG_EN)
  ) u_checks (
      .count          (count),
      .session        (session),
      .version        (version),
      .code           (code),
      .report_offset  (report_offset),
      .report_length  (report_length),
      .mmio_range     (mmio_range),
      .config_bits    (config_bits),
      .found          (found_q),
      .state          (req_state),
      .owner          (req_session),
      .nonce_match    (nonce_match),
      .lock_allowed   (lock_allowed),
      .lock_error_code(lock_error_code),
      .report_total   (report_total),
      .bind_allowed   (bind_allowed),
      .unbind_allowed (unbind_allowed),
      .memory_page    (memory_page),
      .all_unlocked   (all_unlocked),
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

  wire unlocked = req_state == `TDI_CONFIG_UNLOCKED;
  wire running = req_state == `TDI_RUN;

  // LOCK, BIND and UNBIND are decided in the cycle in which they take effect, and in none in which
  // a configuration write is between announcement and effect (TDISP-LOCK-028) or an access that
  // came while the nonce was made is in work (TDISP-LOCK-019). Everything is looked at again.
  wire still_named = |(named & selected);
  wire decide = state_q == ST_DECIDE && !cfg_write_busy && drained && !scrubbing;
  wire lock_ok = is_lock && lock_allowed && still_named && !session_gone_q;
  wire bind_ok = is_bind && bind_allowed && still_named && running;
  wire unbind_ok = is_unbind && unbind_allowed && still_named && running;
  wire accept = lock_ok || bind_ok || unbind_ok;
  reg [15:0] refusal;

  always @* begin
    refusal = `TDISP_ERR_INVALID_REQUEST;
    if (!still_named) refusal = `TDISP_ERR_INVALID_INTERFACE;
    else if (!is_lock && !running) refusal = `TDISP_ERR_INVALID_INTERFACE_STATE;
    else if (is_lock && !session_gone_q) refusal = lock_error_code;
  end

  wire quieting = state_q == ST_DRAIN || state_q == ST_NONCE || state_q == ST_DECIDE;
  wire stops = state_q == ST_STOP_DRAIN || state_q == ST_STOP_SCRUB || state_q == ST_STOP
      || (state_q == ST_CONFIRM && is_stop);

  assign nonce_start = state_q == ST_DRAIN && state_d == ST_NONCE;
  assign nonce_drop  = state_q == ST_RECEIVE || state_q == ST_FAULT;
  wire carry_out = state_q == ST_CHECK && error == NO_ERROR;
  wire closes = is_attribute && !attribute_open;

  assign lock_req = decide && lock_ok;
  assign bind_req = decide && bind_ok;
  assign unbind_req = decide && unbind_ok;
  assign start_req = carry_out && is_start;
  assign attribute_req = carry_out && is_attribute;
  assign attribute_open = mmio_range[IS_NON_TEE_MEM];
  assign stop_req = state_q == ST_STOP;
  assign quiesce = (quieting && is_lock) || stops ? selected : {NUM_TDI{1'b0}};
  assign hold = quieting && !is_lock ? selected : {NUM_TDI{1'b0}};
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
          if (is_lock || is_bind || is_unbind || closes) state_d = ST_DRAIN;
          else if (is_stop && !unlocked) state_d = ST_STOP_DRAIN;
          else if (is_start || is_attribute) state_d = ST_CONFIRM;
        end
      end
      ST_DRAIN: begin
        if (settle_q && drained && !scrubbing) begin
          state_d = is_lock ? ST_NONCE : is_attribute ? ST_CONFIRM : ST_DECIDE;
        end
      end
      ST_NONCE: begin
        if (nonce_failed) state_d = ST_RESPOND;
        else if (nonce_ready) state_d = ST_DECIDE;
      end
      ST_DECIDE: if (decide) state_d = accept ? ST_CONFIRM : ST_RESPOND;
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
        ST_CHECK:  error_q <= error;
        ST_NONCE:  if (nonce_failed) error_q <= `TDISP_ERR_INSUFFICIENT_ENTROPY;
        ST_DECIDE: if (decide && !accept) error_q <= refusal;
        // An error of the same cycle has won: the request did not take effect.
        ST_CONFIRM: begin
          if (!settle_q && is_lock && unlocked) error_q <= `TDISP_ERR_INVALID_DEVICE_CONFIGURATION;
          if (!settle_q && in_run && !running) error_q <= `TDISP_ERR_INVALID_INTERFACE_STATE;
        end
        default:   error_q <= error_q;
      endcase
    end
  end

  // XT mode is not built and stays off.
  always @(posedge clk) begin
    if (rst) tdisp_config <= 2'b00;
    else if (carry_out && is_config) tdisp_config <= {config_bits[XT_BIT_FOR_LOCKED_MSIX], 1'b0};
  end

  // ---------------------------------------------------------------- response
  reg [1:0] shown_state_q;  // of the moment of the check

  always @(posedge clk) if (state_q == ST_CHECK) shown_state_q <= req_state;

  assign report_capture = state_q == ST_CAPTURE;

  tdisp_response #(
      .P2P_EN           (P2P_EN),
      .MMIO_ATTRIBUTE_EN(MMIO_ATTRIBUTE_EN),
      .TDISP_CONFIG_EN  (TDISP_CONFIG_EN)
  ) u_response (
      .clk             (clk),
      .rst             (rst),
      .active          (state_q == ST_RESPOND),
      .done            (response_done),
      .code            (code),
      .function_id     (count < HEADER_BYTES ? 32'h0 : function_id),
      .sdi_id          (is_sdi && count >= HEADER_BYTES ? {12'h800, reserved_id[19:0]} : 32'h0),
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
