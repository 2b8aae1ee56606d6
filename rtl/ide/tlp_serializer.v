// SPDX-License-Identifier: Apache-2.0
//
// tlp_serializer: writes TLPs as they are on the wire: prefixes, header, payload, MAC.
//
// A job that is dead before its turn is thrown away with what belongs to it. One that dies on its
// way out ends with a MAC of zeros, which its receiver refuses (IDE-ST-005). While the link is down
// everything is thrown away.

`default_nettype none
`include "ide_defs.vh"
`include "pcie_defs.vh"

module tlp_serializer #(
    parameter DATA_W = 128
) (
    input  wire clk,
    input  wire rst,
    input  wire link_up,
    output wire fault,

    // TLP in front; taken with its last piece
    input  wire         job_valid,
    output wire         job_ready,
    input  wire         job_ide,     // has a prefix, payload from the engine, and a MAC
    input  wire         job_dead,
    input  wire [ 31:0] job_prefix,
    input  wire [ 20:0] job_pasid,   // valid, and the PASID
    input  wire [127:0] job_hdr,
    input  wire [ 10:0] job_len,

    input  wire [DATA_W-1:0] plain_data,
    input  wire              plain_valid,
    output wire              plain_ready,
    input  wire [DATA_W-1:0] gcm_data,
    input  wire              gcm_valid,
    output wire              gcm_ready,
    input  wire              tag_valid,
    output wire              tag_ready,
    input  wire [     127:0] tag,

    output wire [  DATA_W-1:0] m_axis_tdata,
    output wire [DATA_W/8-1:0] m_axis_tkeep,
    output wire                m_axis_tvalid,
    input  wire                m_axis_tready,
    output wire                m_axis_tlast
);

  localparam LANES = DATA_W / 32;
  localparam LANE_W = LANES == 4 ? 2 : LANES == 8 ? 3 : 4;
  localparam [31:0] LANES_32 = LANES;
  localparam [10:0] LANES_11 = LANES_32[10:0];
  localparam [10:0] MAC_DW = 11'd3;
  localparam MAC_BIT = 32;
  localparam FOUR_DW_BIT = 125;
  localparam PASID_VALID = 20;

  // Hamming distance 4
  localparam [5:0] ST_HEADER = 6'b000111;
  localparam [5:0] ST_REST = 6'b011001;
  localparam [5:0] ST_DATA = 6'b101010;
  localparam [5:0] ST_MAC = 6'b110100;

  // A big-endian DW as it lies on the wire
  function automatic [31:0] turn(input reg [31:0] dw);
    turn = {dw[7:0], dw[15:8], dw[23:16], dw[31:24]};
  endfunction

  reg [5:0] state_q, state_d;
  reg discard_q;
  reg [10:0] left_q;  // DWs of payload to come

  wire idle = state_q == ST_HEADER;
  wire discard = idle ? job_dead || !link_up : discard_q || !link_up;

  // ----------------------------------------------------------------- pieces

  // Neither Execute Requested nor Privileged Mode Requested (TDISP-ATS-004)
  wire [31:0] pasid_prefix = {`PCIE_PREFIX_PASID, 4'h0, job_pasid[19:0]};
  wire with_pasid = job_pasid[PASID_VALID];
  wire [127:0] bare = {
    turn(job_hdr[31:0]), turn(job_hdr[63:32]), turn(job_hdr[95:64]), turn(job_hdr[127:96])
  };
  wire [159:0] plain_header = with_pasid ? {bare, turn(pasid_prefix)} : {32'd0, bare};
  wire [191:0] header = job_ide ? {plain_header, turn(job_prefix)} : {32'd0, plain_header};
  wire [10:0] header_dw = 11'd3 + {10'd0, job_hdr[FOUR_DW_BIT]} + {10'd0, job_ide} +
      {10'd0, with_pasid};
  wire header_long = header_dw > LANES_11;  // needs a second piece
  wire [95:0] mac = job_dead ? 96'd0 : tag[127:MAC_BIT];

  reg [DATA_W-1:0] piece;
  reg [10:0] piece_dw;
  reg piece_valid, piece_last;
  wire [10:0] data_dw = left_q > LANES_11 ? LANES_11 : left_q;
  wire data_last = left_q <= LANES_11;
  wire with_data = job_len != 11'd0;

  // Wide enough for every beat, with zeros above the header
  wire [DATA_W+191:0] header_wide = {{DATA_W{1'b0}}, header};

  always @* begin
    piece       = {DATA_W{1'b0}};
    piece_dw    = 11'd0;
    piece_valid = 1'b0;
    piece_last  = 1'b0;
    case (state_q)
      ST_HEADER: begin
        piece       = header_wide[DATA_W-1:0];
        piece_dw    = header_long ? LANES_11 : header_dw;
        piece_valid = job_valid;
        piece_last  = !header_long && !with_data && !job_ide;
      end
      ST_REST: begin
        piece[63:0] = header[191:128];
        piece_dw    = header_dw - LANES_11;
        piece_valid = 1'b1;
        piece_last  = !with_data && !job_ide;
      end
      ST_DATA: begin
        piece       = job_ide ? gcm_data : plain_data;
        piece_dw    = data_dw;
        piece_valid = job_ide ? gcm_valid : plain_valid;
        piece_last  = data_last && !job_ide;
      end
      ST_MAC: begin
        piece[95:0] = {turn(mac[31:0]), turn(mac[63:32]), turn(mac[95:64])};
        piece_dw    = MAC_DW;
        piece_valid = tag_valid;
        piece_last  = 1'b1;
      end
      default: ;
    endcase
  end

  wire packer_ready;
  wire take = piece_valid && (discard || packer_ready);

  assign plain_ready = state_q == ST_DATA && !job_ide && (discard || packer_ready);
  assign gcm_ready   = state_q == ST_DATA && job_ide && (discard || packer_ready);
  assign tag_ready   = state_q == ST_MAC && (discard || packer_ready);
  assign job_ready   = take && piece_last;

  dw_packer #(
      .DATA_W(DATA_W),
      .LANE_W(LANE_W)
  ) u_packer (
      .clk          (clk),
      .rst          (rst),
      .flush        (!link_up),
      .s_data       (piece),
      .s_count      (piece_dw[LANE_W:0]),
      .s_last       (piece_last),
      .s_valid      (piece_valid && !discard),
      .s_ready      (packer_ready),
      .m_axis_tdata (m_axis_tdata),
      .m_axis_tkeep (m_axis_tkeep),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready),
      .m_axis_tlast (m_axis_tlast)
  );

  // ----------------------------------------------------------------- state

  wire [5:0] after_header = with_data ? ST_DATA : job_ide ? ST_MAC : ST_HEADER;

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_HEADER: if (take) state_d = header_long ? ST_REST : after_header;
      ST_REST: if (take) state_d = after_header;
      ST_DATA: if (take && data_last) state_d = job_ide ? ST_MAC : ST_HEADER;
      ST_MAC: if (take) state_d = ST_HEADER;
      default: ;  // stays, and is a fault
    endcase
  end

  always @(posedge clk) begin
    if (rst) begin
      state_q   <= ST_HEADER;
      discard_q <= 1'b0;
    end else begin
      state_q   <= state_d;
      discard_q <= discard && state_d != ST_HEADER;
    end
  end

  always @(posedge clk) begin
    if (idle) left_q <= job_len;
    else if (state_q == ST_DATA && take) left_q <= left_q - data_dw;
  end

  assign fault = state_q != ST_HEADER && state_q != ST_REST && state_q != ST_DATA &&
      state_q != ST_MAC;

  wire unused = &{1'b0, header_wide, piece_dw, tag};

endmodule

`default_nettype wire
