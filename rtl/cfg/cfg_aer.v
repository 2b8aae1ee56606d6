// SPDX-License-Identifier: Apache-2.0
//
// cfg_aer: advanced error reporting capability of the physical function.
//
// The registers are sticky: FLR keeps them. Headers are not logged, so that no log can show what a
// TLP of a TVM was about (TDISP-ZERO-004).

`default_nettype none
`include "cfg_map.vh"
`include "pcie_defs.vh"

module cfg_aer #(
    parameter [11:0] NEXT = 12'h000
) (
    input wire clk,
    input wire rst,

    // Access to a register
    input  wire [11:0] addr,
    output reg  [31:0] rdata,
    output reg  [31:0] rw_mask,
    output reg  [31:0] w1c_mask,
    input  wire        write,
    input  wire [31:0] value,
    input  wire [31:0] clear,

    // Errors, one-cycle pulses
    input wire aer_check_failed,
    input wire aer_misrouted,
    input wire aer_malformed,
    input wire aer_poisoned,
    input wire aer_unsupported,
    input wire aer_unexpected_cpl,
    input wire aer_cpl_timeout,
    input wire aer_internal,

    // Pulses for Device Status
    output wire nonfatal_error,
    output wire fatal_error
);

  localparam [31:0] ONE = 32'd1;
  localparam [31:0] ERRORS = (ONE << `PCIE_AER_BIT_POISONED_TLP) |
      (ONE << `PCIE_AER_BIT_COMPLETION_TIMEOUT) | (ONE << `PCIE_AER_BIT_UNEXPECTED_COMPLETION) |
      (ONE << `PCIE_AER_BIT_MALFORMED_TLP) | (ONE << `PCIE_AER_BIT_UNSUPPORTED_REQUEST) |
      (ONE << `PCIE_AER_BIT_INTERNAL_ERROR) | (ONE << `PCIE_AER_BIT_IDE_CHECK_FAILED) |
      (ONE << `PCIE_AER_BIT_MISROUTED_IDE_TLP);
  localparam [31:0] SEVERITY_RESET = (ONE << `PCIE_AER_BIT_MALFORMED_TLP) |
      (ONE << `PCIE_AER_BIT_INTERNAL_ERROR) | (ONE << `PCIE_AER_BIT_IDE_CHECK_FAILED);
  localparam [31:0] MASK_RESET = ONE << `PCIE_AER_BIT_INTERNAL_ERROR;
  localparam [31:0] CORRECTABLE = 32'h0000_2000;  // Advisory Non-Fatal, masked at reset

  reg [31:0] status_q, mask_q, severity_q, correctable_mask_q;
  reg [ 4:0] first_q;
  reg [31:0] errors;

  always @* begin
    errors                                      = 32'd0;
    errors[`PCIE_AER_BIT_POISONED_TLP]          = aer_poisoned;
    errors[`PCIE_AER_BIT_COMPLETION_TIMEOUT]    = aer_cpl_timeout;
    errors[`PCIE_AER_BIT_UNEXPECTED_COMPLETION] = aer_unexpected_cpl;
    errors[`PCIE_AER_BIT_MALFORMED_TLP]         = aer_malformed;
    errors[`PCIE_AER_BIT_UNSUPPORTED_REQUEST]   = aer_unsupported;
    errors[`PCIE_AER_BIT_INTERNAL_ERROR]        = aer_internal;
    errors[`PCIE_AER_BIT_IDE_CHECK_FAILED]      = aer_check_failed;
    errors[`PCIE_AER_BIT_MISROUTED_IDE_TLP]     = aer_misrouted;
  end

  assign fatal_error    = |(errors & severity_q);
  assign nonfatal_error = |(errors & ~severity_q);

  always @* begin
    rdata    = 32'd0;
    rw_mask  = 32'd0;
    w1c_mask = 32'd0;
    case (addr)
      `CFG_REG_AER: rdata = {NEXT, 4'd2, `PCIE_ECAP_AER};
      `CFG_REG_AER_UNCORRECTABLE_STATUS: begin
        rdata    = status_q;
        w1c_mask = ERRORS;
      end
      `CFG_REG_AER_UNCORRECTABLE_MASK: begin
        rdata   = mask_q;
        rw_mask = ERRORS;
      end
      `CFG_REG_AER_UNCORRECTABLE_SEVERITY: begin
        rdata   = severity_q;
        rw_mask = ERRORS;
      end
      `CFG_REG_AER_CORRECTABLE_MASK: begin
        rdata   = correctable_mask_q;
        rw_mask = CORRECTABLE;
      end
      `CFG_REG_AER_CONTROL: rdata = {27'd0, first_q};
      default: rdata = 32'd0;
    endcase
  end

  always @(posedge clk) begin
    if (rst) begin
      mask_q             <= MASK_RESET;
      severity_q         <= SEVERITY_RESET;
      correctable_mask_q <= CORRECTABLE;
    end else if (write) begin
      case (addr)
        `CFG_REG_AER_UNCORRECTABLE_MASK: mask_q <= value;
        `CFG_REG_AER_UNCORRECTABLE_SEVERITY: severity_q <= value;
        `CFG_REG_AER_CORRECTABLE_MASK: correctable_mask_q <= value;
        default: ;
      endcase
    end
  end

  // An error that comes with the write that clears it stays.
  wire [31:0] cleared = (write && addr == `CFG_REG_AER_UNCORRECTABLE_STATUS) ? clear : 32'd0;
  wire [31:0] reported = errors & ~mask_q;

  function automatic [4:0] lowest(input reg [31:0] bits);
    integer i;
    begin
      lowest = 5'd0;
      for (i = 31; i >= 0; i = i - 1) if (bits[i]) lowest = i[4:0];
    end
  endfunction

  always @(posedge clk) begin
    if (rst) begin
      status_q <= 32'd0;
      first_q  <= 5'd0;
    end else begin
      status_q <= (status_q & ~cleared) | errors;
      if (|reported && (status_q & ~cleared & ~mask_q) == 32'd0) first_q <= lowest(reported);
    end
  end

endmodule

`default_nettype wire
