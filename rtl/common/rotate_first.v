// SPDX-License-Identifier: Apache-2.0
//
// rotate_first: the first request after the one that was served last.
//
// Pure: no state, no clock. Requests are looked at from `last` + 1 upwards and then from 0 on, so
// each of them is served after at most N - 1 others. The whole search is a handful of operations on
// vectors: its time does not depend on where the request is.

`default_nettype none

module rotate_first #(
    parameter N = 4,  // requests
    parameter W = 2   // bits of an index, at least 1
) (
    input  wire [N-1:0] request,
    input  wire [W-1:0] last,
    output wire         any,
    output wire [W-1:0] idx,      // 0 when there is none
    output wire [N-1:0] grant     // the same, one bit a request
);

  localparam [N-1:0] ONE = 1;
  localparam [N-1:0] ALL = {N{1'b1}};

  generate
    if (N < 1) begin : g_check_n
      PARAM_ERROR_N_must_be_at_least_1 u_stop ();
    end
    if (W < 1 || (N - 1) >> W != 0) begin : g_check_w
      PARAM_ERROR_W_must_hold_every_index u_stop ();
    end
  endgenerate

  function automatic [N-1:0] with_bit(input integer position);  // indices that have this bit set
    integer i;
    for (i = 0; i < N; i = i + 1) with_bit[i] = (i >> position) % 2 == 1;
  endfunction

  wire [N-1:0] above = request & ((ALL << last) << 1);
  wire [N-1:0] pool = above != {N{1'b0}} ? above : request;

  assign grant = pool & (~pool + ONE);
  assign any   = request != {N{1'b0}};

  genvar b;
  generate
    for (b = 0; b < W; b = b + 1) begin : g_bit
      localparam [N-1:0] MASK = with_bit(b);
      assign idx[b] = |(grant & MASK);
    end
  endgenerate

endmodule

`default_nettype wire
