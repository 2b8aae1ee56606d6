// SPDX-License-Identifier: Apache-2.0
//
// nonce_source: gathers a nonce from the entropy input (TDISP-LOCK-018).
//
// Two equal words in a row are taken for a stuck source; such a nonce is refused, and so is one
// that takes longer than TIMEOUT cycles (TDISP-LOCK-016). The nonce is cleared when it is dropped.

`default_nettype none

module nonce_source #(
    parameter TIMEOUT = 65536
) (
    input wire clk,
    input wire rst,

    input  wire [31:0] entropy_tdata,
    input  wire        entropy_tvalid,
    output wire        entropy_tready,

    input  wire         start,   // pulse
    input  wire         drop,    // pulse: forget the nonce
    output wire         ready,   // nonce is there, until drop
    output wire         failed,  // no nonce, until drop
    output wire [255:0] nonce    // byte 0 on top
);

  localparam [3:0] WORDS = 4'd8;
  localparam [31:0] LAST_CYCLE = TIMEOUT;

  reg [255:0] nonce_q;
  reg [  3:0] count_q;
  reg [ 31:0] cycle_q;
  reg running_q, ready_q, failed_q;

  wire take = entropy_tvalid && entropy_tready;
  wire [31:0] word = {
    entropy_tdata[7:0], entropy_tdata[15:8], entropy_tdata[23:16], entropy_tdata[31:24]
  };
  wire stuck = count_q != 4'd0 && word == nonce_q[31:0];

  assign entropy_tready = running_q;
  assign ready          = ready_q;
  assign failed         = failed_q;
  assign nonce          = nonce_q;

  always @(posedge clk) begin
    if (rst || drop) begin
      nonce_q   <= 256'h0;
      count_q   <= 4'd0;
      cycle_q   <= 32'd0;
      running_q <= 1'b0;
      ready_q   <= 1'b0;
      failed_q  <= 1'b0;
    end else if (start) begin
      running_q <= 1'b1;
    end else if (running_q) begin
      cycle_q <= cycle_q + 32'd1;
      if (take) begin
        nonce_q <= {nonce_q[223:0], word};
        count_q <= count_q + 4'd1;
      end
      if ((take && stuck) || cycle_q == LAST_CYCLE) begin
        running_q <= 1'b0;
        failed_q  <= 1'b1;
      end else if (take && count_q == WORDS - 4'd1) begin
        running_q <= 1'b0;
        ready_q   <= 1'b1;
      end
    end
  end

endmodule

`default_nettype wire
