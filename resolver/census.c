#include "resolver/census.h"

#include "resolver/tables.h"

enum { COUNT_ROW = 16 };

enum err registry_count(struct store_txn *t, struct str prefix, struct registry_count *ret)
{
	struct str row;
	enum err e = store_get(t, RS_TABLE_counter, prefix, &row);
	*ret = (struct registry_count){0, 0};
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (row.n != COUNT_ROW) return ERR_CORRUPT;
	ret->active = store_u64(str_first(row, 8));
	ret->retired = store_u64(str_skip(row, 8));
	return ERR_OK;
}

/* The authority, then the boundaries of the key below it. */
static size_t boundaries(struct str key, struct str authority, size_t ret[CENSUS_DEPTH + 1])
{
	size_t all[ID_BOUNDARIES_MAX], n = 0;
	size_t all_n = id_key_boundaries(key, all);
	ret[n++] = authority.n;
	for (size_t i = 0; i < all_n && n <= CENSUS_DEPTH; i++)
		if (all[i] > authority.n && all[i] < key.n) ret[n++] = all[i];
	return n;
}

bool census_counted(struct str authority, struct str prefix)
{
	size_t all[ID_BOUNDARIES_MAX], between = 0;
	size_t n = id_key_boundaries(prefix, all);
	for (size_t i = 0; i < n; i++) between += all[i] > authority.n;
	return between <= CENSUS_DEPTH;
}

void census_open(struct census *y, struct store_txn *t)
{
	memset(y, 0, sizeof *y);
	y->txn = t;
}

static enum err write_one(struct census *y, size_t i)
{
	struct registry_count n;
	unsigned char row[COUNT_ROW];
	struct str prefix = str_first(y->key, y->ends[i]);
	if (!y->active[i] && !y->retired[i]) return ERR_OK;
	enum err e = registry_count(y->txn, prefix, &n);
	if (e) return e;
	store_key_u64(row, n.active + (uint64_t)y->active[i]);
	store_key_u64(row + 8, n.retired + (uint64_t)y->retired[i]);
	y->active[i] = y->retired[i] = 0;
	return store_put(y->txn, RS_TABLE_counter, prefix, str_n(row, sizeof row));
}

/* Writes the sums of boundaries from the i-th on. */
static enum err write_from(struct census *y, size_t from)
{
	enum err e = ERR_OK;
	for (size_t i = from; i < y->ends_n && !e; i++) e = write_one(y, i);
	return e;
}

enum err census_add(struct census *y, struct str key, struct str authority, int active, int retired)
{
	size_t ends[CENSUS_DEPTH + 1], same = 0;
	if (!active && !retired) return ERR_OK;
	size_t n = boundaries(key, authority, ends), shared = str_shared(key, y->key);
	while (same < n && same < y->ends_n && ends[same] == y->ends[same] && ends[same] <= shared) same++;
	enum err e = write_from(y, same);
	if (e) return e;
	y->key = key;
	y->ends_n = n;
	memcpy(y->ends, ends, n * sizeof *ends);
	for (size_t i = 0; i < n; i++) {
		y->active[i] += active;
		y->retired[i] += retired;
	}
	return ERR_OK;
}

enum err census_close(struct census *y)
{
	return write_from(y, 0);
}
