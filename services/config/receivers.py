"""Where messages go: one class per kind of receiver."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema, model_validator

from services.config.secrets import Secret, WithSecrets, read_secret
from services.config.values import BadValueError, Email, Slug, Text


class Payload(StrEnum):
    """How much of a post leaves the house."""

    LINK = "link"
    SUMMARY = "summary"
    EXCERPT = "excerpt"


class Tls(StrEnum):
    """How the connection to a mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class _Receiver(WithSecrets):
    """What every receiver has."""

    id: Slug = Field(description="Your name for this receiver.")
    payload: Payload = Field(
        default=Payload.SUMMARY,
        description="link: only a link; summary: theme, counts and a link; excerpt: also a masked quotation, "
        "which needs processor_agreement at every institution that is told about here.",
    )


class ConsoleReceiver(_Receiver):
    """Prints messages on the terminal, to try things out."""

    type: Literal["console"] = Field(description="The kind of receiver: console.")


class SlackWebhookReceiver(_Receiver):
    """A Slack channel, by an incoming webhook."""

    type: Literal["slack_webhook"] = Field(description="The kind of receiver: slack_webhook.")
    url: Secret = Field(description="The webhook's address; whoever has it can post, so it is a secret.")


class EmailReceiver(_Receiver):
    """A mail server that sends to the addresses of people."""

    type: Literal["email"] = Field(description="The kind of receiver: email.")
    host: Text = Field(description="Name of the mail server.")
    port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    tls: Tls = Field(default=Tls.STARTTLS, description="starttls (port 587), tls (port 465) or none.")
    username: Text | None = Field(default=None, description="User name at the mail server.")
    password: Secret | None = Field(default=None, description="Password at the mail server.")
    sender: Email = Field(description="The address that mails come from.")

    @model_validator(mode="after")
    def _login(self) -> "EmailReceiver":
        if (self.username is None) != (self.password is None):
            raise BadValueError(
                "has a username without a password, or the reverse",
                "give username and password_env (or password_file), or neither",
            )
        return self


def _address(value: Any, info: ValidationInfo) -> str | Secret:
    if not isinstance(value, str):
        return read_secret(value, info)
    if not value.startswith(("https://", "http://")) or "@" in value:
        raise BadValueError(
            "is not a web address", "begin with https://, and keep passwords out of it: use url_env"
        )
    return value


class WebhookReceiver(_Receiver):
    """Another system that is told by a signed HTTP request."""

    type: Literal["webhook"] = Field(description="The kind of receiver: webhook.")
    url: Annotated[str | Secret, PlainValidator(_address), WithJsonSchema({"type": "string"})] = Field(
        description="The address; write url_env or url_file when it holds a key."
    )
    secret: Secret = Field(description="The shared secret with which each request is signed.")

    def address(self) -> str:
        """Return the address to send to.

        Raises:
            SecretError: the address is a secret that cannot be read.

        """
        return self.url.reveal() if isinstance(self.url, Secret) else self.url


Receiver = Annotated[
    ConsoleReceiver | SlackWebhookReceiver | EmailReceiver | WebhookReceiver, Field(discriminator="type")
]
