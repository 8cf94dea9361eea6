"""`make sam-local`: the API's functions in Lambda containers, on the data of the local stack.

MiniStack, the worker and the simulator run as in `make run`; only the API is in containers.
"""
