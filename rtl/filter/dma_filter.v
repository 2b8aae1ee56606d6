// SPDX-License-Identifier: Apache-2.0
//
// dma_filter: lets requests of the function out as dma_admit says, and its answers to messages.
//
// The decision is taken when the first beat is accepted, from the state of that cycle, and holds for
// the whole TLP. A refused TLP is swallowed whole. In the cycle after the last beat `appreq_denied`
// says so, or else `appreq_ide` and `appreq_stream` say where the TLP leaves, so that its Completion
// can be told from others.
//
// The mask of P2P addresses comes one cycle after the number of the TDI: `appreq_tdi` must be there a
// cycle before the first beat. A translated request that comes sooner is refused.

`default_nettype none
`include "pcie_defs.vh"

module dma_filter #(
    parameter DATA_W          = 128,
    parameter NUM_TDI         = 4,
    parameter TDI_W           = 2,
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W        = 1,
    parameter SDI_EN          = 0,    // TDI n >= 1 is an SDI of the physical function
    parameter SDI_PASID       = 0     // SDI n has SDI_PASID + n
) (
    input wire clk,
    input wire rst,

    // Configuration
    input wire [                  15:0] pf_rid,          // TDI n has pf_rid + n
    input wire [           NUM_TDI-1:0] tdi_bme,
    input wire [           NUM_TDI-1:0] ats_enable,
    input wire                          atomic_enable,   // AtomicOp Requester Enable
    input wire                          pasid_enable,
    input wire [           NUM_TDI-1:0] hint_enable,     // TPH Requester Enable
    input wire                          pri_enable,
    input wire [   NUM_IDE_STREAMS-1:0] ide_enable,
    input wire [   NUM_IDE_STREAMS-1:0] ide_addr_valid,
    input wire [64*NUM_IDE_STREAMS-1:0] ide_addr_base,
    input wire [64*NUM_IDE_STREAMS-1:0] ide_addr_limit,
    input wire [   NUM_IDE_STREAMS-1:0] stream_secure,

    // TDIs
    input wire [              2*NUM_TDI-1:0] tdi_state,
    input wire [       STREAM_W*NUM_TDI-1:0] tdi_stream,
    input wire [                NUM_TDI-1:0] tdi_msix_locked,
    input wire [NUM_IDE_STREAMS*NUM_TDI-1:0] tdi_p2p,          // P2P streams bound to TDI n
    input wire [                NUM_TDI-1:0] tdi_redirect,     // ALL_REQUEST_REDIRECT
    input wire [                       63:0] p2p_mask,         // of appreq_tdi, a cycle later

    // Requests of the function
    input  wire [        127:0] appreq_hdr,
    input  wire [   DATA_W-1:0] appreq_tdata,
    input  wire [DATA_W/32-1:0] appreq_tkeep,
    input  wire                 appreq_tvalid,
    output wire                 appreq_tready,
    input  wire                 appreq_tlast,
    input  wire [    TDI_W-1:0] appreq_tdi,
    input  wire                 appreq_msix,
    input  wire                 appreq_msi,
    input  wire [         20:0] appreq_pasid,   // valid, and the PASID
    output reg                  appreq_denied,
    output wire                 appreq_ide,
    output wire [ STREAM_W-1:0] appreq_stream,

    // Answers to messages of the host, one beat without data; a refused one disappears
    input  wire [       127:0] msgout_hdr,
    input  wire                msgout_tvalid,
    output wire                msgout_tready,
    input  wire                msgout_ide,
    input  wire                msgout_t,
    input  wire [STREAM_W-1:0] msgout_stream,
    input  wire [   TDI_W-1:0] msgout_tdi,

    // What may leave
    output wire [        127:0] dma_hdr,
    output wire [   DATA_W-1:0] dma_tdata,
    output wire [DATA_W/32-1:0] dma_tkeep,
    output wire                 dma_tvalid,
    input  wire                 dma_tready,
    output wire                 dma_tlast,
    output wire                 dma_ide,
    output wire                 dma_t,
    output wire [ STREAM_W-1:0] dma_stream,
    output wire [         20:0] dma_pasid
);

  localparam KEEP_W = DATA_W / 32;
  localparam WIDTH = 128 + DATA_W + KEEP_W + 1 + 2 + STREAM_W + 21;
  localparam [31:0] BLOCKS = NUM_IDE_STREAMS;
  localparam [STREAM_W:0] STREAMS = BLOCKS[STREAM_W:0];
  localparam PASID_VALID = 20;
  localparam TH = 112;  // bit of the header

  wire [7:0] tlp_type = appreq_hdr[127:120];
  wire write = tlp_type == `PCIE_TYPE_MWR32 || tlp_type == `PCIE_TYPE_MWR64;
  wire read = tlp_type == `PCIE_TYPE_MRD32 || tlp_type == `PCIE_TYPE_MRD64;
  wire fetch_add = tlp_type == `PCIE_TYPE_FETCH_ADD32 || tlp_type == `PCIE_TYPE_FETCH_ADD64;
  wire swap = tlp_type == `PCIE_TYPE_SWAP32 || tlp_type == `PCIE_TYPE_SWAP64;
  wire compare = tlp_type == `PCIE_TYPE_CAS32 || tlp_type == `PCIE_TYPE_CAS64;
  wire is_sdi = SDI_EN != 0 && appreq_tdi != {TDI_W{1'b0}};
  wire page_request = tlp_type == `PCIE_TYPE_MSG_RC && pri_enable && !is_sdi &&
      appreq_hdr[71:64] == `PCIE_MSG_PAGE_REQUEST;
  wire atomic = (fetch_add || swap || compare) && atomic_enable;
  wire [1:0] at = appreq_hdr[107:106];
  wire [STREAM_W-1:0] bound_stream = tdi_stream[STREAM_W*appreq_tdi+:STREAM_W];
  wire bound_exists = {1'b0, bound_stream} < STREAMS;
  wire [15:0] rid = pf_rid + {{(16 - TDI_W) {1'b0}}, appreq_tdi};

  // ------------------------------------------------------------------ names of SDIs
  // An SDI leaves under the Requester ID of the physical function with its own PASID, whatever its
  // software asks for; nobody else has that PASID. Interrupts have none (TDISP-DMA-007).
  localparam [31:0] FIRST_PASID = SDI_PASID + 1;
  localparam [31:0] LAST_PASID = SDI_PASID + NUM_TDI - 1;
  wire [19:0] sdi_number = FIRST_PASID[19:0] - 20'd1 + {{(20 - TDI_W) {1'b0}}, appreq_tdi};
  wire of_an_sdi = SDI_EN != 0 && NUM_TDI > 1 && appreq_pasid[PASID_VALID] &&
      appreq_pasid[19:0] >= FIRST_PASID[19:0] && appreq_pasid[19:0] <= LAST_PASID[19:0];
  wire interrupt = appreq_msix || appreq_msi;
  // Nothing longer leaves in the name of an interrupt, which may have T = 0 in RUN.
  wire one_dw = appreq_hdr[105:96] == 10'd1 && appreq_tlast;
  wire [20:0] out_pasid = !is_sdi ? appreq_pasid : interrupt ? 21'd0 : {1'b1, sdi_number};
  wire name_ok = is_sdi || !of_an_sdi;
  wire [127:0] out_hdr = is_sdi ? {appreq_hdr[127:96], pf_rid, appreq_hdr[79:0]} : appreq_hdr;

  // ------------------------------------------------------------------ P2P streams
  wire long_address = appreq_hdr[125];
  wire [63:0] address = long_address ? {appreq_hdr[63:2], 2'b00} :
      {32'd0, appreq_hdr[63:34], 2'b00};
  // The specification does not say what a 1 in BIND_P2P_ADDRESS_MASK means. Here it clears that bit
  // of the address, so that a mask of 0 clears nothing (TDISP-P2P-006).
  wire [63:0] peer_address = address & ~p2p_mask;
  wire [NUM_IDE_STREAMS-1:0] p2p_bound = tdi_p2p[NUM_IDE_STREAMS*appreq_tdi+:NUM_IDE_STREAMS];
  reg [NUM_IDE_STREAMS-1:0] p2p_match;
  reg [STREAM_W-1:0] p2p_stream;
  integer s;

  always @* begin
    p2p_stream = {STREAM_W{1'b0}};
    for (s = NUM_IDE_STREAMS - 1; s >= 0; s = s - 1) begin
      p2p_match[s] = p2p_bound[s] && ide_enable[s] && ide_addr_valid[s] &&
          peer_address >= ide_addr_base[64*s+:64] && peer_address <= ide_addr_limit[64*s+:64];
      if (p2p_match[s]) p2p_stream = s[STREAM_W-1:0];
    end
  end

  reg [TDI_W-1:0] mask_tdi_q;  // the TDI whose mask is there
  wire mask_there = mask_tdi_q == appreq_tdi;

  always @(posedge clk) mask_tdi_q <= appreq_tdi;

  // ------------------------------------------------------------------ decision
  wire admit_allow, admit_ide, admit_t;
  wire [STREAM_W-1:0] admit_stream;

  dma_admit #(
      .STREAM_W(STREAM_W)
  ) u_admit (
      .tdi_state    (tdi_state[2*appreq_tdi+:2]),
      .tdi_stream   (bound_stream),
      .msix_locked  (tdi_msix_locked[appreq_tdi]),
      .redirect     (tdi_redirect[appreq_tdi]),
      .stream_secure(bound_exists && stream_secure[bound_stream]),
      .bus_master   (tdi_bme[appreq_tdi]),
      .ats_enable   (ats_enable[appreq_tdi]),
      .pasid_enable (pasid_enable),
      .hint_enable  (hint_enable[appreq_tdi]),
      .msix         (appreq_msix),
      .msi          (appreq_msi),
      .read         (read),
      .atomic       (atomic),
      .page_request (page_request),
      .write        (write && (!interrupt || one_dw)),
      .at           (at),
      .rid_match    (appreq_hdr[95:80] == rid && name_ok),
      .pasid        (out_pasid[PASID_VALID]),
      .hint         (appreq_hdr[TH]),
      .peer         (|p2p_match),
      .p2p_stream   (p2p_stream),
      .p2p_secure   (stream_secure[p2p_stream]),
      .allow        (admit_allow),
      .ide          (admit_ide),
      .t            (admit_t),
      .stream       (admit_stream)
  );

  reg within_q;  // the next beat is not the first
  reg allow_q, ide_q, t_q;
  reg [STREAM_W-1:0] stream_q;

  wire mask_ok = mask_there || at != `PCIE_AT_TRANSLATED;
  wire allow = within_q ? allow_q : admit_allow && mask_ok;
  wire ide = within_q ? ide_q : admit_ide;
  wire t = within_q ? t_q : admit_t;
  wire [STREAM_W-1:0] stream = within_q ? stream_q : admit_stream;
  wire taken = appreq_tvalid && appreq_tready;

  // ------------------------------------------------------------------ answers
  // An answer mirrors T and stream of what it answers, in every state (TDISP-ATS-003). It goes where
  // the function has nothing to send, behind all that has been sent before.
  reg answers_q;
  wire out_ready;
  wire [15:0] msgout_rid = pf_rid + {{(16 - TDI_W) {1'b0}}, msgout_tdi};
  wire msgout_exists = {1'b0, msgout_stream} < STREAMS;
  wire answer_allow = msgout_hdr[95:80] == msgout_rid &&
      (!msgout_ide || (msgout_exists && stream_secure[msgout_stream]));

  always @(posedge clk) begin
    if (rst) answers_q <= 1'b0;
    else if (answers_q) answers_q <= !out_ready;
    else answers_q <= msgout_tvalid && !within_q && !appreq_tvalid;
  end

  assign appreq_tready = out_ready && !answers_q;
  assign msgout_tready = out_ready && answers_q;

  wire [WIDTH-1:0] request = {
    out_hdr, appreq_tdata, appreq_tkeep, appreq_tlast, ide, t, stream, out_pasid
  };
  wire [WIDTH-1:0] answer = {
    msgout_hdr,
    {DATA_W{1'b0}},
    {KEEP_W{1'b0}},
    1'b1,
    msgout_ide,
    msgout_ide && msgout_t,
    msgout_ide ? msgout_stream : {STREAM_W{1'b0}},
    21'd0
  };

  always @(posedge clk) begin
    if (rst) begin
      within_q      <= 1'b0;
      appreq_denied <= 1'b0;
    end else begin
      if (taken) within_q <= !appreq_tlast;
      appreq_denied <= taken && appreq_tlast && !allow;
    end
    if (taken) begin
      allow_q  <= allow;
      ide_q    <= ide;
      t_q      <= t;
      stream_q <= stream;
    end
  end

  assign appreq_ide    = ide_q;
  assign appreq_stream = stream_q;

  skid_buffer #(
      .W(WIDTH)
  ) u_out (
      .clk    (clk),
      .rst    (rst),
      .s_data (answers_q ? answer : request),
      .s_valid(answers_q ? answer_allow : appreq_tvalid && allow),
      .s_ready(out_ready),
      .m_data ({dma_hdr, dma_tdata, dma_tkeep, dma_tlast, dma_ide, dma_t, dma_stream, dma_pasid}),
      .m_valid(dma_tvalid),
      .m_ready(dma_tready)
  );

endmodule

`default_nettype wire
