"""The relay: a provider that speaks OpenAI's videos format."""
