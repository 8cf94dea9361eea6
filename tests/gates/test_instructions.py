"""Cold and warm starts in instructions, as shares of the baseline's cold start in the same run.

Instructions repeat to ±0.04 % on a busy machine, where times vary by half.
"""

from dataclasses import replace

import pytest

from benchmarks.cases import BASELINE, cases
from benchmarks.cold_start import counts_of, why_no_instructions

WARM = 20  # requests
COLD_SHARE = {"submit": 0.28, "status": 0.25, "content": 0.25, "mcp": 0.3}
#: A warm request; measured 1/752 and 1/1355, to a tenth of a per cent: botocore's own way through a
#: call is most of it. With validation of parameters a submit would be 1/670.
WARM_SHARE = {"submit": 1 / 720, "status": 1 / 1300}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(why_no_instructions() is not None, reason=f"{why_no_instructions()}"),
]


@pytest.fixture(scope="module")
def found():
    with cases() as made:
        yield made


@pytest.fixture(scope="module")
def counted(found):
    """Return instructions by case and number of requests."""
    wanted = [(BASELINE, 1), *((title, 1) for title in COLD_SHARE)]
    wanted += [(title, 1 + WARM) for title in WARM_SHARE]
    counts = counts_of((found[title], times) for title, times in wanted)
    return dict(zip(wanted, counts, strict=True))


@pytest.mark.parametrize("title", COLD_SHARE)
def test_a_cold_start_is_a_small_share_of_the_baselines(title, counted):
    assert counted[title, 1] <= COLD_SHARE[title] * counted[BASELINE, 1]


@pytest.mark.parametrize("title", WARM_SHARE)
def test_warm_request_is_a_small_share_of_the_baseline(title, counted):
    """A warm request is a small share of the baseline's cold start."""
    warm = (counted[title, 1 + WARM] - counted[title, 1]) / WARM
    assert warm <= WARM_SHARE[title] * counted[BASELINE, 1]


def test_a_wrong_answer_is_not_counted(found):
    with pytest.raises(RuntimeError, match="answered"):
        replace(found["status"], expected=500).instructions()
