// SPDX-License-Identifier: Apache-2.0
//
// secret_fifo: a FIFO that forgets: a word is overwritten with zero after it was taken.
//
// Cycles without a write are used to zero taken words, oldest first, so the store is zero
// 2^ADDR_W such cycles after the last word was taken, and as many after reset. `clean` says so.
// Writing while not ready loses the word and raises `overflow`.

`default_nettype none

module secret_fifo #(
    parameter DATA_W = 128,
    parameter ADDR_W = 5  // 2^ADDR_W words
) (
    input wire clk,
    input wire rst,

    input  wire              in_valid,
    output wire              in_ready,
    input  wire [DATA_W-1:0] in_data,
    output wire              overflow,

    output wire              out_valid,
    input  wire              out_ready,
    output wire [DATA_W-1:0] out_data,

    output wire empty,
    output wire clean
);

  localparam [ADDR_W:0] ONE = 1;
  localparam [ADDR_W:0] DEPTH = {1'b1, {ADDR_W{1'b0}}};

  // Words from scrub_q to read_q are taken but not yet zero; from read_q to write_q they wait.
  reg [ADDR_W:0] write_q, seen_q, read_q, scrub_q;

  wire push = in_valid && in_ready;
  wire pop = out_valid && out_ready;
  wire dirty = scrub_q != read_q;
  wire reuse = push && write_q - scrub_q == DEPTH;
  wire [ADDR_W:0] read_next = pop ? read_q + ONE : read_q;

  always @(posedge clk) begin
    if (rst) begin
      write_q <= DEPTH;
      seen_q  <= DEPTH;
      read_q  <= DEPTH;
      scrub_q <= {ADDR_W + 1{1'b0}};
    end else begin
      // A word can be read two cycles after it was written.
      seen_q <= write_q;
      read_q <= read_next;
      if (push) write_q <= write_q + ONE;
      if (reuse || (!push && dirty)) scrub_q <= scrub_q + ONE;
    end
  end

  secret_ram #(
      .DATA_W(DATA_W),
      .ADDR_W(ADDR_W)
  ) u_ram (
      .clk       (clk),
      .write_en  (push || dirty),
      .write_addr(push ? write_q[ADDR_W-1:0] : scrub_q[ADDR_W-1:0]),
      .write_data(push ? in_data : {DATA_W{1'b0}}),
      .read_en   (1'b1),
      .read_addr (read_next[ADDR_W-1:0]),
      .read_data (out_data)
  );

  assign in_ready  = write_q - read_q != DEPTH;
  assign overflow  = in_valid && !in_ready;
  assign out_valid = seen_q != read_q;
  assign empty     = write_q == read_q;
  assign clean     = empty && !dirty;

endmodule

`default_nettype wire
