// SPDX-License-Identifier: Apache-2.0
//
// ide_aad: what the MAC of an IDE TLP covers besides its data.
//
// Pure. The IDE prefix, a PASID prefix behind it if there is one, and the header, all as they are on
// the wire (IDE-TLP-002, IDE-GCM-004).

`default_nettype none
`include "pcie_defs.vh"

module ide_aad (
    input wire [ 31:0] prefix,
    input wire [ 24:0] pasid,   // there is a PASID prefix, its bytes 1 to 3
    input wire [127:0] hdr,

    output wire [191:0] aad,     // byte 0 in the most significant bits
    output wire [  5:0] aad_len  // bytes
);

  localparam FOUR_DW_BIT = 125;
  localparam [5:0] SHORTEST = 6'd16;  // IDE prefix and a header of three DWs

  wire pasid_valid = pasid[24];

  assign aad = pasid_valid ? {prefix, `PCIE_PREFIX_PASID, pasid[23:0], hdr} : {prefix, hdr, 32'd0};
  assign aad_len = SHORTEST + {3'd0, hdr[FOUR_DW_BIT], 2'b00} + {3'd0, pasid_valid, 2'b00};

endmodule

`default_nettype wire
