// SPDX-License-Identifier: Apache-2.0
//
// doe_router: headers of DOE objects, and Discovery.
//
// The payload of SPDM and secured SPDM objects goes on as bytes and its answer comes back as bytes;
// Discovery is answered here; any other object is dropped without a trace (DOE-OBJ-001). Every
// request ends with exactly one response object or one pulse of doe_rsp_none.

`default_nettype none
`include "doe_defs.vh"

module doe_router (
    input wire clk,
    input wire rst,

    // Objects from and to the mailbox
    input  wire [31:0] s_axis_doe_tdata,
    input  wire        s_axis_doe_tvalid,
    output wire        s_axis_doe_tready,
    input  wire        s_axis_doe_tlast,
    output wire [31:0] m_axis_doe_tdata,
    output wire        m_axis_doe_tvalid,
    input  wire        m_axis_doe_tready,
    output wire        m_axis_doe_tlast,
    output wire        doe_rsp_none,

    // Payload of SPDM objects, whole DWs
    output wire [7:0] payload_tdata,
    output wire       payload_tvalid,
    input  wire       payload_tready,
    output wire       payload_tlast,
    output wire       payload_secured, // stable until the answer

    // Answer: answer_len bytes after answer_valid, or answer_none
    input  wire        answer_valid,
    input  wire        answer_none,
    input  wire [15:0] answer_len,     // at least 1, stable until the last byte
    input  wire [ 7:0] answer_tdata,
    input  wire        answer_tvalid,
    output wire        answer_tready
);

  localparam [9:0] ST_VENDOR_TYPE = 10'b0000000001;
  localparam [9:0] ST_LENGTH = 10'b0000000010;
  localparam [9:0] ST_DISCOVERY = 10'b0000000100;
  localparam [9:0] ST_PAYLOAD = 10'b0000001000;
  localparam [9:0] ST_DROP = 10'b0000010000;
  localparam [9:0] ST_NONE = 10'b0000100000;
  localparam [9:0] ST_ANSWER = 10'b0001000000;
  localparam [9:0] ST_OUT_VENDOR_TYPE = 10'b0010000000;
  localparam [9:0] ST_OUT_LENGTH = 10'b0100000000;
  localparam [9:0] ST_OUT_DATA = 10'b1000000000;

  localparam [31:0] HEADER_DWORDS = 32'd2;
  localparam [31:0] DISCOVERY_DWORDS = 32'd3;
  localparam [7:0] LAST_INDEX = `DOE_TYPE_SECURED_SPDM;
  localparam [31:0] NO_ENTRY = 32'h00ffffff;  // vendor FFFFh, type FFh, next index 0

  reg [9:0] state_q, state_d;
  reg [7:0] type_q;
  reg vendor_ok_q;
  reg [1:0] byte_q;  // byte of the DW that is being unpacked or packed
  reg [15:0] left_q;  // bytes of the answer still to come
  reg [31:0] word_q;
  reg word_valid_q;
  reg word_last_q;

  wire in_take = s_axis_doe_tvalid && s_axis_doe_tready;
  wire [7:0] index = s_axis_doe_tdata[7:0];
  wire spdm = vendor_ok_q && (type_q == `DOE_TYPE_SPDM || type_q == `DOE_TYPE_SECURED_SPDM);
  wire discovery = vendor_ok_q && type_q == `DOE_TYPE_DISCOVERY;
  wire payload_take = payload_tvalid && payload_tready;
  wire payload_dw_done = payload_take && byte_q == 2'd3;

  // ---------------------------------------------------------------- request
  assign s_axis_doe_tready = state_q == ST_VENDOR_TYPE || state_q == ST_LENGTH
      || state_q == ST_DISCOVERY || state_q == ST_DROP
      || (state_q == ST_PAYLOAD && payload_dw_done);
  assign payload_tvalid = state_q == ST_PAYLOAD && s_axis_doe_tvalid;
  assign payload_tdata = s_axis_doe_tdata[8*byte_q+:8];
  assign payload_tlast = s_axis_doe_tlast && byte_q == 2'd3;
  assign payload_secured = type_q == `DOE_TYPE_SECURED_SPDM;
  assign doe_rsp_none = state_q == ST_NONE;

  // ---------------------------------------------------------------- response
  wire out_free = !word_valid_q || m_axis_doe_tready;
  wire answer_take = answer_tvalid && answer_tready;
  wire [31:0] answer_dwords = HEADER_DWORDS + {18'd0, left_q[15:2]} + {31'd0, |left_q[1:0]};

  assign m_axis_doe_tdata = word_q;
  assign m_axis_doe_tvalid = word_valid_q;
  assign m_axis_doe_tlast = word_last_q;
  assign answer_tready = state_q == ST_OUT_DATA && type_q !=
      `DOE_TYPE_DISCOVERY
      && !word_valid_q && left_q != 16'd0;

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_VENDOR_TYPE: if (in_take) state_d = s_axis_doe_tlast ? ST_NONE : ST_LENGTH;
      ST_LENGTH:
      if (in_take) begin
        if (s_axis_doe_tlast) state_d = ST_NONE;
        else if (discovery) state_d = ST_DISCOVERY;
        else state_d = spdm ? ST_PAYLOAD : ST_DROP;
      end
      ST_DISCOVERY: if (in_take) state_d = s_axis_doe_tlast ? ST_OUT_VENDOR_TYPE : ST_DROP;
      ST_PAYLOAD: if (in_take && s_axis_doe_tlast) state_d = ST_ANSWER;
      ST_DROP: if (in_take && s_axis_doe_tlast) state_d = ST_NONE;
      ST_NONE: state_d = ST_VENDOR_TYPE;
      ST_ANSWER: begin
        if (answer_none) state_d = ST_NONE;
        else if (answer_valid) state_d = ST_OUT_VENDOR_TYPE;
      end
      ST_OUT_VENDOR_TYPE: if (out_free) state_d = ST_OUT_LENGTH;
      ST_OUT_LENGTH: if (out_free) state_d = ST_OUT_DATA;
      ST_OUT_DATA: if (word_valid_q && word_last_q && m_axis_doe_tready) state_d = ST_VENDOR_TYPE;
      default: state_d = ST_NONE;
    endcase
  end

  always @(posedge clk) begin
    if (rst) state_q <= ST_VENDOR_TYPE;
    else state_q <= state_d;
  end

  always @(posedge clk) begin
    if (rst) begin
      type_q      <= 8'h00;
      vendor_ok_q <= 1'b0;
      byte_q      <= 2'd0;
      left_q      <= 16'd0;
    end else begin
      if (state_q == ST_VENDOR_TYPE && in_take) begin
        type_q      <= s_axis_doe_tdata[23:16];
        vendor_ok_q <= s_axis_doe_tdata[15:0] == `DOE_VENDOR_PCI_SIG;
        byte_q      <= 2'd0;
      end else if (payload_take || answer_take) begin
        byte_q <= byte_q + 2'd1;
      end
      if (state_q == ST_ANSWER) left_q <= answer_len;
      else if (state_q == ST_DISCOVERY) left_q <= 16'd4;
      else if (answer_take) left_q <= left_q - 16'd1;
    end
  end

  // The entry that Discovery shows stays in word_q until the header has gone out.
  reg [31:0] entry_q;

  always @(posedge clk) begin
    if (state_q == ST_DISCOVERY) begin
      if (index > LAST_INDEX) entry_q <= NO_ENTRY;
      else entry_q <= {index == LAST_INDEX ? 8'h00 : index + 8'd1, index, `DOE_VENDOR_PCI_SIG};
    end
  end

  always @(posedge clk) begin
    if (rst) begin
      word_valid_q <= 1'b0;
      word_last_q  <= 1'b0;
      word_q       <= 32'h0;
    end else if (state_q == ST_OUT_VENDOR_TYPE && out_free) begin
      word_valid_q <= 1'b1;
      word_last_q  <= 1'b0;
      word_q       <= {8'h00, type_q, `DOE_VENDOR_PCI_SIG};
    end else if (state_q == ST_OUT_LENGTH && out_free) begin
      word_valid_q <= 1'b1;
      word_q       <= discovery ? DISCOVERY_DWORDS : answer_dwords;
    end else if (state_q == ST_OUT_DATA) begin
      if (discovery && out_free && !word_last_q) begin
        word_valid_q <= 1'b1;
        word_last_q  <= 1'b1;
        word_q       <= entry_q;
      end else if (answer_take) begin
        word_q[8*byte_q+:8] <= answer_tdata;
        word_valid_q        <= byte_q == 2'd3 || left_q == 16'd1;
        word_last_q         <= left_q == 16'd1;
      end else if (m_axis_doe_tready && word_valid_q) begin
        word_valid_q <= 1'b0;
        word_last_q  <= 1'b0;
        word_q       <= 32'h0;  // padding reads as zero
      end
    end
  end

endmodule

`default_nettype wire
