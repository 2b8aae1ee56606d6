// SPDX-License-Identifier: Apache-2.0
//
// sdi_functions: the configuration of one function as that of all TDIs.
//
// TDI 0 is the physical function, TDI n its Scalable Device Interface n, which has no configuration
// space: it exists with the function and follows its enables, its BARs hold the slices of all TDIs one
// behind another. What resets the function or changes it reaches every one of them. Only the physical
// function itself translates addresses.

`default_nettype none
`include "app_defs.vh"

module sdi_functions #(
    parameter NUM_TDI = 4
) (
    // Of the one function
    input wire        present,
    input wire        memory_space,
    input wire        bus_master,
    input wire        msix_enable,
    input wire        msix_function_mask,
    input wire        ats_enable,
    input wire        flr_req,
    input wire [63:0] bar0,
    input wire [63:0] bar2,

    // Of all TDIs
    output wire [NUM_TDI-1:0] tdi_present,
    output wire [NUM_TDI-1:0] tdi_mse,
    output wire [NUM_TDI-1:0] tdi_bme,
    output wire [NUM_TDI-1:0] tdi_msix_enable,
    output wire [NUM_TDI-1:0] tdi_msix_mask,
    output wire [NUM_TDI-1:0] tdi_ats_enable,
    output wire [NUM_TDI-1:0] tdi_flr_req,
    output wire [       63:0] sdi_bar0,         // slice of TDI 1
    output wire [       63:0] sdi_bar2
);

  localparam [NUM_TDI-1:0] PF = 1;

  assign tdi_present     = {NUM_TDI{present}};
  assign tdi_mse         = {NUM_TDI{memory_space}};
  assign tdi_bme         = {NUM_TDI{bus_master}};
  assign tdi_msix_enable = {NUM_TDI{msix_enable}};
  assign tdi_msix_mask   = {NUM_TDI{msix_function_mask}};
  assign tdi_ats_enable  = PF & {NUM_TDI{ats_enable}};
  assign tdi_flr_req     = {NUM_TDI{flr_req}};
  assign sdi_bar0        = bar0 + `APP_BAR0_SIZE;
  assign sdi_bar2        = bar2 + `APP_BAR2_SIZE;

endmodule

`default_nettype wire
