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
    "invalid_time",
    "malformed_form",
    "malformed_json",
    "not_acceptable",
    "out_of_range",
    "too_many",
    "unexpected_body",
    "unknown_field",
    "unknown_parameter",
    "unknown_value",
    "unsupported_media_type",
    "wrong_type",
}


@schemathesis.check
def refusals_of_the_well_formed(ctx, response, case):
    """No request that the document allows is refused for its form."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in (400, 415):
        return None
    problem = json.loads(response.content)
    codes = {error["code"] for error in problem.get("errors", [])} or {problem["code"]}
    assert not codes & STATED, f"the document allows what is refused with {', '.join(sorted(codes & STATED))}"
    return None
