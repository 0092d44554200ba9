/* Readers of what `kanhe load` takes: each gives one record after the other as
 * {"id", "values": […]}, the form of POST /registry. Threads: the main thread. */
#ifndef TOOLS_KANHE_LOAD_H
#define TOOLS_KANHE_LOAD_H

#include "base/json.h"

enum load_form {
	LOAD_CSV,     /* header: id, then one column per type; empty cells are left out */
	LOAD_GS1_CSV, /* header: key_ai, key_value, item_description, qualifier_path, link_type, …: one link
			 a line */
	LOAD_NDJSON,  /* {"id","values"} a line */
	LOAD_GS1_JSON /* entries of a GS1 resolver: anchor, itemDescription, links */
};

/* A whole file in memory, read record by record. */
struct load_source {
	enum load_form form;
	struct str rest;     /* not read yet */
	uint64_t line;       /* of the record given last, from 1; entries of JSON count from 1 */
	struct str header;   /* of CSV */
	json_t *entries;     /* of LOAD_GS1_JSON */
	struct arena *arena; /* of the file: header and entries */
	uint64_t left_out;   /* entries with templates in them: series are not records */
};

/* Chooses the form by the first octets. ERR_BAD_INPUT, ERR_BAD_JSON. */
enum err load_open(struct load_source *s, struct arena *a, struct str text, struct flaw *f) MUST_USE;
/* A new reference. ERR_NOT_FOUND at the end; ERR_BAD_INPUT with s->line and the flaw. */
enum err load_next(struct load_source *s, struct flaw *f, json_t **ret) MUST_USE;

#endif
