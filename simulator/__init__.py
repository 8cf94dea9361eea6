"""A simulator of the providers: their wires, real videos, and every known fault on request.

`python -m simulator` starts it; docs/simulator.md explains the `[[tokens]]` of a prompt.
"""
