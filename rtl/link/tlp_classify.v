// SPDX-License-Identifier: Apache-2.0
//
// tlp_classify: what a received TLP is, and the fields of its Completion should it be refused.
//
// Pure: no state, no clock. Types are listed; what is on no list is `unknown`.

`default_nettype none
`include "pcie_defs.vh"

module tlp_classify #(
    parameter PRI_EN = 0  // functions take PRG Responses
) (
    input wire [127:0] hdr,

    output wire        config_request,
    output wire        memory_read,     // MRd or MWr that a function may serve
    output wire        memory_write,
    output wire        completion,
    output wire        message,
    output wire        message_known,   // a message that needs no action here
    output wire        for_function,    // a message that function_messages takes
    output wire        refused_np,      // a non-posted request that no function serves
    output wire        unknown,
    output wire        poisoned,        // EP is set on a TLP with data
    output wire [63:0] address,
    output wire [10:0] dw_count,        // of a memory request

    // Completion without data
    output wire [ 7:0] cpl_type,
    output wire [11:0] cpl_byte_count,
    output wire [ 6:0] cpl_lower_address
);

  wire [7:0] tlp_type = hdr[127:120];
  wire [7:0] message_code = hdr[71:64];
  wire long_header = hdr[125];
  wire with_data = hdr[126];
  wire hint = hdr[112];  // TH: the function is no TPH completer, and TH changes other fields
  wire address_type_ok = !hdr[106];  // untranslated or translated, no Translation Request
  wire [3:0] first_be = hdr[67:64];
  wire [3:0] last_be = hdr[71:68];

  reg is_config, is_read, is_write, is_cpl, is_locked_read, is_compare, is_atomic, is_other_np;

  always @* begin
    is_config      = 1'b0;
    is_read        = 1'b0;
    is_write       = 1'b0;
    is_cpl         = 1'b0;
    is_locked_read = 1'b0;
    is_atomic      = 1'b0;
    is_compare     = 1'b0;
    is_other_np    = 1'b0;
    case (tlp_type)
      `PCIE_TYPE_CFGRD0, `PCIE_TYPE_CFGWR0, `PCIE_TYPE_CFGRD1, `PCIE_TYPE_CFGWR1: is_config = 1'b1;
      `PCIE_TYPE_MRD32, `PCIE_TYPE_MRD64: is_read = 1'b1;
      `PCIE_TYPE_MWR32, `PCIE_TYPE_MWR64: is_write = 1'b1;
      `PCIE_TYPE_CPL, `PCIE_TYPE_CPLD, `PCIE_TYPE_CPLLK, `PCIE_TYPE_CPLDLK: is_cpl = 1'b1;
      `PCIE_TYPE_MRDLK32, `PCIE_TYPE_MRDLK64: is_locked_read = 1'b1;
      `PCIE_TYPE_FETCH_ADD32, `PCIE_TYPE_FETCH_ADD64: is_atomic = 1'b1;
      `PCIE_TYPE_SWAP32, `PCIE_TYPE_SWAP64: is_atomic = 1'b1;
      `PCIE_TYPE_CAS32, `PCIE_TYPE_CAS64: is_compare = 1'b1;
      `PCIE_TYPE_IORD, `PCIE_TYPE_IOWR, `PCIE_TYPE_DMWR32, `PCIE_TYPE_DMWR64: is_other_np = 1'b1;
      default: is_other_np = 1'b0;
    endcase
  end

  wire plain_form = address_type_ok && !hint;
  assign message = tlp_type[7:6] != 2'b10 && tlp_type[5:3] == 3'b110;
  assign message_known = message_code == `PCIE_MSG_UNLOCK || message_code == `PCIE_MSG_OBFF ||
      message_code == `PCIE_MSG_PM_ACTIVE_STATE_NAK || message_code == `PCIE_MSG_PME_TURN_OFF ||
      message_code == `PCIE_MSG_SET_SLOT_POWER_LIMIT ||
      message_code == `PCIE_MSG_VENDOR_DEFINED_1 ||
      message_code[7:4] == 4'h4;  // "ignored" messages
  wire prg_response = PRI_EN != 0 && tlp_type == `PCIE_TYPE_MSG_ID && !hdr[110] &&
      message_code == `PCIE_MSG_PRG_RESPONSE;
  assign for_function = prg_response || (tlp_type == `PCIE_TYPE_MSGD_ID &&
      message_code == `PCIE_MSG_INVALIDATE_REQUEST);
  assign config_request = is_config;
  assign memory_read = is_read && plain_form;
  assign memory_write = is_write && plain_form;
  assign completion = is_cpl;
  assign refused_np = is_locked_read || is_atomic || is_compare || is_other_np ||
      (is_read && !plain_form);
  assign unknown = !(is_config || is_read || is_write || is_cpl || message || refused_np) ||
      (is_write && !plain_form);
  assign poisoned = hdr[110] && with_data;
  assign address = long_header ? {hdr[63:2], 2'b00} : {32'd0, hdr[63:34], 2'b00};
  assign dw_count = {hdr[105:96] == 10'd0, hdr[105:96]};

  // ------------------------------------------------------------------ Byte Count, Lower Address
  wire single = dw_count == 11'd1;
  wire [3:0] end_be = single ? first_be : last_be;
  wire [1:0] skipped_low = first_be[0] ? 2'd0 : first_be[1] ? 2'd1 : first_be[2] ? 2'd2 :
      first_be[3] ? 2'd3 : 2'd0;
  wire [1:0] skipped_high = end_be[3] ? 2'd0 : end_be[2] ? 2'd1 : end_be[1] ? 2'd2 : 2'd3;
  wire [11:0] read_bytes = (single && first_be == 4'h0) ? 12'd1 :
      {dw_count[9:0], 2'b00} - {10'd0, skipped_low} - {10'd0, skipped_high};
  wire any_read = is_read || is_locked_read;

  assign cpl_type = is_locked_read ? `PCIE_TYPE_CPLLK : `PCIE_TYPE_CPL;
  assign cpl_byte_count = any_read ? read_bytes : is_atomic ? {dw_count[9:0], 2'b00} :
      is_compare ? {1'b0, dw_count[9:0], 1'b0} : 12'd4;
  assign cpl_lower_address = any_read ? {address[6:2], skipped_low} : 7'd0;

  wire unused = &{1'b0, hdr[124:120], hdr[119:113], hdr[111], hdr[109:107], hdr[95:72], hdr[33:32],
                  hdr[1:0], end_be[0]};

endmodule

`default_nettype wire
