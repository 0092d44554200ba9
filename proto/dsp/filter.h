/* The filter language of Kanhe's catalogs (DSP 2025-1 leaves `filter` to the provider).
 *
 * Purpose: `filter` of a CatalogRequestMessage is an array of criteria, which all must hold. A criterion
 * is an object with one member (two for a property):
 *   {"id": "telemetry"}                      the dataset's @id, exactly
 *   {"text": "pump pressure"}                every word in title, description, keywords or id
 *   {"keyword": "pump"}                      one of its keywords, whatever the case
 *   {"type": "http://purl.org/…/Collection"} dct:type
 *   {"modifiedSince": "2026-01-31"}          dct:modified at that time or later
 *   {"property": "license", "eq": "…"}       a member by its name, with or without the prefix dct:, dcat:
 * or kanhe:, of the dataset, its kanhe:properties or a distribution
 *   {"changedSince": "…"}                    the change feed: what changed behind the place that
 *                                            kanhe:feed of an earlier answer names. May stand with no
 *                                            other criterion.
 *   {"@type": "QuerySpec", …}               what EDC connectors send: proto/dsp/filter_edc.h
 * Case folds for ASCII only. Errors: ERR_BAD_MESSAGE, the place ("filter[1].keyword") and one of the rules
 * "type", "unknown", "missing", "twice", "date", "empty", "limit", "alone", "unsupported". Pure; any
 * thread. Texts of a parsed filter are borrowed from its JSON. */
#ifndef PROTO_DSP_FILTER_H
#define PROTO_DSP_FILTER_H

#include "base/clock.h"
#include "base/json.h"

enum {
	DSP_FILTER_MAX = 16,         /* criteria; more is a query that no catalog answers */
	DSP_FILTER_WORDS = 16,       /* of all texts together */
	DSP_FILTER_TEXT_MAX = 512,   /* octets of one value */
	DSP_FILTER_OFFSET_MAX = 1000000,
};

struct dsp_filter_property {
	struct str name, value;
};

struct dsp_filter {
	struct str id, keyword, type, changed_since; /* p = NULL: not asked for */
	struct str words[DSP_FILTER_WORDS];
	size_t words_n;
	bool dated;
	usec_t modified_since;
	struct dsp_filter_property properties[DSP_FILTER_MAX];
	size_t properties_n;
	size_t offset, limit; /* datasets left out at the beginning; of one page at most, 0: no matter */
	size_t criteria;
};

/* filter: NULL or an empty array is a filter without criteria. */
enum err dsp_filter_parse(json_t *filter, struct flaw *f, struct dsp_filter *ret) MUST_USE;
/* dataset: in the plain DCAT form that catalogs have. changed_since is not looked at. */
bool dsp_filter_match(const struct dsp_filter *q, json_t *dataset);

#endif
