"""What schemathesis checks beside its own: why a well-formed request is refused."""

import json

import schemathesis

# What a client can tell from the document alone. A request that keeps to the document is never refused with these;
# with any other code, such as wrong_password or not_allowed, it may be: such rules depend on the caller, on the data or
# on bytes, and no schema can state them.
STATED = {
    "bad_request",
    "body_required",
    "invalid_date",
    "invalid_email",
    "invalid_instant",
    "invalid_month",
    "invalid_time",
    "malformed_form",
    "malformed_json",
    "not_acceptable",
    "too_many",
    "unexpected_body",
    "unknown_field",
    "unknown_parameter",
    "unknown_value",
    "unsupported_media_type",
}


def is_stated(case, error):
    """Whether the document says what this error refuses."""
    body = case.body if isinstance(case.body, dict) else {}
    value = {**(case.query or {}), **body}.get(error.get("field"))
    if error["code"] == "out_of_range":
        # The limits of a number are in its schema; those of a date depend on the day and on other dates.
        return isinstance(value, int | float)
    if error["code"] == "wrong_type":
        # JSON Schema takes 7.0 for an integer, the server takes 7 alone.
        return not isinstance(value, float)
    return error["code"] in STATED


@schemathesis.check
def refusals_of_the_well_formed(ctx, response, case):
    """No request that the document allows is refused for its form."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in (400, 415):
        return None
    problem = json.loads(response.content)
    wrong = [error for error in problem.get("errors") or [problem] if is_stated(case, error)]
    named = ", ".join(f"{error.get('field', '')} {error['code']}".strip() for error in wrong)
    assert not wrong, f"the document allows what is refused: {named}"
    return None
