"""What coverage is not about, spared its trace of each line, which takes half as long again."""

import sys
from functools import wraps


def untraced(function):
    """Call it without a trace, which ends and begins anew in one frame: coverage counts frames."""

    @wraps(function)
    def call(*arguments, **options):
        trace = sys.gettrace()
        sys.settrace(None)
        try:
            return function(*arguments, **options)
        finally:
            sys.settrace(trace)

    return call
