"""What a relay's refusal means, by code, by status and by words, and what is shown of it."""

import pytest

from videoapi.providers.classification import (
    Cause,
    ErrorInfo,
    classify,
    names_account_or_limit,
    shown_code,
)

POLICY = [
    "CONTENT_POLICY_VIOLATION",
    "content_policy",
    "PUBLIC_ERROR_PROMINENT_PEOPLE_FILTER_FAILED",
    "prominent people",
    "PUBLIC_ERROR_UNSAFE_GENERATION",
    "unsafe-generation",
    "MINOR",
    "PUBLIC_ERROR_MINOR_UPLOAD",
    "Sexual",
    "VIOLENCE_FILTER",
    "DANGER_FILTER_FAILED",
    "nsfw_image",
    "COPYRIGHT",
    "PUBLIC_ERROR_IP_INPUT_IMAGE",
    "moderation_blocked",
    "INPUT_MODERATION",
    "prompt-blocked",
    "BLOCKED",
    "PROHIBITED_CONTENT",
    "content prohibited",
    "sensitive_words_detected",
    "InputTextSensitiveContentDetected",
    "ContentPolicyViolation",
    "NSFWContent",
    "PUBLIC_ERROR_UNSAFE_IMAGE_UPLOAD",
    "sentinel_block",
]
AUDIO = ["AUDIO_FILTERED", "PUBLIC_ERROR_AUDIO_GENERATION_FILTERED", "audio filtered"]
TRANSIENT = [
    "PUBLIC_ERROR_HIGH_TRAFFIC",
    "high traffic",
    "VIDEO_GENERATION_TIMED_OUT",
    "TIMED_OUT",
    "USER_REQUESTS_THROTTLED",
    "INTERNAL",
    "internal_server_error",
    "SERVICE_UNAVAILABLE",
    "RATE_LIMIT",
    "rate_limit_exceeded",
    "server_error",
    "MODEL_UNAVAILABLE",
    "engine overloaded",
    "RESOURCE_EXHAUSTED",
    "PUBLIC_ERROR_SERVER_ERROR",
    "RateLimitExceeded",
    "Throttling.RateQuota",
    "TooManyRequests",
]
ACCOUNT = ["insufficient_user_quota", "INVALID_API_KEY", "insufficient_quota", "InvalidApiKey"]
ACCOUNT += ["insufficient_credits"]
BY_CODE = [
    *((code, Cause.POLICY) for code in POLICY),
    *((code, Cause.AUDIO) for code in AUDIO),
    *((code, Cause.TRANSIENT) for code in TRANSIENT),
    *((code, Cause.ACCOUNT) for code in ACCOUNT),
]


@pytest.mark.parametrize(("code", "cause"), BY_CODE)
@pytest.mark.parametrize("status", [200, 400, 403, 429, 500])
def test_a_known_code_decides_whatever_the_status(code, cause, status):
    assert classify(ErrorInfo((code,)), status) is cause


@pytest.mark.parametrize(("code", "cause"), BY_CODE)
def test_a_known_code_decides_whatever_the_text(code, cause):
    text = "This violates the content policy. Rate limit. Audio filtered."
    assert classify(ErrorInfo((code,), text), 400) is cause


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (401, Cause.ACCOUNT),
        (402, Cause.ACCOUNT),
        (403, Cause.ACCOUNT),
        (429, Cause.TRANSIENT),
        (500, Cause.TRANSIENT),
        (502, Cause.TRANSIENT),
        (503, Cause.TRANSIENT),
        (400, Cause.BAD_REQUEST),
        (413, Cause.BAD_REQUEST),
        (422, Cause.BAD_REQUEST),
        (404, Cause.UNKNOWN),
        (409, Cause.UNKNOWN),
        (200, Cause.UNKNOWN),
    ],
)
def test_without_a_known_code_the_status_decides(status, cause):
    assert classify(ErrorInfo(("new_api_error",), "something"), status) is cause


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("Veo could not … Support codes: 15236754", Cause.POLICY),
        ("The prompt violates our usage policies", Cause.POLICY),
        ("Content policy violation", Cause.POLICY),
        ("提示词内容不合规", Cause.POLICY),
        ("Sexual content was found", Cause.POLICY),
        ("public error minor", Cause.POLICY),
        ("Public error unsafe image upload.", Cause.POLICY),
        ("The audio filtered out", Cause.AUDIO),
        ("audio generation filtered", Cause.AUDIO),
        ("We encountered an issue with the audio for your prompt … safety filters", Cause.AUDIO),
        ("可能违反了我们的内容政策", Cause.POLICY),
        ("触发风控", Cause.POLICY),
        ("Input data may contain inappropriate content.", Cause.POLICY),
        ("It was stopped by a content filter", Cause.POLICY),
        ("当前分组上游负载已饱和", Cause.TRANSIENT),
        ("Rate limit reached", Cause.TRANSIENT),
        ("The generation timed out", Cause.TRANSIENT),
        ("Internal server error", Cause.TRANSIENT),
        ("Invalid API key", Cause.ACCOUNT),
        ("Your request was blocked by our moderation system.", Cause.POLICY),
        ("It was rejected by a safety filter", Cause.POLICY),
        ("Your request was rejected as a result of our safety system.", Cause.POLICY),
        ("The prompt may contain sensitive words", Cause.POLICY),
        ("Risk control rejected the picture", Cause.POLICY),
        ("prohibited content was detected", Cause.POLICY),
        ("The prompt was blocked", Cause.POLICY),
        ("包含敏感词", Cause.POLICY),
        ("图片违规", Cause.POLICY),
        ("内容审核未通过", Cause.POLICY),
        ("The model is overloaded", Cause.TRANSIENT),
        ("The server is currently unavailable", Cause.TRANSIENT),
        ("Resource has been exhausted", Cause.TRANSIENT),
        ("用户额度不足", Cause.ACCOUNT),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 404, 422])
def test_the_words_decide_where_code_and_status_do_not(text, cause, status):
    assert classify(ErrorInfo(text=text), status) is cause


@pytest.mark.parametrize(
    "word", ["preminor", "unsexual", "case-sensitive name", "insensitive", "immoderate"]
)
def test_a_policy_word_inside_another_word_says_nothing(word):
    assert classify(ErrorInfo(text=word), 200) is Cause.UNKNOWN


@pytest.mark.parametrize(
    "text", ["duplicate key value violates unique constraint", "moderation service is away"]
)
def test_a_server_error_with_a_chance_word_stays_transient(text):
    assert classify(ErrorInfo(text=text), 500) is Cause.TRANSIENT


def test_a_databases_constraint_is_no_policy():
    error_info = ErrorInfo(text="duplicate key value violates unique constraint")
    assert classify(error_info, 200) is Cause.UNKNOWN


@pytest.mark.parametrize("text", ["提示词包含敏感词", "图片违规", "内容不合规"])
def test_a_server_error_that_can_only_mean_the_content_is_final(text):
    assert classify(ErrorInfo(text=text), 500) is Cause.POLICY


BLOCKED = ["account_blocked", "IP_BLOCKED", "access prohibited", "key_is_blocked"]
BLOCKED += ["IPBlocked", "APIKeyBlocked", "AccountBlocked", "IPAddressBlocked"]


@pytest.mark.parametrize("code", BLOCKED)
@pytest.mark.parametrize("status", [401, 403])
def test_who_is_blocked_at_an_account_status_is_the_account(code, status):
    assert classify(ErrorInfo((code,)), status) is Cause.ACCOUNT


@pytest.mark.parametrize("code", BLOCKED)
def test_who_is_blocked_is_no_policy_that_ends_a_job(code):
    assert classify(ErrorInfo((code,)), 400) is Cause.BAD_REQUEST


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_misdirected_whatever_it_says(status):
    assert classify(ErrorInfo(("MINOR",), "violates"), status) is Cause.MISDIRECTED


@pytest.mark.parametrize(
    ("codes", "named"),
    [
        (("insufficient_user_quota",), True),
        (("PUBLIC_ERROR_RATE_LIMIT",), True),
        (("no", "401"), True),
        (("402",), True),
        (("403",), True),
        (("429",), True),
        (("Throttling",), True),
        (("TooManyRequests",), True),
        (("InsufficientBalance",), True),
        (("400",), False),
        (("503",), False),
        (("INTERNAL",), False),
        (("HIGH_TRAFFIC",), False),
        (("MINOR",), False),
        ((), False),
    ],
)
def test_only_a_code_names_account_or_limit(codes, named):
    assert names_account_or_limit(ErrorInfo(codes, "rate limit, invalid api key")) is named


def test_a_server_error_that_quotes_a_policy_code_is_final():
    error_info = ErrorInfo(text="upstream said PUBLIC_ERROR_UNSAFE_GENERATION")
    assert classify(error_info, 500) is Cause.POLICY


@pytest.mark.parametrize("status", [401, 403, 429])
def test_a_status_with_one_meaning_beats_words_about_policy(status):
    error_info = ErrorInfo(text="see our content policy")
    assert classify(error_info, status) is not Cause.POLICY


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("503", Cause.TRANSIENT),
        ("429", Cause.TRANSIENT),
        ("401", Cause.ACCOUNT),
        ("400", Cause.BAD_REQUEST),
        ("13", Cause.UNKNOWN),
    ],
)
def test_a_failed_jobs_numeric_code_is_read_as_a_status(code, cause):
    assert classify(ErrorInfo((code,), "no luck"), 200) is cause


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("The prompt violates our usage policies", Cause.POLICY),
        ("It was rejected by a safety filter", Cause.POLICY),
        ("内容审核未通过", Cause.POLICY),
        ("The moderation service is unavailable", Cause.TRANSIENT),
        ("duplicate key value violates unique constraint", Cause.TRANSIENT),
        ("no luck", Cause.TRANSIENT),
    ],
)
@pytest.mark.parametrize("code", ["500", "503"])
def test_a_failed_jobs_sentence_about_content_beats_a_5xx_code(code, text, cause):
    assert classify(ErrorInfo((code,), text), 200) is cause


def test_a_numeric_code_does_not_overrule_an_http_error_status():
    assert classify(ErrorInfo(("503",)), 400) is Cause.BAD_REQUEST


@pytest.mark.parametrize(
    ("codes", "shown"),
    [
        ((), "unspecified"),
        (("relay_error",), "unspecified"),
        (("relay_error", "usage_violation"), "usage_violation"),
        (("relay_error", "MINOR"), "MINOR"),
        (("<b>minor\n",), "_b_minor_"),
        (("minor" + "x" * 500,), "***"),
    ],
)
def test_the_upstream_code_is_shown_in_plain_characters(codes, shown):
    assert shown_code(ErrorInfo(codes)) == shown
