// SPDX-License-Identifier: Apache-2.0
//
// ide_tx_select: on which stream does a TLP leave?
//
// Pure. What the caller names wins; other requests are associated by address, target or Default
// (IDE-SEL-001). `drop` covers what may not leave at all: a trusted TLP without a stream, or a TLP
// that its stream may not carry (IDE-TLP-009). Whether the stream is Secure is asked later.

`default_nettype none
`include "ide_defs.vh"
`include "pcie_defs.vh"

module ide_tx_select #(
    parameter NUM_TDI = 4,
    parameter TDI_W = 2,
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W = 1
) (
    input wire [                  15:0] pf_rid,
    input wire [           NUM_TDI-1:0] ats_enable,   // of the function pf_rid + n
    input wire [   NUM_IDE_STREAMS-1:0] enable,
    input wire [ 3*NUM_IDE_STREAMS-1:0] tc,
    input wire [   NUM_IDE_STREAMS-1:0] is_default,
    input wire [   NUM_IDE_STREAMS-1:0] tee_limited,
    input wire [   NUM_IDE_STREAMS-1:0] rid_valid,
    input wire [16*NUM_IDE_STREAMS-1:0] rid_base,
    input wire [16*NUM_IDE_STREAMS-1:0] rid_limit,
    input wire [   NUM_IDE_STREAMS-1:0] addr_valid,
    input wire [64*NUM_IDE_STREAMS-1:0] addr_base,
    input wire [64*NUM_IDE_STREAMS-1:0] addr_limit,

    input wire [       127:0] hdr,
    input wire                named,         // the caller names a stream
    input wire [STREAM_W-1:0] named_stream,
    input wire                t,

    output wire                ide,
    output wire [STREAM_W-1:0] stream,
    output wire                drop,
    output wire [         1:0] sub_stream,
    output wire                with_data,
    output wire                four_dw
);

  localparam [31:0] TDIS = NUM_TDI;
  localparam TC_BIT = 116;
  localparam TD_BIT = 111;
  localparam AT_BIT = 106;
  localparam [1:0] AT_TRANSLATION_REQUEST = 2'b01;
  localparam [1:0] AT_TRANSLATED = 2'b10;

  wire known, permitted;
  wire [7:0] fmt_type = hdr[127:120];

  tlp_class u_class (
      .fmt_type  (fmt_type),
      .known     (known),
      .four_dw   (four_dw),
      .with_data (with_data),
      .sub_stream(sub_stream),
      .permitted (permitted)
  );

  wire completion = sub_stream == `IDE_SUB_CPL;
  wire by_id = fmt_type == `PCIE_TYPE_MSG_ID || fmt_type == `PCIE_TYPE_MSGD_ID;
  wire to_root = fmt_type == `PCIE_TYPE_MSG_RC || fmt_type == `PCIE_TYPE_MSGD_RC;
  wire memory = permitted && !completion && !by_id && !to_root;
  wire [63:0] address = four_dw ? {hdr[63:2], 2'b00} : {32'd0, hdr[63:34], 2'b00};
  wire [15:0] target = hdr[63:48];
  wire [15:0] function_number = hdr[95:80] - pf_rid;
  wire ats = function_number < TDIS[15:0] && ats_enable[function_number[TDI_W-1:0]];
  integer i;

  // Translation Requests, and with ATS Enable untranslated requests as well, are for Default.
  wire by_address = memory && hdr[AT_BIT+:2] != AT_TRANSLATION_REQUEST &&
      (!ats || hdr[AT_BIT+:2] == AT_TRANSLATED);

  // Streams that this request may use, those that claim it, and Default
  reg [NUM_IDE_STREAMS-1:0] usable, claims;

  always @* begin
    for (i = 0; i < NUM_IDE_STREAMS; i = i + 1) begin
      usable[i] = enable[i] && permitted && hdr[TC_BIT+:3] == tc[3*i+:3] && !tee_limited[i];
      claims[i] = 1'b0;
      if (by_address)
        claims[i] = addr_valid[i] && address >= addr_base[64*i+:64] &&
            address <= addr_limit[64*i+:64];
      else if (by_id)
        claims[i] = rid_valid[i] && target >= rid_base[16*i+:16] && target <= rid_limit[16*i+:16];
    end
  end

  wire to_default = memory || to_root;
  wire [NUM_IDE_STREAMS-1:0] claimed = usable & claims;
  wire [NUM_IDE_STREAMS-1:0] fallback = to_default ? usable & is_default : {NUM_IDE_STREAMS{1'b0}};
  wire [NUM_IDE_STREAMS-1:0] candidates = |claimed ? claimed : fallback;

  reg [STREAM_W-1:0] found;
  always @* begin
    found = {STREAM_W{1'b0}};
    for (i = NUM_IDE_STREAMS - 1; i >= 0; i = i - 1) if (candidates[i]) found = i[STREAM_W-1:0];
  end

  reg named_ok;
  always @* begin
    named_ok = 1'b0;
    for (i = 0; i < NUM_IDE_STREAMS; i = i + 1)
    if (named_stream == i[STREAM_W-1:0] && permitted && hdr[TC_BIT+:3] == tc[3*i+:3])
      named_ok = 1'b1;
  end

  assign ide    = named || (!completion && |candidates);
  assign stream = named ? named_stream : found;
  assign drop   = !known || hdr[TD_BIT] || (named ? !named_ok : t);

  wire unused = &{1'b0, hdr};

endmodule

`default_nettype wire
