"""The request body around webhooks. Apart from the submit's, whose cold start need not build it."""

from pydantic import BaseModel, ConfigDict

from videoapi.api.fields import Webhook


class WebhookTest(BaseModel):
    """The body of `POST /api/v1/webhooks/test`."""

    model_config = ConfigDict(extra="forbid", strict=True, title="WebhookTest")

    url: Webhook
