"""What Lambda costs: dated prices per region and the arithmetic, in exact decimals. An unknown price is None, never a guess."""
