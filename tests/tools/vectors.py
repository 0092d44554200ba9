"""Every row of every vector file of identifiers through the command line: one `kanhe id --json` a file, the rows on
its standard input, and each member of a row against the member of that name in what is printed.

Members that no output has, and rows that are decided otherwise, are listed here by name and counted: one that is not
needed any more is a failure too."""
import json
import os
import sys

from node import check, finish, run

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared/vectors")
if not os.path.isdir(FOLDER):
    print("SKIPPED: ../shared/vectors is absent")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(77)

# file, scheme (as --as), member with the identifier, number of rows
FILES = [("gs1/dl-uris", "gs1", "input", 85), ("gs1/element-strings", "gs1", "input", 28), ("gs1/ai-values", "gs1", "input", 1348),
         ("gs1/compression", "gs1", "uri", 19), ("ons/ons-names", "gs1", "gtin14", 6),
         ("china/identifier-syntax", "handle", "input", 13), ("doi/doi-names", "handle", "input", 9), ("oid/ors-names", "oid", "oid", 17),
         ("did/did-names", "did", "did", 12), ("iec61406/identification-links", "iec61406", "link", 8),
         ("aas/id-encoding", "aas", "identifier", 9), ("ecode/ecode-structure", "ecode", "input", 7)]
# of the file, not of an identifier
NOT_PRINTED = {"note": "about the row", "source": "where the row is from", "error": "the other tool's words",
               "error_markup": "the place in its words; proto-gs1_vectors compares it with our offset",
               "check_digit_ok": "true of all that is valid", "round_trip": "of the other tool",
               "compressed_partial_primary_clear": "a third spelling of compressed_optimised in these rows; read, not written"}
LEFT_OUT = set()
DECIDED = {}  # (file, identifier): reason; filled as rows are met
LONE = "an element alone is judged by itself: the company that it must have is asked for in a carrier of several"


def explain(scheme, lines):
    status, out, err = run("id", "--json", "--as", scheme, stdin="".join(line + "\n" for line in lines))
    check(f"{scheme}: nothing on standard error", not err, err)
    return [json.loads(line) for line in out.splitlines()]


def rows(path, member):
    """(identifier, row) of a file."""
    for row in json.load(open(os.path.join(FOLDER, path + ".json")))["cases"]:
        text = row.get(member)
        if text is None:  # an asset link, in its own members
            text = row["asset_ids_query"]
            row = {"asset_ids_query": text, **row["asset_link"]}
        yield text, row


def lone_element(path, row, got):
    return path == "gs1/element-strings" and row.get("error", "").startswith("Required AIs for AI") and len(got.get("elements", [])) == 1


def is_valid(row):
    """What the row says; null is over the length recommended, which is warned of."""
    if any(k.endswith("_error") for k in row):
        return False
    return row.get("valid", True) is not False


def compare(path, text, row, got):
    want = is_valid(row)
    if lone_element(path, row, got):
        DECIDED[path, text] = LONE
        want = True
    if path == "gs1/compression" and "/235/" in text:
        DECIDED[path, text] = "the toolkit's dictionary is older than the AI 235; ours has it"
        want = True
    if path == "aas/id-encoding" and text == "":
        return
    check(f"{path}: {text}: {'valid' if want else 'refused'}", got["valid"] is want and got["input"] == text, got)
    if not got["valid"]:
        e = got.get("error", {})
        check(f"{path}: {text}: rule, offset and words", e.get("rule") and e.get("message") and 0 <= e.get("offset", -1) <= len(text.encode()), got)
        return
    if not is_valid(row):
        return
    # a message without one key, or with qualifiers that do not go together, is told in parts and names no identifier
    named = not path.startswith("gs1/") or "canonical_uri" not in row or row["canonical_uri"] is not None
    if not named and "(8200)" in text and "(01)" in text:
        DECIDED[path, text] = "8200 has no place in a link, but its key names an identifier"
        named = True
    check(f"{path}: {text}: scheme, canonical form and boundaries", got["scheme"] and bool(got["canonical"]) is named and bool(got["boundaries"]) is named, got)
    if row.get("valid", True) is None:
        check(f"{path}: {text}: is warned of", got["warnings"], got)
    for name, value in row.items():
        if name in NOT_PRINTED:
            LEFT_OUT.add(name)
        elif name == "valid" or name.endswith("decompresses_to"):
            continue
        elif name == "uri" or value is None:
            continue
        elif not check(f"{path}: {text}: {name}", got.get(name) == value, f"{got.get(name)!r} instead of {value!r}"):
            return


def packed_links():
    """What the toolkit compressed says to us what it was made of."""
    made = [(c[form], c) for c in json.load(open(os.path.join(FOLDER, "gs1/compression.json")))["cases"] if "compressed_plain" in c
            for form in ("compressed_plain", "compressed_optimised", "compressed_partial_primary_clear")]
    for (text, row), got in zip(made, explain("gs1", [t for t, _ in made])):
        want = row["compressed_plain_decompresses_to"]
        if not row["round_trip"]:
            DECIDED["gs1/compression", text] = "3922=0299: the toolkit drops the leading zero, the packed form keeps it"
            want = want.replace("3922=299", "3922=0299")
        want = "https://id.gs1.org/" + want.split("/", 3)[3]
        check(f"gs1/compression: {text} unpacked", got["valid"] and got["canonical_uri"] == want, f"{got.get('canonical_uri')} instead of {want}")
    return len(made)


for path, scheme, member, expected in FILES:
    cases = list(rows(path, member))
    asked = [(t, r) for t, r in cases if t]  # an empty line is no identifier
    for (text, row), got in zip(asked, explain(scheme, [t for t, _ in asked])):
        compare(path, text, row, got)
    check(f"{path}: all rows", len(cases) == expected, len(cases))
    print(f"{path}: {len(cases)} rows")
# the same forms come back: the canonical form of each is read as itself
for path, scheme, member, expected in FILES:
    first = [g for g in explain(scheme, [t for t, r in rows(path, member) if t]) if g["valid"] and g["canonical"]]
    again = explain(scheme, [g["canonical"] for g in first])
    check(f"{path}: printed forms are read as themselves", first and [(g["canonical"], g["boundaries"]) for g in first] == [(g["canonical"], g["boundaries"]) for g in again])
print(f"gs1/compression: {packed_links()} compressed links unpacked")
check("every member left out is in some file", LEFT_OUT == set(NOT_PRINTED) - {"error", "error_markup"}, LEFT_OUT)
check("rows decided otherwise", len(DECIDED) == 4 + 1 + 1 + 2, DECIDED)
print(f"{len(DECIDED)} rows decided otherwise:")
for (path, text), why in DECIDED.items():
    print(f"  {path}  {text}: {why}")
finish()
