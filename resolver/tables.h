/* Tables of the environment `registry`: name, owning file, key, value. Nobody but the owner reads
 * or writes one. Integers in keys are big-endian; id and prefix keys are those of proto/id.
 * Raising REGISTRY_FORMAT of the daemon goes with every change here. */
#ifndef RESOLVER_TABLES_H
#define RESOLVER_TABLES_H

#include "base/store.h"

#define RS_TABLES(X)                                                                                       \
	X(record, "registry.c", "id key", "be64 leaf index of its last change; Record, packed")            \
	X(history, "registry.c", "id key (history_key), be64 leaf index", "SHA-256 after; not the last")   \
	X(counter, "registry.c", "prefix key of an authority", "be64 active, be64 retired")                \
	X(delegation, "delegation.c", "prefix key", "Signed Delegation, packed; lasts until withdrawn")    \
	X(serial, "delegation.c", "prefix key", "be64 last serial given out, also after a withdrawal")     \
	X(credential, "net/access.c", "see there", "see there")                                            \
	X(import, "import.c", "credential's name, NUL, import's name", "see there")                        \
	X(import_flaw, "import.c", "key of import, NUL, be64 line", "see there")

enum rs_table {
	RS__TABLE_START = STORE_APP - 1,
#define X(name, owner, key, value) RS_TABLE_##name,
	RS_TABLES(X)
#undef X
};

#endif
