// SPDX-License-Identifier: Apache-2.0
//
// cfg_ide: IDE extended capability: selective streams with one address association each.
//
// No Link IDE, aggregation, PCRC, partial header encryption or flow-through: those fields read 0.
// TEE-Limited is sampled with Enable and read only while the stream is enabled (IDE-CAP-003). Keys
// are elsewhere; nothing here can show one (IDE-CAP-007).

`default_nettype none
`include "cfg_map.vh"
`include "pcie_defs.vh"

module cfg_ide #(
    parameter        NUM_IDE_STREAMS = 2,
    parameter        STREAM_W        = 1,
    parameter [11:0] NEXT            = 12'h000
) (
    input wire clk,
    input wire rst,
    input wire flr,

    // Access to a register
    input  wire [11:0] addr,
    output wire [31:0] rdata,
    output wire [31:0] rw_mask,
    output wire [31:0] w1c_mask,
    input  wire        write,
    input  wire [31:0] value,
    input  wire [31:0] clear,

    // Second reader: DWs counted from the IDE Capability register, one cycle later
    input  wire [ 7:0] idecap_addr,
    output reg  [31:0] idecap_data,
    output wire [ 7:0] idecap_last,

    // Streams
    input  wire [   NUM_IDE_STREAMS-1:0] stream_secure,
    input  wire [   NUM_IDE_STREAMS-1:0] ide_fail_received,
    output reg  [   NUM_IDE_STREAMS-1:0] ide_enable,
    output reg  [ 8*NUM_IDE_STREAMS-1:0] ide_stream_id,
    output reg  [ 3*NUM_IDE_STREAMS-1:0] ide_tc,
    output reg  [   NUM_IDE_STREAMS-1:0] ide_default,
    output reg  [   NUM_IDE_STREAMS-1:0] ide_tee_limited,
    output reg  [   NUM_IDE_STREAMS-1:0] ide_rid_valid,
    output reg  [16*NUM_IDE_STREAMS-1:0] ide_rid_base,
    output reg  [16*NUM_IDE_STREAMS-1:0] ide_rid_limit,
    output reg  [   NUM_IDE_STREAMS-1:0] ide_addr_valid,
    output reg  [64*NUM_IDE_STREAMS-1:0] ide_addr_base,
    output reg  [64*NUM_IDE_STREAMS-1:0] ide_addr_limit
);

  generate
    if (NUM_IDE_STREAMS < 1 || NUM_IDE_STREAMS > 8) begin : g_check_num_ide_streams
      PARAM_ERROR_NUM_IDE_STREAMS_must_be_1_to_8 u_stop ();
    end
  endgenerate

  localparam [31:0] NUM_STREAMS = NUM_IDE_STREAMS;
  localparam [7:0] LAST_STREAM = NUM_STREAMS[7:0] - 8'd1;
  // TEE-Limited, number of streams, IDE_KM, selective
  localparam [31:0] CAPABILITY = {7'd0, 1'b1, LAST_STREAM, 16'h0042};
  localparam [31:0] BLOCK_CAPABILITY = 32'd1;  // one address association
  localparam [7:0] LAST_REGISTER = {NUM_STREAMS[4:0], 3'd1};
  localparam [31:0] CONTROL_MASK = 32'hfff8_0001;  // Stream ID, TEE-Limited, Default, TC, Enable
  localparam [31:0] TEE_LIMITED = 32'h0080_0000;
  localparam [31:0] FAIL = 32'h8000_0000;
  localparam [31:0] RID_1_MASK = 32'h00ff_ff00;
  localparam [31:0] RID_2_MASK = 32'hffff_ff01;
  localparam [31:0] ADDRESS_1_MASK = 32'hffff_ff01;
  // Number of a register in its block
  localparam [2:0] BLOCK_CAP = 3'd0;
  localparam [2:0] CONTROL = 3'd1;
  localparam [2:0] STATUS = 3'd2;
  localparam [2:0] RID_1 = 3'd3;
  localparam [2:0] RID_2 = 3'd4;
  localparam [2:0] ADDRESS_1 = 3'd5;
  localparam [2:0] ADDRESS_2 = 3'd6;

  reg [8*NUM_IDE_STREAMS-1:0] segment_q;
  reg [NUM_IDE_STREAMS-1:0] fail_q;

  wire [8*32*NUM_IDE_STREAMS-1:0] block_values;  // 8 registers a stream

  // A function of the number of the register, used by both readers
  function automatic [31:0] pick(input reg [7:0] number,
                                 input reg [8*32*NUM_IDE_STREAMS-1:0] blocks);
    integer i;
    begin
      pick = 32'd0;
      if (number == 8'd0) pick = CAPABILITY;
      for (i = 0; i < 8 * NUM_IDE_STREAMS; i = i + 1)
      if ({24'd0, number} == i + 2) pick = blocks[32*i+:32];
    end
  endfunction

  // ------------------------------------------------------------------ access
  localparam [11:0] FIRST = `CFG_REG_IDE + `IDE_REG_CAPABILITY;
  localparam [11:0] FIRST_BLOCK = `CFG_REG_IDE + `IDE_REG_FIRST_BLOCK;
  localparam [11:0] BLOCKS_END = FIRST_BLOCK + NUM_STREAMS[11:0] * `IDE_SEL_REG_SIZE;

  wire in_capability = addr >= FIRST && addr < BLOCKS_END;
  wire in_block = addr >= FIRST_BLOCK && addr < BLOCKS_END;
  wire [11:0] offset = addr - FIRST;
  wire [11:0] block_offset = addr - FIRST_BLOCK;
  wire [STREAM_W-1:0] stream = block_offset[5+:STREAM_W];
  wire [2:0] number = block_offset[4:2];

  assign rdata = addr == `CFG_REG_IDE ? {NEXT, 4'd1, `PCIE_ECAP_IDE} : in_capability ? pick(
      offset[9:2], block_values
  ) : 32'd0;

  reg [31:0] writable;
  always @* begin
    writable = 32'd0;
    case (number)
      CONTROL: writable = ide_enable[stream] ? CONTROL_MASK & ~TEE_LIMITED : CONTROL_MASK;
      RID_1: writable = RID_1_MASK;
      RID_2: writable = RID_2_MASK;
      ADDRESS_1: writable = ADDRESS_1_MASK;
      BLOCK_CAP, STATUS: writable = 32'd0;
      default: writable = 32'hffff_ffff;  // upper halves of address limit and base
    endcase
  end

  assign rw_mask  = in_block ? writable : 32'd0;
  assign w1c_mask = in_block && number == STATUS ? FAIL : 32'd0;

  always @(posedge clk) idecap_data <= pick(idecap_addr, block_values);
  assign idecap_last = LAST_REGISTER;

  // ------------------------------------------------------------------ blocks
  genvar s;
  generate
    for (s = 0; s < NUM_IDE_STREAMS; s = s + 1) begin : g_block
      localparam [31:0] INTEGER = s;
      localparam [STREAM_W-1:0] INDEX = INTEGER[STREAM_W-1:0];
      wire write_block = write && in_block && stream == INDEX;

      assign block_values[256*s+:256] = {
        ide_addr_base[64*s+32+:32],
        ide_addr_limit[64*s+32+:32],
        ide_addr_limit[64*s+20+:12],
        ide_addr_base[64*s+20+:12],
        7'd0,
        ide_addr_valid[s],
        segment_q[8*s+:8],
        ide_rid_base[16*s+:16],
        7'd0,
        ide_rid_valid[s],
        8'd0,
        ide_rid_limit[16*s+:16],
        8'd0,
        // Status: the state is Secure, 2, or Insecure, 0 (IDE-CAP-004)
        fail_q[s],
        29'd0,
        stream_secure[s] && ide_enable[s],
        1'b0,
        ide_stream_id[8*s+:8],
        ide_tee_limited[s],
        ide_default[s],
        ide_tc[3*s+:3],
        18'd0,
        ide_enable[s],
        BLOCK_CAPABILITY
      };

      always @(posedge clk) begin
        if (rst || flr) begin
          ide_enable[s]            <= 1'b0;
          ide_stream_id[8*s+:8]    <= 8'd0;
          ide_tc[3*s+:3]           <= 3'd0;
          ide_default[s]           <= 1'b0;
          ide_tee_limited[s]       <= 1'b0;
          ide_rid_valid[s]         <= 1'b0;
          ide_rid_base[16*s+:16]   <= 16'd0;
          ide_rid_limit[16*s+:16]  <= 16'd0;
          segment_q[8*s+:8]        <= 8'd0;
          ide_addr_valid[s]        <= 1'b0;
          ide_addr_base[64*s+:64]  <= 64'd0;
          ide_addr_limit[64*s+:64] <= 64'h0000_0000_000f_ffff;
        end else if (write_block) begin
          case (number)
            CONTROL: begin
              ide_enable[s]         <= value[0];
              ide_tc[3*s+:3]        <= value[21:19];
              ide_default[s]        <= value[22];
              ide_tee_limited[s]    <= value[23];
              ide_stream_id[8*s+:8] <= value[31:24];
            end
            RID_1:             ide_rid_limit[16*s+:16] <= value[23:8];
            RID_2: begin
              ide_rid_valid[s]       <= value[0];
              ide_rid_base[16*s+:16] <= value[23:8];
              segment_q[8*s+:8]      <= value[31:24];
            end
            ADDRESS_1: begin
              ide_addr_valid[s]           <= value[0];
              ide_addr_base[64*s+20+:12]  <= value[19:8];
              ide_addr_limit[64*s+20+:12] <= value[31:20];
            end
            ADDRESS_2:         ide_addr_limit[64*s+32+:32] <= value;
            BLOCK_CAP, STATUS: ;
            default:           ide_addr_base[64*s+32+:32] <= value;
          endcase
        end
      end

      always @(posedge clk) begin
        if (rst || flr) fail_q[s] <= 1'b0;
        else if (ide_fail_received[s]) fail_q[s] <= 1'b1;
        else if (write_block && number == STATUS && clear[31]) fail_q[s] <= 1'b0;
      end
    end
  endgenerate

  wire unused = &{1'b0, clear[30:0], offset[11:10], offset[1:0], block_offset};

endmodule

`default_nettype wire
