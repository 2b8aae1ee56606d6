// SPDX-License-Identifier: Apache-2.0
//
// gf128_mul: multiplication in the field of GHASH, DIGIT bits of one factor at a time.
//
// Bits are in GHASH order: bit 127 is the coefficient of x^0. With DIGIT = 128: result = digit * h.
// Else one Horner step, result = sum * x^DIGIT + digit * h, where digit[DIGIT-1] is the coefficient
// of x^0 of the digit: feed the factor from its least significant bits up, `sum` zero first.
// Constant time. While `en` is low the output is zero and nothing toggles.

`default_nettype none

module gf128_mul #(
    parameter DIGIT = 128
) (
    input  wire             en,
    input  wire [    127:0] sum,
    input  wire [    127:0] h,
    input  wire [DIGIT-1:0] digit,
    output reg  [    127:0] result
);

  generate
    if (DIGIT < 1 || DIGIT > 128 || 128 % DIGIT != 0) begin : g_check_digit
      PARAM_ERROR_DIGIT_must_divide_128 u_stop ();
    end

    if (DIGIT == 128) begin : g_full

      // 32 x 32 bits without carries.
      function automatic [62:0] clmul32(input reg [31:0] a, input reg [31:0] b);
        integer i;
        begin
          clmul32 = 63'd0;
          for (i = 0; i < 32; i = i + 1) clmul32 = clmul32 ^ ({63{b[i]}} & ({31'd0, a} << i));
        end
      endfunction

      // Karatsuba, twice.
      function automatic [126:0] clmul64(input reg [63:0] a, input reg [63:0] b);
        reg [62:0] low, high, middle;
        begin
          low     = clmul32(a[31:0], b[31:0]);
          high    = clmul32(a[63:32], b[63:32]);
          middle  = clmul32(a[31:0] ^ a[63:32], b[31:0] ^ b[63:32]) ^ low ^ high;
          clmul64 = {high, 1'b0, low} ^ {32'd0, middle, 32'd0};
        end
      endfunction

      function automatic [254:0] clmul128(input reg [127:0] a, input reg [127:0] b);
        reg [126:0] low, high, middle;
        begin
          low      = clmul64(a[63:0], b[63:0]);
          high     = clmul64(a[127:64], b[127:64]);
          middle   = clmul64(a[63:0] ^ a[127:64], b[63:0] ^ b[127:64]) ^ low ^ high;
          clmul128 = {high, 1'b0, low} ^ {64'd0, middle, 64'd0};
        end
      endfunction

      // x^128 = x^7 + x^2 + x + 1, in two steps: what the first shifts out folds again.
      function automatic [127:0] reduce(input reg [254:0] p);
        reg [127:0] over;
        begin
          over   = {p[126:0], 1'b0};
          over   = over ^ (over << 127) ^ (over << 126) ^ (over << 121);
          reduce = p[254:127] ^ over ^ (over >> 1) ^ (over >> 2) ^ (over >> 7);
        end
      endfunction

      always @* begin
        result = 128'd0;
        if (en) result = reduce(clmul128(digit, h));
      end

      wire unused = &{1'b0, sum};

    end else begin : g_digit

      localparam [7:0] FOLD = 8'he1;

      function automatic [127:0] times_x(input reg [127:0] a);
        times_x = {1'b0, a[127:1]} ^ {{8{a[0]}} & FOLD, 120'd0};
      endfunction

      function automatic [127:0] horner(input reg [127:0] start, input reg [127:0] factor,
                                        input reg [DIGIT-1:0] bits);
        integer i;
        begin
          horner = start;
          for (i = 0; i < DIGIT; i = i + 1) horner = times_x(horner) ^ ({128{bits[i]}} & factor);
        end
      endfunction

      always @* begin
        result = 128'd0;
        if (en) result = horner(sum, h, digit);
      end

    end
  endgenerate

endmodule

`default_nettype wire
