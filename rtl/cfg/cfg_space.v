// SPDX-License-Identifier: Apache-2.0
//
// cfg_space: configuration space of physical and virtual functions, with the DOE mailbox.
//
// One engine carries out one request at a time; all register blocks see the same access, and those
// that are not meant answer with zeros. FLR of the physical function takes the virtual functions with
// it. TDI state is not here and survives FLR (TDISP-FSM-006).

`default_nettype none
`include "app_defs.vh"
`include "cfg_map.vh"

module cfg_space #(
    parameter DATA_W          = 128,
    parameter NUM_TDI         = 4,
    parameter TDI_W           = 2,
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W        = 1,
    parameter MAX_PAYLOAD     = 512,
    parameter DOE_DWORDS      = 1152,
    parameter DOE_TIMEOUT     = 250000000,  // cycles until an unanswered DOE object is an Error
    parameter VENDOR_ID       = 16'h1234,
    parameter DEVICE_ID       = 16'h7d15,
    parameter PF_FUNCTION     = 0,          // function number of the physical function
    parameter PASID_EN        = 0,          // PASID capability
    parameter PRI_EN          = 0,          // Page Request capability
    parameter ROM_EN          = 0,          // Expansion ROM of the physical function
    parameter TPH_EN          = 0,          // TPH Requester capability
    parameter MSI_EN          = 0,          // MSI capability
    parameter NUM_SDI         = 0,          // SDIs behind the physical function, the only one then
    parameter STATUS_W        = TDI_W       // bits of the number of a TDI, SDIs among them
) (
    input wire clk,
    input wire rst,

    // Configuration requests and their completions
    input  wire [        127:0] cfgreq_hdr,
    input  wire [   DATA_W-1:0] cfgreq_tdata,
    input  wire [DATA_W/32-1:0] cfgreq_tkeep,
    input  wire                 cfgreq_tvalid,
    output wire                 cfgreq_tready,
    input  wire                 cfgreq_tlast,
    input  wire                 cfgreq_ide,
    input  wire                 cfgreq_t,
    input  wire [ STREAM_W-1:0] cfgreq_stream,
    output wire [        127:0] cfgcpl_hdr,
    output wire [   DATA_W-1:0] cfgcpl_tdata,
    output wire [DATA_W/32-1:0] cfgcpl_tkeep,
    output wire                 cfgcpl_tvalid,
    input  wire                 cfgcpl_tready,
    output wire                 cfgcpl_tlast,
    output wire                 cfgcpl_ide,
    output wire                 cfgcpl_t,
    output wire [ STREAM_W-1:0] cfgcpl_stream,

    // Functions
    output wire [         15:0] pf_rid,
    output wire [  NUM_TDI-1:0] tdi_present,
    output wire [  NUM_TDI-1:0] tdi_mse,
    output wire [  NUM_TDI-1:0] tdi_bme,
    output wire [         63:0] pf_bar0,
    output wire [         63:0] pf_bar2,
    output wire [         63:0] vf_bar0,
    output wire [         63:0] vf_bar2,
    output wire                 rom_enable,
    output wire [         31:0] rom_base,
    output wire [          2:0] max_payload_size,
    output wire [          2:0] max_read_request_size,
    output wire [          2:0] attr_enable,            // of PF, for all: see cfg_pcie
    output wire                 cpl_ido_enable,
    output wire                 atomic_enable,
    output wire [  NUM_TDI-1:0] msix_enable,
    output wire [  NUM_TDI-1:0] msix_function_mask,
    output wire [7*NUM_TDI-1:0] msi_control,            // see cfg_msi, with the next three
    input  wire [4*NUM_TDI-1:0] msi_pending,
    input  wire [    TDI_W-1:0] msi_tdi,
    output wire [         79:0] msi_message,
    output wire [  NUM_TDI-1:0] ats_enable,
    output wire [  NUM_TDI-1:0] tph_enable,
    output wire [3*NUM_TDI-1:0] tph_st_mode,            // bit b of all functions in slice b
    output wire                 lock_config_ok,
    output wire                 cfg_write_busy,

    // PASID and page requests, which all functions share
    output wire        pasid_enable,
    output wire        pri_enable,
    output wire [31:0] pri_allocation,        // page requests that may be outstanding
    output wire        pri_reset_req,
    input  wire        pri_idle,              // no page request is outstanding
    input  wire        pri_response_failure,  // pulse: a response said Response Failure
    input  wire        pri_unexpected_index,  // pulse: a response matched no page request

    // IDE capability
    output wire [   NUM_IDE_STREAMS-1:0] ide_enable,
    output wire [ 8*NUM_IDE_STREAMS-1:0] ide_stream_id,
    output wire [ 3*NUM_IDE_STREAMS-1:0] ide_tc,
    output wire [   NUM_IDE_STREAMS-1:0] ide_default,
    output wire [   NUM_IDE_STREAMS-1:0] ide_tee_limited,
    output wire [   NUM_IDE_STREAMS-1:0] ide_rid_valid,
    output wire [16*NUM_IDE_STREAMS-1:0] ide_rid_base,
    output wire [16*NUM_IDE_STREAMS-1:0] ide_rid_limit,
    output wire [   NUM_IDE_STREAMS-1:0] ide_addr_valid,
    output wire [64*NUM_IDE_STREAMS-1:0] ide_addr_base,
    output wire [64*NUM_IDE_STREAMS-1:0] ide_addr_limit,
    input  wire [                   7:0] idecap_addr,
    output wire [                  31:0] idecap_data,
    output wire [                   7:0] idecap_last,
    input  wire [   NUM_IDE_STREAMS-1:0] stream_secure,
    input  wire [   NUM_IDE_STREAMS-1:0] ide_fail_received,

    // Announcement of writes
    output wire               cfg_watch_valid,
    output wire [  TDI_W-1:0] cfg_watch_func,
    output wire [       11:2] cfg_watch_addr,
    output wire [        3:0] cfg_watch_be,
    output wire [       31:0] cfg_watch_old,
    output wire [       31:0] cfg_watch_new,
    output wire [       31:0] cfg_watch_data,
    output wire [NUM_TDI-1:0] flr_req,
    output wire               rid_change,

    // Status of one TDI, for the vendor-specific capability
    output wire [STATUS_W-1:0] tdi_status_idx,
    input  wire [        31:0] tdi_status_data,

    // Errors, one-cycle pulses
    input wire aer_check_failed,
    input wire aer_misrouted,
    input wire aer_malformed,
    input wire aer_poisoned,
    input wire aer_unsupported,
    input wire aer_unexpected_cpl,
    input wire aer_cpl_timeout,
    input wire aer_internal,

    // DOE objects
    output wire [31:0] m_axis_doe_tdata,
    output wire        m_axis_doe_tvalid,
    input  wire        m_axis_doe_tready,
    output wire        m_axis_doe_tlast,
    input  wire [31:0] s_axis_doe_tdata,
    input  wire        s_axis_doe_tvalid,
    output wire        s_axis_doe_tready,
    input  wire        s_axis_doe_tlast,
    input  wire        doe_rsp_none
);

  localparam [15:0] VENDOR = VENDOR_ID;
  localparam [15:0] DEVICE = DEVICE_ID;
  localparam [15:0] VF_DEVICE = DEVICE + 16'd1;
  localparam [11:0] AFTER_AER = NUM_TDI > 1 ? `CFG_REG_SRIOV : `CFG_REG_DOE;
  localparam [11:0] AFTER_PASID = PRI_EN != 0 ? `CFG_REG_PRI : `CFG_REG_IDE;
  localparam [11:0] AFTER_TPH = PASID_EN != 0 ? `CFG_REG_PASID : AFTER_PASID;
  localparam [11:0] AFTER_ACS = TPH_EN != 0 ? `CFG_REG_TPH : AFTER_TPH;
  localparam [11:0] AFTER_VSEC = NUM_TDI > 1 ? `CFG_REG_ARI : AFTER_ACS;

  // ------------------------------------------------------------------ requests
  wire [TDI_W-1:0] func;
  wire [11:0] addr;
  wire [3:0] be;
  wire [31:0] wdata, value, clear;
  wire write, poisoned_write, refused;
  wire [31:0] rdata, rw_mask, w1c_mask;  // of the register that is meant

  cfg_tlp #(
      .DATA_W     (DATA_W),
      .NUM_TDI    (NUM_TDI),
      .TDI_W      (TDI_W),
      .STREAM_W   (STREAM_W),
      .PF_FUNCTION(PF_FUNCTION)
  ) u_tlp (
      .clk            (clk),
      .rst            (rst),
      .cfgreq_hdr     (cfgreq_hdr),
      .cfgreq_tdata   (cfgreq_tdata),
      .cfgreq_tkeep   (cfgreq_tkeep),
      .cfgreq_tvalid  (cfgreq_tvalid),
      .cfgreq_tready  (cfgreq_tready),
      .cfgreq_tlast   (cfgreq_tlast),
      .cfgreq_ide     (cfgreq_ide),
      .cfgreq_t       (cfgreq_t),
      .cfgreq_stream  (cfgreq_stream),
      .cfgcpl_hdr     (cfgcpl_hdr),
      .cfgcpl_tdata   (cfgcpl_tdata),
      .cfgcpl_tkeep   (cfgcpl_tkeep),
      .cfgcpl_tvalid  (cfgcpl_tvalid),
      .cfgcpl_tready  (cfgcpl_tready),
      .cfgcpl_tlast   (cfgcpl_tlast),
      .cfgcpl_ide     (cfgcpl_ide),
      .cfgcpl_t       (cfgcpl_t),
      .cfgcpl_stream  (cfgcpl_stream),
      .tdi_present    (tdi_present),
      .reg_func       (func),
      .reg_addr       (addr),
      .reg_be         (be),
      .reg_wdata      (wdata),
      .reg_rdata      (rdata),
      .reg_rw_mask    (rw_mask),
      .reg_w1c_mask   (w1c_mask),
      .reg_write      (write),
      .reg_value      (value),
      .reg_clear      (clear),
      .poisoned_write (poisoned_write),
      .cfg_watch_valid(cfg_watch_valid),
      .cfg_watch_old  (cfg_watch_old),
      .cfg_watch_new  (cfg_watch_new),
      .cfg_write_busy (cfg_write_busy),
      .pf_rid         (pf_rid),
      .rid_change     (rid_change),
      .unsupported    (refused)
  );

  assign cfg_watch_func = func;
  assign cfg_watch_addr = addr[11:2];
  assign cfg_watch_be   = be;
  assign cfg_watch_data = wdata;

  // ------------------------------------------------------------------ function level reset
  localparam INITIATE_FLR = 15;
  localparam [TDI_W-1:0] PF = 0;
  localparam [NUM_TDI-1:0] ONLY_PF = 1;

  wire flr_write = addr == `CFG_REG_DEVICE_CONTROL && be[1] && wdata[INITIATE_FLR];
  wire [NUM_TDI-1:0] flr_functions = func == PF ? {NUM_TDI{1'b1}} : ONLY_PF << func;
  wire [NUM_TDI-1:0] flr = flr_functions & {NUM_TDI{write && flr_write}};
  assign flr_req = flr_functions & {NUM_TDI{cfg_watch_valid && flr_write}};

  // ------------------------------------------------------------------ the register that is meant
  wire physical = func == PF;
  wire pf_write = write && physical;

  wire [31:0] all_rdata, header_rdata, pm_rdata, aer_rdata, sriov_rdata, doe_rdata, vsec_rdata;
  wire [31:0] all_rw, header_rw, pm_rw, aer_rw, sriov_rw, vsec_rw, ide_rw, ide_rdata;
  wire [31:0] all_w1c, header_w1c, aer_w1c, ide_w1c;

  wire [31:0] pf_rdata = header_rdata | pm_rdata | aer_rdata | sriov_rdata | doe_rdata |
      vsec_rdata | ide_rdata;
  wire [31:0] pf_rw = header_rw | pm_rw | aer_rw | sriov_rw | vsec_rw | ide_rw;
  wire [31:0] pf_w1c = header_w1c | aer_w1c | ide_w1c;

  assign rdata    = all_rdata | (physical ? pf_rdata : 32'd0);
  assign rw_mask  = all_rw | (physical ? pf_rw : 32'd0);
  assign w1c_mask = all_w1c | (physical ? pf_w1c : 32'd0);

  // ------------------------------------------------------------------ registers
  wire d0, pf_memory_space, pf_bus_master, vf_enable, vf_memory_space;
  wire [NUM_TDI-1:0] vf_bus_master;
  wire fatal_error, nonfatal_error;
  wire unsupported = aer_unsupported || refused;
  wire [15:0] num_vfs;
  wire [31:0] system_page_size;

  cfg_functions #(
      .NUM_TDI     (NUM_TDI),
      .TDI_W       (TDI_W),
      .MAX_PAYLOAD (MAX_PAYLOAD),
      .VENDOR_ID   (VENDOR),
      .VF_DEVICE_ID(VF_DEVICE),
      .AFTER_ATS   (`CFG_REG_AER),
      .AFTER_ACS   (AFTER_ACS),
      .AFTER_TPH   (AFTER_TPH),
      .LAST_NEXT   (`CFG_REG_IDE),
      .PASID_EN    (PASID_EN),
      .PRI_EN      (PRI_EN),
      .TPH_EN      (TPH_EN),
      .MSI_EN      (MSI_EN)
  ) u_functions (
      .clk                  (clk),
      .rst                  (rst),
      .clear_functions      (flr | ~tdi_present),
      .func                 (func),
      .physical             (physical),
      .addr                 (addr),
      .rdata                (all_rdata),
      .rw_mask              (all_rw),
      .w1c_mask             (all_w1c),
      .write                (write),
      .value                (value),
      .clear                (clear),
      .wdata                (wdata),
      .be                   (be),
      .nonfatal_error       (nonfatal_error),
      .fatal_error          (fatal_error),
      .unsupported_request  (unsupported),
      .max_payload_size     (max_payload_size),
      .max_read_request_size(max_read_request_size),
      .attr_enable          (attr_enable),
      .cpl_ido_enable       (cpl_ido_enable),
      .atomic_enable        (atomic_enable),
      .vf_bus_master        (vf_bus_master),
      .msix_enable          (msix_enable),
      .msix_function_mask   (msix_function_mask),
      .msi_control          (msi_control),
      .msi_pending          (msi_pending),
      .msi_tdi              (msi_tdi),
      .msi_message          (msi_message),
      .ats_enable           (ats_enable),
      .tph_enable           (tph_enable),
      .tph_st_mode          (tph_st_mode),
      .pasid_enable         (pasid_enable),
      .pri_enable           (pri_enable),
      .pri_allocation       (pri_allocation),
      .pri_reset_req        (pri_reset_req),
      .pri_idle             (pri_idle),
      .pri_response_failure (pri_response_failure),
      .pri_unexpected_index (pri_unexpected_index)
  );

  cfg_header #(
      .VENDOR_ID (VENDOR_ID),
      .DEVICE_ID (DEVICE_ID),
      .ROM_EN    (ROM_EN),
      .BAR_SLICES(NUM_SDI != 0 ? 1 << STATUS_W : 1)
  ) u_header (
      .clk         (clk),
      .rst         (rst),
      .flr         (flr[0]),
      .addr        (addr),
      .rdata       (header_rdata),
      .rw_mask     (header_rw),
      .w1c_mask    (header_w1c),
      .write       (pf_write),
      .value       (value),
      .clear       (clear),
      .parity_error(aer_poisoned),
      .memory_space(pf_memory_space),
      .bus_master  (pf_bus_master),
      .bar0        (pf_bar0),
      .bar2        (pf_bar2),
      .rom_enable  (rom_enable),
      .rom_base    (rom_base)
  );

  cfg_pm u_pm (
      .clk    (clk),
      .rst    (rst),
      .flr    (flr[0]),
      .addr   (addr),
      .wdata  (wdata),
      .rdata  (pm_rdata),
      .rw_mask(pm_rw),
      .write  (pf_write),
      .value  (value),
      .d0     (d0)
  );

  cfg_aer #(
      .NEXT(AFTER_AER)
  ) u_aer (
      .clk               (clk),
      .rst               (rst),
      .addr              (addr),
      .rdata             (aer_rdata),
      .rw_mask           (aer_rw),
      .w1c_mask          (aer_w1c),
      .write             (pf_write),
      .value             (value),
      .clear             (clear),
      .aer_check_failed  (aer_check_failed),
      .aer_misrouted     (aer_misrouted),
      .aer_malformed     (aer_malformed),
      .aer_poisoned      (aer_poisoned),
      .aer_unsupported   (unsupported),
      .aer_unexpected_cpl(aer_unexpected_cpl),
      .aer_cpl_timeout   (aer_cpl_timeout),
      .aer_internal      (aer_internal),
      .nonfatal_error    (nonfatal_error),
      .fatal_error       (fatal_error)
  );

  cfg_sriov #(
      .NUM_TDI     (NUM_TDI),
      .VF_DEVICE_ID(VF_DEVICE),
      .NEXT        (`CFG_REG_DOE)
  ) u_sriov (
      .clk             (clk),
      .rst             (rst),
      .flr             (flr[0]),
      .addr            (addr),
      .rdata           (sriov_rdata),
      .rw_mask         (sriov_rw),
      .write           (pf_write),
      .value           (value),
      .vf_enable       (vf_enable),
      .vf_memory_space (vf_memory_space),
      .tdi_present     (tdi_present),
      .num_vfs         (num_vfs),
      .system_page_size(system_page_size),
      .vf_bar0         (vf_bar0),
      .vf_bar2         (vf_bar2)
  );

  doe_mailbox #(
      .DOE_DWORDS(DOE_DWORDS),
      .TIMEOUT   (DOE_TIMEOUT),
      .NEXT      (`CFG_REG_VSEC)
  ) u_doe (
      .clk              (clk),
      .rst              (rst),
      .flr              (flr[0]),
      .addr             (addr),
      .rdata            (doe_rdata),
      .write            (pf_write),
      .wdata            (wdata),
      .be               (be),
      .poisoned_write   (poisoned_write && func == PF),
      .m_axis_doe_tdata (m_axis_doe_tdata),
      .m_axis_doe_tvalid(m_axis_doe_tvalid),
      .m_axis_doe_tready(m_axis_doe_tready),
      .m_axis_doe_tlast (m_axis_doe_tlast),
      .s_axis_doe_tdata (s_axis_doe_tdata),
      .s_axis_doe_tvalid(s_axis_doe_tvalid),
      .s_axis_doe_tready(s_axis_doe_tready),
      .s_axis_doe_tlast (s_axis_doe_tlast),
      .doe_rsp_none     (doe_rsp_none)
  );

  cfg_vsec #(
      .NUM_TDI(NUM_TDI + NUM_SDI),
      .TDI_W  (STATUS_W),
      .NEXT   (AFTER_VSEC)
  ) u_vsec (
      .clk            (clk),
      .rst            (rst),
      .flr            (flr[0]),
      .addr           (addr),
      .rdata          (vsec_rdata),
      .rw_mask        (vsec_rw),
      .write          (pf_write),
      .value          (value),
      .tdi_status_idx (tdi_status_idx),
      .tdi_status_data(tdi_status_data)
  );

  cfg_ide #(
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W       (STREAM_W)
  ) u_ide (
      .clk              (clk),
      .rst              (rst),
      .flr              (flr[0]),
      .addr             (addr),
      .rdata            (ide_rdata),
      .rw_mask          (ide_rw),
      .w1c_mask         (ide_w1c),
      .write            (pf_write),
      .value            (value),
      .clear            (clear),
      .idecap_addr      (idecap_addr),
      .idecap_data      (idecap_data),
      .idecap_last      (idecap_last),
      .stream_secure    (stream_secure),
      .ide_fail_received(ide_fail_received),
      .ide_enable       (ide_enable),
      .ide_stream_id    (ide_stream_id),
      .ide_tc           (ide_tc),
      .ide_default      (ide_default),
      .ide_tee_limited  (ide_tee_limited),
      .ide_rid_valid    (ide_rid_valid),
      .ide_rid_base     (ide_rid_base),
      .ide_rid_limit    (ide_rid_limit),
      .ide_addr_valid   (ide_addr_valid),
      .ide_addr_base    (ide_addr_base),
      .ide_addr_limit   (ide_addr_limit)
  );

  // ------------------------------------------------------------------ functions
  // Virtual functions have no power management of their own and follow the physical function.
  wire [NUM_TDI-1:0] awake = tdi_present & {NUM_TDI{d0}};

  assign tdi_mse = awake & (({NUM_TDI{pf_memory_space}} & ONLY_PF) |
                            ({NUM_TDI{vf_memory_space}} & ~ONLY_PF));
  assign tdi_bme = awake & (vf_bus_master | ({NUM_TDI{pf_bus_master}} & ONLY_PF));

  cfg_lock_check #(
      .NUM_TDI   (NUM_TDI),
      .BAR_SLICES(NUM_SDI != 0 ? 1 << STATUS_W : 1)
  ) u_lock_check (
      .clk             (clk),
      .rst             (rst),
      .pf_bar0         (pf_bar0),
      .pf_bar2         (pf_bar2),
      .rom_enable      (rom_enable),
      .rom_base        (rom_base),
      .vf_bar0         (vf_bar0),
      .vf_bar2         (vf_bar2),
      .vf_enable       (vf_enable),
      .num_vfs         (num_vfs),
      .system_page_size(system_page_size),
      .lock_config_ok  (lock_config_ok)
  );

endmodule

`default_nettype wire
