"""Secrets: the file names an environment variable or another file, never the secret itself.

A field `secret` is written as `secret_env: NAME` or `secret_file: PATH`, on one line.
"""

import os
import re
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from services.config.values import BadValueError, Strict
from services.messages.faults import OperatorError

_ENV_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")  # capitals only: a pasted secret is rarely that
_KINDS = ("env", "file")
_MAX_FILE = 64 * 1024


class SecretError(OperatorError):
    """A secret cannot be read; the message names the variable or the file, never its content."""


class _Reference(dict[str, Any]):
    """What stands in the file under `<name>_env` and `<name>_file`; empty when both are missing."""


class Secret:
    """Where a secret is kept. Only `reveal` reads it; everything else shows the place."""

    __slots__ = ("_kind", "_place")

    def __init__(self, *, env: str = "", file: str = "") -> None:
        if bool(env) == bool(file):
            raise ValueError("a secret is in an environment variable or in a file: give one of them")
        self._kind: Final = "env" if env else "file"
        self._place: Final = env or file

    def reveal(self) -> str:
        """Return the secret, read anew each time so that it can be rotated.

        Raises:
            SecretError: the variable is not set, or the file is missing, empty or not text.

        """
        value = os.environ.get(self._place, "") if self._kind == "env" else self._read()
        if not value.strip():
            raise SecretError(f"{self.place} is {'not set' if self._kind == 'env' else 'empty'}")
        return value.strip()

    def _read(self) -> str:
        try:
            with Path(self._place).open("rb") as file:
                return file.read(_MAX_FILE).decode()
        except OSError as error:
            raise SecretError(f"{self.place} cannot be read: {error.strerror}") from None
        except ValueError:
            raise SecretError(f"{self.place} is not a text file in UTF-8") from None

    @property
    def place(self) -> str:
        """Say where the secret is kept, in words."""
        return f"the environment variable {self._place}" if self._kind == "env" else f"the file {self._place}"

    def __repr__(self) -> str:
        return f"Secret({self._kind}={self._place!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self._kind, self._place) == (other._kind, other._place)

    def __hash__(self) -> int:
        return hash((self._kind, self._place))

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            read_secret, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {}  # `_unfold` writes the fields that stand for it


def read_secret(value: Any, info: ValidationInfo) -> Secret:
    """Return the secret that a field names; raise `BadValueError` without quoting anything."""
    if isinstance(value, Secret):
        return value
    name = info.field_name
    remedy = f"write {name}_env: NAME_OF_A_VARIABLE or {name}_file: /path/to/a/file"
    if not isinstance(value, _Reference):
        raise BadValueError("a secret is never written in this file", remedy)
    if not value:
        raise BadValueError("is missing", remedy)
    if len(value) > 1:
        raise BadValueError("is given more than once", f"keep {name}_env or {name}_file")
    ((kind, place),) = value.items()
    if not isinstance(place, str) or not place.strip():
        raise BadValueError("is empty", remedy)
    if kind == "env" and not _ENV_NAME.fullmatch(place):
        raise BadValueError(
            "is not the name of an environment variable",
            "use capitals, digits and underscores such as SLACK_URL; the secret stays out of this file",
        )
    return Secret(env=place) if kind == "env" else Secret(file=place)


class WithSecrets(Strict):
    """Base of what has secrets: folds `<name>_env` and `<name>_file` into the field `<name>`."""

    @classmethod
    def _secret_fields(cls) -> list[str]:
        fields = cls.model_fields.items()
        return [name for name, field in fields if Secret in (field.annotation, *get_args(field.annotation))]

    @classmethod
    def written_fields(cls) -> dict[str, str]:
        """Return the fields with each secret in the forms in which it is written."""
        fields = super().written_fields()
        for name in cls._secret_fields():
            about = fields[name]
            if cls.model_fields[name].annotation != (str | Secret):
                del fields[name]
            fields |= {f"{name}_{kind}": about for kind in _KINDS}
        return fields

    @model_validator(mode="before")
    @classmethod
    def _fold(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        folded = dict(data)
        for name in cls._secret_fields():
            given = _Reference()
            for kind in _KINDS:
                if (key := f"{name}_{kind}") in folded:
                    given[kind] = folded.pop(key)
            if name in folded and given:
                given["literal"] = None  # both forms: read_secret says so
            if given or (name not in folded and cls.model_fields[name].is_required()):
                folded[name] = given
        return folded

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        json = handler.resolve_ref_schema(handler(schema))
        for name in cls._secret_fields():
            _unfold(json, name)
        return json


def _unfold(json: JsonSchemaValue, name: str) -> None:
    """Replace a secret field by the forms in which it is written."""
    properties = json["properties"]
    field = properties.pop(name)
    forms: JsonSchemaValue = {
        f"{name}_env": {"type": "string", "pattern": f"^{_ENV_NAME.pattern}$"},
        f"{name}_file": {"type": "string", "minLength": 1},
    }
    if field.get("type") == "string":  # may stand in the file as it is
        forms[name] = {"type": "string"}
    for form, value in forms.items():
        properties[form] = {"description": field["description"], **value}
    if name in json.get("required", []):
        json["required"].remove(name)
        json.setdefault("allOf", []).append({"oneOf": [{"required": [form]} for form in forms]})
