"""A simulator of the providers: their wires, real videos, and every known fault on request.

`python -m simulator` starts it; `faults` documents the `[[tokens]]` of a prompt.
"""
