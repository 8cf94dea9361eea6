"""Google's own APIs of videos: Veo on the Agent Platform, Gemini Omni through Interactions."""
