"""统计: every figure has one definition here, its denominator, and the calls behind it."""
