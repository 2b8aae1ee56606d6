// SPDX-License-Identifier: Apache-2.0
//
// tlp_arb: merges Completions and the function's own requests, whole TLPs, for the link.
//
// A Completion may not pass a posted request that was there before it (a STATUS that says DONE comes
// after the data, and the answer to STOP after the last DMA; TDISP-STOP-003). Requests therefore go
// first, but while a Completion waits only as many as can have been on their way when it came. The
// sources of Completions take turns.

`default_nettype none

module tlp_arb #(
    parameter DATA_W   = 128,
    parameter STREAM_W = 1
) (
    input wire clk,
    input wire rst,

    // Completions of configuration requests
    input  wire [        127:0] cfgcpl_hdr,
    input  wire [   DATA_W-1:0] cfgcpl_tdata,
    input  wire [DATA_W/32-1:0] cfgcpl_tkeep,
    input  wire                 cfgcpl_tvalid,
    output wire                 cfgcpl_tready,
    input  wire                 cfgcpl_tlast,
    input  wire                 cfgcpl_ide,
    input  wire                 cfgcpl_t,
    input  wire [ STREAM_W-1:0] cfgcpl_stream,

    // Completions of memory requests
    input  wire [        127:0] appcpl_hdr,
    input  wire [   DATA_W-1:0] appcpl_tdata,
    input  wire [DATA_W/32-1:0] appcpl_tkeep,
    input  wire                 appcpl_tvalid,
    output wire                 appcpl_tready,
    input  wire                 appcpl_tlast,
    input  wire                 appcpl_ide,
    input  wire                 appcpl_t,
    input  wire [ STREAM_W-1:0] appcpl_stream,

    // Completions of refused requests, one beat without data
    input  wire [       127:0] errcpl_hdr,
    input  wire                errcpl_tvalid,
    output wire                errcpl_tready,
    input  wire                errcpl_ide,
    input  wire                errcpl_t,
    input  wire [STREAM_W-1:0] errcpl_stream,

    // Requests of the function
    input  wire [        127:0] dma_hdr,
    input  wire [   DATA_W-1:0] dma_tdata,
    input  wire [DATA_W/32-1:0] dma_tkeep,
    input  wire                 dma_tvalid,
    output wire                 dma_tready,
    input  wire                 dma_tlast,
    input  wire                 dma_ide,
    input  wire                 dma_t,
    input  wire [ STREAM_W-1:0] dma_stream,
    input  wire [         20:0] dma_pasid,   // valid, and the PASID

    input wire ido_enable,  // Completions may have ID-Based Ordering

    // To the link
    output wire [        127:0] tx_hdr,
    output wire [   DATA_W-1:0] tx_tdata,
    output wire [DATA_W/32-1:0] tx_tkeep,
    output wire                 tx_tvalid,
    input  wire                 tx_tready,
    output wire                 tx_tlast,
    output wire                 tx_ide,
    output wire                 tx_t,
    output wire [ STREAM_W-1:0] tx_stream,
    output wire [         20:0] tx_pasid
);

  localparam KEEP_W = DATA_W / 32;
  localparam WIDTH = 128 + DATA_W + KEEP_W + 1 + 2 + STREAM_W + 21;
  // The filter before this block holds two TLPs; the next two leave room for the function's own.
  localparam [2:0] DMA_BEFORE_CPL = 3'd4;

  localparam ID_BASED_ORDERING = 114;  // bit of the header

  // One bit a source: dma, cfgcpl, appcpl, errcpl
  localparam [3:0] NOBODY = 4'b0000;
  localparam [3:0] DMA = 4'b0001;

  reg [3:0] grant_q, grant_d;
  reg [3:1] last_q;  // source of the latest Completion
  reg [2:0] passed_q[1:3];  // requests granted while this Completion waits

  wire [3:0] valid = {errcpl_tvalid, appcpl_tvalid, cfgcpl_tvalid, dma_tvalid};
  wire [3:0] tlast = {1'b1, appcpl_tlast, cfgcpl_tlast, dma_tlast};
  wire out_ready;
  wire beat = |(grant_q & valid) && out_ready;
  wire done = beat && |(grant_q & tlast);

  // A source's next TLP is not to be seen in the cycle of its last beat. For a Completion another
  // source may follow at once; after a request, look again whether there is another.
  wire choose = grant_q == NOBODY || (done && !grant_q[0]);
  wire [3:1] may_go;
  reg [3:1] turn;

  genvar g;
  generate
    for (g = 1; g <= 3; g = g + 1) begin : g_source
      assign may_go[g] = valid[g] && !grant_q[g] && (!dma_tvalid || passed_q[g] == DMA_BEFORE_CPL);

      always @(posedge clk) begin
        if (rst || !valid[g] || grant_d[g]) passed_q[g] <= 3'd0;
        else if (choose && grant_d[0] && passed_q[g] != DMA_BEFORE_CPL) begin
          passed_q[g] <= passed_q[g] + 3'd1;
        end
      end
    end
  endgenerate

  always @* begin
    turn = 3'b000;
    case (last_q)
      3'b001:  turn = may_go[2] ? 3'b010 : may_go[3] ? 3'b100 : 3'b001;
      3'b010:  turn = may_go[3] ? 3'b100 : may_go[1] ? 3'b001 : 3'b010;
      default: turn = may_go[1] ? 3'b001 : may_go[2] ? 3'b010 : 3'b100;
    endcase
  end

  always @* begin
    grant_d = grant_q;
    if (choose) begin
      if (|may_go) grant_d = {turn, 1'b0};
      else if (dma_tvalid) grant_d = DMA;
      else grant_d = NOBODY;
    end else if (done) begin
      grant_d = NOBODY;
    end
  end

  always @(posedge clk) begin
    if (rst) begin
      grant_q <= NOBODY;
      last_q  <= 3'b100;
    end else begin
      grant_q <= grant_d;
      if (choose && |grant_d[3:1]) last_q <= grant_d[3:1];
    end
  end

  assign dma_tready    = grant_q[0] && out_ready;
  assign cfgcpl_tready = grant_q[1] && out_ready;
  assign appcpl_tready = grant_q[2] && out_ready;
  assign errcpl_tready = grant_q[3] && out_ready;

  // Their sources copy the attributes of the request; no Completion has a PASID.
  wire [127:0] cpl_mask = ~({127'd0, !ido_enable} << ID_BASED_ORDERING);
  localparam [20:0] NO_PASID = 21'd0;
  wire [WIDTH-1:0] dma_all = {
    dma_hdr, dma_tdata, dma_tkeep, dma_tlast, dma_ide, dma_t, dma_stream, dma_pasid
  };
  wire [WIDTH-1:0] cfgcpl_all = {
    cfgcpl_hdr & cpl_mask,
    cfgcpl_tdata,
    cfgcpl_tkeep,
    cfgcpl_tlast,
    cfgcpl_ide,
    cfgcpl_t,
    cfgcpl_stream,
    NO_PASID
  };
  wire [WIDTH-1:0] appcpl_all = {
    appcpl_hdr & cpl_mask,
    appcpl_tdata,
    appcpl_tkeep,
    appcpl_tlast,
    appcpl_ide,
    appcpl_t,
    appcpl_stream,
    NO_PASID
  };
  wire [WIDTH-1:0] errcpl_all = {
    errcpl_hdr & cpl_mask,
    {DATA_W{1'b0}},
    {KEEP_W{1'b0}},
    1'b1,
    errcpl_ide,
    errcpl_t,
    errcpl_stream,
    NO_PASID
  };

  skid_buffer #(
      .W(WIDTH)
  ) u_out (
      .clk(clk),
      .rst(rst),
      .s_data(({WIDTH{grant_q[0]}} & dma_all) | ({WIDTH{grant_q[1]}} & cfgcpl_all) |
              ({WIDTH{grant_q[2]}} & appcpl_all) | ({WIDTH{grant_q[3]}} & errcpl_all)),
      .s_valid(|(grant_q & valid)),
      .s_ready(out_ready),
      .m_data({tx_hdr, tx_tdata, tx_tkeep, tx_tlast, tx_ide, tx_t, tx_stream, tx_pasid}),
      .m_valid(tx_tvalid),
      .m_ready(tx_tready)
  );

endmodule

`default_nettype wire
