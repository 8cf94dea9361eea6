"""Which version a request speaks: by its header up to 2025-11-25, by header and `_meta` since."""

import pytest

from videoapi.api.mcp.jsonrpc import Message, ProtocolError
from videoapi.api.mcp.versions import CAPABILITIES, VERSION, is_stateless, negotiated

NEW = "2026-07-28"
META = {VERSION: NEW, CAPABILITIES: {}}
HEADERS = {"mcp-protocol-version": NEW, "mcp-method": "tools/list"}


def listing(meta=None, **more):
    return Message("tools/list", {"_meta": meta} if meta is not None else {}, 1)._replace(**more)


def code_of(message, headers):
    with pytest.raises(ProtocolError) as refusal:
        is_stateless(message, headers)
    return refusal.value.code


@pytest.mark.parametrize(
    ("wanted", "offered"),
    [
        ("2024-11-05", "2025-06-18"),
        ("2025-03-26", "2025-06-18"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("2099-01-01", "2025-11-25"),
    ],
)
def test_handshake_offers_the_nearest_version(wanted, offered):
    assert negotiated(wanted) == offered


@pytest.mark.parametrize("version", [None, "2025-06-18", "2025-11-25"])
def test_earlier_version_is_known_by_its_header_alone(version):
    headers = {"mcp-protocol-version": version} if version else {}
    assert is_stateless(listing(), headers) is False
    assert is_stateless(listing(meta={"progressToken": 1}), headers) is False
    assert is_stateless(Message("initialize", {}, 1), headers) is False


def test_new_version_says_all_in_each_request():
    assert is_stateless(listing(META), HEADERS) is True
    call = Message("tools/call", {"_meta": META, "name": "get_video"}, 1)
    headers = HEADERS | {"mcp-method": "tools/call", "mcp-name": "get_video"}
    assert is_stateless(call, headers) is True
    encoded = headers | {"mcp-name": "=?base64?Z2V0X3ZpZGVv?="}
    assert is_stateless(call, encoded) is True
    nameless = Message("tools/call", {"_meta": META}, 1)
    assert is_stateless(nameless, headers) is True, "its name is missing, which is told later"


def test_initialize_is_a_handshake_whatever_the_header_says():
    assert is_stateless(Message("initialize", {}, 1), {"mcp-protocol-version": NEW}) is False


@pytest.mark.parametrize("version", ["2025-03-26", "1999-01-01", "", "new"])
@pytest.mark.parametrize(
    "message", [listing(), listing(META, id=None), Message("initialize", {}, 1)]
)
def test_unsupported_version_is_refused_with_those_that_are(version, message):
    with pytest.raises(ProtocolError) as refusal:
        is_stateless(message, {"mcp-protocol-version": version})
    assert refusal.value.code == -32022
    supported = ["2026-07-28", "2025-11-25", "2025-06-18"]
    assert refusal.value.data == {"supported": supported, "requested": version}
    assert all(each in refusal.value.message for each in supported)


def test_unsupported_version_of_the_new_kind_is_refused():
    meta, headers = META | {VERSION: "2027-01-01"}, HEADERS | {"mcp-protocol-version": "2027-01-01"}
    assert code_of(listing(meta), headers) == -32022


@pytest.mark.parametrize(
    "meta", [None, {}, {VERSION: NEW}, {CAPABILITIES: {}}, META | {CAPABILITIES: 1}]
)
def test_new_version_without_its_envelope_is_invalid(meta):
    assert code_of(listing(meta), HEADERS) == -32602
    assert code_of(listing()._replace(params={"_meta": 5}), HEADERS) == -32602


@pytest.mark.parametrize(
    ("message", "headers"),
    [
        (listing(META), {}),
        (listing(META), {"mcp-protocol-version": "2025-11-25", "mcp-method": "tools/list"}),
        (listing(META), {"mcp-protocol-version": NEW}),
        (listing(META), HEADERS | {"mcp-method": "tools/call"}),
        (listing(META, method="tools/call", params={"_meta": META, "name": "get_video"}), HEADERS),
        *(
            (
                Message("tools/call", {"_meta": META, "name": "get_video"}, 1),
                HEADERS | {"mcp-method": "tools/call", "mcp-name": name},
            )
            for name in ("", "list_videos", "=?base64?!?=", "=?base64?bGlzdA==?=")
        ),
    ],
)
def test_header_that_contradicts_its_message_is_refused(message, headers):
    assert code_of(message, headers) == -32020


def test_notification_is_held_to_its_header_alone():
    assert is_stateless(listing(id=None), {"mcp-protocol-version": NEW}) is True
    assert is_stateless(listing(id=None), {}) is False
