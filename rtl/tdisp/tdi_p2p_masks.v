// SPDX-License-Identifier: Apache-2.0
//
// tdi_p2p_masks: BIND_P2P_ADDRESS_MASK of every TDI, as LOCK has latched it.
//
// A TDI that is not locked, or whose row has wrong parity, shows a mask that strips nothing.

`default_nettype none

module tdi_p2p_masks #(
    parameter NUM_TDI = 4,
    parameter TDI_W   = 2
) (
    input wire clk,
    input wire rst,

    input wire [TDI_W-1:0] req_idx,
    input wire             lock_req,  // pulse: keep `lock_mask` for TDI req_idx
    input wire [     63:0] lock_mask,

    input wire [NUM_TDI-1:0] held,  // the TDI is locked

    input  wire [  TDI_W-1:0] mask_idx,
    output wire [       63:0] mask,         // of TDI mask_idx, one cycle later
    output wire [NUM_TDI-1:0] parity_wrong
);

  localparam [NUM_TDI-1:0] ONE = 1;

  reg [TDI_W-1:0] idx_q;
  reg held_q;  // the row was written before it was read
  wire [64:0] row;
  wire sound = ^row;  // odd parity

  secret_ram #(
      .DATA_W(65),
      .ADDR_W(TDI_W)
  ) u_ram (
      .clk       (clk),
      .write_en  (lock_req),
      .write_addr(req_idx),
      .write_data({~^lock_mask, lock_mask}),
      .read_en   (1'b1),
      .read_addr (mask_idx),
      .read_data (row)
  );

  always @(posedge clk) begin
    idx_q <= mask_idx;
    if (rst) held_q <= 1'b0;
    else held_q <= |(held & (ONE << mask_idx));
  end

  assign mask         = held_q && sound ? row[63:0] : 64'h0;
  assign parity_wrong = held_q && !sound ? held & (ONE << idx_q) : {NUM_TDI{1'b0}};

endmodule

`default_nettype wire
