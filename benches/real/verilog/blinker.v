// A small design for an iCE40: a counter, a memory that is filled at the start, and a shift register with feedback.
module blinker (input wire clk, input wire [1:0] buttons, output wire [3:0] leds);
  reg [21:0] counter = 0;
  reg [15:0] noise = 16'hace1;
  reg [7:0] pattern [0:255];
  reg [7:0] shown = 0;
  reg [31:0] product = 0;

  initial $readmemh("pattern.hex", pattern);

  always @(posedge clk) begin
    counter <= counter + 1;
    noise <= {noise[14:0], noise[15] ^ noise[13] ^ noise[12] ^ noise[10]};
    shown <= pattern[buttons[0] ? noise[7:0] : counter[21:14]];
    product <= noise * counter[15:0] + product[31:16];
  end

  assign leds = buttons[1] ? product[31:28] ^ product[3:0] : shown[3:0] ^ shown[7:4];
endmodule
