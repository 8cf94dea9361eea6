"""Any JSON, made of the names and the words that a reader looks for, by hypothesis."""

from hypothesis import strategies as st


def json_values(names, words, numbers):
    """Return a strategy of values, up to 20 leaves in objects and lists."""
    leaves = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.sampled_from(numbers)
        | st.sampled_from(words)
        | st.text(max_size=20)
    )
    keys = st.sampled_from(names) | st.text(max_size=3)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6),
        max_leaves=20,
    )
