"""pydantic's errors in the words of this project: what is wrong, and what would be right."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services.config.faults import Finding, Steps, choose, did_you_mean
from services.config.schema import Config
from services.config.values import BadValueError, Strict, show

_Words = tuple[str, str]


def findings(error: ValidationError, data: Any) -> Iterator[Finding]:
    """Yield every error that pydantic found in `data`, at the place where it is in the file."""
    for details in error.errors(include_url=False):
        steps = _steps(details["loc"], data)
        kind = details["type"]
        if kind == "too_short" and details["input"]:
            continue  # pydantic counts the valid ones only, and each of the others has its own fault
        if kind in ("union_tag_invalid", "union_tag_not_found"):
            steps = (*steps, "type")
        yield Finding(steps, *_words(kind, details, steps, data))


def unknown_fields(error: ValidationError, data: Any) -> list[Steps]:
    """Return the places of the fields that nobody knows."""
    details = error.errors(include_url=False)
    return [_steps(each["loc"], data) for each in details if each["type"] == "extra_forbidden"]


def _steps(loc: tuple[int | str, ...], data: Any) -> Steps:
    """Drop from pydantic's path what is not in the file, such as the kind of a union."""
    steps: list[str | int] = []
    for index, step in enumerate(loc):
        inside = isinstance(data, dict) and step in data
        if inside or (isinstance(data, list) and isinstance(step, int) and step < len(data)):
            steps.append(step)
            data = data[step]
        elif index == len(loc) - 1 and isinstance(data, dict) and step != data.get("type"):
            steps.append(step)
    return tuple(steps)


def _words(kind: str, details: ErrorDetails, steps: Steps, data: Any) -> _Words:
    context = details.get("ctx", {})
    error = context.get("error")
    if isinstance(error, BadValueError):
        return error.problem, error.remedy
    if kind in _WRITERS:
        return _WRITERS[kind](details["input"], context, steps, data)
    if details["input"] is None:
        return "is empty", "write its value behind the colon"
    if kind in _FIXED:
        problem, remedy = _FIXED[kind]
        return problem.format(value=show(details["input"])), remedy
    return f"{show(details['input'])} cannot be right", _about(steps, data)


def _missing(_value: Any, _context: Mapping[str, Any], steps: Steps, data: Any) -> _Words:
    return "is missing", f"add it: {_about(steps, data)}"


def _unknown(_value: Any, _context: Mapping[str, Any], steps: Steps, data: Any) -> _Words:
    fields = _model_at(steps[:-1], data).written_fields()
    return "is not a field here", did_you_mean(steps[-1], fields, choose(fields))


def _not_a(value: Any, context: Mapping[str, Any], steps: Steps, _data: Any) -> _Words:
    names = [step for step in steps if isinstance(step, str)]
    noun = names[-1].removesuffix("s") if isinstance(steps[-1], int) else names[-1]
    options = [option.strip("'") for option in context["expected"].replace(" or ", ", ").split(", ")]
    problem = f"{show(value)} is not a {noun}" if noun != "hours" else f"{show(value)} is not possible here"
    return problem, did_you_mean(value, options, choose(options))


def _bad_type(value: Any, context: Mapping[str, Any], _steps: Steps, _data: Any) -> _Words:
    options = [option.strip("'") for option in context["expected_tags"].split(", ")]
    given = value.get("type") if isinstance(value, dict) else None
    return f"{show(given)} is not a type", did_you_mean(given, options, choose(options))


def _no_type(_value: Any, _context: Mapping[str, Any], steps: Steps, _data: Any) -> _Words:
    kinds = [
        str(get_args(each.model_fields["type"].annotation)[0]) for each in _models(_annotation(steps[:-1]))
    ]
    return "is missing", f"add it: {choose(kinds)}"


def _range(value: Any, context: Mapping[str, Any], _steps: Steps, _data: Any) -> _Words:
    low, high = context.get("ge"), context.get("le")
    return (
        f"{show(value)} is out of range",
        f"write at least {low:g}" if low is not None else f"write at most {high:g}",
    )


_LIST = "is not a list", "put each on a line of its own that begins with '- '"
_BLOCK = "is not a block of fields", "write name: value on lines of their own, indented by two spaces"
_WRITERS: dict[str, Callable[[Any, Mapping[str, Any], Steps, Any], _Words]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "enum": _not_a,
    "literal_error": _not_a,
    "union_tag_invalid": _bad_type,
    "union_tag_not_found": _no_type,
    "greater_than_equal": _range,
    "less_than_equal": _range,
}
_FIXED = {
    "tuple_type": _LIST,
    "list_type": _LIST,
    "model_type": _BLOCK,
    "dict_type": _BLOCK,
    "model_attributes_type": _BLOCK,
    "string_type": ("is not a text", "write one text on this line; a text with : or # needs quotes"),
    "int_parsing": ("{value} is not a whole number", "write digits only"),
    "float_parsing": ("{value} is not a number", "write it with a point, such as 0.6"),
    "bool_parsing": ("{value} is neither true nor false", "write true or false"),
    "too_short": ("is an empty list", "name at least one"),
}


def _annotation(steps: Steps) -> Any:
    """Return the type at a place, ending at the field it names."""
    model: type[Strict] = Config
    annotation: Any = Config
    for step in steps:
        if isinstance(step, int):
            continue
        found = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
        if step not in found:
            break
        annotation = found[step]
        model = next(iter(_models(annotation)), model)
    return annotation


def _models(annotation: Any) -> list[type[Strict]]:
    """Return the models that a type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _model_at(steps: Steps, data: Any) -> type[Strict]:
    """Return the model of the block at a place; of a union the one that its `type` names."""
    for step in steps:
        data = data[step]
    models = _models(_annotation(steps)) or [Config]
    for model in models:
        field = model.model_fields.get("type")
        if field and data.get("type") in get_args(field.annotation):
            return model
    return models[0]


def _about(steps: Steps, data: Any) -> str:
    """Return the description of a field."""
    names = [index for index, step in enumerate(steps) if isinstance(step, str)]
    if not names:
        return "see docs/config.md"
    block, name = steps[: names[-1]], steps[names[-1]]
    return _model_at(block, data).written_fields().get(str(name)) or "see docs/config.md"
