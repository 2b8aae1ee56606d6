// SPDX-License-Identifier: Apache-2.0
//
// dsm: the device security manager: TDISP responder, TDI table, nonces, reports.
//
// Requests come one at a time and are answered one at a time. Errors, ends of sessions and FLRs are
// taken at any time and win over the request in hand. Inside, TDIs are counted; the walls count
// functions, and tdi_span says which of them are a TDI.

`default_nettype none
`include "app_defs.vh"
`include "tdisp_defs.vh"

module dsm #(
    parameter NUM_TDI           = 4,
    parameter TDI_W             = 2,
    parameter NUM_IDE_STREAMS   = 2,
    parameter STREAM_W          = 1,
    parameter SESSION_W         = 2,
    parameter NONCE_TIMEOUT     = 65536,  // cycles to wait for entropy
    parameter P2P_EN            = 1,      // BIND_P2P_STREAM, UNBIND_P2P_STREAM and their LOCK flags
    parameter MMIO_ATTRIBUTE_EN = 1,      // SET_MMIO_ATTRIBUTE, for the memory page
    parameter TDISP_CONFIG_EN   = 0,      // SET_TDISP_CONFIG of later revisions
    parameter WHOLE_DEVICE      = 0,      // 1: the physical function with all its VFs is one TDI
    parameter SDI_EN            = 0,      // 1: TDI n >= 1 is an SDI of the physical function
    parameter SDI_PASID         = 0
) (
    input wire clk,
    input wire rst,

    // TDISP, after the protocol id
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

    input  wire [31:0] entropy_tdata,
    input  wire        entropy_tvalid,
    output wire        entropy_tready,

    input wire                 session_end_valid,
    input wire [SESSION_W-1:0] session_end_idx,

    // Configuration
    input wire [  NUM_TDI-1:0] tdi_present,
    input wire [         15:0] pf_rid,              // TDI n has the Requester ID pf_rid + n
    input wire [         63:0] pf_bar0,
    input wire [         63:0] pf_bar2,
    input wire [         63:0] vf_bar0,
    input wire [         63:0] vf_bar2,
    input wire [  NUM_TDI-1:0] msix_enable,
    input wire [  NUM_TDI-1:0] msix_function_mask,
    input wire [  NUM_TDI-1:0] ats_enable,
    input wire [  NUM_TDI-1:0] tph_enable,
    input wire                 pasid_enable,        // of the PF, for all functions
    input wire                 pri_enable,          // the same
    input wire [3*NUM_TDI-1:0] tph_st_mode,         // bit b of all functions in slice b
    input wire                 lock_config_ok,
    input wire                 cfg_write_busy,

    // IDE streams
    input wire [          NUM_IDE_STREAMS-1:0] ide_enable,
    input wire [        8*NUM_IDE_STREAMS-1:0] ide_stream_id,
    input wire [        3*NUM_IDE_STREAMS-1:0] ide_tc,
    input wire [          NUM_IDE_STREAMS-1:0] ide_default,
    input wire [          NUM_IDE_STREAMS-1:0] ide_rid_valid,
    input wire [       16*NUM_IDE_STREAMS-1:0] ide_rid_base,
    input wire [       16*NUM_IDE_STREAMS-1:0] ide_rid_limit,
    input wire [          NUM_IDE_STREAMS-1:0] ide_addr_valid,
    input wire [       64*NUM_IDE_STREAMS-1:0] ide_addr_base,
    input wire [       64*NUM_IDE_STREAMS-1:0] ide_addr_limit,
    input wire [          NUM_IDE_STREAMS-1:0] stream_secure,
    input wire [          NUM_IDE_STREAMS-1:0] stream_keys_ready,
    input wire [          NUM_IDE_STREAMS-1:0] stream_owner_valid,
    input wire [SESSION_W*NUM_IDE_STREAMS-1:0] stream_owner_session,

    // Errors of TDIs
    input wire [NUM_TDI-1:0] tdi_error_req,
    input wire [        3:0] tdi_error_cause,
    input wire [NUM_TDI-1:0] flr_req,

    output wire [2*NUM_TDI-1:0] tdi_state,
    output wire [STREAM_W*NUM_TDI-1:0] tdi_stream,
    output wire [NUM_TDI-1:0] tdi_msix_locked,
    output wire [NUM_TDI-1:0] tdi_memory_open,  // the memory page is non-TEE now
    output wire [NUM_IDE_STREAMS*NUM_TDI-1:0] tdi_p2p,  // bit NUM_IDE_STREAMS*n+s: block s is bound
    output wire [NUM_TDI-1:0] tdi_redirect,  // ALL_REQUEST_REDIRECT of the lock
    input wire [TDI_W-1:0] p2p_mask_tdi,
    output wire [63:0] p2p_mask,  // of TDI p2p_mask_tdi, one cycle later
    output wire [1:0] tdisp_config,  // of SET_TDISP_CONFIG
    output wire [NUM_TDI-1:0] tdi_quiesce,
    output wire [NUM_TDI-1:0] tdi_hold,
    output wire [NUM_TDI-1:0] tdi_stopping,
    input wire [NUM_TDI-1:0] tdi_drained,
    output wire [NUM_TDI-1:0] tdi_scrub_req,
    input wire [NUM_TDI-1:0] tdi_scrub_busy,
    input wire [TDI_W-1:0] tdi_status_idx,
    output wire [31:0] tdi_status_data
);

  generate
    if (NUM_TDI < 1 || NUM_TDI > 256) begin : g_check_num_tdi
      PARAM_ERROR_NUM_TDI_must_be_1_to_256 u_stop ();
    end
  endgenerate

  localparam NUM_OWNERS = WHOLE_DEVICE != 0 ? 1 : NUM_TDI;
  localparam OWNER_W = WHOLE_DEVICE != 0 ? 1 : TDI_W;

  // Of TDIs, where the ports speak of functions
  wire [NUM_OWNERS-1:0] owner_error_req, owner_drained, owner_scrub_busy, owner_present;
  wire [NUM_OWNERS-1:0] owner_ats_enable, owner_msix_locked, owner_redirect, owner_memory_open;
  wire [NUM_OWNERS-1:0] owner_hold, owner_stopping, owner_tph_wrong;
  wire [2*NUM_OWNERS-1:0] owner_state;
  wire [STREAM_W*NUM_OWNERS-1:0] owner_stream;
  wire [NUM_IDE_STREAMS*NUM_OWNERS-1:0] owner_p2p;
  wire [8:0] others;
  wire [OWNER_W-1:0] req_idx;
  wire lock_req, start_req, stop_req, read_req, req_msix_locked, nonce_match;
  wire attribute_req, attribute_open, bind_req, unbind_req, req_p2p_permitted, all_unlocked;
  wire bind_allowed, unbind_allowed;
  wire [NUM_IDE_STREAMS-1:0] req_p2p, p2p_streams;
  wire [ 7:0] p2p_stream_id;
  wire [63:0] lock_mask;
  wire [51:0] memory_page;
  wire [ 1:0] req_state;
  wire [SESSION_W-1:0] session, req_session;
  wire fault, report_capture;
  wire [63:0] req_offset, lock_offset;
  wire [255:0] nonce, start_nonce;
  wire nonce_start, nonce_drop, nonce_ready, nonce_failed;
  wire [15:0] lock_flags, lock_error_code, report_total, report_at;
  wire [7:0] lock_stream_id, report_data;
  wire lock_allowed;
  wire [STREAM_W-1:0] default_stream;
  wire [NUM_OWNERS-1:0] quiesce, scrub_req, enters_error, in_error;
  wire [NUM_TDI-1:0] span_scrub_req;
  wire whole = WHOLE_DEVICE != 0;

  tdisp_responder #(
      .NUM_TDI          (NUM_OWNERS),
      .TDI_W            (OWNER_W),
      .SESSION_W        (SESSION_W),
      .P2P_EN           (P2P_EN),
      .MMIO_ATTRIBUTE_EN(MMIO_ATTRIBUTE_EN),
      .TDISP_CONFIG_EN  (TDISP_CONFIG_EN),
      .SDI_EN           (SDI_EN),
      .SDI_PASID        (SDI_PASID)
  ) u_responder (
      .clk              (clk),
      .rst              (rst),
      .fault            (fault),
      .tdisp_tdata      (tdisp_tdata),
      .tdisp_tvalid     (tdisp_tvalid),
      .tdisp_tready     (tdisp_tready),
      .tdisp_tlast      (tdisp_tlast),
      .tdisp_session    (tdisp_session),
      .tdisp_rsp_tdata  (tdisp_rsp_tdata),
      .tdisp_rsp_tvalid (tdisp_rsp_tvalid),
      .tdisp_rsp_tready (tdisp_rsp_tready),
      .tdisp_rsp_tlast  (tdisp_rsp_tlast),
      .tdisp_rsp_none   (tdisp_rsp_none),
      .tdi_present      (owner_present),
      .pf_rid           (pf_rid),
      .session_end_valid(session_end_valid),
      .session_end_idx  (session_end_idx),
      .lock_flags       (lock_flags),
      .lock_stream_id   (lock_stream_id),
      .lock_offset      (lock_offset),
      .lock_mask        (lock_mask),
      .lock_allowed     (lock_allowed),
      .lock_error_code  (lock_error_code),
      .cfg_write_busy   (cfg_write_busy),
      .nonce_start      (nonce_start),
      .nonce_drop       (nonce_drop),
      .nonce_ready      (nonce_ready),
      .nonce_failed     (nonce_failed),
      .nonce            (nonce),
      .p2p_stream_id    (p2p_stream_id),
      .bind_allowed     (bind_allowed),
      .unbind_allowed   (unbind_allowed),
      .attribute_open   (attribute_open),
      .memory_page      (memory_page),
      .tdisp_config     (tdisp_config),
      .req_idx          (req_idx),
      .session          (session),
      .lock_req         (lock_req),
      .start_req        (start_req),
      .stop_req         (stop_req),
      .attribute_req    (attribute_req),
      .bind_req         (bind_req),
      .unbind_req       (unbind_req),
      .read_req         (read_req),
      .all_unlocked     (all_unlocked),
      .req_state        (req_state),
      .req_session      (req_session),
      .start_nonce      (start_nonce),
      .nonce_match      (nonce_match),
      .report_capture   (report_capture),
      .report_total     (report_total),
      .report_at        (report_at),
      .report_data      (report_data),
      .quiesce          (quiesce),
      .hold             (owner_hold),
      .stopping         (owner_stopping),
      .scrub_req        (scrub_req),
      .tdi_drained      (owner_drained),
      .tdi_scrub_busy   (owner_scrub_busy)
  );

  nonce_source #(
      .TIMEOUT(NONCE_TIMEOUT)
  ) u_nonce (
      .clk           (clk),
      .rst           (rst),
      .entropy_tdata (entropy_tdata),
      .entropy_tvalid(entropy_tvalid),
      .entropy_tready(entropy_tready),
      .start         (nonce_start),
      .drop          (nonce_drop),
      .ready         (nonce_ready),
      .failed        (nonce_failed),
      .nonce         (nonce)
  );

  // Only No ST Mode is supported. Function 0 counts for every TDI (TDISP-LOCK-015).
  localparam PF = 0;
  wire [NUM_TDI-1:0] st_mode_0 = tph_st_mode[NUM_TDI-1:0];
  wire [NUM_TDI-1:0] st_mode_1 = tph_st_mode[NUM_TDI+:NUM_TDI];
  wire [NUM_TDI-1:0] st_mode_2 = tph_st_mode[2*NUM_TDI+:NUM_TDI];
  wire [NUM_TDI-1:0] tph_wrong = tph_enable & (st_mode_0 | st_mode_1 | st_mode_2);
  wire tph_ok = !tph_wrong[PF] && !owner_tph_wrong[req_idx];

  tdisp_lock_check #(
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W       (STREAM_W),
      .SESSION_W      (SESSION_W),
      .P2P_EN         (P2P_EN)
  ) u_lock_check (
      .flags               (lock_flags),
      .stream_id           (lock_stream_id),
      .session             (session),
      .ide_enable          (ide_enable),
      .ide_stream_id       (ide_stream_id),
      .ide_tc              (ide_tc),
      .ide_default         (ide_default),
      .stream_secure       (stream_secure),
      .stream_keys_ready   (stream_keys_ready),
      .stream_owner_valid  (stream_owner_valid),
      .stream_owner_session(stream_owner_session),
      .lock_config_ok      (lock_config_ok && tph_ok),
      .allow               (lock_allowed),
      .error_code          (lock_error_code),
      .stream              (default_stream)
  );

  tdisp_p2p_check #(
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .SESSION_W      (SESSION_W)
  ) u_p2p_check (
      .stream_id           (p2p_stream_id),
      .session             (session),
      .permitted           (req_p2p_permitted),
      .ats_enable          (owner_ats_enable[req_idx]),
      .bound               (req_p2p),
      .ide_enable          (ide_enable),
      .ide_stream_id       (ide_stream_id),
      .ide_default         (ide_default),
      .ide_rid_valid       (ide_rid_valid),
      .ide_rid_base        (ide_rid_base),
      .ide_rid_limit       (ide_rid_limit),
      .ide_addr_valid      (ide_addr_valid),
      .ide_addr_base       (ide_addr_base),
      .ide_addr_limit      (ide_addr_limit),
      .stream_secure       (stream_secure),
      .stream_keys_ready   (stream_keys_ready),
      .stream_owner_valid  (stream_owner_valid),
      .stream_owner_session(stream_owner_session),
      .bind_allowed        (bind_allowed),
      .unbind_allowed      (unbind_allowed),
      .streams             (p2p_streams)
  );

  tdi_table #(
      .NUM_TDI        (NUM_OWNERS),
      .TDI_W          (OWNER_W),
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W       (STREAM_W),
      .SESSION_W      (SESSION_W),
      .P2P_EN         (P2P_EN)
  ) u_table (
      .clk              (clk),
      .rst              (rst),
      .req_idx          (req_idx),
      .lock_req         (lock_req),
      .start_req        (start_req),
      .stop_req         (stop_req),
      .attribute_req    (attribute_req),
      .bind_req         (bind_req),
      .unbind_req       (unbind_req),
      .lock_session     (session),
      .lock_stream      (default_stream),
      .lock_msix        (lock_flags[`TDISP_LOCK_BIT_LOCK_MSIX]),
      .lock_p2p         (lock_flags[`TDISP_LOCK_BIT_BIND_P2P]),
      .lock_redirect    (lock_flags[`TDISP_LOCK_BIT_ALL_REQUEST_REDIRECT]),
      .lock_offset      (lock_offset),
      .lock_mask        (lock_mask),
      .lock_nonce       (nonce),
      .attribute_open   (attribute_open),
      .p2p_streams      (p2p_streams),
      .req_state        (req_state),
      .req_session      (req_session),
      .req_msix_locked  (req_msix_locked),
      .req_p2p_permitted(req_p2p_permitted),
      .req_p2p          (req_p2p),
      .read_req         (read_req),
      .start_nonce      (start_nonce),
      .nonce_match      (nonce_match),
      .req_offset       (req_offset),
      .error_req        (owner_error_req),
      .error_cause      (tdi_error_cause),
      .session_end_valid(session_end_valid),
      .session_end_idx  (session_end_idx),
      .dsm_fault        (fault),
      .tdi_state        (owner_state),
      .tdi_stream       (owner_stream),
      .tdi_msix_locked  (owner_msix_locked),
      .tdi_redirect     (owner_redirect),
      .tdi_memory_open  (owner_memory_open),
      .tdi_p2p          (owner_p2p),
      .p2p_mask_tdi     (whole ? {OWNER_W{1'b0}} : p2p_mask_tdi[OWNER_W-1:0]),
      .p2p_mask         (p2p_mask),
      .all_unlocked     (all_unlocked),
      .in_error         (in_error),
      .enters_error     (enters_error),
      .status_idx       (whole ? {OWNER_W{1'b0}} : tdi_status_idx[OWNER_W-1:0]),
      .status_data      (tdi_status_data)
  );

  // ---------------------------------------------------------------- report
  wire [63:0] vf_number = {{(64 - OWNER_W) {1'b0}}, req_idx} - 64'd1;
  wire is_pf = req_idx == {OWNER_W{1'b0}};
  wire [63:0] bar0 = is_pf ? pf_bar0 : vf_bar0 + vf_number * `APP_BAR0_SIZE;
  wire [63:0] bar2 = is_pf ? pf_bar2 : vf_bar2 + vf_number * `APP_BAR2_SIZE;

  // Message Control and TPH Requester Control as the capabilities of the function show them; of a
  // whole device, those of the physical function
  localparam [10:0] TABLE_SIZE = `APP_MSIX_VECTORS - 1;
  wire [NUM_OWNERS-1:0] owner_msix_enable = msix_enable[NUM_OWNERS-1:0];
  wire [NUM_OWNERS-1:0] owner_msix_mask = msix_function_mask[NUM_OWNERS-1:0];
  wire [15:0] msix_control = {
    owner_msix_enable[req_idx], owner_msix_mask[req_idx], 3'd0, TABLE_SIZE
  };

  wire [NUM_OWNERS-1:0] owner_tph_enable = tph_enable[NUM_OWNERS-1:0];
  wire [NUM_OWNERS-1:0] owner_st_mode_0 = st_mode_0[NUM_OWNERS-1:0];
  wire [NUM_OWNERS-1:0] owner_st_mode_1 = st_mode_1[NUM_OWNERS-1:0];
  wire [NUM_OWNERS-1:0] owner_st_mode_2 = st_mode_2[NUM_OWNERS-1:0];
  wire [8:0] tph_control = {
    owner_tph_enable[req_idx],
    5'd0,
    owner_st_mode_2[req_idx],
    owner_st_mode_1[req_idx],
    owner_st_mode_0[req_idx]
  };

  localparam [OWNER_W-1:0] FIRST = {OWNER_W{1'b0}};

  tdisp_report #(
      .MMIO_ATTRIBUTE_EN(MMIO_ATTRIBUTE_EN)
  ) u_report (
      .clk         (clk),
      .capture     (report_capture),
      .bar0        (bar0),
      .bar2        (bar2),
      .others      (others),
      .vf_bar0     (vf_bar0),
      .vf_bar2     (vf_bar2),
      .offset      (req_offset),
      .msix_locked (req_msix_locked),
      .msix_control(msix_control),
      .tph_control (tph_control),
      .ats_enable  (owner_ats_enable[req_idx]),
      .pasid_enable(pasid_enable),
      .pri_enable  (pri_enable),
      .sdi         (SDI_EN != 0 && req_idx != FIRST),
      .memory_page (memory_page),
      .total       (report_total),
      .at          (report_at),
      .data        (report_data)
  );

  // ---------------------------------------------------------------- function
  tdi_span #(
      .NUM_TDI        (NUM_TDI),
      .NUM_OWNERS     (NUM_OWNERS),
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W       (STREAM_W)
  ) u_span (
      .error_req        (tdi_error_req),
      .drained          (tdi_drained),
      .scrub_busy       (tdi_scrub_busy),
      .present          (tdi_present),
      .ats_enable       (ats_enable),
      .tph_wrong        (tph_wrong),
      .owner_tph_wrong  (owner_tph_wrong),
      .owner_error_req  (owner_error_req),
      .owner_drained    (owner_drained),
      .owner_scrub_busy (owner_scrub_busy),
      .owner_present    (owner_present),
      .owner_ats_enable (owner_ats_enable),
      .owner_state      (owner_state),
      .owner_stream     (owner_stream),
      .owner_p2p        (owner_p2p),
      .owner_msix_locked(owner_msix_locked),
      .owner_redirect   (owner_redirect),
      .owner_memory_open(owner_memory_open),
      .owner_quiesce    (quiesce | in_error),
      .owner_hold       (owner_hold),
      .owner_stopping   (owner_stopping),
      .owner_scrub_req  (scrub_req | enters_error),
      .state            (tdi_state),
      .stream           (tdi_stream),
      .p2p              (tdi_p2p),
      .msix_locked      (tdi_msix_locked),
      .redirect         (tdi_redirect),
      .memory_open      (tdi_memory_open),
      .quiesce          (tdi_quiesce),
      .hold             (tdi_hold),
      .stopping         (tdi_stopping),
      .scrub_req        (span_scrub_req),
      .others           (others)
  );

  // ERROR and FLR clear at once; STOP clears again before it answers. A VF that goes away leaves
  // nothing to the one that comes.
  reg [NUM_TDI-1:0] present_q;

  always @(posedge clk) present_q <= rst ? {NUM_TDI{1'b0}} : tdi_present;

  assign tdi_scrub_req = span_scrub_req | flr_req | (present_q & ~tdi_present);

  // Of a whole device
  wire unused = &{1'b0, p2p_mask_tdi, tdi_status_idx, msix_enable, msix_function_mask};

endmodule

`default_nettype wire
