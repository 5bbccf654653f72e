"""What the dock does and knows, without Qt: it can be tested without a window."""
