"""DynamoDB's arithmetic of units, as its developer guide tells it."""

import pytest

from benchmarks.units import read_units, size_of, write_units

TABLE = {
    "KeySchema": [{"AttributeName": "id"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "all",
            "KeySchema": [{"AttributeName": "owner"}],
            "Projection": {"ProjectionType": "ALL"},
        },
        {
            "IndexName": "sparse",
            "KeySchema": [{"AttributeName": "open"}, {"AttributeName": "due"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        },
    ],
}


def item(**texts):
    return {name: {"S": text} for name, text in {"id": "1", "owner": "o", **texts}.items()}


def test_a_size_is_that_of_names_and_values():
    assert size_of({"id": {"S": "été"}}) == 2 + 5
    assert size_of({"n": {"N": "1234"}}) == 1 + 3
    assert size_of({"l": {"L": [{"S": "ab"}, {"S": "c"}]}}) == 1 + 3 + 3 + 2
    assert size_of({"s": {"SS": ["ab", "c"]}}) == 1 + 3


@pytest.mark.parametrize(("size", "units"), [(0, 1), (4096, 1), (4097, 2)])
def test_read_unit_is_4_kb_and_half_when_eventually_consistent(size, units):
    """A read is four kilobytes and half the price when it may be old."""
    assert read_units(size, consistent=True) == units
    assert read_units(size, consistent=False) == units / 2


def test_new_item_is_written_to_the_table_and_its_indexes():
    assert write_units(TABLE, None, item()) == {"table": 1, "all": 1}
    assert write_units(TABLE, None, item(open="1", due="2")) == {"table": 1, "all": 1, "sparse": 1}
    assert write_units(TABLE, None, item(text="x" * 1024)) == {"table": 2, "all": 2}


def test_an_entry_that_moves_is_deleted_and_put():
    change = item(open="1", due="2"), item(open="1", due="3")
    assert write_units(TABLE, *change) == {"table": 1, "all": 1, "sparse": 2}


def test_an_entry_that_leaves_its_index_is_deleted():
    change = item(open="1", due="2"), item()
    assert write_units(TABLE, *change) == {"table": 1, "all": 1, "sparse": 1}


def test_an_index_that_sees_no_change_costs_nothing():
    change = item(open="1", due="2"), item(open="1", due="2", text="x")
    assert write_units(TABLE, *change) == {"table": 1, "all": 1}
    assert write_units(TABLE, item(), item()) == {"table": 1}


def test_the_larger_of_before_and_after_is_paid():
    assert write_units(TABLE, item(text="x" * 1024), item())["table"] == 2


def test_a_transaction_costs_the_table_twice():
    assert write_units(TABLE, None, item(), transaction=True) == {"table": 2, "all": 1}
