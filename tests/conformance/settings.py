"""Prints what is set for one role alone: what it may not do, and the things that it can name.

settings.py ROLE DOCUMENT ADDRESS EMAIL PASSWORD
"""

import json
import sys
import urllib.error
import urllib.request

role, document, address, email, password = sys.argv[1:]
paths = json.load(open(document))["paths"]
# Lists that tell ids, and the paths and bodies that take them.
NAMED = {
    "consultations": ("/consultations/mine", "^/(consultations|chat|(medical/)?clinical-notes/consultation)/[{]id[}]"),
    "articles": ("/articles", "^/articles/"),
    "practitioners": ("/practitioners/search", "^/(practitioners|metrics/practitioners)/[{]id[}]"),
    "slots": ("/practitioners/search", "^/(availability/slots|consultations)$"),
    "employees": ("/employees", "^/(employees|metrics/employees|reports/employee-usage)/[{]id[}]"),
    "companies": ("/companies", "^/(companies|metrics/companies)/[{]id[}]"),
    "notifications": ("/notifications", "^/notifications/[{]id[}]"),
    "entries": ("/journal", "^/(medical/)?journal/[{]id[}]"),
    "news": ("/news", "^/news/[{]id[}]"),
    "reviews": ("/reviews/pending", "^/reviews/[{]id[}]"),
}


def ask(path, token=None, body=None):
    """The answer to a request, empty when it is refused."""
    headers = {"Content-Type": "application/json"} if body else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = json.dumps(body).encode() if body else None
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://{address}{path}", data, headers)) as answer:
            return json.load(answer)
    except urllib.error.HTTPError:
        return {}


token = ask("/auth/login", body={"email": email, "password": password})["accessToken"] if email else None

# What it may not do is refused before anything is read: a few requests see that.
refused = [
    operation["operationId"]
    for path in paths.values()
    for operation in path.values()
    if {} not in operation["security"] and operation["security"] and role not in operation["x-roles"]
]
print("\n[[operations]]\ninclude-operation-id =", json.dumps(refused))
print("generation.max-examples = 2\nphases.coverage.enabled = false")

# Half of the requests about one thing are about one that exists.
for name, (path, takers) in NAMED.items():
    ids = [item["id"] for item in ask(path, token).get("items", []) if "id" in item][:8]
    if not ids:
        continue
    print(f"\n[dictionaries.{name}]\nvalues =", json.dumps(ids))
    print(f"\n[[operations]]\ninclude-path-regex = {json.dumps(takers)}")
    for place in ("query.practitionerId", "body.practitionerId") if name == "slots" else ("path.id", "path.slugOrId"):
        print(f'parameters."{place}" = {{ dictionary = "{name}", probability = 0.5 }}')
