"""Google's errors as it words them, for `failures`: by code, by name and by google.rpc code.

The wordings were seen in public reports of the models (2026); what is left out is a name of a
project.
"""

from typing import Final

_FILTERED: Final = (
    "Veo could not generate 1 videos based on the prompt provided. You will not be charged for "
    "this request. Try rephrasing the prompt. If you think this was an error, send feedback. "
    "Support codes: 42237218"
)
GUIDELINES: Final = (
    "The prompt could not be submitted. This prompt contains words that violate Vertex AI's usage "
    "guidelines. Please try again with a different prompt. Support codes: 29310472"
)
_QUOTA: Final = (
    "Quota exceeded for aiplatform.googleapis.com/long_running_online_prediction_requests_per_"
    "base_model with base model: veo-3.1-generate-001. Please submit a quota increase request."
)
_MODEL_GONE: Final = (
    "Publisher model was not found or your project does not have access to it. Please ensure you "
    "are using a valid model version."
)
_PERMISSION: Final = (
    "Permission 'aiplatform.endpoints.predict' denied on resource "
    "'//aiplatform.googleapis.com/projects' (or it may not exist)."
)
_IMAGE: Final = (
    "Veo found that the input image violates Vertex AI's usage guidelines. Support codes: 15236754"
)
_EXHAUSTED: Final = "Resource exhausted. Please try again later."
_LOAD: Final = "The service is currently experiencing high load. Please try again later."

CODES: Final = {
    "INVALID_GRANT": (400, "The subject token was refused."),
    "BILLING_DISABLED": (403, "This API method requires billing to be enabled."),
    "SERVICE_DISABLED": (403, "The API has not been used in this project, or it is disabled."),
    "API_KEY_SERVICE_BLOCKED": (403, "Requests to this API method are blocked."),
    "CONTENT_BLOCKED": (400, "The request was blocked by the safety policy."),
    "FILTERED": (400, _FILTERED),
}
TEXTS: Final = {
    "guidelines": (400, GUIDELINES),
    "quota": (429, _QUOTA),
    "exhausted": (429, _EXHAUSTED),
    "prepayment": (402, "Your prepayment credits are depleted."),
    "model_gone": (404, _MODEL_GONE),
    "permission": (403, _PERMISSION),
}
RPC_CODES: Final = {
    3: (400, _IMAGE),
    7: (403, "The caller does not have permission."),
    8: (429, _EXHAUSTED),
    13: (500, "Internal error. Please try again."),
    14: (503, _LOAD),
}
"""What an operation ends with: google.rpc's codes, each with the HTTP status that says the same."""
