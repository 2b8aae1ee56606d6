// SPDX-License-Identifier: Apache-2.0
//
// tdisp_device: a PCIe endpoint with SR-IOV whose functions are TEE device interfaces (TDIs).
//
// TDI 0 is the physical function, TDI n is virtual function n, unless WHOLE_DEVICE makes all of them
// one TDI. The link side carries raw TLPs in wire byte order, one per AXI4-Stream packet, between
// the transaction and the data link layer. Keys enter through the RoT port and IDE_KM only and have
// no way out.

`default_nettype none

module tdisp_device #(
    parameter DATA_W = 128,  // link data width in bits
    parameter NUM_TDI = 4,  // physical function and NUM_TDI - 1 virtual functions
    parameter WHOLE_DEVICE = 0,  // 1: all functions are one TDI, named by the first
    parameter ROM_EN = 1,  // Expansion ROM of the physical function
    parameter TPH_EN = 1,  // TPH Requester capability of every function
    parameter MSI_EN = 1,  // MSI capability of every function, besides MSI-X
    parameter NUM_IDE_STREAMS = 2,  // selective IDE streams
    parameter NUM_SESSIONS = 4,  // secured SPDM sessions
    parameter MAX_PAYLOAD = 512,  // bytes of data in one TLP, as Device Capabilities says
    parameter DOE_DWORDS = 1152,  // longest DOE object, in DW with its header
    parameter CPL_TIMEOUT = 100000,  // cycles until an outstanding read counts as lost
    parameter VENDOR_ID = 16'h1234,
    parameter DEVICE_ID = 16'h7d15,
    parameter PF_FUNCTION = 0,  // Requester ID of the physical function without its bus
    parameter IDE_PORT_INDEX = 0,  // port index of IDE_KM that is answered besides 0
    // Optional requests of TDISP, 1: built. REQ_MSGS_SUPPORTED and the lock flags say what is.
    parameter P2P_EN = 1,  // BIND_P2P_STREAM, UNBIND_P2P_STREAM and their LOCK flags
    parameter MMIO_ATTRIBUTE_EN = 1,  // SET_MMIO_ATTRIBUTE, for the page of memory
    parameter TDISP_CONFIG_EN = 0,  // SET_TDISP_CONFIG of later revisions, without XT mode
    parameter PASID_EN = 0,  // 1: PASID capability, requests with PASID
    parameter PRI_EN = 0,  // 1: Page Request capability, Page Requests
    parameter SDI_EN = 0,  // 1: NUM_TDI - 1 SDIs instead of virtual functions
    parameter SDI_PASID = 0  // SDI n has the PASID SDI_PASID + n
) (
    input wire clk,
    input wire rst,     // conventional reset
    input wire link_up, // data link layer is up

    // Uncorrectable internal errors that logic around this core has found, by the TDI that they
    // touch; a pulse or a level
    input wire [NUM_TDI-1:0] internal_error,

    // TLPs from the link
    input  wire [  DATA_W-1:0] s_axis_rx_tdata,
    input  wire [DATA_W/8-1:0] s_axis_rx_tkeep,
    input  wire                s_axis_rx_tvalid,
    output wire                s_axis_rx_tready,
    input  wire                s_axis_rx_tlast,

    // TLPs to the link
    output wire [  DATA_W-1:0] m_axis_tx_tdata,
    output wire [DATA_W/8-1:0] m_axis_tx_tkeep,
    output wire                m_axis_tx_tvalid,
    input  wire                m_axis_tx_tready,
    output wire                m_axis_tx_tlast,

    // SPDM messages to the root of trust; tuser = {secured, session id}
    output wire [31:0] m_axis_rot_tdata,
    output wire [ 3:0] m_axis_rot_tkeep,
    output wire        m_axis_rot_tvalid,
    input  wire        m_axis_rot_tready,
    output wire        m_axis_rot_tlast,
    output wire [32:0] m_axis_rot_tuser,

    // SPDM messages from the root of trust; tuser = no response
    input  wire [31:0] s_axis_rot_tdata,
    input  wire [ 3:0] s_axis_rot_tkeep,
    input  wire        s_axis_rot_tvalid,
    output wire        s_axis_rot_tready,
    input  wire        s_axis_rot_tlast,
    input  wire        s_axis_rot_tuser,

    // Session keys from the root of trust, write only
    input  wire         rot_key_valid,
    output wire         rot_key_ready,
    input  wire [  1:0] rot_key_op,               // 0 load, 1 end session, 2 end all sessions
    input  wire [ 31:0] rot_key_session_id,
    input  wire         rot_key_direction,        // 0 requester to device, 1 device to requester
    input  wire         rot_key_application,      // 1: the session is past FINISH
    input  wire         rot_key_deferred,         // 1: takes effect after the current response
    input  wire [255:0] rot_key_key,
    input  wire [ 95:0] rot_key_iv,
    output wire         rot_session_ended_valid,
    output wire [ 31:0] rot_session_ended_id,

    // True random numbers for nonces
    input  wire [31:0] entropy_tdata,
    input  wire        entropy_tvalid,
    output wire        entropy_tready,

    // State that is no secret
    output wire [      2*NUM_TDI-1:0] tdi_state,
    output wire [NUM_IDE_STREAMS-1:0] stream_secure
);

  function automatic integer clog2_min1(input integer value);
    integer i;
    begin
      clog2_min1 = 1;
      for (i = 2; i < 32; i = i + 1) if ((1 << (i - 1)) < value) clog2_min1 = i;
    end
  endfunction

  localparam TDI_W = clog2_min1(NUM_TDI);
  // With SDIs there is one function, and sdi_functions makes all TDIs of it.
  localparam CFG_TDI = SDI_EN != 0 ? 1 : NUM_TDI;
  localparam CFG_TDI_W = SDI_EN != 0 ? 1 : TDI_W;
  localparam STREAM_W = clog2_min1(NUM_IDE_STREAMS);
  localparam SESSION_W = clog2_min1(NUM_SESSIONS);
  localparam KEEP_W = DATA_W / 32;

  generate
    if (DATA_W != 128 && DATA_W != 256 && DATA_W != 512) begin : g_check_data_w
      PARAM_ERROR_DATA_W_must_be_128_256_or_512 u_stop ();
    end
    if (NUM_TDI < 1 || NUM_TDI > 256) begin : g_check_num_tdi
      PARAM_ERROR_NUM_TDI_must_be_1_to_256 u_stop ();
    end
    if (NUM_IDE_STREAMS < 1 || NUM_IDE_STREAMS > 8) begin : g_check_num_ide_streams
      PARAM_ERROR_NUM_IDE_STREAMS_must_be_1_to_8 u_stop ();
    end
    if (NUM_SESSIONS < 1 || NUM_SESSIONS > 16) begin : g_check_num_sessions
      PARAM_ERROR_NUM_SESSIONS_must_be_1_to_16 u_stop ();
    end
    // Requester IDs of all functions are on one bus.
    if (PF_FUNCTION < 0 || PF_FUNCTION + CFG_TDI > 256) begin : g_check_pf_function
      PARAM_ERROR_PF_FUNCTION_plus_NUM_TDI_must_be_at_most_256 u_stop ();
    end
    if (IDE_PORT_INDEX < 0 || IDE_PORT_INDEX > 255) begin : g_check_ide_port_index
      PARAM_ERROR_IDE_PORT_INDEX_must_be_0_to_255 u_stop ();
    end
    if (P2P_EN != 0 && P2P_EN != 1) begin : g_check_p2p_en
      PARAM_ERROR_P2P_EN_must_be_0_or_1 u_stop ();
    end
    if (MMIO_ATTRIBUTE_EN != 0 && MMIO_ATTRIBUTE_EN != 1) begin : g_check_mmio_attribute_en
      PARAM_ERROR_MMIO_ATTRIBUTE_EN_must_be_0_or_1 u_stop ();
    end
    if (TDISP_CONFIG_EN != 0 && TDISP_CONFIG_EN != 1) begin : g_check_tdisp_config_en
      PARAM_ERROR_TDISP_CONFIG_EN_must_be_0_or_1 u_stop ();
    end
    if (MSI_EN != 0 && MSI_EN != 1) begin : g_check_msi_en
      PARAM_ERROR_MSI_EN_must_be_0_or_1 u_stop ();
    end
    if (PASID_EN != 0 && PASID_EN != 1) begin : g_check_pasid_en
      PARAM_ERROR_PASID_EN_must_be_0_or_1 u_stop ();
    end
    if (PRI_EN != 0 && PRI_EN != 1) begin : g_check_pri_en
      PARAM_ERROR_PRI_EN_must_be_0_or_1 u_stop ();
    end
    if (SDI_EN != 0 && SDI_EN != 1) begin : g_check_sdi_en
      PARAM_ERROR_SDI_EN_must_be_0_or_1 u_stop ();
    end
    if (SDI_EN != 0 && (PASID_EN == 0 || WHOLE_DEVICE != 0 || NUM_TDI < 2)) begin : g_check_sdis
      PARAM_ERROR_SDI_EN_needs_PASID_EN_and_2_TDIs_and_no_WHOLE_DEVICE u_stop ();
    end
    if (SDI_PASID < 0 || SDI_PASID + NUM_TDI > (1 << 20)) begin : g_check_sdi_pasid
      PARAM_ERROR_SDI_PASID_plus_NUM_TDI_must_fit_20_bits u_stop ();
    end
  endgenerate

  // ---------------------------------------------------------------- configuration (from cfg_space)
  wire [CFG_TDI-1:0] fn_tdi_present, fn_tdi_mse, fn_tdi_bme, fn_flr_req;
  wire [CFG_TDI-1:0] fn_msix_enable, fn_msix_function_mask, fn_ats_enable, fn_tph_enable;
  wire [3*CFG_TDI-1:0] fn_tph_st_mode;
  wire [7*CFG_TDI-1:0] fn_msi_control;
  wire [4*CFG_TDI-1:0] fn_msi_pending;
  wire [CFG_TDI_W-1:0] fn_msi_tdi;
  wire [CFG_TDI_W-1:0] fn_cfg_watch_func;
  wire [63:0] fn_vf_bar0, fn_vf_bar2;
  wire [       15:0] pf_rid;  // captured bus and device number, PF_FUNCTION
  wire [NUM_TDI-1:0] tdi_present;  // function exists: PF, or VF Enable and within NumVFs
  wire [NUM_TDI-1:0] tdi_mse;  // Memory Space Enable (VFs: VF MSE)
  wire [NUM_TDI-1:0] tdi_bme;  // Bus Master Enable
  wire [63:0] pf_bar0, pf_bar2, vf_bar0, vf_bar2;  // VF bases are those of VF 1
  wire rom_enable;
  wire [31:0] rom_base;  // of the Expansion ROM
  wire [2:0] max_payload_size;  // Device Control encoding, clipped to MAX_PAYLOAD
  wire [2:0] max_read_request_size;
  wire [2:0] attr_enable;  // ID-Based Ordering, Relaxed Ordering, No Snoop of requests
  wire cpl_ido_enable;  // ID-Based Ordering of Completions
  wire atomic_enable;  // AtomicOp Requester Enable
  wire [NUM_TDI-1:0] msix_enable;
  wire [NUM_TDI-1:0] msix_function_mask;
  wire [7*NUM_TDI-1:0] msi_control;  // enable, granted vectors, masks; see cfg_msi
  wire [4*NUM_TDI-1:0] msi_pending;
  wire [TDI_W-1:0] msi_tdi;
  wire [79:0] msi_message;  // data and address of msi_tdi, one cycle later
  wire [NUM_TDI-1:0] ats_enable;
  wire [NUM_TDI-1:0] tph_enable;
  wire [3*NUM_TDI-1:0] tph_st_mode;
  // In a mode that is not offered there are no hints.
  wire [NUM_TDI-1:0] hint_enable = tph_enable & ~(tph_st_mode[0+:NUM_TDI] |
      tph_st_mode[NUM_TDI+:NUM_TDI] | tph_st_mode[2*NUM_TDI+:NUM_TDI]);
  wire lock_config_ok;  // configuration checks of LOCK pass (L9 to L15, L17)
  wire cfg_write_busy;  // a configuration write is between watch and commit
  // Without those capabilities
  wire pasid_enable, pri_enable, pri_reset_req;
  wire pri_idle, pri_response_failure, pri_unexpected_index;
  wire [31:0] pri_allocation;

  wire [NUM_IDE_STREAMS-1:0] ide_enable;
  wire [8*NUM_IDE_STREAMS-1:0] ide_stream_id;
  wire [3*NUM_IDE_STREAMS-1:0] ide_tc;
  wire [NUM_IDE_STREAMS-1:0] ide_default;
  wire [NUM_IDE_STREAMS-1:0] ide_tee_limited;
  wire [NUM_IDE_STREAMS-1:0] ide_rid_valid;
  wire [16*NUM_IDE_STREAMS-1:0] ide_rid_base;
  wire [16*NUM_IDE_STREAMS-1:0] ide_rid_limit;
  wire [NUM_IDE_STREAMS-1:0] ide_addr_valid;
  wire [64*NUM_IDE_STREAMS-1:0] ide_addr_base;
  wire [64*NUM_IDE_STREAMS-1:0] ide_addr_limit;  // low 20 bits ones
  wire [7:0] idecap_addr;  // DW offset from the IDE Capability register (+04h)
  wire [31:0] idecap_data;  // one cycle later
  wire [7:0] idecap_last;  // DW offset of the last register

  // Every accepted write to configuration space, at least three cycles before it takes effect
  wire cfg_watch_valid;
  wire [TDI_W-1:0] cfg_watch_func;
  wire [11:2] cfg_watch_addr;
  wire [3:0] cfg_watch_be;
  wire [31:0] cfg_watch_old;  // register value before
  wire [31:0] cfg_watch_new;  // value as it will read back
  wire [31:0] cfg_watch_data;  // data of the write request
  wire [NUM_TDI-1:0] flr_req;  // Initiate FLR was written; bit 0 comes with all bits
  wire rid_change;  // captured bus or device number changes
  wire pf_flr = flr_req[0];

  // ---------------------------------------------------------------- IDE state
  wire [NUM_IDE_STREAMS-1:0] stream_insecure_event;  // Secure to Insecure, one-cycle pulse
  wire [NUM_IDE_STREAMS-1:0] stream_keys_ready;  // all six keys of the set in use are there
  wire [NUM_IDE_STREAMS-1:0] stream_owner_valid;
  wire [SESSION_W*NUM_IDE_STREAMS-1:0] stream_owner_session;
  wire [NUM_IDE_STREAMS-1:0] ide_fail_received;  // sets Status bit 31
  wire aer_check_failed, aer_misrouted, aer_malformed, aer_poisoned;
  wire aer_unsupported, aer_unexpected_cpl, aer_cpl_timeout;
  wire cpl_stream_error;  // Completion on another stream than its request
  wire [STREAM_W-1:0] cpl_stream_error_stream;

  // ---------------------------------------------------------------- sessions and messages
  wire session_end_valid;  // one-cycle pulse
  wire [SESSION_W-1:0] session_end_idx;
  wire [7:0] vdm_tdata;  // body after the protocol id
  wire vdm_tlast;
  wire [SESSION_W-1:0] vdm_session;
  wire idekm_tvalid, idekm_tready, tdisp_tvalid, tdisp_tready;
  wire [7:0] idekm_rsp_tdata, tdisp_rsp_tdata;
  wire idekm_rsp_tvalid, idekm_rsp_tready, idekm_rsp_tlast, idekm_rsp_none;
  wire tdisp_rsp_tvalid, tdisp_rsp_tready, tdisp_rsp_tlast, tdisp_rsp_none;

  wire [31:0] doe_req_tdata, doe_rsp_tdata;
  wire doe_req_tvalid, doe_req_tready, doe_req_tlast;
  wire doe_rsp_tvalid, doe_rsp_tready, doe_rsp_tlast;
  wire doe_rsp_none;

  // ---------------------------------------------------------------- TDIs
  wire [NUM_TDI-1:0] tdi_error_req;
  wire [3:0] tdi_error_cause;
  wire [STREAM_W*NUM_TDI-1:0] tdi_stream;  // default stream bound by LOCK
  wire [NUM_TDI-1:0] tdi_msix_locked;
  wire [NUM_TDI-1:0] tdi_memory_open;  // SET_MMIO_ATTRIBUTE has made the page of memory non-TEE
  wire [NUM_IDE_STREAMS*NUM_TDI-1:0] tdi_p2p;  // P2P streams bound to each TDI
  wire [NUM_TDI-1:0] tdi_redirect;  // ALL_REQUEST_REDIRECT
  wire [63:0] p2p_mask;  // BIND_P2P_ADDRESS_MASK of appreq_tdi, one cycle later
  wire [1:0] tdisp_config;  // of SET_TDISP_CONFIG
  wire [NUM_TDI-1:0] tdi_quiesce;  // level: abort, issue nothing new
  wire [NUM_TDI-1:0] tdi_hold;  // level: issue nothing new, abort nothing
  wire [NUM_TDI-1:0] tdi_stopping;  // level: no access to the function until STOP is done
  wire [NUM_TDI-1:0] tdi_drained;  // nothing outstanding, nothing in flight
  wire [NUM_TDI-1:0] tdi_scrub_req;  // pulse: clear all data of the function
  wire [NUM_TDI-1:0] tdi_scrub_busy;
  wire [TDI_W-1:0] tdi_status_idx;  // for the vendor-specific capability
  wire [31:0] tdi_status_data;
  wire [NUM_TDI-1:0] poison_event;  // poisoned write reached a TDI
  wire [NUM_TDI-1:0] cpl_error_event;  // an own request of a TDI ended badly
  wire [3:0] cpl_error_cause;  // UR, CA, time-out, poison, no T, a fault; valid with it

  // ---------------------------------------------------------------- TLP buses
  wire [127:0] rx_hdr, cfgreq_hdr, cplin_hdr, mmio_hdr;
  wire [DATA_W-1:0] rx_tdata, cfgreq_tdata, cplin_tdata, mmio_tdata;
  wire [KEEP_W-1:0] rx_tkeep, cfgreq_tkeep, cplin_tkeep, mmio_tkeep;
  wire rx_tvalid, rx_tready, rx_tlast, rx_ide, rx_t;
  wire cfgreq_tvalid, cfgreq_tready, cfgreq_tlast, cfgreq_ide, cfgreq_t;
  wire cplin_tvalid, cplin_tready, cplin_tlast, cplin_ide, cplin_t;
  wire mmio_tvalid, mmio_tready, mmio_tlast, mmio_ide, mmio_t;
  wire [20:0] rx_pasid;  // valid, and the PASID
  wire [STREAM_W-1:0] rx_stream, cfgreq_stream, cplin_stream, mmio_stream;
  wire [TDI_W-1:0] mmio_tdi;
  wire mmio_bar;  // 0: BAR0, 1: BAR2
  wire [16:0] mmio_offset;  // byte offset of the first DW in the BAR

  wire [127:0] cfgcpl_hdr, appcpl_hdr, errcpl_hdr, dma_hdr, tx_hdr, appreq_hdr;
  wire [DATA_W-1:0] cfgcpl_tdata, appcpl_tdata, dma_tdata, tx_tdata, appreq_tdata;
  wire [KEEP_W-1:0] cfgcpl_tkeep, appcpl_tkeep, dma_tkeep, tx_tkeep, appreq_tkeep;
  wire cfgcpl_tvalid, cfgcpl_tready, cfgcpl_tlast, cfgcpl_ide, cfgcpl_t;
  wire appcpl_tvalid, appcpl_tready, appcpl_tlast, appcpl_ide, appcpl_t;
  wire errcpl_tvalid, errcpl_tready, errcpl_ide, errcpl_t;  // always without data
  wire dma_tvalid, dma_tready, dma_tlast, dma_ide, dma_t;
  wire appreq_tvalid, appreq_tready, appreq_tlast;
  wire tx_tvalid, tx_tready, tx_tlast, tx_ide, tx_t;
  // Messages for function msgin_tdi, and answers of function msgout_tdi
  wire [127:0] msgin_hdr, msgout_hdr;
  wire msgin_tvalid, msgin_tready, msgin_tlast, msgin_ide, msgin_t;
  wire msgout_tvalid, msgout_tready, msgout_ide, msgout_t;
  wire [STREAM_W-1:0] msgin_stream, msgout_stream;
  wire [TDI_W-1:0] msgin_tdi, msgout_tdi;
  wire [20:0] appreq_pasid, dma_pasid, tx_pasid;  // valid, and the PASID
  wire [STREAM_W-1:0] cfgcpl_stream, appcpl_stream, errcpl_stream, dma_stream, tx_stream;
  wire [TDI_W-1:0] appreq_tdi;
  wire appreq_msix;  // the memory write is an MSI-X message
  wire appreq_msi;  // the memory write is an MSI
  wire appreq_denied;  // pulse: dma_filter dropped the request
  wire inval_valid;  // an Invalidate Request is to be done
  wire [TDI_W-1:0] inval_tdi;
  wire inval_done;  // nothing uses the translation that it names
  wire appreq_ide;  // where it let the request out, in the cycle after its last beat
  wire [STREAM_W-1:0] appreq_stream;

  ide #(
      .DATA_W(DATA_W),
      .NUM_TDI(NUM_TDI),
      .TDI_W(TDI_W),
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W(STREAM_W),
      .SESSION_W(SESSION_W),
      .MAX_PAYLOAD(MAX_PAYLOAD),
      .PORT_INDEX(IDE_PORT_INDEX),
      .PASID_EN(PASID_EN)
  ) u_ide (
      .clk                    (clk),
      .rst                    (rst),
      .link_up                (link_up),
      .pf_flr                 (pf_flr),
      .pf_rid                 (pf_rid),
      .ats_enable             (ats_enable),
      .s_axis_rx_tdata        (s_axis_rx_tdata),
      .s_axis_rx_tkeep        (s_axis_rx_tkeep),
      .s_axis_rx_tvalid       (s_axis_rx_tvalid),
      .s_axis_rx_tready       (s_axis_rx_tready),
      .s_axis_rx_tlast        (s_axis_rx_tlast),
      .m_axis_tx_tdata        (m_axis_tx_tdata),
      .m_axis_tx_tkeep        (m_axis_tx_tkeep),
      .m_axis_tx_tvalid       (m_axis_tx_tvalid),
      .m_axis_tx_tready       (m_axis_tx_tready),
      .m_axis_tx_tlast        (m_axis_tx_tlast),
      .rx_hdr                 (rx_hdr),
      .rx_tdata               (rx_tdata),
      .rx_tkeep               (rx_tkeep),
      .rx_tvalid              (rx_tvalid),
      .rx_tready              (rx_tready),
      .rx_tlast               (rx_tlast),
      .rx_ide                 (rx_ide),
      .rx_t                   (rx_t),
      .rx_stream              (rx_stream),
      .rx_pasid               (rx_pasid),
      .tx_hdr                 (tx_hdr),
      .tx_tdata               (tx_tdata),
      .tx_tkeep               (tx_tkeep),
      .tx_tvalid              (tx_tvalid),
      .tx_tready              (tx_tready),
      .tx_tlast               (tx_tlast),
      .tx_ide                 (tx_ide),
      .tx_t                   (tx_t),
      .tx_stream              (tx_stream),
      .tx_pasid               (tx_pasid),
      .ide_enable             (ide_enable),
      .ide_stream_id          (ide_stream_id),
      .ide_tc                 (ide_tc),
      .ide_default            (ide_default),
      .ide_tee_limited        (ide_tee_limited),
      .ide_rid_valid          (ide_rid_valid),
      .ide_rid_base           (ide_rid_base),
      .ide_rid_limit          (ide_rid_limit),
      .ide_addr_valid         (ide_addr_valid),
      .ide_addr_base          (ide_addr_base),
      .ide_addr_limit         (ide_addr_limit),
      .idecap_addr            (idecap_addr),
      .idecap_data            (idecap_data),
      .idecap_last            (idecap_last),
      .cpl_stream_error       (cpl_stream_error),
      .cpl_stream_error_stream(cpl_stream_error_stream),
      .session_end_valid      (session_end_valid),
      .session_end_idx        (session_end_idx),
      .idekm_tdata            (vdm_tdata),
      .idekm_tvalid           (idekm_tvalid),
      .idekm_tready           (idekm_tready),
      .idekm_tlast            (vdm_tlast),
      .idekm_session          (vdm_session),
      .idekm_rsp_tdata        (idekm_rsp_tdata),
      .idekm_rsp_tvalid       (idekm_rsp_tvalid),
      .idekm_rsp_tready       (idekm_rsp_tready),
      .idekm_rsp_tlast        (idekm_rsp_tlast),
      .idekm_rsp_none         (idekm_rsp_none),
      .stream_secure          (stream_secure),
      .stream_insecure_event  (stream_insecure_event),
      .stream_keys_ready      (stream_keys_ready),
      .stream_owner_valid     (stream_owner_valid),
      .stream_owner_session   (stream_owner_session),
      .ide_fail_received      (ide_fail_received),
      .aer_check_failed       (aer_check_failed),
      .aer_misrouted          (aer_misrouted),
      .aer_malformed          (aer_malformed)
  );

  tlp_route #(
      .DATA_W(DATA_W),
      .NUM_TDI(NUM_TDI),
      .TDI_W(TDI_W),
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W(STREAM_W),
      .PRI_EN(PRI_EN),
      .SDI_EN(SDI_EN)
  ) u_tlp_route (
      .clk            (clk),
      .rst            (rst),
      .pf_rid         (pf_rid),
      .tdi_present    (tdi_present),
      .tdi_mse        (tdi_mse),
      .pf_bar0        (pf_bar0),
      .pf_bar2        (pf_bar2),
      .vf_bar0        (vf_bar0),
      .vf_bar2        (vf_bar2),
      .rom_enable     (rom_enable),
      .rom_base       (rom_base),
      .ide_default    (ide_default),
      .ide_rid_base   (ide_rid_base),
      .ide_rid_limit  (ide_rid_limit),
      .tdi_state      (tdi_state),
      .tdi_stream     (tdi_stream),
      .tdi_msix_locked(tdi_msix_locked),
      .tdi_p2p        (tdi_p2p),
      .tdi_memory_open(tdi_memory_open),
      .tdi_scrub_busy (tdi_scrub_busy | tdi_stopping),
      .rx_hdr         (rx_hdr),
      .rx_tdata       (rx_tdata),
      .rx_tkeep       (rx_tkeep),
      .rx_tvalid      (rx_tvalid),
      .rx_tready      (rx_tready),
      .rx_tlast       (rx_tlast),
      .rx_ide         (rx_ide),
      .rx_t           (rx_t),
      .rx_stream      (rx_stream),
      .cfgreq_hdr     (cfgreq_hdr),
      .cfgreq_tdata   (cfgreq_tdata),
      .cfgreq_tkeep   (cfgreq_tkeep),
      .cfgreq_tvalid  (cfgreq_tvalid),
      .cfgreq_tready  (cfgreq_tready),
      .cfgreq_tlast   (cfgreq_tlast),
      .cfgreq_ide     (cfgreq_ide),
      .cfgreq_t       (cfgreq_t),
      .cfgreq_stream  (cfgreq_stream),
      .mmio_hdr       (mmio_hdr),
      .mmio_tdata     (mmio_tdata),
      .mmio_tkeep     (mmio_tkeep),
      .mmio_tvalid    (mmio_tvalid),
      .mmio_tready    (mmio_tready),
      .mmio_tlast     (mmio_tlast),
      .mmio_ide       (mmio_ide),
      .mmio_t         (mmio_t),
      .mmio_stream    (mmio_stream),
      .mmio_tdi       (mmio_tdi),
      .mmio_bar       (mmio_bar),
      .mmio_offset    (mmio_offset),
      .cplin_hdr      (cplin_hdr),
      .cplin_tdata    (cplin_tdata),
      .cplin_tkeep    (cplin_tkeep),
      .cplin_tvalid   (cplin_tvalid),
      .cplin_tready   (cplin_tready),
      .cplin_tlast    (cplin_tlast),
      .cplin_ide      (cplin_ide),
      .cplin_t        (cplin_t),
      .cplin_stream   (cplin_stream),
      .msgin_hdr      (msgin_hdr),
      .msgin_tvalid   (msgin_tvalid),
      .msgin_tready   (msgin_tready),
      .msgin_tlast    (msgin_tlast),
      .msgin_ide      (msgin_ide),
      .msgin_t        (msgin_t),
      .msgin_stream   (msgin_stream),
      .msgin_tdi      (msgin_tdi),
      .errcpl_hdr     (errcpl_hdr),
      .errcpl_tvalid  (errcpl_tvalid),
      .errcpl_tready  (errcpl_tready),
      .errcpl_ide     (errcpl_ide),
      .errcpl_t       (errcpl_t),
      .errcpl_stream  (errcpl_stream),
      .poison_event   (poison_event),
      .aer_unsupported(aer_unsupported),
      .aer_poisoned   (aer_poisoned)
  );

  function_messages #(
      .NUM_TDI (NUM_TDI),
      .TDI_W   (TDI_W),
      .STREAM_W(STREAM_W)
  ) u_function_messages (
      .clk          (clk),
      .rst          (rst),
      .pf_rid       (pf_rid),
      .tdi_present  (tdi_present),
      .msgin_hdr    (msgin_hdr),
      .msgin_tvalid (msgin_tvalid),
      .msgin_tready (msgin_tready),
      .msgin_tlast  (msgin_tlast),
      .msgin_ide    (msgin_ide),
      .msgin_t      (msgin_t),
      .msgin_stream (msgin_stream),
      .msgin_tdi    (msgin_tdi),
      .inval_valid  (inval_valid),
      .inval_tdi    (inval_tdi),
      .inval_done   (inval_done),
      .msgout_hdr   (msgout_hdr),
      .msgout_tvalid(msgout_tvalid),
      .msgout_tready(msgout_tready),
      .msgout_ide   (msgout_ide),
      .msgout_t     (msgout_t),
      .msgout_stream(msgout_stream),
      .msgout_tdi   (msgout_tdi)
  );

  cfg_space #(
      .DATA_W(DATA_W),
      .NUM_TDI(CFG_TDI),
      .TDI_W(CFG_TDI_W),
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W(STREAM_W),
      .MAX_PAYLOAD(MAX_PAYLOAD),
      .DOE_DWORDS(DOE_DWORDS),
      .VENDOR_ID(VENDOR_ID),
      .DEVICE_ID(DEVICE_ID),
      .PF_FUNCTION(PF_FUNCTION),
      .PASID_EN(PASID_EN),
      .PRI_EN(PRI_EN),
      .ROM_EN(ROM_EN),
      .TPH_EN(TPH_EN),
      .MSI_EN(MSI_EN),
      .NUM_SDI(SDI_EN != 0 ? NUM_TDI - 1 : 0),
      .STATUS_W(TDI_W)
  ) u_cfg_space (
      .clk                  (clk),
      .rst                  (rst),
      .cfgreq_hdr           (cfgreq_hdr),
      .cfgreq_tdata         (cfgreq_tdata),
      .cfgreq_tkeep         (cfgreq_tkeep),
      .cfgreq_tvalid        (cfgreq_tvalid),
      .cfgreq_tready        (cfgreq_tready),
      .cfgreq_tlast         (cfgreq_tlast),
      .cfgreq_ide           (cfgreq_ide),
      .cfgreq_t             (cfgreq_t),
      .cfgreq_stream        (cfgreq_stream),
      .cfgcpl_hdr           (cfgcpl_hdr),
      .cfgcpl_tdata         (cfgcpl_tdata),
      .cfgcpl_tkeep         (cfgcpl_tkeep),
      .cfgcpl_tvalid        (cfgcpl_tvalid),
      .cfgcpl_tready        (cfgcpl_tready),
      .cfgcpl_tlast         (cfgcpl_tlast),
      .cfgcpl_ide           (cfgcpl_ide),
      .cfgcpl_t             (cfgcpl_t),
      .cfgcpl_stream        (cfgcpl_stream),
      .pf_rid               (pf_rid),
      .tdi_present          (fn_tdi_present),
      .tdi_mse              (fn_tdi_mse),
      .tdi_bme              (fn_tdi_bme),
      .pf_bar0              (pf_bar0),
      .pf_bar2              (pf_bar2),
      .vf_bar0              (fn_vf_bar0),
      .vf_bar2              (fn_vf_bar2),
      .rom_enable           (rom_enable),
      .rom_base             (rom_base),
      .max_payload_size     (max_payload_size),
      .max_read_request_size(max_read_request_size),
      .attr_enable          (attr_enable),
      .cpl_ido_enable       (cpl_ido_enable),
      .atomic_enable        (atomic_enable),
      .msix_enable          (fn_msix_enable),
      .msix_function_mask   (fn_msix_function_mask),
      .msi_control          (fn_msi_control),
      .msi_pending          (fn_msi_pending),
      .msi_tdi              (fn_msi_tdi),
      .msi_message          (msi_message),
      .ats_enable           (fn_ats_enable),
      .tph_enable           (fn_tph_enable),
      .tph_st_mode          (fn_tph_st_mode),
      .lock_config_ok       (lock_config_ok),
      .cfg_write_busy       (cfg_write_busy),
      .pasid_enable         (pasid_enable),
      .pri_enable           (pri_enable),
      .pri_allocation       (pri_allocation),
      .pri_reset_req        (pri_reset_req),
      .pri_idle             (pri_idle),
      .pri_response_failure (pri_response_failure),
      .pri_unexpected_index (pri_unexpected_index),
      .ide_enable           (ide_enable),
      .ide_stream_id        (ide_stream_id),
      .ide_tc               (ide_tc),
      .ide_default          (ide_default),
      .ide_tee_limited      (ide_tee_limited),
      .ide_rid_valid        (ide_rid_valid),
      .ide_rid_base         (ide_rid_base),
      .ide_rid_limit        (ide_rid_limit),
      .ide_addr_valid       (ide_addr_valid),
      .ide_addr_base        (ide_addr_base),
      .ide_addr_limit       (ide_addr_limit),
      .idecap_addr          (idecap_addr),
      .idecap_data          (idecap_data),
      .idecap_last          (idecap_last),
      .stream_secure        (stream_secure),
      .ide_fail_received    (ide_fail_received),
      .cfg_watch_valid      (cfg_watch_valid),
      .cfg_watch_func       (fn_cfg_watch_func),
      .cfg_watch_addr       (cfg_watch_addr),
      .cfg_watch_be         (cfg_watch_be),
      .cfg_watch_old        (cfg_watch_old),
      .cfg_watch_new        (cfg_watch_new),
      .cfg_watch_data       (cfg_watch_data),
      .flr_req              (fn_flr_req),
      .rid_change           (rid_change),
      .tdi_status_idx       (tdi_status_idx),
      .tdi_status_data      (tdi_status_data),
      .aer_check_failed     (aer_check_failed),
      .aer_misrouted        (aer_misrouted),
      .aer_malformed        (aer_malformed),
      .aer_poisoned         (aer_poisoned),
      .aer_unsupported      (aer_unsupported),
      .aer_unexpected_cpl   (aer_unexpected_cpl),
      .aer_cpl_timeout      (aer_cpl_timeout),
      .aer_internal         (|internal_error),
      .m_axis_doe_tdata     (doe_req_tdata),
      .m_axis_doe_tvalid    (doe_req_tvalid),
      .m_axis_doe_tready    (doe_req_tready),
      .m_axis_doe_tlast     (doe_req_tlast),
      .s_axis_doe_tdata     (doe_rsp_tdata),
      .s_axis_doe_tvalid    (doe_rsp_tvalid),
      .s_axis_doe_tready    (doe_rsp_tready),
      .s_axis_doe_tlast     (doe_rsp_tlast),
      .doe_rsp_none         (doe_rsp_none)
  );

  genvar s;
  generate
    if (SDI_EN != 0) begin : g_sdi
      sdi_functions #(
          .NUM_TDI(NUM_TDI)
      ) u_sdi (
          .present           (fn_tdi_present[0]),
          .memory_space      (fn_tdi_mse[0]),
          .bus_master        (fn_tdi_bme[0]),
          .msix_enable       (fn_msix_enable[0]),
          .msix_function_mask(fn_msix_function_mask[0]),
          .ats_enable        (fn_ats_enable[0]),
          .flr_req           (fn_flr_req[0]),
          .bar0              (pf_bar0),
          .bar2              (pf_bar2),
          .tdi_present       (tdi_present),
          .tdi_mse           (tdi_mse),
          .tdi_bme           (tdi_bme),
          .tdi_msix_enable   (msix_enable),
          .tdi_msix_mask     (msix_function_mask),
          .tdi_ats_enable    (ats_enable),
          .tdi_flr_req       (flr_req),
          .sdi_bar0          (vf_bar0),
          .sdi_bar2          (vf_bar2)
      );
      wire unused_vf = &{1'b0, fn_vf_bar0, fn_vf_bar2, fn_cfg_watch_func};
      assign cfg_watch_func = {TDI_W{1'b0}};
      // MSI is of the function only: SDIs interrupt by MSI-X.
      for (s = 0; s < 7; s = s + 1) begin : g_msi
        assign msi_control[NUM_TDI*s+:NUM_TDI] = {{(NUM_TDI - 1) {1'b0}}, fn_msi_control[s]};
      end
      assign fn_msi_pending = {
        msi_pending[3*NUM_TDI], msi_pending[2*NUM_TDI], msi_pending[NUM_TDI], msi_pending[0]
      };
      assign fn_msi_tdi = 1'b0;
      wire unused_msi = &{1'b0, msi_pending, msi_tdi};
      assign tph_enable = {NUM_TDI{fn_tph_enable[0]}};
      assign tph_st_mode = {
        {NUM_TDI{fn_tph_st_mode[2]}}, {NUM_TDI{fn_tph_st_mode[1]}}, {NUM_TDI{fn_tph_st_mode[0]}}
      };
    end else begin : g_functions
      assign tdi_present        = fn_tdi_present;
      assign tdi_mse            = fn_tdi_mse;
      assign tdi_bme            = fn_tdi_bme;
      assign vf_bar0            = fn_vf_bar0;
      assign vf_bar2            = fn_vf_bar2;
      assign msix_enable        = fn_msix_enable;
      assign msix_function_mask = fn_msix_function_mask;
      assign msi_control        = fn_msi_control;
      assign fn_msi_pending     = msi_pending;
      assign fn_msi_tdi         = msi_tdi;
      assign ats_enable         = fn_ats_enable;
      assign tph_enable         = fn_tph_enable;
      assign tph_st_mode        = fn_tph_st_mode;
      assign cfg_watch_func     = fn_cfg_watch_func;
      assign flr_req            = fn_flr_req;
    end
  endgenerate

  tdi_monitor #(
      .NUM_TDI(NUM_TDI),
      .TDI_W(TDI_W),
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W(STREAM_W),
      .SDI_EN(SDI_EN)
  ) u_tdi_monitor (
      .clk                  (clk),
      .rst                  (rst),
      .cfg_watch_valid      (cfg_watch_valid),
      .cfg_watch_func       (cfg_watch_func),
      .cfg_watch_addr       (cfg_watch_addr),
      .cfg_watch_be         (cfg_watch_be),
      .cfg_watch_old        (cfg_watch_old),
      .cfg_watch_new        (cfg_watch_new),
      .cfg_watch_data       (cfg_watch_data),
      .flr_req              (flr_req),
      .rid_change           (rid_change),
      .stream_insecure_event(stream_insecure_event),
      .poison_event         (poison_event),
      .cpl_error_event      (cpl_error_event),
      .cpl_error_cause      (cpl_error_cause),
      .internal_error       (internal_error),
      .tdi_stream           (tdi_stream),
      .tdi_p2p              (tdi_p2p),
      .tdi_msix_locked      (tdi_msix_locked),
      .tdi_error_req        (tdi_error_req),
      .tdi_error_cause      (tdi_error_cause)
  );

  doe_spdm #(
      .NUM_SESSIONS(NUM_SESSIONS),
      .SESSION_W(SESSION_W),
      .DOE_DWORDS(DOE_DWORDS)
  ) u_doe_spdm (
      .clk                    (clk),
      .rst                    (rst),
      .s_axis_doe_tdata       (doe_req_tdata),
      .s_axis_doe_tvalid      (doe_req_tvalid),
      .s_axis_doe_tready      (doe_req_tready),
      .s_axis_doe_tlast       (doe_req_tlast),
      .m_axis_doe_tdata       (doe_rsp_tdata),
      .m_axis_doe_tvalid      (doe_rsp_tvalid),
      .m_axis_doe_tready      (doe_rsp_tready),
      .m_axis_doe_tlast       (doe_rsp_tlast),
      .doe_rsp_none           (doe_rsp_none),
      .m_axis_rot_tdata       (m_axis_rot_tdata),
      .m_axis_rot_tkeep       (m_axis_rot_tkeep),
      .m_axis_rot_tvalid      (m_axis_rot_tvalid),
      .m_axis_rot_tready      (m_axis_rot_tready),
      .m_axis_rot_tlast       (m_axis_rot_tlast),
      .m_axis_rot_tuser       (m_axis_rot_tuser),
      .s_axis_rot_tdata       (s_axis_rot_tdata),
      .s_axis_rot_tkeep       (s_axis_rot_tkeep),
      .s_axis_rot_tvalid      (s_axis_rot_tvalid),
      .s_axis_rot_tready      (s_axis_rot_tready),
      .s_axis_rot_tlast       (s_axis_rot_tlast),
      .s_axis_rot_tuser       (s_axis_rot_tuser),
      .rot_key_valid          (rot_key_valid),
      .rot_key_ready          (rot_key_ready),
      .rot_key_op             (rot_key_op),
      .rot_key_session_id     (rot_key_session_id),
      .rot_key_direction      (rot_key_direction),
      .rot_key_application    (rot_key_application),
      .rot_key_deferred       (rot_key_deferred),
      .rot_key_key            (rot_key_key),
      .rot_key_iv             (rot_key_iv),
      .rot_session_ended_valid(rot_session_ended_valid),
      .rot_session_ended_id   (rot_session_ended_id),
      .session_end_valid      (session_end_valid),
      .session_end_idx        (session_end_idx),
      .vdm_tdata              (vdm_tdata),
      .vdm_tlast              (vdm_tlast),
      .vdm_session            (vdm_session),
      .idekm_tvalid           (idekm_tvalid),
      .idekm_tready           (idekm_tready),
      .idekm_rsp_tdata        (idekm_rsp_tdata),
      .idekm_rsp_tvalid       (idekm_rsp_tvalid),
      .idekm_rsp_tready       (idekm_rsp_tready),
      .idekm_rsp_tlast        (idekm_rsp_tlast),
      .idekm_rsp_none         (idekm_rsp_none),
      .tdisp_tvalid           (tdisp_tvalid),
      .tdisp_tready           (tdisp_tready),
      .tdisp_rsp_tdata        (tdisp_rsp_tdata),
      .tdisp_rsp_tvalid       (tdisp_rsp_tvalid),
      .tdisp_rsp_tready       (tdisp_rsp_tready),
      .tdisp_rsp_tlast        (tdisp_rsp_tlast),
      .tdisp_rsp_none         (tdisp_rsp_none)
  );

  dsm #(
      .NUM_TDI(NUM_TDI),
      .TDI_W(TDI_W),
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W(STREAM_W),
      .SESSION_W(SESSION_W),
      .P2P_EN(P2P_EN),
      .MMIO_ATTRIBUTE_EN(MMIO_ATTRIBUTE_EN),
      .TDISP_CONFIG_EN(TDISP_CONFIG_EN),
      .WHOLE_DEVICE(WHOLE_DEVICE),
      .SDI_EN(SDI_EN),
      .SDI_PASID(SDI_PASID)
  ) u_dsm (
      .clk                 (clk),
      .rst                 (rst),
      .tdisp_tdata         (vdm_tdata),
      .tdisp_tvalid        (tdisp_tvalid),
      .tdisp_tready        (tdisp_tready),
      .tdisp_tlast         (vdm_tlast),
      .tdisp_session       (vdm_session),
      .tdisp_rsp_tdata     (tdisp_rsp_tdata),
      .tdisp_rsp_tvalid    (tdisp_rsp_tvalid),
      .tdisp_rsp_tready    (tdisp_rsp_tready),
      .tdisp_rsp_tlast     (tdisp_rsp_tlast),
      .tdisp_rsp_none      (tdisp_rsp_none),
      .entropy_tdata       (entropy_tdata),
      .entropy_tvalid      (entropy_tvalid),
      .entropy_tready      (entropy_tready),
      .session_end_valid   (session_end_valid),
      .session_end_idx     (session_end_idx),
      .tdi_present         (tdi_present),
      .pf_rid              (pf_rid),
      .pf_bar0             (pf_bar0),
      .pf_bar2             (pf_bar2),
      .vf_bar0             (vf_bar0),
      .vf_bar2             (vf_bar2),
      .msix_enable         (msix_enable),
      .msix_function_mask  (msix_function_mask),
      .ats_enable          (ats_enable),
      .pasid_enable        (pasid_enable),
      .pri_enable          (pri_enable),
      .tph_enable          (tph_enable),
      .tph_st_mode         (tph_st_mode),
      .lock_config_ok      (lock_config_ok),
      .cfg_write_busy      (cfg_write_busy),
      .ide_enable          (ide_enable),
      .ide_stream_id       (ide_stream_id),
      .ide_tc              (ide_tc),
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
      .tdi_error_req       (tdi_error_req),
      .tdi_error_cause     (tdi_error_cause),
      .flr_req             (flr_req),
      .tdi_state           (tdi_state),
      .tdi_stream          (tdi_stream),
      .tdi_msix_locked     (tdi_msix_locked),
      .tdi_memory_open     (tdi_memory_open),
      .tdi_p2p             (tdi_p2p),
      .tdi_redirect        (tdi_redirect),
      .p2p_mask_tdi        (appreq_tdi),
      .p2p_mask            (p2p_mask),
      .tdisp_config        (tdisp_config),
      .tdi_quiesce         (tdi_quiesce),
      .tdi_hold            (tdi_hold),
      .tdi_stopping        (tdi_stopping),
      .tdi_drained         (tdi_drained),
      .tdi_scrub_req       (tdi_scrub_req),
      .tdi_scrub_busy      (tdi_scrub_busy),
      .tdi_status_idx      (tdi_status_idx),
      .tdi_status_data     (tdi_status_data)
  );

  app #(
      .DATA_W(DATA_W),
      .NUM_TDI(NUM_TDI),
      .TDI_W(TDI_W),
      .STREAM_W(STREAM_W),
      .MAX_PAYLOAD(MAX_PAYLOAD),
      .CPL_TIMEOUT(CPL_TIMEOUT),
      .PRI_EN(PRI_EN),
      .VENDOR_ID(VENDOR_ID),
      .DEVICE_ID(DEVICE_ID),
      .SDI_EN(SDI_EN)
  ) u_app (
      .clk                    (clk),
      .rst                    (rst),
      .pf_rid                 (pf_rid),
      .tdi_bme                (tdi_bme),
      .max_payload_size       (max_payload_size),
      .max_read_request_size  (max_read_request_size),
      .no_snoop_enable        (attr_enable[0]),
      .relaxed_ordering_enable(attr_enable[1]),
      .id_ordering_enable     (attr_enable[2]),
      .atomic_enable          (atomic_enable),
      .hint_enable            (hint_enable),
      .ats_enable             (ats_enable),
      .pasid_enable           (pasid_enable),
      .pri_enable             (pri_enable),
      .pri_allocation         (pri_allocation),
      .pri_reset_req          (pri_reset_req),
      .pri_idle               (pri_idle),
      .pri_response_failure   (pri_response_failure),
      .pri_unexpected_index   (pri_unexpected_index),
      .msgin_hdr              (msgin_hdr),
      .msgin_taken            (msgin_tvalid && msgin_tready && msgin_tlast),
      .msgin_ide              (msgin_ide),
      .msgin_t                (msgin_t),
      .msgin_stream           (msgin_stream),
      .msgin_tdi              (msgin_tdi),
      .msix_enable            (msix_enable),
      .msix_function_mask     (msix_function_mask),
      .msi_control            (msi_control),
      .msi_pending            (msi_pending),
      .msi_tdi                (msi_tdi),
      .msi_message            (msi_message),
      .tdi_state              (tdi_state),
      .tdi_msix_locked        (tdi_msix_locked),
      .tdi_quiesce            (tdi_quiesce),
      .tdi_hold               (tdi_hold),
      .tdi_drained            (tdi_drained),
      .tdi_scrub_req          (tdi_scrub_req),
      .tdi_scrub_busy         (tdi_scrub_busy),
      .inval_valid            (inval_valid),
      .inval_tdi              (inval_tdi),
      .inval_done             (inval_done),
      .mmio_hdr               (mmio_hdr),
      .mmio_tdata             (mmio_tdata),
      .mmio_tkeep             (mmio_tkeep),
      .mmio_tvalid            (mmio_tvalid),
      .mmio_tready            (mmio_tready),
      .mmio_tlast             (mmio_tlast),
      .mmio_ide               (mmio_ide),
      .mmio_t                 (mmio_t),
      .mmio_stream            (mmio_stream),
      .mmio_tdi               (mmio_tdi),
      .mmio_bar               (mmio_bar),
      .mmio_offset            (mmio_offset),
      .appcpl_hdr             (appcpl_hdr),
      .appcpl_tdata           (appcpl_tdata),
      .appcpl_tkeep           (appcpl_tkeep),
      .appcpl_tvalid          (appcpl_tvalid),
      .appcpl_tready          (appcpl_tready),
      .appcpl_tlast           (appcpl_tlast),
      .appcpl_ide             (appcpl_ide),
      .appcpl_t               (appcpl_t),
      .appcpl_stream          (appcpl_stream),
      .appreq_hdr             (appreq_hdr),
      .appreq_tdata           (appreq_tdata),
      .appreq_tkeep           (appreq_tkeep),
      .appreq_tvalid          (appreq_tvalid),
      .appreq_tready          (appreq_tready),
      .appreq_tlast           (appreq_tlast),
      .appreq_tdi             (appreq_tdi),
      .appreq_msix            (appreq_msix),
      .appreq_msi             (appreq_msi),
      .appreq_pasid           (appreq_pasid),
      .appreq_denied          (appreq_denied),
      .appreq_ide             (appreq_ide),
      .appreq_stream          (appreq_stream),
      .cplin_hdr              (cplin_hdr),
      .cplin_tdata            (cplin_tdata),
      .cplin_tkeep            (cplin_tkeep),
      .cplin_tvalid           (cplin_tvalid),
      .cplin_tready           (cplin_tready),
      .cplin_tlast            (cplin_tlast),
      .cplin_ide              (cplin_ide),
      .cplin_t                (cplin_t),
      .cplin_stream           (cplin_stream),
      .cpl_stream_error       (cpl_stream_error),
      .cpl_stream_error_stream(cpl_stream_error_stream),
      .cpl_error_event        (cpl_error_event),
      .cpl_error_cause        (cpl_error_cause),
      .aer_unexpected_cpl     (aer_unexpected_cpl),
      .aer_cpl_timeout        (aer_cpl_timeout)
  );

  dma_filter #(
      .DATA_W(DATA_W),
      .NUM_TDI(NUM_TDI),
      .TDI_W(TDI_W),
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W(STREAM_W),
      .SDI_EN(SDI_EN),
      .SDI_PASID(SDI_PASID)
  ) u_dma_filter (
      .clk            (clk),
      .rst            (rst),
      .pf_rid         (pf_rid),
      .tdi_bme        (tdi_bme),
      .ats_enable     (ats_enable),
      .atomic_enable  (atomic_enable),
      .pasid_enable   (pasid_enable),
      .hint_enable    (hint_enable),
      .pri_enable     (pri_enable),
      .ide_enable     (ide_enable),
      .ide_addr_valid (ide_addr_valid),
      .ide_addr_base  (ide_addr_base),
      .ide_addr_limit (ide_addr_limit),
      .stream_secure  (stream_secure),
      .tdi_state      (tdi_state),
      .tdi_stream     (tdi_stream),
      .tdi_msix_locked(tdi_msix_locked),
      .tdi_p2p        (tdi_p2p),
      .tdi_redirect   (tdi_redirect),
      .p2p_mask       (p2p_mask),
      .appreq_hdr     (appreq_hdr),
      .appreq_tdata   (appreq_tdata),
      .appreq_tkeep   (appreq_tkeep),
      .appreq_tvalid  (appreq_tvalid),
      .appreq_tready  (appreq_tready),
      .appreq_tlast   (appreq_tlast),
      .appreq_tdi     (appreq_tdi),
      .appreq_msix    (appreq_msix),
      .appreq_msi     (appreq_msi),
      .appreq_pasid   (appreq_pasid),
      .appreq_denied  (appreq_denied),
      .appreq_ide     (appreq_ide),
      .appreq_stream  (appreq_stream),
      .msgout_hdr     (msgout_hdr),
      .msgout_tvalid  (msgout_tvalid),
      .msgout_tready  (msgout_tready),
      .msgout_ide     (msgout_ide),
      .msgout_t       (msgout_t),
      .msgout_stream  (msgout_stream),
      .msgout_tdi     (msgout_tdi),
      .dma_hdr        (dma_hdr),
      .dma_tdata      (dma_tdata),
      .dma_tkeep      (dma_tkeep),
      .dma_tvalid     (dma_tvalid),
      .dma_tready     (dma_tready),
      .dma_tlast      (dma_tlast),
      .dma_ide        (dma_ide),
      .dma_t          (dma_t),
      .dma_stream     (dma_stream),
      .dma_pasid      (dma_pasid)
  );

  // All SDIs complete in the name of the physical function.
  wire [127:0] appcpl_named = {
    appcpl_hdr[127:96], SDI_EN != 0 ? pf_rid : appcpl_hdr[95:80], appcpl_hdr[79:0]
  };
  wire [127:0] errcpl_named = {
    errcpl_hdr[127:96], SDI_EN != 0 ? pf_rid : errcpl_hdr[95:80], errcpl_hdr[79:0]
  };

  tlp_arb #(
      .DATA_W  (DATA_W),
      .STREAM_W(STREAM_W)
  ) u_tlp_arb (
      .clk          (clk),
      .rst          (rst),
      .cfgcpl_hdr   (cfgcpl_hdr),
      .cfgcpl_tdata (cfgcpl_tdata),
      .cfgcpl_tkeep (cfgcpl_tkeep),
      .cfgcpl_tvalid(cfgcpl_tvalid),
      .cfgcpl_tready(cfgcpl_tready),
      .cfgcpl_tlast (cfgcpl_tlast),
      .cfgcpl_ide   (cfgcpl_ide),
      .cfgcpl_t     (cfgcpl_t),
      .cfgcpl_stream(cfgcpl_stream),
      .appcpl_hdr   (appcpl_named),
      .appcpl_tdata (appcpl_tdata),
      .appcpl_tkeep (appcpl_tkeep),
      .appcpl_tvalid(appcpl_tvalid),
      .appcpl_tready(appcpl_tready),
      .appcpl_tlast (appcpl_tlast),
      .appcpl_ide   (appcpl_ide),
      .appcpl_t     (appcpl_t),
      .appcpl_stream(appcpl_stream),
      .errcpl_hdr   (errcpl_named),
      .errcpl_tvalid(errcpl_tvalid),
      .errcpl_tready(errcpl_tready),
      .errcpl_ide   (errcpl_ide),
      .errcpl_t     (errcpl_t),
      .errcpl_stream(errcpl_stream),
      .dma_hdr      (dma_hdr),
      .dma_tdata    (dma_tdata),
      .dma_tkeep    (dma_tkeep),
      .dma_tvalid   (dma_tvalid),
      .dma_tready   (dma_tready),
      .dma_tlast    (dma_tlast),
      .dma_ide      (dma_ide),
      .dma_t        (dma_t),
      .dma_stream   (dma_stream),
      .ido_enable   (cpl_ido_enable),
      .dma_pasid    (dma_pasid),
      .tx_hdr       (tx_hdr),
      .tx_tdata     (tx_tdata),
      .tx_tkeep     (tx_tkeep),
      .tx_tvalid    (tx_tvalid),
      .tx_tready    (tx_tready),
      .tx_tlast     (tx_tlast),
      .tx_ide       (tx_ide),
      .tx_t         (tx_t),
      .tx_stream    (tx_stream),
      .tx_pasid     (tx_pasid)
  );

  wire unused = &{1'b0, tdisp_config, rx_pasid};

endmodule

`default_nettype wire
