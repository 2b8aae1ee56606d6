// SPDX-License-Identifier: Apache-2.0
//
// sync_fifo: a small first-in first-out queue with a registered output word.
//
// It holds DEPTH words and passes one a cycle. A word written into the empty queue is at the output
// in the next cycle. Neither s_ready nor m_valid depends on an input of the same cycle. The words
// sit in registers (or distributed RAM): for queues of up to some ten words.

`default_nettype none

module sync_fifo #(
    parameter W = 32,  // bits of a word
    parameter DEPTH = 4  // words, at least 2
) (
    input wire clk,
    input wire rst,

    input  wire         s_valid,
    output wire         s_ready,
    input  wire [W-1:0] s_data,

    output wire         m_valid,
    input  wire         m_ready,
    output wire [W-1:0] m_data,

    output wire empty
);

  function automatic integer ptr_width(input integer value);
    integer i;
    begin
      ptr_width = 1;
      for (i = 2; i < 32; i = i + 1) if ((1 << (i - 1)) < value) ptr_width = i;
    end
  endfunction

  localparam PTR_W = ptr_width(DEPTH);
  localparam CNT_W = PTR_W + 1;
  localparam [31:0] LAST_WORD = DEPTH - 1;
  localparam [31:0] FULL_WORDS = DEPTH;

  generate
    if (W < 1) begin : g_check_w
      PARAM_ERROR_W_must_be_at_least_1 u_stop ();
    end
    if (DEPTH < 2) begin : g_check_depth
      PARAM_ERROR_DEPTH_must_be_at_least_2 u_stop ();
    end
  endgenerate

  reg [W-1:0] store_q[0:DEPTH-1];
  reg [PTR_W-1:0] write_ptr_q, read_ptr_q;
  reg [CNT_W-1:0] count_q;

  wire s_take = s_valid && s_ready;
  wire m_take = m_valid && m_ready;

  assign s_ready = count_q != FULL_WORDS[CNT_W-1:0];
  assign m_valid = count_q != {CNT_W{1'b0}};
  assign m_data  = store_q[read_ptr_q];
  assign empty   = !m_valid;

  function automatic [PTR_W-1:0] next_ptr(input reg [PTR_W-1:0] ptr);
    next_ptr = ptr == LAST_WORD[PTR_W-1:0] ? {PTR_W{1'b0}} : ptr + 1'b1;
  endfunction

  always @(posedge clk) begin
    if (rst) begin
      write_ptr_q <= {PTR_W{1'b0}};
      read_ptr_q  <= {PTR_W{1'b0}};
      count_q     <= {CNT_W{1'b0}};
    end else begin
      if (s_take) write_ptr_q <= next_ptr(write_ptr_q);
      if (m_take) read_ptr_q <= next_ptr(read_ptr_q);
      if (s_take && !m_take) count_q <= count_q + 1'b1;
      if (m_take && !s_take) count_q <= count_q - 1'b1;
    end
  end

  always @(posedge clk) begin
    if (s_take) store_q[write_ptr_q] <= s_data;
  end

endmodule

`default_nettype wire
