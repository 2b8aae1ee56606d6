// SPDX-License-Identifier: Apache-2.0
//
// skid_buffer: two registers that cut every path between the two sides of a handshake.
//
// Both s_ready and m_valid come straight from registers; a beat a cycle passes. Nothing is lost
// or repeated, and m_data holds while m_valid waits.

`default_nettype none

module skid_buffer #(
    parameter W = 32  // bits of payload
) (
    input wire clk,
    input wire rst,

    input  wire         s_valid,
    output wire         s_ready,
    input  wire [W-1:0] s_data,

    output wire         m_valid,
    input  wire         m_ready,
    output wire [W-1:0] m_data
);

  generate
    if (W < 1) begin : g_check_w
      PARAM_ERROR_W_must_be_at_least_1 u_stop ();
    end
  endgenerate

  reg m_valid_q;  // data_q is the oldest beat
  reg skid_valid_q;  // skid_q holds the beat that arrived while the output stalled
  reg [W-1:0] data_q, skid_q;

  wire s_take = s_valid && s_ready;
  wire m_free = !m_valid_q || m_ready;

  assign s_ready = !skid_valid_q;
  assign m_valid = m_valid_q;
  assign m_data  = data_q;

  always @(posedge clk) begin
    if (rst) begin
      m_valid_q    <= 1'b0;
      skid_valid_q <= 1'b0;
    end else if (m_free) begin
      m_valid_q    <= skid_valid_q || s_take;
      skid_valid_q <= 1'b0;
    end else if (s_take) begin
      skid_valid_q <= 1'b1;
    end
  end

  always @(posedge clk) begin
    if (m_free) data_q <= skid_valid_q ? skid_q : s_data;
    if (s_take && !m_free) skid_q <= s_data;
  end

endmodule

`default_nettype wire
