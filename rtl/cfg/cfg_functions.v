// SPDX-License-Identifier: Apache-2.0
//
// cfg_functions: registers that virtual functions have as well, of all functions, and what they share
// with the physical function.
//
// One block for each capability, not for each function: what a function has of its own is one bit of
// a vector in it, or a word in RAM. So an access takes as long whatever the number of functions, and a reset of all of
// them takes one cycle.

`default_nettype none
`include "cfg_map.vh"

module cfg_functions #(
    parameter        NUM_TDI      = 4,
    parameter        TDI_W        = 2,
    parameter        MAX_PAYLOAD  = 512,
    parameter [15:0] VENDOR_ID    = 16'h1234,
    parameter [15:0] VF_DEVICE_ID = 16'h7d16,
    parameter [11:0] AFTER_ATS    = 12'h000,   // in the physical function
    parameter [11:0] AFTER_ACS    = 12'h000,
    parameter [11:0] AFTER_TPH    = 12'h000,
    parameter [11:0] LAST_NEXT    = 12'h000,   // behind the last of all
    parameter        PASID_EN     = 0,
    parameter        PRI_EN       = 0,
    parameter        TPH_EN       = 0,
    parameter        MSI_EN       = 0
) (
    input wire               clk,
    input wire               rst,
    input wire [NUM_TDI-1:0] clear_functions, // FLR, or the function does not exist

    // Access to a register
    input  wire [TDI_W-1:0] func,
    input  wire             physical,
    input  wire [     11:0] addr,
    output wire [     31:0] rdata,
    output wire [     31:0] rw_mask,
    output wire [     31:0] w1c_mask,
    input  wire             write,
    input  wire [     31:0] value,
    input  wire [     31:0] clear,
    input  wire [     31:0] wdata,
    input  wire [      3:0] be,

    // Errors, one-cycle pulses
    input wire nonfatal_error,
    input wire fatal_error,
    input wire unsupported_request,

    output wire [        2:0] max_payload_size,
    output wire [        2:0] max_read_request_size,
    // Of the physical function, for all: ID-Based Ordering, Relaxed Ordering, No Snoop of requests;
    // ID-Based Ordering of Completions; AtomicOps
    output wire [        2:0] attr_enable,
    output wire               cpl_ido_enable,
    output wire               atomic_enable,
    output wire [NUM_TDI-1:0] vf_bus_master,          // bit 0 is 0
    output wire [NUM_TDI-1:0] msix_enable,
    output wire [NUM_TDI-1:0] msix_function_mask,
    output wire [NUM_TDI-1:0] ats_enable,

    // Interrupts by MSI; see cfg_msi
    output wire [7*NUM_TDI-1:0] msi_control,
    input  wire [4*NUM_TDI-1:0] msi_pending,
    input  wire [    TDI_W-1:0] msi_tdi,
    output wire [         79:0] msi_message,

    output wire [  NUM_TDI-1:0] tph_enable,
    output wire [3*NUM_TDI-1:0] tph_st_mode,

    output wire        pasid_enable,
    output wire        pri_enable,
    output wire [31:0] pri_allocation,
    output wire        pri_reset_req,
    input  wire        pri_idle,
    input  wire        pri_response_failure,
    input  wire        pri_unexpected_index
);

  localparam [11:0] AFTER_PCIE = MSI_EN != 0 ? `CFG_REG_MSI : 12'h000;
  localparam [11:0] VF_AFTER_ACS = TPH_EN != 0 ? `CFG_REG_TPH : 12'h000;

  wire [31:0] vf_rdata, msix_rdata, pcie_rdata, ats_rdata, ari_rdata, acs_rdata, shared_rdata;
  wire [31:0] tph_rdata, tph_rw, msi_rdata, msi_rw;
  wire [31:0] vf_rw, msix_rw, pcie_rw, ats_rw, acs_rw, shared_rw, pcie_w1c, shared_w1c;

  assign rdata = msix_rdata | pcie_rdata | ats_rdata | ari_rdata | acs_rdata | tph_rdata |
      msi_rdata | (physical ? shared_rdata : vf_rdata);
  assign rw_mask = msix_rw | pcie_rw | ats_rw | acs_rw | tph_rw | msi_rw |
      (physical ? shared_rw : vf_rw);
  assign w1c_mask = pcie_w1c | (physical ? shared_w1c : 32'd0);

  cfg_vf_header #(
      .NUM_TDI  (NUM_TDI),
      .TDI_W    (TDI_W),
      .VENDOR_ID(VENDOR_ID),
      .DEVICE_ID(VF_DEVICE_ID)
  ) u_vf_header (
      .clk            (clk),
      .rst            (rst),
      .clear_functions(clear_functions),
      .func           (func),
      .physical       (physical),
      .addr           (addr),
      .rdata          (vf_rdata),
      .rw_mask        (vf_rw),
      .write          (write),
      .value          (value),
      .bus_master     (vf_bus_master)
  );

  cfg_msix #(
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W)
  ) u_msix (
      .clk               (clk),
      .rst               (rst),
      .clear_functions   (clear_functions),
      .func              (func),
      .addr              (addr),
      .rdata             (msix_rdata),
      .rw_mask           (msix_rw),
      .write             (write),
      .value             (value),
      .msix_enable       (msix_enable),
      .msix_function_mask(msix_function_mask)
  );

  cfg_msi #(
      .MSI_EN (MSI_EN),
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W)
  ) u_msi (
      .clk            (clk),
      .rst            (rst),
      .clear_functions(clear_functions),
      .func           (func),
      .addr           (addr),
      .rdata          (msi_rdata),
      .rw_mask        (msi_rw),
      .write          (write),
      .value          (value),
      .msi_control    (msi_control),
      .msi_pending    (msi_pending),
      .msi_tdi        (msi_tdi),
      .msi_message    (msi_message)
  );

  cfg_pcie #(
      .MAX_PAYLOAD(MAX_PAYLOAD),
      .PASID_EN   (PASID_EN),
      .NEXT       (AFTER_PCIE[7:0])
  ) u_pcie (
      .clk                  (clk),
      .rst                  (rst),
      .flr                  (clear_functions[0]),
      .physical             (physical),
      .addr                 (addr),
      .rdata                (pcie_rdata),
      .rw_mask              (pcie_rw),
      .w1c_mask             (pcie_w1c),
      .write                (write),
      .value                (value),
      .clear                (clear),
      .nonfatal_error       (nonfatal_error),
      .fatal_error          (fatal_error),
      .unsupported_request  (unsupported_request),
      .max_payload_size     (max_payload_size),
      .max_read_request_size(max_read_request_size),
      .attr_enable          (attr_enable),
      .cpl_ido_enable       (cpl_ido_enable),
      .atomic_enable        (atomic_enable)
  );

  cfg_ats #(
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W),
      .PF_NEXT(AFTER_ATS),
      .VF_NEXT(`CFG_REG_ARI)
  ) u_ats (
      .clk            (clk),
      .rst            (rst),
      .clear_functions(clear_functions),
      .func           (func),
      .physical       (physical),
      .addr           (addr),
      .rdata          (ats_rdata),
      .rw_mask        (ats_rw),
      .write          (write),
      .value          (value),
      .ats_enable     (ats_enable)
  );

  cfg_ari #(
      .EXISTS (NUM_TDI > 1),
      .PF_NEXT(`CFG_REG_ACS),
      .VF_NEXT(`CFG_REG_ACS)
  ) u_ari (
      .physical(physical),
      .addr    (addr),
      .rdata   (ari_rdata)
  );

  cfg_acs #(
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W),
      .PF_NEXT(AFTER_ACS),
      .VF_NEXT(VF_AFTER_ACS)
  ) u_acs (
      .clk            (clk),
      .rst            (rst),
      .clear_functions(clear_functions),
      .func           (func),
      .physical       (physical),
      .addr           (addr),
      .rdata          (acs_rdata),
      .rw_mask        (acs_rw),
      .write          (write),
      .value          (value)
  );

  cfg_tph #(
      .TPH_EN (TPH_EN),
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W),
      .PF_NEXT(AFTER_TPH)
  ) u_tph (
      .clk            (clk),
      .rst            (rst),
      .clear_functions(clear_functions),
      .func           (func),
      .physical       (physical),
      .addr           (addr),
      .rdata          (tph_rdata),
      .rw_mask        (tph_rw),
      .write          (write),
      .value          (value),
      .tph_enable     (tph_enable),
      .tph_st_mode    (tph_st_mode)
  );

  cfg_pasid_pri #(
      .PASID_EN(PASID_EN),
      .PRI_EN  (PRI_EN),
      .NEXT    (LAST_NEXT)
  ) u_pasid_pri (
      .clk                 (clk),
      .rst                 (rst),
      .flr                 (clear_functions[0]),
      .addr                (addr),
      .rdata               (shared_rdata),
      .rw_mask             (shared_rw),
      .w1c_mask            (shared_w1c),
      .write               (write && physical),
      .value               (value),
      .clear               (clear),
      .wdata               (wdata),
      .be                  (be),
      .pasid_enable        (pasid_enable),
      .pri_enable          (pri_enable),
      .pri_allocation      (pri_allocation),
      .pri_reset_req       (pri_reset_req),
      .pri_idle            (pri_idle),
      .pri_response_failure(pri_response_failure),
      .pri_unexpected_index(pri_unexpected_index)
  );

endmodule

`default_nettype wire
