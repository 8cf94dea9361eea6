"""What each provider's models can do, and which provider a model is ordered from."""
