/* JSON Schema, as far as credentials need it: does a value keep to a schema (drafts 4 to 2020-12)?
 *
 * Purpose: credentialSchema of a credential (VCDM; DCP 1.0.1 5.4.3). Evaluated: type, enum, const,
 * required, properties, additionalProperties, minProperties, maxProperties, items (one schema), minItems,
 * maxItems, minLength, maxLength, pattern (proto/vc/pattern.h says which), minimum, maximum, allOf, anyOf,
 * oneOf, not, and $ref within the document.
 * Annotations (title, format, …) are passed over. A schema with other keywords that could refuse something
 * cannot be evaluated, and says which: nothing counts as checked that was not. Bounded: VC_SCHEMA_DEPTH
 * schemas inside each other, VC_SCHEMA_STEPS in all. Pure; threads: any. */
#ifndef PROTO_VC_SCHEMA_H
#define PROTO_VC_SCHEMA_H

#include "base/json.h"

enum { VC_SCHEMA_DEPTH = 32, VC_SCHEMA_STEPS = 20000 };

/* path: where the value stands, for the flaw. ERR_BAD_MESSAGE: it does not keep to the schema; at names the
 * member, rule the keyword. ERR_BAD_INPUT: the schema cannot be evaluated; rule "schema-keyword",
 * "schema-reference", "schema-limit" or "schema-form". */
enum err vc_schema_check(json_t *schema, json_t *value, const char *path, struct flaw *f) MUST_USE;

#endif
