// SPDX-License-Identifier: Apache-2.0
//
// ide_rx_buffer: holds received TLPs until their verdict, and releases the good ones.
//
// Written beats are visible only after a commit, a drop takes them back. A TLP whose stream has left
// Secure since its commit is thrown away when its turn comes (IDE-ST-012). Only the TLP that is
// already offered at the output stays as it is.

`default_nettype none

module ide_rx_buffer #(
    parameter DATA_W = 128,
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W = 1,
    parameter MAX_PAYLOAD = 512  // bytes
) (
    input wire clk,
    input wire rst,

    input wire [NUM_IDE_STREAMS-1:0] secure,

    input  wire                write_valid,
    output wire                write_ready,
    input  wire [  DATA_W-1:0] write_data,
    input  wire                commit_valid,
    output wire                commit_ready,
    input  wire                commit_drop,
    input  wire [       127:0] commit_hdr,
    input  wire [        20:0] commit_pasid,
    input  wire [        10:0] commit_len,
    input  wire                commit_ide,
    input  wire                commit_t,
    input  wire [STREAM_W-1:0] commit_stream,

    // TLP bus
    output wire [        127:0] rx_hdr,
    output wire [   DATA_W-1:0] rx_tdata,
    output wire [DATA_W/32-1:0] rx_tkeep,
    output wire                 rx_tvalid,
    input  wire                 rx_tready,
    output wire                 rx_tlast,
    output wire                 rx_ide,
    output wire                 rx_t,
    output wire [ STREAM_W-1:0] rx_stream,
    output wire [         20:0] rx_pasid
);

  function automatic integer ptr_width(input integer value);
    integer i;
    begin
      ptr_width = 1;
      for (i = 2; i < 32; i = i + 1) if ((1 << (i - 1)) < value) ptr_width = i;
    end
  endfunction

  // Two TLPs of the largest size, more of smaller ones
  localparam LANES = DATA_W / 32;
  localparam BEATS = 2 * MAX_PAYLOAD * 8 / DATA_W;
  localparam PTR_W = ptr_width(BEATS);
  localparam JOB_W = 128 + 21 + 11 + 1 + 1;
  localparam [31:0] LANES_32 = LANES;
  localparam [10:0] LANES_11 = LANES_32[10:0];

  // ----------------------------------------------------------------- beats

  reg [DATA_W-1:0] store_q[0:(1<<PTR_W)-1];
  reg [PTR_W:0] write_ptr_q;  // next beat to write
  reg [PTR_W:0] commit_ptr_q;  // next beat that has no verdict yet
  reg [PTR_W:0] read_ptr_q;
  reg [DATA_W-1:0] data_q;
  wire read;

  wire full = write_ptr_q == (read_ptr_q ^ {1'b1, {PTR_W{1'b0}}});
  wire write = write_valid && write_ready;
  wire commit = commit_valid && commit_ready;
  assign write_ready = !full;

  always @(posedge clk) begin
    if (write) store_q[write_ptr_q[PTR_W-1:0]] <= write_data;
    if (read) data_q <= store_q[read_ptr_q[PTR_W-1:0]];
  end

  // No beat is written in the cycle of a verdict.
  always @(posedge clk) begin
    if (rst) begin
      write_ptr_q  <= {(PTR_W + 1) {1'b0}};
      commit_ptr_q <= {(PTR_W + 1) {1'b0}};
    end else begin
      if (commit && commit_drop) write_ptr_q <= commit_ptr_q;
      else if (write) write_ptr_q <= write_ptr_q + 1'b1;
      if (commit && !commit_drop) commit_ptr_q <= write_ptr_q;
    end
  end

  // ----------------------------------------------------------------- committed TLPs

  wire tlp_valid, tlp_done, tlp_dead, tlp_ide, tlp_t, tlp_room, tlp_key_dead;
  wire [127:0] tlp_hdr;
  wire [20:0] tlp_pasid;
  wire [10:0] tlp_len;
  wire [STREAM_W-1:0] tlp_stream;

  job_fifo #(
      .W          (JOB_W),
      .DEPTH      (8),
      .PTR_W      (3),
      .STREAM_W   (STREAM_W),
      .NUM_STREAMS(NUM_IDE_STREAMS),
      .KEY_W      (1),
      .NUM_KEYS   (1)
  ) u_tlps (
      .clk          (clk),
      .rst          (rst),
      .stream_alive (secure),
      .key_alive    (1'b1),
      .s_valid      (commit_valid && !commit_drop),
      .s_ready      (tlp_room),
      .s_data       ({commit_hdr, commit_pasid, commit_len, commit_ide, commit_t}),
      .s_on_stream  (commit_ide),
      .s_stream     (commit_stream),
      .s_stream_dead(!secure[commit_stream]),
      .s_on_key     (1'b0),
      .s_key        (1'b0),
      .s_key_dead   (1'b0),
      .m_valid      (tlp_valid),
      .m_ready      (tlp_done),
      .m_data       ({tlp_hdr, tlp_pasid, tlp_len, tlp_ide, tlp_t}),
      .m_stream     (tlp_stream),
      .m_stream_dead(tlp_dead),
      .m_key_dead   (tlp_key_dead)
  );

  assign commit_ready = tlp_room;

  // ----------------------------------------------------------------- release

  reg busy_q;  // beats of the TLP in front have been released
  reg [10:0] left_q;  // DWs of it that are not yet read
  reg valid_q, last_q, ide_q, t_q;
  reg [STREAM_W-1:0] stream_q;
  reg [127:0] hdr_q;
  reg [20:0] pasid_q;
  reg [LANES-1:0] keep_q;

  wire [10:0] left = busy_q ? left_q : tlp_len;
  wire last = left <= LANES_11;
  wire with_data = left != 11'd0;
  wire advance = !valid_q || rx_tready;
  // A TLP that has begun goes on to its end: its consumer may not be left with a part.
  wire discard = tlp_valid && !busy_q && tlp_dead;
  wire release_beat = tlp_valid && !discard && advance;

  assign read     = release_beat && with_data;
  assign tlp_done = discard || (release_beat && last);

  wire [10:0] beats = (tlp_len + LANES_11 - 11'd1) / LANES_11;
  wire [PTR_W:0] skipped;

  generate
    if (PTR_W + 1 <= 11) begin : g_skip_narrow
      assign skipped = beats[PTR_W:0];
    end else begin : g_skip_wide
      assign skipped = {{(PTR_W - 10) {1'b0}}, beats};
    end
  endgenerate

  always @(posedge clk) begin
    if (rst) begin
      read_ptr_q <= {(PTR_W + 1) {1'b0}};
      busy_q     <= 1'b0;
      valid_q    <= 1'b0;
    end else begin
      if (discard) read_ptr_q <= read_ptr_q + skipped;
      else if (read) read_ptr_q <= read_ptr_q + 1'b1;
      if (release_beat) busy_q <= !last;
      if (advance) valid_q <= release_beat;
    end
  end

  integer i;
  always @(posedge clk) begin
    if (release_beat) begin
      left_q   <= left - LANES_11;
      hdr_q    <= tlp_hdr;
      pasid_q  <= tlp_pasid;
      last_q   <= last;
      ide_q    <= tlp_ide;
      t_q      <= tlp_t;
      stream_q <= tlp_stream;
      for (i = 0; i < LANES; i = i + 1) keep_q[i] <= {21'd0, left} > i;
    end
  end

  assign rx_hdr    = hdr_q;
  assign rx_tdata  = data_q & {DATA_W{|keep_q}};
  assign rx_tkeep  = keep_q;
  assign rx_tvalid = valid_q;
  assign rx_tlast  = last_q;
  assign rx_ide    = ide_q;
  assign rx_t      = t_q;
  assign rx_stream = stream_q;
  assign rx_pasid  = pasid_q;

  wire unused = &{1'b0, beats, tlp_key_dead};

endmodule

`default_nettype wire
