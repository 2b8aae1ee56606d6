// SPDX-License-Identifier: Apache-2.0
//
// spdm_message: carries one SPDM message to whoever answers it, and its answer back.
//
// The message lies in the message RAM from byte 2 on. In a session past FINISH, IDE_KM and TDISP
// go to their responders; outside a session they are dropped without an answer (SEC-VDM-002);
// everything else goes to the root of trust. The answer is put where the message was, with the
// application length in front of it.

`default_nettype none
`include "idekm_defs.vh"
`include "tdisp_defs.vh"

module spdm_message #(
    parameter MAX_BYTES = 4608,  // room in the message RAM
    parameter ADDR_W = 11,
    parameter SPDM_VERSION = 8'h12  // that the root of trust negotiates
) (
    input wire clk,
    input wire rst,

    input  wire        start,        // pulse: the message is in the RAM
    input  wire        start_error,  // pulse: put SPDM ERROR(DecryptError) into the RAM instead
    input  wire [15:0] app_len,      // bytes of the message, stable until done
    input  wire        secured,
    input  wire        established,  // the session is past FINISH
    input  wire [31:0] session_id,
    output wire        done,         // pulse
    output wire        none,         // with done: there is no answer
    output wire [15:0] answer_len,   // with done: bytes of the answer
    output wire        at_rot,       // the root of trust has the message

    // Message RAM
    output wire [ADDR_W-1:0] read_addr,
    input  wire [      31:0] read_data,
    output wire              write_valid,
    output wire [      15:0] write_byte,   // byte address
    output wire [       7:0] write_data,

    // Root of trust
    output wire [31:0] m_axis_rot_tdata,
    output wire [ 3:0] m_axis_rot_tkeep,
    output wire        m_axis_rot_tvalid,
    input  wire        m_axis_rot_tready,
    output wire        m_axis_rot_tlast,
    output wire [32:0] m_axis_rot_tuser,
    input  wire [31:0] s_axis_rot_tdata,
    input  wire [ 3:0] s_axis_rot_tkeep,
    input  wire        s_axis_rot_tvalid,
    output wire        s_axis_rot_tready,
    input  wire        s_axis_rot_tlast,
    input  wire        s_axis_rot_tuser,

    // IDE_KM and TDISP responders
    output wire [7:0] vdm_tdata,
    output wire       vdm_tlast,
    output wire       idekm_tvalid,
    input  wire       idekm_tready,
    input  wire [7:0] idekm_rsp_tdata,
    input  wire       idekm_rsp_tvalid,
    output wire       idekm_rsp_tready,
    input  wire       idekm_rsp_tlast,
    input  wire       idekm_rsp_none,
    output wire       tdisp_tvalid,
    input  wire       tdisp_tready,
    input  wire [7:0] tdisp_rsp_tdata,
    input  wire       tdisp_rsp_tvalid,
    output wire       tdisp_rsp_tready,
    input  wire       tdisp_rsp_tlast,
    input  wire       tdisp_rsp_none
);

  localparam [9:0] ST_IDLE = 10'b0000000001;
  localparam [9:0] ST_PEEK = 10'b0000000010;
  localparam [9:0] ST_ROUTE = 10'b0000000100;
  localparam [9:0] ST_TO_VDM = 10'b0000001000;
  localparam [9:0] ST_FROM_VDM = 10'b0000010000;
  localparam [9:0] ST_TO_ROT = 10'b0000100000;
  localparam [9:0] ST_FROM_ROT = 10'b0001000000;
  localparam [9:0] ST_FRAME = 10'b0010000000;
  localparam [9:0] ST_DONE = 10'b0100000000;
  localparam [9:0] ST_NONE = 10'b1000000000;

  localparam [15:0] LENGTH_BYTES = 16'd2;
  localparam [15:0] VDM_HEADER = 16'd12;  // SPDM header to protocol id
  localparam [15:0] PAYLOAD_START = 16'd11;  // what Payload Length counts begins here
  localparam [31:0] BYTES = MAX_BYTES;
  localparam [15:0] LAST_BYTE = BYTES[15:0];
  localparam [7:0] VENDOR_DEFINED_REQUEST = 8'hfe;
  localparam [7:0] VENDOR_DEFINED_RESPONSE = 8'h7e;
  localparam [7:0] SPDM_ERROR = 8'h7f;
  localparam [7:0] DECRYPT_ERROR = 8'h06;
  localparam [7:0] VERSION = SPDM_VERSION;
  localparam [15:0] ERROR_BYTES = 16'd4;
  // StandardID 3, VendorID length 2, VendorID 1
  localparam [39:0] PCI_SIG = 40'h03_00_02_01_00;

  // What ST_FRAME writes in front of an answer
  localparam [1:0] FRAME_LENGTH = 2'd0;
  localparam [1:0] FRAME_VDM = 2'd1;
  localparam [1:0] FRAME_ERROR = 2'd2;

  reg [9:0] state_q, state_d;
  reg [15:0] ptr_q;  // byte of the message that is read next
  reg [15:0] fill_q;  // bytes of the answer that are written
  reg [95:0] head_q;  // first twelve bytes, byte 0 on top
  reg have_q;  // read_data holds the word of ptr_q
  reg overflow_q;
  reg none_q;  // the responder has said that there is no answer
  reg [1:0] frame_q;
  reg [15:0] frame_ptr_q;

  // ---------------------------------------------------------------- reading the message
  wire [15:0] read_at = ptr_q + LENGTH_BYTES;
  wire [7:0] read_byte = read_data[8*read_at[1:0]+:8];
  wire reads = state_q == ST_PEEK || state_q == ST_TO_VDM || state_q == ST_TO_ROT;
  wire last_read = ptr_q == app_len - 16'd1;
  wire byte_take;

  // A stream cannot be empty: the protocol id stands in for a body without bytes, which the
  // responders refuse as they refuse one byte (TDISP-HDR-008).
  wire [15:0] vdm_start = app_len == VDM_HEADER ? PAYLOAD_START : VDM_HEADER;

  assign read_addr = read_at[ADDR_W+1:2];

  always @(posedge clk) begin
    if (rst || state_q == ST_IDLE || state_q == ST_ROUTE) have_q <= 1'b0;
    else if (byte_take && read_at[1:0] == 2'd3) have_q <= 1'b0;
    else have_q <= reads;
  end

  always @(posedge clk) begin
    if (state_q == ST_IDLE) ptr_q <= 16'd0;
    else if (state_q == ST_ROUTE) ptr_q <= state_d == ST_TO_VDM ? vdm_start : 16'd0;
    else if (byte_take) ptr_q <= ptr_q + 16'd1;
  end

  // ---------------------------------------------------------------- whose message it is
  wire [7:0] spdm_version = head_q[95:88];
  wire [7:0] code = head_q[87:80];
  wire [39:0] standard = head_q[63:24];
  wire [15:0] payload_len = {head_q[15:8], head_q[23:16]};
  wire [7:0] protocol = head_q[7:0];
  wire whole = app_len >= VDM_HEADER;
  wire is_idekm = protocol == `IDEKM_PROTOCOL_ID;
  wire is_tdisp = protocol == `TDISP_PROTOCOL_ID;
  wire is_pci = whole && code == VENDOR_DEFINED_REQUEST && standard == PCI_SIG
      && (is_idekm || is_tdisp);
  wire exact = payload_len == app_len - PAYLOAD_START;
  wire in_hardware = is_pci && exact && secured && established && spdm_version == VERSION;

  always @(posedge clk) begin
    if (state_q == ST_PEEK && byte_take) head_q <= {head_q[87:0], read_byte};
  end

  // ---------------------------------------------------------------- to the responders
  assign vdm_tdata    = read_byte;
  assign vdm_tlast    = last_read;
  assign idekm_tvalid = state_q == ST_TO_VDM && have_q && is_idekm;
  assign tdisp_tvalid = state_q == ST_TO_VDM && have_q && is_tdisp;

  wire [7:0] rsp_tdata = is_tdisp ? tdisp_rsp_tdata : idekm_rsp_tdata;
  wire rsp_tvalid = is_tdisp ? tdisp_rsp_tvalid : idekm_rsp_tvalid;
  wire rsp_tlast = is_tdisp ? tdisp_rsp_tlast : idekm_rsp_tlast;
  wire rsp_none = is_tdisp ? tdisp_rsp_none : idekm_rsp_none;
  wire rsp_take = state_q == ST_FROM_VDM && rsp_tvalid;

  assign idekm_rsp_tready = state_q == ST_FROM_VDM && is_idekm;
  assign tdisp_rsp_tready = state_q == ST_FROM_VDM && is_tdisp;

  // ---------------------------------------------------------------- to and from the root of trust
  reg [31:0] rot_q;
  reg [ 3:0] rot_keep_q;
  reg rot_valid_q, rot_last_q;
  reg [1:0] rot_lane_q;
  reg [1:0] in_lane_q;
  wire rot_sent = rot_valid_q && m_axis_rot_tready;
  wire rot_fill = state_q == ST_TO_ROT && have_q && !rot_valid_q;
  wire in_keep = s_axis_rot_tkeep[in_lane_q];
  wire in_byte = state_q == ST_FROM_ROT && s_axis_rot_tvalid && in_keep;
  wire in_done = state_q == ST_FROM_ROT && s_axis_rot_tvalid && in_lane_q == 2'd3;
  wire silent = s_axis_rot_tuser;

  assign m_axis_rot_tdata  = rot_q;
  assign m_axis_rot_tkeep  = rot_keep_q;
  assign m_axis_rot_tvalid = rot_valid_q;
  assign m_axis_rot_tlast  = rot_last_q;
  assign m_axis_rot_tuser  = {secured, secured ? session_id : 32'h0};
  assign s_axis_rot_tready = in_done;
  assign at_rot            = state_q == ST_TO_ROT || state_q == ST_FROM_ROT;

  always @(posedge clk) begin
    if (rst || state_q == ST_IDLE) begin
      rot_valid_q <= 1'b0;
      rot_last_q  <= 1'b0;
      rot_keep_q  <= 4'h0;
      rot_lane_q  <= 2'd0;
      rot_q       <= 32'h0;
    end else if (rot_sent) begin
      rot_valid_q <= 1'b0;
      rot_keep_q  <= 4'h0;
      rot_lane_q  <= 2'd0;
      rot_q       <= 32'h0;
    end else if (rot_fill) begin
      rot_q[8*rot_lane_q+:8] <= read_byte;
      rot_keep_q[rot_lane_q] <= 1'b1;
      rot_lane_q             <= rot_lane_q + 2'd1;
      rot_valid_q            <= rot_lane_q == 2'd3 || last_read;
      rot_last_q             <= last_read;
    end
  end

  always @(posedge clk) begin
    if (rst || state_q != ST_FROM_ROT) in_lane_q <= 2'd0;
    else if (s_axis_rot_tvalid) in_lane_q <= in_lane_q + 2'd1;
  end

  assign byte_take = have_q && (state_q == ST_PEEK || rot_fill
      || (state_q == ST_TO_VDM && (is_idekm ? idekm_tready : tdisp_tready)));

  // ---------------------------------------------------------------- writing the answer
  wire [15:0] vdm_payload = fill_q - PAYLOAD_START;
  wire [15:0] body_start = LENGTH_BYTES + (state_q == ST_FROM_VDM ? VDM_HEADER : 16'd0);
  wire [15:0] body_at = body_start + fill_q;
  wire fits = body_at < LAST_BYTE;
  wire body_write = (rsp_take || in_byte) && fits;

  function automatic [7:0] vdm_byte(input reg [3:0] at, input reg [7:0] version, input reg [7:0] id,
                                    input reg [15:0] size);
    case (at)
      4'd0: vdm_byte = version;
      4'd1: vdm_byte = VENDOR_DEFINED_RESPONSE;
      4'd4: vdm_byte = 8'h03;
      4'd6: vdm_byte = 8'h02;
      4'd7: vdm_byte = 8'h01;
      4'd9: vdm_byte = size[7:0];
      4'd10: vdm_byte = size[15:8];
      4'd11: vdm_byte = id;
      default: vdm_byte = 8'h00;
    endcase
  endfunction

  function automatic [7:0] error_byte(input reg [3:0] at);
    case (at)
      4'd0: error_byte = VERSION;
      4'd1: error_byte = SPDM_ERROR;
      4'd2: error_byte = DECRYPT_ERROR;
      default: error_byte = 8'h00;
    endcase
  endfunction

  wire [15:0] frame_at = frame_ptr_q - LENGTH_BYTES;
  wire [7:0] frame_byte = frame_ptr_q == 16'd0 ? fill_q[7:0] : frame_ptr_q == 16'd1 ? fill_q[15:8]
      : frame_q == FRAME_VDM ? vdm_byte(
      frame_at[3:0], spdm_version, protocol, vdm_payload
  ) : error_byte(
      frame_at[3:0]
  );
  wire [15:0] frame_bytes = frame_q == FRAME_VDM ? LENGTH_BYTES + VDM_HEADER
      : frame_q == FRAME_ERROR ? LENGTH_BYTES + ERROR_BYTES : LENGTH_BYTES;
  wire frame_last = frame_ptr_q == frame_bytes - 16'd1;

  assign write_valid = body_write || state_q == ST_FRAME;
  assign write_byte = state_q == ST_FRAME ? frame_ptr_q : body_at;
  assign write_data = state_q == ST_FRAME ? frame_byte
      : state_q == ST_FROM_VDM ? rsp_tdata : s_axis_rot_tdata[8*in_lane_q+:8];

  always @(posedge clk) begin
    if (state_q == ST_IDLE) begin
      fill_q      <= start_error ? ERROR_BYTES : 16'd0;
      frame_q     <= start_error ? FRAME_ERROR : FRAME_LENGTH;
      frame_ptr_q <= 16'd0;
      overflow_q  <= 1'b0;
      none_q      <= 1'b0;
    end else begin
      if (state_q == ST_TO_VDM && rsp_none) none_q <= 1'b1;
      if (body_write) fill_q <= fill_q + 16'd1;
      if ((rsp_take || in_byte) && !fits) overflow_q <= 1'b1;
      if (state_q == ST_FROM_VDM && rsp_take && rsp_tlast) begin
        frame_q <= FRAME_VDM;
        fill_q  <= fill_q + 16'd1 + VDM_HEADER;
      end
      if (state_q == ST_FRAME) frame_ptr_q <= frame_ptr_q + 16'd1;
    end
  end

  assign done       = state_q == ST_DONE || state_q == ST_NONE;
  assign none       = state_q == ST_NONE;
  assign answer_len = fill_q;

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_IDLE: begin
        if (start_error) state_d = ST_FRAME;
        else if (start) state_d = app_len == 16'd0 ? ST_NONE : ST_PEEK;
      end
      ST_PEEK: if (byte_take && (last_read || ptr_q == VDM_HEADER - 16'd1)) state_d = ST_ROUTE;
      ST_ROUTE: begin
        if (in_hardware) state_d = ST_TO_VDM;
        else state_d = is_pci && !secured ? ST_NONE : ST_TO_ROT;
      end
      ST_TO_VDM: if (byte_take && last_read) state_d = ST_FROM_VDM;
      ST_FROM_VDM: begin
        if (rsp_none || none_q) state_d = ST_NONE;
        else if (rsp_take && rsp_tlast) state_d = overflow_q || !fits ? ST_NONE : ST_FRAME;
      end
      ST_TO_ROT: if (rot_sent && rot_last_q) state_d = ST_FROM_ROT;
      ST_FROM_ROT:
      if (in_done && s_axis_rot_tlast) begin
        if (silent || overflow_q || (in_byte && !fits)) state_d = ST_NONE;
        else state_d = fill_q == 16'd0 && !in_byte ? ST_NONE : ST_FRAME;  // no byte is no answer
      end
      ST_FRAME: if (frame_last) state_d = ST_DONE;
      ST_DONE, ST_NONE: state_d = ST_IDLE;
      default: state_d = ST_NONE;
    endcase
  end

  always @(posedge clk) begin
    if (rst) state_q <= ST_IDLE;
    else state_q <= state_d;
  end

  wire unused = &{1'b0, read_at[15:ADDR_W+2], frame_at[15:4]};

endmodule

`default_nettype wire
