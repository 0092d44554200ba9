/* Cells and columns of CSV (bulk.h), both ways. Slices point into the input. Threads: any. */
#ifndef PROTO_BULK_CSV_H
#define PROTO_BULK_CSV_H

#include "proto/pb/record.h"

enum {
	BULK_HEADER_MAX = 16 << 10,
	BULK_COLUMNS_MAX = 256, /* a spreadsheet of attributes; a line of it takes one look at each */
};

enum bulk_column_kind {
	BULK_ID,
	BULK_VALUE,
	BULK_TTL,
	BULK_TIMESTAMP,
	BULK_VALUES,
	BULK_STATUS,
	BULK_PATTERN
};

struct bulk_column {
	enum bulk_column_kind kind;
	uint32_t index;
	struct str type;
};

struct bulk_columns {
	struct bulk_column *all;
	size_t n;
};

/* A header line. ERR_BAD_INPUT with the column named, ERR_TOO_LARGE. Slices in the arena. */
enum err bulk_columns_parse(struct arena *a, struct str header, struct flaw *f,
			    struct bulk_columns *ret) MUST_USE;
/* Whether a column of CSV can hold the value, its TTL and timestamp set aside. */
bool bulk_plain(const struct value *v);
void bulk_write_header(const struct bulk_columns *columns, struct buf *out);

/* For bulk.c: lines, and the word of a status, which NDJSON has as well; `at` is where it stands. */
enum err bulk__status(struct str word, const char *at, struct flaw *f, struct record *r) MUST_USE;
enum err bulk__csv_record(struct arena *a, const struct bulk_columns *columns, struct str line,
			  struct flaw *f, struct record *ret) MUST_USE;
enum err bulk__csv_write(struct arena *a, const struct bulk_columns *columns, const struct record *r,
			 struct buf *out) MUST_USE;

#endif
