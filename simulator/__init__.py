"""A simulator of the video relay: its protocol, real videos, and every known fault on request.

`python -m simulator` starts it; `faults` documents the `[[tokens]]` of a prompt. This package
and `process` need the standard library alone, so that tests of any environment can start it.
"""
