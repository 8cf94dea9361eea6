"""Google's wires: Agent Platform (Veo), Interactions (Omni), token services and storage."""
