// SPDX-License-Identifier: Apache-2.0
//
// app_atc: address translation cache, one translation of each function.
//
// An entry is what a Translation Completion said, and nothing else writes it. It is gone in the cycle
// in which its function is stopped, cleared, aborted or changes state, its ATS Enable falls, or an
// Invalidate Request names it, whatever its address (TDISP-LOCK-020, TDISP-ATS-005); the flip-flop
// goes at once, a sweep clears the memory behind it. An entry may say a range of more than a page:
// the address bits above its lowest 0 are the translation, the others are taken over.

`default_nettype none

module app_atc #(
    parameter NUM_TDI = 4,
    parameter TDI_W   = 2
) (
    input wire clk,
    input wire rst,

    input wire [NUM_TDI-1:0] drop,        // forget the entry, and let none in
    input wire               sweep_step,
    input wire [  TDI_W-1:0] sweep_tdi,

    // A translation of `ask_page` was asked for
    input wire             ask_req,
    input wire [TDI_W-1:0] ask_tdi,
    input wire [    63:12] ask_page,
    input wire             ask_no_write, // only to read

    // It has come
    input wire             fill_req,
    input wire [TDI_W-1:0] fill_tdi,
    input wire [     63:0] fill_entry, // as in the Completion, address in the high bits

    // Look-up: `select_page` comes one cycle after the request, as the answer does
    input  wire               select_req,
    input  wire [  TDI_W-1:0] select,
    input  wire [      63:12] select_page,
    output wire               hit,
    output wire               may_read,
    output wire               may_write,
    output wire               read_only,    // it was asked for only to read
    output wire [      63:12] translated,
    input  wire               forget_req,   // the entry of `select` is of no use
    output wire [NUM_TDI-1:0] valid
);

  localparam [NUM_TDI-1:0] ONE = 1;
  localparam [NUM_TDI-1:0] NONE = {NUM_TDI{1'b0}};
  localparam RAM_W = 56;
  localparam PAGE_W = 52;
  localparam BIT_READ = 0;
  localparam BIT_WRITE = 1;
  localparam BIT_UNTRANSLATED = 2;
  localparam BIT_SIZE = 11;

  reg  [NUM_TDI-1:0] valid_q;
  wire [NUM_TDI-1:0] filled = fill_req ? ONE << fill_tdi : NONE;
  wire [NUM_TDI-1:0] forgotten = forget_req ? ONE << select : NONE;

  always @(posedge clk) begin
    if (rst) valid_q <= NONE;
    else valid_q <= ((valid_q & ~forgotten) | filled) & ~drop;
  end

  // ------------------------------------------------------------------ memory
  wire [63:12] page, address;
  wire [2:0] unused_page;
  wire ranged, untranslated, readable, writable;

  app_ram #(
      .WIDTH (RAM_W),
      .WORDS (NUM_TDI),
      .ADDR_W(TDI_W)
  ) u_page (
      .clk       (clk),
      .write_be  ({RAM_W / 8{ask_req || sweep_step}}),
      .write_addr(ask_req ? ask_tdi : sweep_tdi),
      .write_data(ask_req ? {3'd0, ask_no_write, ask_page} : {RAM_W{1'b0}}),
      .read_req  (select_req),
      .read_addr (select),
      .read_data ({unused_page, read_only, page})
  );

  app_ram #(
      .WIDTH (RAM_W),
      .WORDS (NUM_TDI),
      .ADDR_W(TDI_W)
  ) u_entry (
      .clk(clk),
      .write_be({RAM_W / 8{fill_req || sweep_step}}),
      .write_addr(fill_req ? fill_tdi : sweep_tdi),
      .write_data(fill_req ? {
        fill_entry[BIT_SIZE],
        fill_entry[BIT_UNTRANSLATED],
        fill_entry[BIT_WRITE],
        fill_entry[BIT_READ],
        fill_entry[63:12]
      } : {RAM_W{1'b0}}),
      .read_req(select_req),
      .read_addr(select),
      .read_data({ranged, untranslated, writable, readable, address})
  );

  // ------------------------------------------------------------------ look-up
  wire [PAGE_W-1:0] address_bits = address;
  wire [PAGE_W-1:0] above_ones = address_bits + {{(PAGE_W - 1) {1'b0}}, 1'b1};
  wire [63:12] kept = ranged ? address_bits ^ above_ones : {PAGE_W{1'b0}};

  assign hit        = ((page ^ select_page) & ~kept) == {PAGE_W{1'b0}};
  assign translated = (address & ~kept) | (select_page & kept);
  assign may_read   = readable && !untranslated;
  assign may_write  = writable && !untranslated;
  assign valid      = valid_q;

  wire unused = &{1'b0, fill_entry[10:3], unused_page};

endmodule

`default_nettype wire
