// SPDX-License-Identifier: Apache-2.0
//
// beat_join: puts parts of 128 bits together to beats of a wide stream, the first part lowest.
//
// A packet that ends inside a beat leaves the rest of it zero.

`default_nettype none

module beat_join #(
    parameter DATA_W = 256  // a multiple of 128
) (
    input wire clk,
    input wire rst,

    input  wire [127:0] s_data,
    input  wire         s_last,
    input  wire         s_valid,
    output wire         s_ready,

    output wire [DATA_W-1:0] m_data,
    output wire              m_last,
    output wire              m_valid,
    input  wire              m_ready
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
      wire unused = &{1'b0, clk, rst};
    end else begin : g_parts
      reg [DATA_W-1:0] data_q;
      reg [PARTS-1:0] at_q;  // one-hot: where the next part goes
      reg full_q;
      reg last_q;

      wire take = s_valid && s_ready;
      wire fills = s_last || at_q[PARTS-1];

      assign m_valid = full_q;
      assign m_data  = data_q;
      assign m_last  = last_q;
      assign s_ready = !full_q || m_ready;

      always @(posedge clk) begin
        if (rst) begin
          full_q <= 1'b0;
          at_q   <= {{(PARTS - 1) {1'b0}}, 1'b1};
        end else begin
          if (take) begin
            full_q <= fills;
            at_q   <= fills ? {{(PARTS - 1) {1'b0}}, 1'b1} : {at_q[PARTS-2:0], 1'b0};
          end else if (m_ready) begin
            full_q <= 1'b0;
          end
        end
      end

      integer i;
      always @(posedge clk) begin
        if (take) begin
          last_q <= s_last;
          if (at_q[0]) data_q <= {DATA_W{1'b0}};
          for (i = 0; i < PARTS; i = i + 1) if (at_q[i]) data_q[128*i+:128] <= s_data;
        end
      end
    end
  endgenerate

endmodule

`default_nettype wire
