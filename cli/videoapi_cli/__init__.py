"""The command line `videoapi`: videos for users, and a stack for its operators."""
