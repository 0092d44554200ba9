#include "dataspace/catalog_page.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/text64.h"
#include "dataspace/dataset_access.h"
#include "dataspace/dataset_publish.h"

enum { CURSOR_VERSION = 1, CURSOR_HEAD = 9, CURSOR_MAX = 400 };

/* ---- question: tie, cursor, ETag ---- */

static enum err question_hash(const struct catalog_ask *q, const json_t *filter, unsigned char out[8])
{
	struct buf b = BUF_INIT(JSON_SIZE_MAX);
	unsigned char digest[HASH_SHA256];
	enum err e = ERR_OK;

	buf_add(&b, q->self->did);
	buf_byte(&b, 0);
	buf_add(&b, q->asker);
	buf_byte(&b, 0);
	if (filter) e = json_jcs(filter, &b);
	if (!e) e = buf_err(&b);
	if (!e) hash_sha256(buf_str(&b), digest);
	if (!e) memcpy(out, digest, 8);
	buf_done(&b);
	return e;
}

/* The same question, whatever its offset. */
static enum err series_make(struct catalog_ask *q)
{
	json_t *copy = json_deep_copy(q->filter), *one;
	enum err e;
	size_t i;

	if (!copy) return ERR_NO_MEMORY;
	json_array_foreach(copy, i, one)
	{
		json_object_del(one, "offset");
		json_object_del(one, "edc:offset");
	}
	e = question_hash(q, copy, q->series);
	json_decref(copy);
	return e;
}

static enum err offset_start(struct arena *a, struct catalog_ask *q)
{
	char place[DS_DATASET_MAX + 1];
	enum err e = q->q.limit ? series_make(q) : ERR_OK;

	if (e || q->cursor.n || !q->q.offset || !q->q.limit || !q->offsets) return e;
	q->begun = offsets_find(q->offsets, q->series, q->q.offset, place);
	if (!q->begun) return ERR_OK;
	q->after = arena_dup(a, str_of(place));
	return q->after.p ? ERR_OK : ERR_NO_MEMORY;
}

static enum err cursor_bad(struct flaw *f)
{
	return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "cursor", "cursor",
			"it is no cursor of this catalog, asker and filter");
}

static enum err cursor_parse(struct arena *a, struct catalog_ask *q, struct flaw *f)
{
	struct str s;

	q->after = STR_NONE;
	if (!q->cursor.n) return ERR_OK;
	if (q->cursor.n > CURSOR_MAX || base64url_parse(a, q->cursor, &s) || s.n <= CURSOR_HEAD ||
	    s.p[0] != CURSOR_VERSION || memcmp(s.p + 1, q->tie, sizeof q->tie) != 0)
		return cursor_bad(f);
	s = str_skip(s, CURSOR_HEAD);
	if (!q->q.changed_since.p) {
		q->after = s;
		return dataset_id_check(s, NULL) ? cursor_bad(f) : ERR_OK;
	}
	if (s.n != 8 || store_u64(s) > q->head.last) return cursor_bad(f);
	q->change = store_u64(s);
	return ERR_OK;
}

static struct str cursor_write(struct arena *a, const struct catalog_ask *q, struct str place)
{
	char b[CURSOR_HEAD + DS_DATASET_MAX];

	b[0] = CURSOR_VERSION;
	memcpy(b + 1, q->tie, sizeof q->tie);
	memcpy(b + CURSOR_HEAD, place.p, place.n);
	return base64url_write(a, str_n(b, CURSOR_HEAD + place.n));
}

static void etag_make(struct catalog_ask *q)
{
	unsigned char in[8 + 8 + 8 + 1 + HASH_SHA256], digest[HASH_SHA256];
	char hex[33] = {0};

	memcpy(in, q->tie, 8);
	memcpy(in + 8, q->head.catalog, 8);
	(void)store_key_u64(in + 16, q->head.last);
	in[24] = (unsigned char)q->format;
	hash_sha256(q->cursor, in + 25);
	hash_sha256(str_n(in, sizeof in), digest);
	hex_write(digest, 16, hex);
	/* weak: the same catalog may travel compressed or not */
	snprintf(q->etag, sizeof q->etag, "W/\"%s\"", hex);
}

enum err catalog_ask_open(struct store_txn *t, struct arena *a, struct catalog_ask *q, struct flaw *f)
{
	enum err e = dsp_filter_parse(q->filter, f, &q->q);

	if (!e) e = question_hash(q, q->filter, q->tie);
	if (!e) e = feed_head_find(t, q->self->id, &q->head);
	if (!e && q->q.changed_since.p)
		e = feed_place_parse(q->q.changed_since, &q->head, "filter[0].changedSince", f, &q->change);
	if (!e) e = cursor_parse(a, q, f);
	if (!e) e = offset_start(a, q);
	if (!e) etag_make(q);
	return e;
}

/* ---- pages ---- */

struct making {
	const struct catalog_ask *q;
	struct store_txn *t;
	struct arena *a;
	json_t *datasets, *removed;
	size_t octets, scanned, skipped, passed;
	char last[DS_DATASET_MAX + 1];
	uint64_t change;
	bool more;
};

static bool sees(const struct catalog_ask *q, const Ds__Dataset *s)
{
	return q->asker.p ? dataset_visible(s, q->asker) : dataset_published(s);
}

/* An offset is for askers that do not follow links; a cursor is already behind it. */
static bool skips(const struct making *m)
{
	return !m->q->cursor.n && m->q->begun + m->skipped < m->q->q.offset;
}

static bool full(struct making *m)
{
	size_t limit = m->q->q.limit;

	if (limit && json_array_size(m->datasets) >= limit) return true;
	return json_array_size(m->datasets) + json_array_size(m->removed) >= CATALOG_PAGE ||
	       m->octets >= CATALOG_OCTETS || m->scanned >= CATALOG_SCAN ||
	       (m->passed > CATALOG_SKIP && skips(m));
}

/* Every dataset matches: a row that an offset passes over need not be looked at. */
static bool matches_all(const struct dsp_filter *q)
{
	return !q->id.p && !q->keyword.p && !q->type.p && !q->words_n && !q->dated && !q->properties_n;
}

/* Everything but the JSON that was appended may go when it returns. */
static enum err dataset_add(struct making *m, const Ds__Dataset *s)
{
	const struct catalog_ask *q = m->q;
	bool plain = q->format == CATALOG_DSP;
	json_t *j = NULL;

	if (!sees(q, s)) return ERR_OK;
	if (matches_all(&q->q) && skips(m)) {
		m->skipped++;
		m->scanned--;
		m->passed++;
		return ERR_OK;
	}
	if (plain || q->q.criteria) {
		bool match, skip;

		j = catalog_dataset(m->a, CATALOG_DSP, q->self, s, false);
		if (!j) return ERR_NO_MEMORY;
		match = dsp_filter_match(&q->q, j);
		skip = match && skips(m);
		m->skipped += skip;
		if (!match || skip) {
			json_decref(j);
			return ERR_OK;
		}
	}
	if (!plain) {
		json_decref(j);
		j = catalog_dataset(m->a, q->format, q->self, s, false);
		if (!j) return ERR_NO_MEMORY;
	}
	m->octets += protobuf_c_message_get_packed_size(&s->base);
	must(!json_array_append_new(m->datasets, j));
	return ERR_OK;
}

static enum err page_add(void *arg, const Ds__Dataset *s)
{
	struct making *m = arg;

	if (full(m)) {
		m->more = true;
		return ERR_NOT_FOUND;
	}
	m->scanned++;
	snprintf(m->last, sizeof m->last, "%s", s->id);
	return dataset_add(m, s);
}

static enum err change_add(void *arg, uint64_t change, struct str dataset)
{
	struct making *m = arg;
	struct arena_mark mark = arena_mark(m->a);
	Ds__Dataset *s;
	enum err e;

	if (full(m)) {
		m->more = true;
		return ERR_NOT_FOUND;
	}
	m->scanned++;
	m->change = change;
	e = dataset_row(m->t, m->a, m->q->self->id, dataset, &s);
	if (e) return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	if (sees(m->q, s))
		e = dataset_add(m, s);
	else if (m->q->asker.p ? dataset_was_visible(s, m->q->asker) : s->n_was > 0)
		must(!json_array_append_new(m->removed, json_stringn(dataset.p, dataset.n)));
	arena_rollback(m->a, mark);
	return e;
}

/* An id is one row: no scan. */
static enum err one_add(struct making *m)
{
	Ds__Dataset *s;
	enum err e = ds_dataset_find(m->t, m->a, m->q->self->id, m->q->q.id, &s);

	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	return m->q->after.n ? ERR_OK : dataset_add(m, s);
}

static enum err collect(struct making *m)
{
	const struct catalog_ask *q = m->q;

	if (q->q.changed_since.p) return feed_each(m->t, q->self->id, q->change, change_add, m);
	if (q->q.id.p) return one_add(m);
	return dataset_each(m->t, m->a, q->self->id, q->after, page_add, m);
}

static struct str next_of(struct making *m)
{
	unsigned char number[8];

	if (!m->more) return STR("");
	return cursor_write(m->a, m->q,
			    m->q->q.changed_since.p ? store_key_u64(number, m->change) : str_of(m->last));
}

enum err catalog_page_make(struct store_txn *t, struct arena *a, const struct catalog_ask *q,
			   struct catalog_page *ret)
{
	struct making m = {.q = q, .t = t, .a = a, .change = q->change};
	char place[FEED_PLACE_MAX];
	struct str next;
	json_t *body;
	enum err e;

	m.datasets = json_keep(a, json_array());
	m.removed = json_keep(a, json_array());
	e = m.datasets && m.removed ? collect(&m) : ERR_NO_MEMORY;
	if (!e && m.more && skips(&m)) e = ERR_TOO_LARGE;
	if (e) return e;
	if (m.more && q->offsets && q->q.limit && !q->cursor.n)
		offsets_keep(q->offsets, q->series, q->q.offset + json_array_size(m.datasets),
			     str_of(m.last));
	next = next_of(&m);
	body = json_keep(a, catalog_frame(a, q->format, q->self, json_incref(m.datasets)));
	if (!body || !next.p) return ERR_NO_MEMORY;
	feed_place_write(&q->head, q->head.last, place);
	if (q->format == CATALOG_DSP) json_put_str(body, CATALOG_FEED, str_of(place));
	if (json_array_size(m.removed)) json_put(body, CATALOG_REMOVED, json_incref(m.removed));
	*ret = (struct catalog_page){body, next};
	return arena_overflowed(a) ? ERR_NO_MEMORY : ERR_OK;
}
