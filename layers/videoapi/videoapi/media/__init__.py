"""Pictures and videos as bytes: sniffed, measured, turned, made small."""
