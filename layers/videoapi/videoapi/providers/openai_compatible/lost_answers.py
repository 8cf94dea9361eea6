"""Whether a relay that refuses an order tells that it sent the order on, and lost the answer.

Such a relay answers 500, 502 or 503, as a busy one does: only the words differ. They are those of
the HTTP clients and of the gateways that relays are made of. Both expressions read them folded:
small letters, `_` for blanks and dashes, `|` around each thing that was told.
"""

import re
from collections.abc import Iterable
from typing import Final

MAX_READ: Final = 8192  # bytes of a body; a page tells its reason behind a head of styles

# No connection came about, so nothing was sent: what else such a clause says is part of it.
_NEVER_SENT: Final = re.compile(
    r"""
    (?: (?:dial|proxyconnect)_(?:tcp|udp|unix)  # Go
      | (?<!upstream_)connect_?error | error_trying_to_connect | error_while_dialing
      | (?:failed|unable|not_able|wasn't_able)_to_connect | (?:can_?not|can't|could_not)_connect
      | connect_call_failed | connection_attempts_failed | establish_a_(?:new_)?connection
      | newconnection | proxy_?connection_?error | connection_to_[^;|]{1,200}?_timed_out
      | curl_error_[567](?![0-9]) | (?:tls|ssl)_?handshake
    ) [^;|,"]{0,200}? (?: timed?_?out | reset_by_peer | eof | (?=[;|,"]|$) )
    | (?:before_headers.{0,3}_)? (?:retried_and_the_latest_)? reset_reason:_  # Envoy
      (?: overflow | (?:(?:local|remote)_)?connection_(?:failure|timeout)
        | (?:local|remote)_refused )
    | refused_stream
    | timed_out(?:_\([^)]{0,200}\))?_while_(?:connecting|ssl_handshaking)  # nginx
    | request_canceled_while_waiting_for_connection(?:_\([^)]{0,200}\))? | pool_?timeout
    | (?:waiting_for|acquir\w{1,3})_(?:an?_|the_)?(?:available|free|slot|worker|queue|lock)
      [^;|,"]{0,99}?timed?_?out
    | timed?_?out_(?:while_)?(?:waiting_for|acquir\w{1,3})_(?:an?_|the_)?
      (?:available|free|slot|worker|queue|connection|channel|account|lock)
    # A plain "Connection timed out" may be of one that was open: a read's, or a write's.
    | (?:und_err_)?connect(?:_?timed?|ion_?time)_?out(?!_while_[rsw]) | connect_etimedout
    | connectexception:_connection_timed_out(?:_\(connection_timed_out\))?  # Java
    | connection_timed_out_after_[0-9]  # curl
    | connection_(?:was_)?refused | actively_refused | econnrefused
    | no_route_to_host | ehostunreach | (?:host|network)_(?:is_)?unreachable | enetunreach
    | no_such_host | unknown_?host | getaddrinfo | enotfound | eai_again | name_resolution
    | could_not_resolve | resolving_timed_out | name_or_service_not_known | nodename_nor_servname
    | dns_(?:lookup|resolution)
    | x509: | self_signed_certificate | certificate_(?:verify_failed|has_expired)
    | verify_(?:the_first_)?certificate
    | multipart:_nextpart:_(?:unexpected_)?eof  # it could not read ours
    | (?:build|convert|read)_request(?:_body)?_failed
    | 连接超时 | 连接被拒绝 | 拒绝连接 | 无法连接 | 域名解析
    """,
    re.VERBOSE,
)
# A connection ended, the time was up, or what came could not be read: an answer was waited for.
_LOST: Final = re.compile(
    r"""
    (?: server|peer|remote|end|host|upstream|origin|side|socket|connection|stream|body|transfer )
      _(?:was_|is_|has_|been_)*(?:prematurely_|unexpectedly_)?
      (?: disconnected|closed(?!_for)|dropped|lost|terminated|hung_up )
    | serverdisconnected | connection_?(?:was_)?(?:reset|broken) | reset_(?:by_peer|the_connection)
    | forcibly_closed | closed_(?:network_)?connection | lost_connection | typeerror:_terminated
    | econnreset | econnaborted | hang_?up | broken_?pipe | (?:recv|send)_failure | und_err_
    | (?<![a-z])abort(?:ed|error)?(?![a-z]) | (?<![a-z0-9])(?:eof|epipe)(?![a-z0-9])
    | unexpected_?eof | premature_?(?:ly_)?clos | ended_prematurely | transport_is_closing
    | goaway | rst_stream | nghttp2 | err_http2 | (?<![a-z])stream_error | stream_[0-9]+_was_
    | protocol_?error | malformed_http | bad_record_mac | transfer_closed
    | (?<![a-z])(?:read|write)_?(?:error|fail) | (?:read|write)_tcp | error_reading_from
    | disconnect/reset_before_headers | reset_reason: | connection_termination  # Envoy
    | empty_re(?:ply|sponse) | (?:no|without)_(?:a_|sending_a_)?(?:response|reply|answer)
    | (?:not|n't|failed_to)_respond | nohttpresponse | 0_bytes_received | payload_is_not_completed
    | outstanding_read_data | incomplete_?(?:chunked|read|message|response)
    | (?:unexpected_)?end_of_(?:json|stream|file) | bad_response_body | bad_?status_?line
    | (?:response|body)_(?:is_|was_)?(?:empty|not_received) | (?:nil|non_json)_response | zero_size
    | no_data_received | received_no_bytes | bytes_received:_0 | unexpected_eos | stream_removed
    | copying_content | client_disconnected | reason:_:closed | hpe_invalid | execution_expired
    | took_too_long | ssl_error_syscall | endpoint_closing
    # JSON that cannot be read was an answer's: an order is a form.
    | jsondecodeerror | expect(?:ing|ed)_value(?:_at|:)_line | unexpected_token | cannot_unmarshal
    | (?:not|in)_?valid_json(?!_payload) | malformed_json | json(?:parse|reader)exception
    | invalid_character_\S{1,12}_looking_for | unexpected_character_(?:\(|encountered)
    | (?<![a-z])(?:pars|read|decod|unmarshal|copy)[a-z]*_(?:[a-z']+_){0,3}response
    | (?<!set)(?<!clear)(?<!generation_)(?<!task_)(?<!job_)(?<!queue_)  # those are the maker's
      tim(?:ed?|ing)_?out(?![a-z_]*":)
    | task_timed_out_after | e(?:socket)?timedout | time_exceeded | deadline_?exceeded
    | context_cancell?ed | awaiting_(?:response_)?headers
    | (?:operation|request|task)_was_cancell?ed
    | (?:\||(?:status(?:_code)?|error(?:_code)?|http)[:=_]+)(?:408|504|520|524)(?![0-9])  # quoted
    | (?<!排队)(?<!生成)(?<!任务)超时 | 连接已?被?(?:重置|中断|断开|关闭)
    """,
    re.VERBOSE,
)
# It says only that its own request failed: what is not said to be unsent, or busy, may have gone.
_REQUEST_FAILED: Final = re.compile(
    "(?:do|http|upstream)_request_failed|connection_failed|invoke_error|connection_?error"
    "|fetch_failed|network_?error|error_sending_request|sending_the_request|max_retries_exceeded"
    "|invalid_(?:[a-z]+_){0,2}response|bad_response(?!_status)"
    "|请求上游(?:地址)?失败"
)
_BUSY: Final = re.compile(
    "overload|high_traffic|capacity|too_many|rate_limit|saturat|unavailable|exhausted"
    "|no_available|busy|饱和|繁忙|无可用"
)
_NO_WORDS: Final = re.compile(
    r"<(script|style)\b.*?(?:</\1>|\Z)|<[^>]*>", re.DOTALL | re.IGNORECASE
)


def tells_of_a_lost_answer(told: Iterable[str], body: bytes) -> bool:
    """Return whether what was told, or anything in the body, says so. A prompt may say it too."""
    parts = (body[:MAX_READ].decode(errors="replace"), *told)
    text = "|".join(("", *(_NO_WORDS.sub(" ", part[:MAX_READ]) for part in parts), ""))
    words = re.sub(r"[\s_-]+", "_", text[: 4 * MAX_READ].casefold())
    rest = _NEVER_SENT.sub("|", words)
    if _LOST.search(rest):
        return True
    return rest == words and bool(_REQUEST_FAILED.search(rest)) and not _BUSY.search(rest)
