"""Units and widths of numbers."""

SECOND_NS = 1_000_000_000
MASK32 = 0xFFFF_FFFF
MASK64 = 0xFFFF_FFFF_FFFF_FFFF
