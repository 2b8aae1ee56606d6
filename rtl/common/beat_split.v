// SPDX-License-Identifier: Apache-2.0
//
// beat_split: cuts beats of a wide stream into parts of 128 bits, the low part first.
//
// keep is one bit a DW, contiguous from lane 0; parts without a DW are not sent.

`default_nettype none

module beat_split #(
    parameter DATA_W = 256  // a multiple of 128
) (
    input wire clk,
    input wire rst,

    input  wire [   DATA_W-1:0] s_data,
    input  wire [DATA_W/32-1:0] s_keep,
    input  wire                 s_last,
    input  wire                 s_valid,
    output wire                 s_ready,

    output wire [127:0] m_data,
    output wire         m_last,
    output wire         m_valid,
    input  wire         m_ready
);

  localparam PARTS = DATA_W / 128;

  generate
    if (DATA_W % 128 != 0) begin : g_check_data_w
      PARAM_ERROR_DATA_W_must_be_a_multiple_of_128 u_stop ();
    end
  endgenerate

  generate
    if (PARTS == 1) begin : g_same
      assign m_data  = s_data;
      assign m_last  = s_last;
      assign m_valid = s_valid;
      assign s_ready = m_ready;
      wire unused = &{1'b0, clk, rst, s_keep};
    end else begin : g_parts
      reg [DATA_W-1:0] data_q;
      reg [PARTS-1:0] left_q;  // parts to send, the next one in bit 0
      reg last_q;

      reg [PARTS-1:0] s_parts;
      integer i;
      always @* begin
        for (i = 0; i < PARTS; i = i + 1) s_parts[i] = |s_keep[4*i+:4];
      end

      wire [PARTS-1:0] left_next = {1'b0, left_q[PARTS-1:1]};

      assign m_valid = left_q[0];
      assign m_data  = data_q[127:0];
      assign m_last  = last_q && left_next == {PARTS{1'b0}};
      assign s_ready = !left_q[0] || (m_ready && left_next == {PARTS{1'b0}});

      always @(posedge clk) begin
        if (rst) left_q <= {PARTS{1'b0}};
        else if (s_ready) left_q <= s_valid ? s_parts : {PARTS{1'b0}};
        else if (m_ready) left_q <= left_next;
      end

      always @(posedge clk) begin
        if (s_ready) begin
          data_q <= s_data;
          last_q <= s_last;
        end else if (m_ready) begin
          data_q <= data_q >> 128;
        end
      end
    end
  endgenerate

endmodule

`default_nettype wire
