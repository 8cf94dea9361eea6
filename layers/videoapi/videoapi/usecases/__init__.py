"""What a caller asks for: submit, look up, cancel, upload, make an image."""
