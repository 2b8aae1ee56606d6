// SPDX-License-Identifier: Apache-2.0
//
// doe_spdm: everything between the DOE mailbox and those who answer its messages.
//
// One object at a time: headers and Discovery (doe_router), secured records (record_open,
// record_seal with the keys of session_table), and the way to the root of trust and to the IDE_KM
// and TDISP responders (spdm_message). A record that fails its check is answered with DecryptError
// under the session's own key and ends the session; it has no other effect (SEC-REC-007). So does a
// record on which the cipher breaks down, whichever way it goes; the cipher begins anew.

`default_nettype none

module doe_spdm #(
    parameter NUM_SESSIONS = 4,
    parameter SESSION_W = 2,
    parameter DOE_DWORDS = 1152,
    parameter SPDM_VERSION = 8'h12  // that the root of trust negotiates
) (
    input wire clk,
    input wire rst,

    // DOE objects
    input  wire [31:0] s_axis_doe_tdata,
    input  wire        s_axis_doe_tvalid,
    output wire        s_axis_doe_tready,
    input  wire        s_axis_doe_tlast,
    output wire [31:0] m_axis_doe_tdata,
    output wire        m_axis_doe_tvalid,
    input  wire        m_axis_doe_tready,
    output wire        m_axis_doe_tlast,
    output wire        doe_rsp_none,

    // Root of trust
    output wire [31:0] m_axis_rot_tdata,
    output wire [ 3:0] m_axis_rot_tkeep,
    output wire        m_axis_rot_tvalid,
    input  wire        m_axis_rot_tready,
    output wire        m_axis_rot_tlast,
    output wire [32:0] m_axis_rot_tuser,
    input  wire [31:0] s_axis_rot_tdata,
    input  wire [ 3:0] s_axis_rot_tkeep,
    input  wire        s_axis_rot_tvalid,
    output wire        s_axis_rot_tready,
    input  wire        s_axis_rot_tlast,
    input  wire        s_axis_rot_tuser,

    // Session keys
    input  wire         rot_key_valid,
    output wire         rot_key_ready,
    input  wire [  1:0] rot_key_op,
    input  wire [ 31:0] rot_key_session_id,
    input  wire         rot_key_direction,
    input  wire         rot_key_application,
    input  wire         rot_key_deferred,
    input  wire [255:0] rot_key_key,
    input  wire [ 95:0] rot_key_iv,
    output wire         rot_session_ended_valid,
    output wire [ 31:0] rot_session_ended_id,

    output wire                 session_end_valid,
    output wire [SESSION_W-1:0] session_end_idx,

    // IDE_KM and TDISP responders
    output wire [          7:0] vdm_tdata,
    output wire                 vdm_tlast,
    output wire [SESSION_W-1:0] vdm_session,
    output wire                 idekm_tvalid,
    input  wire                 idekm_tready,
    input  wire [          7:0] idekm_rsp_tdata,
    input  wire                 idekm_rsp_tvalid,
    output wire                 idekm_rsp_tready,
    input  wire                 idekm_rsp_tlast,
    input  wire                 idekm_rsp_none,
    output wire                 tdisp_tvalid,
    input  wire                 tdisp_tready,
    input  wire [          7:0] tdisp_rsp_tdata,
    input  wire                 tdisp_rsp_tvalid,
    output wire                 tdisp_rsp_tready,
    input  wire                 tdisp_rsp_tlast,
    input  wire                 tdisp_rsp_none
);

  function automatic integer clog2(input integer value);
    integer i;
    begin
      clog2 = 1;
      for (i = 2; i < 32; i = i + 1) if ((1 << (i - 1)) < value) clog2 = i;
    end
  endfunction

  localparam ADDR_W = clog2(DOE_DWORDS);
  localparam MAX_BYTES = 4 * DOE_DWORDS;
  localparam [31:0] BYTES = MAX_BYTES;
  localparam [31:0] LAST = DOE_DWORDS - 1;
  localparam [ADDR_W-1:0] LAST_ADDR = LAST[ADDR_W-1:0];
  localparam [15:0] LENGTH_BYTES = 16'd2;
  localparam [15:0] RAM_BYTES = BYTES[15:0];

  generate
    if (NUM_SESSIONS < 1 || NUM_SESSIONS > 1 << SESSION_W) begin : g_check_num_sessions
      PARAM_ERROR_NUM_SESSIONS_must_fit_SESSION_W u_stop ();
    end
    if (DOE_DWORDS < 64 || DOE_DWORDS > 8192) begin : g_check_doe_dwords
      PARAM_ERROR_DOE_DWORDS_must_be_64_to_8192 u_stop ();
    end
  endgenerate

  localparam [9:0] ST_WIPE = 10'b0000000001;
  localparam [9:0] ST_IDLE = 10'b0000000010;
  localparam [9:0] ST_LOAD = 10'b0000000100;
  localparam [9:0] ST_OPEN = 10'b0000001000;
  localparam [9:0] ST_MESSAGE = 10'b0000010000;
  localparam [9:0] ST_CHOOSE = 10'b0000100000;
  localparam [9:0] ST_PLAIN = 10'b0001000000;
  localparam [9:0] ST_SEAL = 10'b0010000000;
  localparam [9:0] ST_NONE = 10'b0100000000;
  localparam [9:0] ST_END = 10'b1000000000;

  reg [9:0] state_q, state_d;
  reg secured_q;
  reg failed_q;  // the record failed its check: answer, then end the session
  reg wipe_due_q;
  reg exhausted_q;  // no sequence number is left for the answer
  reg gone_q;  // the root of trust has ended the session while it answered
  reg too_long_q;
  reg [15:0] app_len_q;
  reg [ADDR_W-1:0] wipe_addr_q;

  // ---------------------------------------------------------------- headers
  wire [7:0] payload_tdata;
  wire payload_tvalid, payload_tready, payload_tlast, payload_secured;
  wire answer_valid, answer_none, answer_tvalid, answer_tready;
  wire [15:0] answer_len;
  wire [ 7:0] answer_tdata;

  doe_router u_router (
      .clk              (clk),
      .rst              (rst),
      .s_axis_doe_tdata (s_axis_doe_tdata),
      .s_axis_doe_tvalid(s_axis_doe_tvalid),
      .s_axis_doe_tready(s_axis_doe_tready),
      .s_axis_doe_tlast (s_axis_doe_tlast),
      .m_axis_doe_tdata (m_axis_doe_tdata),
      .m_axis_doe_tvalid(m_axis_doe_tvalid),
      .m_axis_doe_tready(m_axis_doe_tready),
      .m_axis_doe_tlast (m_axis_doe_tlast),
      .doe_rsp_none     (doe_rsp_none),
      .payload_tdata    (payload_tdata),
      .payload_tvalid   (payload_tvalid),
      .payload_tready   (payload_tready),
      .payload_tlast    (payload_tlast),
      .payload_secured  (payload_secured),
      .answer_valid     (answer_valid),
      .answer_none      (answer_none),
      .answer_len       (answer_len),
      .answer_tdata     (answer_tdata),
      .answer_tvalid    (answer_tvalid),
      .answer_tready    (answer_tready)
  );

  // ---------------------------------------------------------------- sessions
  wire [31:0] lookup_id, use_id;
  wire lookup_hit, use_known, use_valid, established, use_exhausted;
  wire [SESSION_W-1:0] lookup_idx, session_idx;
  wire [255:0] use_key;
  wire [ 95:0] use_nonce;
  wire open_count, seal_count, at_rot, ending;
  wire answering = state_q == ST_SEAL || state_q == ST_CHOOSE;
  wire request_done = state_q == ST_END;
  wire its_end = session_end_valid && secured_q && session_end_idx == session_idx;
  wire sealable = use_valid && !use_exhausted && !gone_q;
  wire end_req = state_q == ST_END && (failed_q || exhausted_q) && use_known && !gone_q;

  session_table #(
      .NUM_SESSIONS(NUM_SESSIONS),
      .SESSION_W   (SESSION_W)
  ) u_sessions (
      .clk                    (clk),
      .rst                    (rst),
      .rot_key_valid          (rot_key_valid),
      .rot_key_ready          (rot_key_ready),
      .rot_key_op             (rot_key_op),
      .rot_key_session_id     (rot_key_session_id),
      .rot_key_direction      (rot_key_direction),
      .rot_key_application    (rot_key_application),
      .rot_key_deferred       (rot_key_deferred),
      .rot_key_key            (rot_key_key),
      .rot_key_iv             (rot_key_iv),
      .keys_open              (at_rot || state_q == ST_IDLE),
      .request_done           (request_done),
      .lookup_id              (lookup_id),
      .lookup_hit             (lookup_hit),
      .lookup_idx             (lookup_idx),
      .use_idx                (session_idx),
      .use_direction          (answering),
      .use_known              (use_known),
      .use_valid              (use_valid),
      .established            (established),
      .use_id                 (use_id),
      .use_key                (use_key),
      .use_nonce              (use_nonce),
      .use_exhausted          (use_exhausted),
      .use_count              (open_count || seal_count),
      .end_req                (end_req),
      .ending                 (ending),
      .session_end_valid      (session_end_valid),
      .session_end_idx        (session_end_idx),
      .rot_session_ended_valid(rot_session_ended_valid),
      .rot_session_ended_id   (rot_session_ended_id)
  );

  assign vdm_session = session_idx;

  // ---------------------------------------------------------------- record cipher
  wire sealing = state_q == ST_SEAL;
  wire gcm_start_valid, gcm_start_ready, gcm_s_tvalid, gcm_s_tready, gcm_s_tlast;
  wire gcm_m_tvalid, gcm_m_tready, gcm_m_tlast, gcm_tag_valid, gcm_tag_ready;
  wire [47:0] open_aad, seal_aad;
  wire [15:0] open_gcm_len, seal_gcm_len;
  wire [31:0] open_s_tdata, seal_s_tdata, gcm_m_tdata;
  wire [3:0] open_s_tkeep, seal_s_tkeep, gcm_m_tkeep;
  wire [127:0] gcm_tag;
  wire open_start_valid, open_s_tvalid, open_s_tlast, open_tag_ready;
  wire seal_start_valid, seal_s_tvalid, seal_s_tlast, seal_tag_ready, seal_m_tready;
  wire gcm_fault;
  reg  gcm_restart_q;

  // Nothing of a record may be left in the cipher when the next one comes.
  always @(posedge clk) begin
    if (rst) gcm_restart_q <= 1'b1;
    else gcm_restart_q <= gcm_fault || state_q == ST_IDLE;
  end

  assign gcm_start_valid = sealing ? seal_start_valid : open_start_valid && use_valid
      && !use_exhausted;
  assign gcm_s_tvalid = sealing ? seal_s_tvalid : open_s_tvalid;
  assign gcm_s_tlast = sealing ? seal_s_tlast : open_s_tlast;
  assign gcm_m_tready = sealing ? seal_m_tready : 1'b1;
  assign gcm_tag_ready = sealing ? seal_tag_ready : open_tag_ready;

  gcm_iter u_gcm (
      .clk          (clk),
      .rst          (rst || gcm_restart_q),
      .fault        (gcm_fault),
      .start_valid  (gcm_start_valid),
      .start_ready  (gcm_start_ready),
      .key          (use_key),
      .iv           (use_nonce),
      .aad          (sealing ? seal_aad : open_aad),
      .start_decrypt(!sealing),
      .start_len    (sealing ? seal_gcm_len : open_gcm_len),
      .s_axis_tdata (sealing ? seal_s_tdata : open_s_tdata),
      .s_axis_tkeep (sealing ? seal_s_tkeep : open_s_tkeep),
      .s_axis_tvalid(gcm_s_tvalid),
      .s_axis_tready(gcm_s_tready),
      .s_axis_tlast (gcm_s_tlast),
      .m_axis_tdata (gcm_m_tdata),
      .m_axis_tkeep (gcm_m_tkeep),
      .m_axis_tvalid(gcm_m_tvalid),
      .m_axis_tready(gcm_m_tready),
      .m_axis_tlast (gcm_m_tlast),
      .tag_valid    (gcm_tag_valid),
      .tag_ready    (gcm_tag_ready),
      .tag          (gcm_tag)
  );

  // ---------------------------------------------------------------- opening a record
  wire opened, open_failed, unknown, open_tready;
  wire [15:0] opened_len;
  reg [15:0] plain_length_q;
  reg [ADDR_W-1:0] plain_addr_q;
  wire begin_open = state_q == ST_IDLE && state_d == ST_OPEN;

  record_open #(
      .MAX_BYTES(MAX_BYTES),
      .SESSION_W(SESSION_W)
  ) u_open (
      .clk            (clk),
      .rst            (rst),
      .payload_tdata  (payload_tdata),
      .payload_tvalid (payload_tvalid && state_q == ST_OPEN),
      .payload_tready (open_tready),
      .payload_tlast  (payload_tlast),
      .start          (begin_open),
      .lookup_id      (lookup_id),
      .lookup_hit     (lookup_hit),
      .lookup_idx     (lookup_idx),
      .session_idx    (session_idx),
      .use_valid      (use_valid),
      .use_exhausted  (use_exhausted),
      .use_count      (open_count),
      .gcm_start_valid(open_start_valid),
      .gcm_start_ready(gcm_start_ready && !sealing),
      .gcm_start_len  (open_gcm_len),
      .gcm_aad        (open_aad),
      .gcm_s_tdata    (open_s_tdata),
      .gcm_s_tkeep    (open_s_tkeep),
      .gcm_s_tvalid   (open_s_tvalid),
      .gcm_s_tready   (gcm_s_tready && !sealing),
      .gcm_s_tlast    (open_s_tlast),
      .gcm_m_tvalid   (gcm_m_tvalid && !sealing),
      .gcm_m_tlast    (gcm_m_tlast),
      .gcm_tag_valid  (gcm_tag_valid && !sealing),
      .gcm_tag_ready  (open_tag_ready),
      .gcm_tag        (gcm_tag),
      .gcm_fault      (gcm_fault),
      .plain_length   (plain_length_q),
      .opened         (opened),
      .failed         (open_failed),
      .unknown        (unknown),
      .app_len        (opened_len)
  );

  wire plain_write = state_q == ST_OPEN && gcm_m_tvalid;

  always @(posedge clk) begin
    if (state_q == ST_IDLE) begin
      plain_addr_q   <= {ADDR_W{1'b0}};
      plain_length_q <= 16'd0;
    end else if (plain_write) begin
      plain_addr_q <= plain_addr_q + 1'b1;
      if (plain_addr_q == {ADDR_W{1'b0}}) plain_length_q <= gcm_m_tdata[15:0];
    end
  end

  assign payload_tready = state_q == ST_LOAD || (state_q == ST_OPEN && open_tready);

  // ---------------------------------------------------------------- message
  wire begin_message = state_q != ST_MESSAGE && state_d == ST_MESSAGE;
  reg message_start_q, message_error_q;
  wire message_done, message_none, message_write;
  wire [15:0] message_answer_len, message_write_byte;
  wire [7:0] message_write_data;
  wire [ADDR_W-1:0] message_read_addr, seal_read_addr;
  wire [31:0] ram_read_data;

  always @(posedge clk) begin
    if (rst) begin
      message_start_q <= 1'b0;
      message_error_q <= 1'b0;
    end else begin
      message_start_q <= begin_message && !open_failed;
      message_error_q <= begin_message && open_failed;
    end
  end

  spdm_message #(
      .MAX_BYTES   (MAX_BYTES),
      .ADDR_W      (ADDR_W),
      .SPDM_VERSION(SPDM_VERSION)
  ) u_message (
      .clk              (clk),
      .rst              (rst),
      .start            (message_start_q),
      .start_error      (message_error_q),
      .app_len          (app_len_q),
      .secured          (secured_q),
      .established      (established),
      .session_id       (use_id),
      .done             (message_done),
      .none             (message_none),
      .answer_len       (message_answer_len),
      .at_rot           (at_rot),
      .read_addr        (message_read_addr),
      .read_data        (ram_read_data),
      .write_valid      (message_write),
      .write_byte       (message_write_byte),
      .write_data       (message_write_data),
      .m_axis_rot_tdata (m_axis_rot_tdata),
      .m_axis_rot_tkeep (m_axis_rot_tkeep),
      .m_axis_rot_tvalid(m_axis_rot_tvalid),
      .m_axis_rot_tready(m_axis_rot_tready),
      .m_axis_rot_tlast (m_axis_rot_tlast),
      .m_axis_rot_tuser (m_axis_rot_tuser),
      .s_axis_rot_tdata (s_axis_rot_tdata),
      .s_axis_rot_tkeep (s_axis_rot_tkeep),
      .s_axis_rot_tvalid(s_axis_rot_tvalid),
      .s_axis_rot_tready(s_axis_rot_tready),
      .s_axis_rot_tlast (s_axis_rot_tlast),
      .s_axis_rot_tuser (s_axis_rot_tuser),
      .vdm_tdata        (vdm_tdata),
      .vdm_tlast        (vdm_tlast),
      .idekm_tvalid     (idekm_tvalid),
      .idekm_tready     (idekm_tready),
      .idekm_rsp_tdata  (idekm_rsp_tdata),
      .idekm_rsp_tvalid (idekm_rsp_tvalid),
      .idekm_rsp_tready (idekm_rsp_tready),
      .idekm_rsp_tlast  (idekm_rsp_tlast),
      .idekm_rsp_none   (idekm_rsp_none),
      .tdisp_tvalid     (tdisp_tvalid),
      .tdisp_tready     (tdisp_tready),
      .tdisp_rsp_tdata  (tdisp_rsp_tdata),
      .tdisp_rsp_tvalid (tdisp_rsp_tvalid),
      .tdisp_rsp_tready (tdisp_rsp_tready),
      .tdisp_rsp_tlast  (tdisp_rsp_tlast),
      .tdisp_rsp_none   (tdisp_rsp_none)
  );

  // ---------------------------------------------------------------- sealing a record
  wire seal_done;
  wire [15:0] record_len;
  wire [7:0] seal_tdata;
  wire seal_tvalid;
  reg seal_start_q;

  always @(posedge clk) begin
    if (rst) seal_start_q <= 1'b0;
    else seal_start_q <= state_q == ST_CHOOSE && state_d == ST_SEAL;
  end

  record_seal #(
      .ADDR_W(ADDR_W)
  ) u_seal (
      .clk            (clk),
      .rst            (rst),
      .start          (seal_start_q),
      .app_len        (app_len_q),
      .session_id     (use_id),
      .done           (seal_done),
      .record_len     (record_len),
      .read_addr      (seal_read_addr),
      .read_data      (ram_read_data),
      .gcm_start_valid(seal_start_valid),
      .gcm_start_ready(gcm_start_ready && sealing),
      .gcm_start_len  (seal_gcm_len),
      .gcm_aad        (seal_aad),
      .gcm_s_tdata    (seal_s_tdata),
      .gcm_s_tkeep    (seal_s_tkeep),
      .gcm_s_tvalid   (seal_s_tvalid),
      .gcm_s_tready   (gcm_s_tready && sealing),
      .gcm_s_tlast    (seal_s_tlast),
      .gcm_m_tdata    (gcm_m_tdata),
      .gcm_m_tvalid   (gcm_m_tvalid && sealing),
      .gcm_m_tready   (seal_m_tready),
      .gcm_tag_valid  (gcm_tag_valid && sealing),
      .gcm_tag_ready  (seal_tag_ready),
      .gcm_tag        (gcm_tag),
      .gcm_fault      (gcm_fault),
      .use_count      (seal_count),
      .answer_tdata   (seal_tdata),
      .answer_tvalid  (seal_tvalid),
      .answer_tready  (answer_tready && sealing)
  );

  // ---------------------------------------------------------------- plain answer
  reg [15:0] plain_ptr_q;  // byte of the RAM that goes out next
  reg plain_have_q;
  wire plain_tvalid = state_q == ST_PLAIN && plain_have_q;
  wire plain_take = plain_tvalid && answer_tready;
  wire plain_last = plain_ptr_q == app_len_q + LENGTH_BYTES - 16'd1;

  always @(posedge clk) begin
    if (state_q != ST_PLAIN) begin
      plain_ptr_q  <= LENGTH_BYTES;
      plain_have_q <= 1'b0;
    end else begin
      if (plain_take) plain_ptr_q <= plain_ptr_q + 16'd1;
      plain_have_q <= !(plain_take && plain_ptr_q[1:0] == 2'd3);
    end
  end

  assign answer_valid  = state_q == ST_PLAIN || state_q == ST_SEAL;
  assign answer_none   = state_q == ST_NONE;
  assign answer_len    = sealing ? record_len : app_len_q;
  assign answer_tvalid = sealing ? seal_tvalid : plain_tvalid;
  assign answer_tdata  = sealing ? seal_tdata : ram_read_data[8*plain_ptr_q[1:0]+:8];

  // ---------------------------------------------------------------- message RAM
  wire [15:0] load_byte = app_len_q + LENGTH_BYTES;
  wire load_fits = load_byte < RAM_BYTES;
  wire load_write = state_q == ST_LOAD && payload_tvalid && load_fits;
  wire byte_write = message_write || load_write;
  wire [15:0] write_byte = message_write ? message_write_byte : load_byte;
  wire [7:0] write_data = message_write ? message_write_data : payload_tdata;
  wire wiping = state_q == ST_WIPE;

  message_ram #(
      .DWORDS(DOE_DWORDS),
      .ADDR_W(ADDR_W)
  ) u_ram (
      .clk(clk),
      .write_en(plain_write || wiping ? 4'hf : byte_write ? 4'h1 << write_byte[1:0] : 4'h0),
      .write_addr(wiping ? wipe_addr_q : plain_write ? plain_addr_q : write_byte[ADDR_W+1:2]),
      .write_data(wiping ? 32'h0 : plain_write ? gcm_m_tdata : {4{write_data}}),
      .read_addr (sealing ? seal_read_addr
          : state_q == ST_PLAIN ? plain_ptr_q[ADDR_W+1:2] : message_read_addr),
      .read_data(ram_read_data)
  );

  // ---------------------------------------------------------------- order of things
  always @* begin
    state_d = state_q;
    case (state_q)
      ST_WIPE: if (wipe_addr_q == LAST_ADDR) state_d = ST_IDLE;
      ST_IDLE: begin
        if (wipe_due_q) state_d = ST_WIPE;
        else if (payload_tvalid && !rot_key_valid && !ending && !session_end_valid)
          state_d = payload_secured ? ST_OPEN : ST_LOAD;
      end
      ST_LOAD:
      if (payload_tvalid && payload_tlast)
        state_d = too_long_q || !load_fits ? ST_NONE : ST_MESSAGE;
      ST_OPEN: begin
        if (unknown) state_d = ST_NONE;
        else if (opened || open_failed) state_d = ST_MESSAGE;
      end
      ST_MESSAGE: if (message_done) state_d = message_none ? ST_NONE : ST_CHOOSE;
      ST_CHOOSE: begin
        if (ending) state_d = ST_CHOOSE;
        else if (!secured_q) state_d = ST_PLAIN;
        else state_d = sealable ? ST_SEAL : ST_NONE;
      end
      ST_PLAIN: if (plain_take && plain_last) state_d = ST_END;
      ST_SEAL: if (seal_done) state_d = ST_END;
      ST_NONE: state_d = ST_END;
      ST_END: state_d = ST_IDLE;
      default: state_d = ST_WIPE;
    endcase
  end

  always @(posedge clk) begin
    if (rst) begin
      state_q     <= ST_WIPE;
      secured_q   <= 1'b0;
      failed_q    <= 1'b0;
      wipe_due_q  <= 1'b0;
      exhausted_q <= 1'b0;
      gone_q      <= 1'b0;
      too_long_q  <= 1'b0;
      app_len_q   <= 16'd0;
      wipe_addr_q <= {ADDR_W{1'b0}};
    end else begin
      state_q     <= state_d;
      wipe_addr_q <= wiping && wipe_addr_q != LAST_ADDR ? wipe_addr_q + 1'b1 : {ADDR_W{1'b0}};
      // Messages of IDE_KM and TDISP carry keys and nonces (IDE-KEY-008, TDISP-START-005).
      if (session_end_valid || idekm_tvalid || tdisp_tvalid) wipe_due_q <= 1'b1;
      else if (wiping) wipe_due_q <= 1'b0;
      case (state_q)
        ST_IDLE: begin
          secured_q   <= payload_secured;
          failed_q    <= 1'b0;
          exhausted_q <= 1'b0;
          gone_q      <= 1'b0;
          too_long_q  <= 1'b0;
          app_len_q   <= 16'd0;
        end
        ST_LOAD:
        if (payload_tvalid) begin
          if (load_fits) app_len_q <= app_len_q + 16'd1;
          else too_long_q <= 1'b1;
        end
        ST_OPEN: begin
          failed_q <= open_failed;
          if (opened) app_len_q <= opened_len;
        end
        ST_MESSAGE: begin
          if (message_done) app_len_q <= message_answer_len;
          if (its_end) gone_q <= 1'b1;
        end
        ST_CHOOSE: begin
          exhausted_q <= secured_q && use_valid && use_exhausted;
          if (its_end) gone_q <= 1'b1;
        end
        ST_SEAL: if (gcm_fault) failed_q <= 1'b1;
        default: secured_q <= secured_q;
      endcase
    end
  end

  wire unused = &{1'b0, gcm_m_tkeep, write_byte[15:ADDR_W+2], plain_ptr_q[15:ADDR_W+2]};

endmodule

`default_nettype wire
