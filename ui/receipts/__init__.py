"""The page of receipts."""
