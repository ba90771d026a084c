"""What the document implies (I), and what it promises (L)."""
