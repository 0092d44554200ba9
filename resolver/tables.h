/* Tables of the environment `registry`: name, owning file, key, value. Nobody but the owner reads
 * or writes one. Integers in keys are big-endian; id and prefix keys are those of proto/id.
 * Raising RS_FORMAT (resolver.h) goes with every change here. */
#ifndef RESOLVER_TABLES_H
#define RESOLVER_TABLES_H

#include "base/store.h"

#define RS_TABLES(X)                                                                                       \
	X(record, "registry.c", "id key", "be64 leaf index of its last change; Record, packed")            \
	X(history, "registry.c", "id key (history_key), be64 leaf index", "SHA-256 after; not the last")   \
	X(counter, "census.c", "prefix key: an authority, boundaries below", "be64 active, be64 retired")  \
	X(delegation, "delegation.c", "prefix key", "Signed Delegation, packed; lasts until withdrawn")    \
	X(serial, "delegation.c", "prefix key", "be64 last serial given out, also after a withdrawal")     \
	X(credential, "net/access.c", "see there", "see there")                                            \
	X(idempotency, "idempotency.c", "see there", "see there")                                          \
	X(reverse, "reverse.c", "u8 number of a type, value, u8 visibility, id key", "see there")          \
	X(reverse_type, "reverse_type.c", "\"types\", or u8 number of one being built", "see there")       \
	X(series, "series.c, series_change.c", "see series.c", "see series.c")                             \
	X(series_history, "series.c, series_change.c", "key of series, be64 leaf index",                   \
	  "SHA-256 of the record after; not the last")                                                     \
	X(series_count, "series.c, series_change.c", "prefix key of an authority",                         \
	  "be64 active series, their members, retired series, their members")                              \
	X(enterprise, "enterprise.c", "credit code", "see there")                                          \
	X(usage, "admission.c", "credit code", "be64 identifiers registered, retired ones too")            \
	X(allocation, "allocation.c", "see there", "see there")                                            \
	X(account, "account.c", "name of the credential", "see there")                                     \
	X(statistic, "statistics.c", "prefix key, be32 day since 1970", "see there")                       \
	X(template, "templates.c", "prefix key, ff, version", "JSON of a metadata template")               \
	X(template_use, "templates.c, templates_unique.c", "see there", "which records name a template")   \
	X(classification, "classification.c", "prefix key", "JSON: classes of an enterprise's templates")  \
	X(notice, "templates.c", "digest of a handle, be64 number", "JSON: what an identity was told")     \
	X(handed, "reporter_sync.c", "\"position\"", "be64 position that the superior has")                \
	X(reporter, "copies.c", "name of a credential", "what it has handed up so far")                    \
	X(report, "copies.c", "digest of the name, be64 time", "JSON: its reports")                        \
	X(copy, "copies.c", "see there", "its core data")                                                  \
	X(import, "import.c", "credential's name, NUL, import's name", "see there")                        \
	X(import_flaw, "import.c", "key of import, NUL, be64 line", "see there")                           \
	X(reverse_series, "reverse_series.c",                                                              \
	  "u8 number of a type, what a series' values begin with, key of its last member",                 \
	  "key of the series' row")

enum rs_table {
	RS__TABLE_START = STORE_APP - 1,
#define X(name, owner, key, value) RS_TABLE_##name,
	RS_TABLES(X)
#undef X
};

#endif
