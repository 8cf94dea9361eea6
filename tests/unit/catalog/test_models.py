"""The table of models: every row is whole, sourced and sensible."""

import pytest

from videoapi.catalog.models import find, table
from videoapi.catalog.routes import PROVIDERS
from videoapi.catalog.sizes import LINES

every_row = pytest.mark.parametrize("row", table(), ids=lambda row: f"{row.provider}:{row.name}")


@every_row
def test_row_says_what_may_be_asked_for(row):
    assert row.provider in PROVIDERS
    assert row.durations == tuple(sorted(row.durations))
    assert set(row.full_hd_durations) <= set(row.durations)
    assert set(row.reference_durations) <= set(row.durations)
    assert set(row.last_frame_durations) <= set(row.durations)
    assert set(row.resolutions) <= set(LINES)
    assert set(row.image_roles) <= {"first_frame", "last_frame", "reference"}
    assert ("reference" in row.image_roles) is (row.max_reference_images > 0)
    assert row.sources


@every_row
def test_priced_row_prices_each_resolution(row):
    assert not row.pricing or {price.resolution for price in row.pricing} == set(row.resolutions)
    assert all(price.usd > 0 and price.per in ("second", "video") for price in row.pricing)


def test_sizes_follow_from_resolutions_and_shapes():
    sizes = find("vertex", "veo-3.1-generate-001").sizes
    assert sizes == ("1280x720", "720x1280", "1920x1080", "1080x1920")


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("veo_3_1", ("first_frame", "last_frame")),
        ("veo_3_1-fast-4K", ("first_frame", "last_frame")),
        ("veo_3_1-fast-fl-hd", ("first_frame", "last_frame")),
        ("veo_3_1-components", ("first_frame", "reference")),
        ("veo_3_1-fast-components-4K", ("first_frame", "reference")),
    ],
)
def test_first_row_that_fits_a_name_counts(name, roles):
    assert find("relay", name).image_roles == roles


@pytest.mark.parametrize("name", ["sora-2", "", "veo-3.1-generate-001"])
def test_unknown_model_has_no_row(name):
    assert find("relay", name) is None


def test_range_is_every_whole_second():
    assert find("gemini", "gemini-omni-1.2-flash").durations == tuple(range(3, 16))
