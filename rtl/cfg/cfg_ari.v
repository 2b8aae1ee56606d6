// SPDX-License-Identifier: Apache-2.0
//
// cfg_ari: ARI extended capability of all functions.
//
// There is one physical function and virtual functions are not in its list, so Next Function Number
// is 0. Function groups do not exist, so nothing can be written.

`default_nettype none
`include "cfg_map.vh"
`include "pcie_defs.vh"

module cfg_ari #(
    parameter        EXISTS  = 1,
    parameter [11:0] PF_NEXT = 12'h000,
    parameter [11:0] VF_NEXT = 12'h000
) (
    input  wire        physical,
    input  wire [11:0] addr,
    output wire [31:0] rdata
);

  wire is_header = EXISTS != 0 && addr == `CFG_REG_ARI;

  assign rdata = is_header ? {physical ? PF_NEXT : VF_NEXT, 4'd1, `PCIE_ECAP_ARI} : 32'd0;

endmodule

`default_nettype wire
