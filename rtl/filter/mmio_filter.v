// SPDX-License-Identifier: Apache-2.0
//
// mmio_filter: may this memory request reach the function?
//
// Pure: no state, no clock. `allow` is assigned once, from conditions that must all hold; whatever
// no rule admits is refused (TDISP-MMIO-001 to 005, 008, 010, 014, 015). A page of TEE memory that
// SET_MMIO_ATTRIBUTE has opened in RUN is non-TEE memory until RUN ends (TDISP-MMA-003). The Expansion
// ROM is no part of a TDI: no report names it, so it is for requests with T = 0 whatever the state.

`default_nettype none
`include "tdisp_defs.vh"
`include "app_defs.vh"

module mmio_filter (
    // The TDI that the address decode found
    input wire [1:0] tdi_state,
    input wire       msix_locked,   // MSI-X table and PBA are locked and reported
    input wire       memory_space,  // Memory Space Enable of the function
    input wire       scrub_busy,    // the function's data is being cleared

    // The request
    input wire [1:0] range_class,
    input wire       opened,       // SET_MMIO_ATTRIBUTE has made the page non-TEE memory
    input wire       rom,          // a read of the Expansion ROM, which is of no class
    input wire       one_class,    // all bytes lie in ranges of this class
    input wire       ide,          // arrived on a selective stream and passed the IDE checks
    input wire       t,
    input wire       stream_bound, // that stream is bound to this TDI

    output wire allow
);

  wire unlocked = tdi_state == `TDI_CONFIG_UNLOCKED;
  wire run = tdi_state == `TDI_RUN;

  wire memory_open = range_class == `APP_CLASS_TEE && opened && run;
  // A table is locked with its TDI: in CONFIG_UNLOCKED nothing is.
  wire tee_class = (range_class == `APP_CLASS_TEE && !memory_open) ||
      (range_class == `APP_CLASS_MSIX && msix_locked && !unlocked);
  wire plain_class = range_class == `APP_CLASS_NON_TEE || memory_open ||
      (range_class == `APP_CLASS_MSIX && (!msix_locked || unlocked));

  wire trusted = ide && t;
  wire tee_ok = tee_class && (unlocked ? !t : run && trusted && stream_bound);
  // T = 1 outside RUN is refused for non-TEE memory also: the stricter of two readings.
  wire plain_ok = plain_class && (!t || (run && ide));

  wire rom_ok = rom && !t;

  assign allow = memory_space && !scrub_busy && one_class && (tee_ok || plain_ok || rom_ok);

endmodule

`default_nettype wire
