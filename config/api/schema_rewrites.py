"""Changes to the generated OpenAPI document that generators of clients need."""

from copy import deepcopy
from typing import Any

from videos.api import order_choices

JSON, MULTIPART, URLENCODED = (
    "application/json",
    "multipart/form-data",
    "application/x-www-form-urlencoded",
)


def separate_forms(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Describe a body that may be JSON or a form once for each: only a form has files.

    Generators make one class of one component, and cannot tell in which way to send it. A form
    without files says nothing that JSON does not, so it is only mentioned.
    """
    body = operation.get("requestBody", {})
    content = body.get("content", {})
    if JSON not in content or len(content) == 1:
        return
    body["description"] = "Also accepted as a form, multipart or URL-encoded."
    content.pop(URLENCODED, None)
    name = content[JSON]["schema"]["$ref"].rpartition("/")[2]
    form = f"{name.removesuffix('Request')}Form"
    if form not in schemas and "binary" in str(schemas[name]):
        schemas[form] = deepcopy(schemas[name])
        _leave_out_files(schemas[name]["properties"])
    if form in schemas:
        content[MULTIPART]["schema"] = {"$ref": f"#/components/schemas/{form}"}
    else:
        del content[MULTIPART]


def _leave_out_files(properties: dict[str, Any]) -> None:
    for name, schema in list(properties.items()):
        choices = [each for each in schema.get("oneOf", []) if each.get("format") != "binary"]
        if len(choices) == 1:
            properties[name] = choices[0]
        elif "binary" in (schema.get("format"), schema.get("items", {}).get("format")):
            del properties[name]


def share_errors(operations: list[dict[str, Any]]) -> dict[str, Any]:
    """Replace the error answers of operations by references, and return what they refer to."""
    shared: dict[str, Any] = {}
    for operation in operations:
        for code, response in operation["responses"].items():
            if int(code) < 400 or not response.get("content"):
                continue
            schema = response["content"]["application/json"]["schema"]
            kind = schema["$ref"].rpartition("/")[2]
            name = f"{kind}{code}"
            if shared.setdefault(name, response) == response:
                reference = {"$ref": f"#/components/responses/{name}"}
                operation["responses"][code] = reference
    return dict(sorted(shared.items()))


def use_catalog_in_examples(operation: dict[str, Any]) -> None:
    """Let example bodies name a model that is offered, with what it makes."""
    words = order_choices.words()
    content = operation.get("requestBody", {}).get("content", {})
    for body in content.values():
        for example in body.get("examples", {}).values():
            value = example["value"]
            if "model" in value and value["model"] not in words:
                word, model = next(iter(words.items()))
                made = {"size": model.default_size, "seconds": model.default_seconds}
                changed = {name: text for name, text in made.items() if name in value}
                example["value"] = {**value, "model": word, **changed}
