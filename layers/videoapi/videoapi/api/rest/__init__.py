"""The REST dialect: /api/v1."""
