// SPDX-License-Identifier: Apache-2.0
//
// tlp_class: what the first byte of a TLP header says.
//
// Pure. A type that this project does not know is `known` = 0 and nothing else may be used of it.

`default_nettype none
`include "ide_defs.vh"
`include "pcie_defs.vh"

module tlp_class (
    input wire [7:0] fmt_type,

    output reg        known,
    output wire       four_dw,     // header of four DW
    output wire       with_data,
    output reg  [1:0] sub_stream,  // posted, non-posted or completion
    output reg        permitted    // may travel on a selective stream (IDE-TLP-009)
);

  localparam FOUR_DW_BIT = 5;
  localparam DATA_BIT = 6;

  assign four_dw   = fmt_type[FOUR_DW_BIT];
  assign with_data = fmt_type[DATA_BIT];

  always @* begin
    known      = 1'b1;
    permitted  = 1'b1;
    sub_stream = `IDE_SUB_NPR;
    case (fmt_type)
      `PCIE_TYPE_MWR32, `PCIE_TYPE_MWR64: sub_stream = `IDE_SUB_PR;
      `PCIE_TYPE_CPL, `PCIE_TYPE_CPLD, `PCIE_TYPE_CPLLK, `PCIE_TYPE_CPLDLK:
      sub_stream = `IDE_SUB_CPL;
      `PCIE_TYPE_MSG_RC, `PCIE_TYPE_MSG_ADDRESS, `PCIE_TYPE_MSG_ID,
      `PCIE_TYPE_MSGD_RC, `PCIE_TYPE_MSGD_ADDRESS, `PCIE_TYPE_MSGD_ID:
      sub_stream = `IDE_SUB_PR;
      `PCIE_TYPE_MSG_BROADCAST, `PCIE_TYPE_MSG_LOCAL, `PCIE_TYPE_MSG_GATHER,
      `PCIE_TYPE_MSGD_BROADCAST, `PCIE_TYPE_MSGD_LOCAL, `PCIE_TYPE_MSGD_GATHER: begin
        sub_stream = `IDE_SUB_PR;
        permitted  = 1'b0;
      end
      `PCIE_TYPE_MRD32, `PCIE_TYPE_MRD64, `PCIE_TYPE_MRDLK32, `PCIE_TYPE_MRDLK64: ;
      `PCIE_TYPE_CFGRD1, `PCIE_TYPE_CFGWR1: ;
      `PCIE_TYPE_FETCH_ADD32, `PCIE_TYPE_FETCH_ADD64, `PCIE_TYPE_SWAP32, `PCIE_TYPE_SWAP64,
      `PCIE_TYPE_CAS32, `PCIE_TYPE_CAS64, `PCIE_TYPE_DMWR32, `PCIE_TYPE_DMWR64:
      ;
      `PCIE_TYPE_IORD, `PCIE_TYPE_IOWR, `PCIE_TYPE_CFGRD0, `PCIE_TYPE_CFGWR0: permitted = 1'b0;
      default: begin
        known     = 1'b0;
        permitted = 1'b0;
      end
    endcase
  end

endmodule

`default_nettype wire
