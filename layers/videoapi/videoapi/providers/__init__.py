"""Everything that speaks to a vendor."""
