/* /find: which identifiers have a value. Anybody finds by values that the public may read; a credential of
 * a registry role finds by the others too, of identifiers in its scope. */
#include <stdlib.h>

#include "base/text64.h"
#include "net/access.h"
#include "resolver/face_find.h"
#include "resolver/reverse_build.h"

enum {
	FIND_MAX_OCTETS = 16 << 20,
	CURSOR_TEXT_MAX = 1024, /* base64url of a part and the longest key */
	FIND_LOOKS = 10000,     /* rows of one request, with those of prefixes that were given away */
};

/* ---- the question ----------------------------------------------------------------------- */

static enum err type_read(struct net_req *r, struct flaw *f, struct finding_page *p)
{
	struct reverse_types types;
	struct str type;
	if (!net_query(r, "type", &type) || !type.n)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "type", "required",
				"the query parameter type is missing");
	enum err e = reverse_types_read(rs__shard(r)->txn, &types);
	if (e) return e;
	const struct reverse_type *found = reverse_type_find(&types, type);
	if (!found || found->state == REVERSE_LEAVING)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "type", "type-not-indexed",
				"values of this type are not indexed here (resolver.find_types)");
	if (found->state != REVERSE_READY)
		return flaw_set(f, ERR_BUSY, FLAW_NO_OFFSET, "type", "index-building",
				"the index of this type is being built; an answer now would not be whole");
	p->query.number = found->number;
	p->type = found->name;
	return ERR_OK;
}

/* The route is open to all: whoever shows a credential is known by it, and refused when it is none. */
static enum err reader_read(struct net_req *r, struct flaw *f, struct scope *ret)
{
	if (!net_header(r, "authorization").p && !r->client_cert.p) return ERR_OK;
	const struct net_route *route = r->route;
	static const struct net_route as_reader = {.roles = REGISTRY_READERS};
	r->route = &as_reader;
	enum err e = access_guard(rs__shard(r)->txn, RS_TABLE_credential, r, f);
	r->route = route;
	/* other roles, and certificates that are no credential here, see what everybody sees */
	if (e == ERR_FORBIDDEN || (e == ERR_UNAUTHORISED && !net_header(r, "authorization").p))
		return ERR_OK;
	return e ? e : face_scope(r, ret);
}

static bool is_place(const struct finding_page *p, char part, struct str after)
{
	if (part == PART_SERIES || part == PART_SERIES_HIDDEN)
		return face_find_is_series_row(p, part, after);
	return (part == PART_PUBLIC || part == PART_HIDDEN) && str_starts(after, p->prefix.key);
}

static enum err cursor_read(struct net_req *r, struct flaw *f, struct finding_page *p)
{
	struct str text, octets;
	p->part = PART_PUBLIC;
	if (!net_query(r, "cursor", &text) || !text.n) return ERR_OK;
	bool ok = text.n <= CURSOR_TEXT_MAX && !base64url_parse(r->arena, text, &octets) && octets.n > 1 &&
		  octets.n <= 1 + ID_KEY_MAX;
	if (!ok || !is_place(p, octets.p[0], str_skip(octets, 1)))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "cursor", "cursor",
				"not a cursor that this question gave out");
	p->part = octets.p[0];
	p->after = str_skip(octets, 1);
	return ERR_OK;
}

/* A cursor is the last row looked at; hidden ones are only for who sees all of them. */
static enum err beginning_cursor(struct net_req *r, struct flaw *f, struct finding_page *p)
{
	struct reverse_beginning q = {.number = p->query.number, .beginning = p->beginning};
	struct str text, row;
	p->part = PART_PUBLIC;
	if (!net_query(r, "cursor", &text) || !text.n) return ERR_OK;
	bool ok = text.n <= CURSOR_TEXT_MAX && !base64url_parse(r->arena, text, &row) &&
		  row.n <= 1 + STORE_KEY_MAX;
	char part = ok && row.n ? row.p[0] : 0;
	if (part == PART_SERIES || part == PART_SERIES_HIDDEN) { /* no number of a type */
		p->part = part;
		row = str_skip(row, 1);
		ok = face_find_is_series_row(p, part, row);
	} else if (ok && !reverse_is_row(&q, row)) {
		q.hidden = true;
		p->part = PART_HIDDEN;
		ok = reverse_is_row(&q, row);
	}
	if (!ok)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "cursor", "cursor",
				"not a cursor that this question gave out");
	p->after = row;
	return ERR_OK;
}

static enum err beginning_read(struct net_req *r, struct flaw *f, struct finding_page *p)
{
	struct str text;
	if (net_query(r, "value", &text))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "begins", "one-of",
				"one of value and begins, not both");
	if (p->beginning.n > RECORD_DATA_MAX)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "begins", "length",
				"no value is so long");
	enum err e = ERR_OK;
	if (net_query(r, "prefix", &text) && text.n) e = id_prefix_parse(r->arena, text, f, &p->prefix);
	if (!e) e = reader_read(r, f, &p->scope);
	return e ? e : beginning_cursor(r, f, p);
}

static enum err page_read(struct net_req *r, struct flaw *f, struct finding_page *p)
{
	struct str prefix;
	p->left = FACE_LIST;
	enum err e = net_query_number(r, "limit", FACE_LIST_MAX, f, &p->left);
	if (!e && !p->left) e = flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "limit", "number", "at least 1");
	if (!e) e = type_read(r, f, p);
	if (!e && net_query(r, "begins", &p->beginning) && p->beginning.n) return beginning_read(r, f, p);
	if (!e && !net_query(r, "value", &p->query.data))
		e = flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "value", "required",
			     "the query parameter value is missing");
	if (!e && net_query(r, "prefix", &prefix) && prefix.n)
		e = id_prefix_parse(r->arena, prefix, f, &p->prefix);
	if (!e) e = reader_read(r, f, &p->scope);
	return e ? e : cursor_read(r, f, p);
}

/* ---- the answer ------------------------------------------------------------------------- */

static enum err text_of(const struct finding_page *p, struct str key, struct str *ret)
{
	struct record_head head;
	struct str packed;
	struct id id;
	uint64_t leaf;
	enum err e = id_from_key(p->req->arena, key, NULL, &id);
	if (!e) *ret = id.text;
	if (e != ERR_UNSUPPORTED) return e;
	e = registry_find_key(p->shard->txn, key, &leaf, &packed);
	if (!e) e = record_peek(packed, &head);
	if (!e) *ret = head.id;
	return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}

static enum err put_one(struct finding_page *p, struct str key, uint32_t index)
{
	struct arena_mark mark = arena_mark(p->req->arena);
	struct str text = STR_NONE;
	enum err e = text_of(p, key, &text);
	buf_add(p->out, p->any ? STR(",{\"id\":") : STR("{\"id\":"));
	buf_json(p->out, text);
	buf_printf(p->out, ",\"index\":%u,\"public\":%s}", index, p->query.hidden ? "false" : "true");
	arena_rollback(p->req->arena, mark);
	p->any = true;
	p->left--;
	return e;
}

static bool take(void *arg, struct str key, uint32_t index)
{
	struct finding_page *p = arg;
	if (!p->left || p->looks == FIND_LOOKS) {
		p->more = true;
		return false;
	}
	const struct zone *z = zones_find_prefix(p->shard->zones, key);
	/* what was given to another node is answered for by that */
	if (z && !z->parent) p->err = put_one(p, key, index);
	p->looks++;
	p->last = key;
	p->last_part = p->query.hidden ? PART_HIDDEN : PART_PUBLIC;
	return !p->err;
}

/* Parts that the cursor has left behind. */
static bool before(char part, char cursor)
{
	static const char order[] = {PART_PUBLIC, PART_HIDDEN, PART_SERIES, PART_SERIES_HIDDEN, 0};
	return strchr(order, part) < strchr(order, cursor);
}

static enum err walk(struct finding_page *p, struct str prefix)
{
	char part = p->query.hidden ? PART_HIDDEN : PART_PUBLIC;
	bool here = p->part == part && p->after.n;
	if (p->more || p->err || before(part, p->part)) return p->err;
	if (here && !str_starts(p->after, prefix) && str_cmp(prefix, p->after) < 0)
		return ERR_OK; /* done */
	p->query.prefix = prefix;
	p->query.after = here && str_starts(p->after, prefix) ? p->after : STR_NONE;
	enum err e = reverse_find(p->shard->txn, &p->query, take, p);
	return e ? e : p->err;
}

static int by_key(const void *a, const void *b)
{
	return str_cmp(((const struct id_prefix *)a)->key, ((const struct id_prefix *)b)->key);
}

enum err face_find_scope(struct finding_page *p, struct str **ret, size_t *ret_n)
{
	struct scope *s = &p->scope;
	struct str *all = ARENA_ARRAY(p->req->arena, struct str, s->n + 1);
	size_t n = 0;
	if (!all) return ERR_NO_MEMORY;
	if (s->all) all[n++] = p->prefix.key;
	if (s->n) qsort(s->prefixes, s->n, sizeof *s->prefixes, by_key);
	for (size_t i = 0; i < s->n && !s->all; i++) {
		struct str one = s->prefixes[i].key;
		if (id_prefix_covers(one, p->prefix.key))
			one = p->prefix.key;
		else if (!id_prefix_covers(p->prefix.key, one))
			continue;
		if (!n || !id_prefix_covers(all[n - 1], one)) all[n++] = one;
	}
	*ret = all;
	*ret_n = n;
	return ERR_OK;
}

static enum err walk_scope(struct finding_page *p)
{
	struct str *all;
	size_t n;
	enum err e = face_find_scope(p, &all, &n);
	for (size_t i = 0; i < n && !e; i++) e = walk(p, all[i]);
	return e;
}

/* part: 0 where the row tells it itself. */
static void put_next(struct finding_page *p, char part)
{
	struct str key = p->last.n ? p->last : p->after;
	char octets[1 + ID_KEY_MAX] = {part};
	memcpy(octets + 1, key.p, key.n);
	buf_add(p->out, STR(",\"next\":"));
	buf_json(p->out, base64url_write(p->req->arena, str_n(octets + !part, key.n + (part != 0))));
}

static enum err put_page(struct finding_page *p)
{
	buf_add(p->out, STR("{\"identifiers\":["));
	enum err e = walk(p, p->prefix.key);
	p->query.hidden = true;
	if (!e) e = walk_scope(p);
	if (!e) e = face_find_series(p, false);
	if (!e) e = face_find_series(p, true);
	buf_byte(p->out, ']');
	if (!e && p->more) {
		/* nothing was looked at when the public part ended just where the page did */
		put_next(p, p->last.n ? p->last_part : p->part);
	}
	buf_byte(p->out, '}');
	return e ? e : buf_err(p->out);
}

/* ---- by a beginning --------------------------------------------------------------------- */

/* The value itself, for the index has not all of it. */
static enum err data_of(const struct finding_page *p, const struct reverse_hit *h, struct str *ret)
{
	struct str packed;
	struct value v;
	uint64_t leaf;
	enum err e = registry_find_key(p->shard->txn, h->id_key, &leaf, &packed);
	while (!e && !(e = record_next_value(&packed, &v)))
		if (v.index == h->index) break;
	if (!e) *ret = v.data;
	return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}

static enum err put_hit(struct finding_page *p, const struct reverse_hit *h)
{
	struct arena_mark mark = arena_mark(p->req->arena);
	struct str text = STR_NONE, data = h->data;
	enum err e = data.p ? ERR_OK : data_of(p, h, &data);
	if (e || !str_starts(data, p->beginning)) return e;
	e = text_of(p, h->id_key, &text);
	buf_add(p->out, p->any ? STR(",{\"id\":") : STR("{\"id\":"));
	buf_json(p->out, text);
	buf_printf(p->out, ",\"index\":%u,\"public\":%s", h->index, p->query.hidden ? "false" : "true");
	if (str_utf8_ok(data, NULL)) {
		buf_add(p->out, STR(",\"value\":"));
		buf_json(p->out, data);
	}
	buf_byte(p->out, '}');
	arena_rollback(p->req->arena, mark);
	p->any = true;
	p->left--;
	return e;
}

static bool take_hit(void *arg, const struct reverse_hit *h)
{
	struct finding_page *p = arg;
	/* long values are looked up, and may fill the answer */
	if (!p->left || p->looks == FIND_LOOKS || p->out->n > FIND_OCTETS) {
		p->more = true;
		return false;
	}
	const struct zone *z = h->under ? zones_find_prefix(p->shard->zones, h->id_key) : NULL;
	if (z && !z->parent) p->err = put_hit(p, h);
	p->looks++;
	p->last = h->row;
	return !p->err;
}

/* All prefixes of the node, by one name or another. */
static bool sees_all(const struct finding_page *p)
{
	const struct rs *rs = p->shard->rs;
	for (size_t i = 0; i < rs->o.authority_n && !p->scope.all; i++)
		if (!scope_covers(&p->scope, rs->ours[i].key)) return false;
	return true;
}

/* Hidden values of others would cost whoever may not see them time: so this part is for those who see all.
 */
static enum err put_beginning(struct finding_page *p)
{
	struct reverse_beginning q = {.number = p->query.number,
				      .beginning = p->beginning,
				      .prefix = p->prefix.key,
				      .after = p->after};
	const bool plain = p->part == PART_PUBLIC || p->part == PART_HIDDEN;
	enum err e = ERR_OK;
	buf_add(p->out, STR("{\"identifiers\":["));
	if (p->part == PART_PUBLIC) {
		e = reverse_find_beginning(p->shard->txn, &q, take_hit, p);
		q.after = STR_NONE;
	}
	p->query.hidden = q.hidden = true;
	if (!e && !p->err && !p->more && plain && sees_all(p))
		e = reverse_find_beginning(p->shard->txn, &q, take_hit, p);
	if (!e) e = p->err;
	if (!e) e = face_find_series(p, false);
	if (!e && sees_all(p)) e = face_find_series(p, true);
	buf_byte(p->out, ']');
	if (!e && p->more) {
		put_next(p, p->last_part);
	}
	buf_byte(p->out, '}');
	return e ? e : buf_err(p->out);
}

static void get_find(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct finding_page p = {.req = r, .shard = rs__shard(r), .out = face_buf(r, FIND_MAX_OCTETS)};
	RS_COUNT(&p.shard->counters, finds);
	p.prefix.key = STR("");
	enum err e = p.out ? page_read(r, &f, &p) : ERR_NO_MEMORY;
	if (!e) e = p.beginning.n ? put_beginning(&p) : put_page(&p);
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	net_set(r, "cache-control", STR("no-store"));
	net_set(r, "vary", STR("authorization"));
	net_reply(r, 200, MEDIA_JSON, buf_str(p.out));
}

/* ---- the index itself ------------------------------------------------------------------- */

static void get_types(struct net_req *r)
{
	struct store_txn *t = rs__shard(r)->txn;
	struct reverse_types types;
	json_t *o = json_keep(r->arena, json_object()), *all = json_array();
	enum err e = o && all ? reverse_types_read(t, &types) : ERR_NO_MEMORY;
	if (e) {
		json_decref(all);
		net_reply_err(r, e, NULL);
		return;
	}
	for (size_t i = 0; i < types.n; i++) {
		const struct reverse_type *type = &types.type[i];
		struct reverse_place place;
		json_t *one = json_object();
		json_put_str(one, "type", type->name);
		json_put_str(one, "state", str_of(reverse_state_word(type->state)));
		if (type->state == REVERSE_BUILDING && !reverse_place_read(t, type->number, &place))
			json_put_u64(one, "records", place.records);
		json_array_append_new(all, one);
	}
	json_put(o, "types", all);
	face_json(r, 200, o);
}

struct rebuild {
	struct job job;
	struct str type;
};

static enum err apply_rebuild(struct writer_cmd *c, struct writer_txn *t)
{
	struct rebuild *b = (struct rebuild *)c;
	b->job.flaw = (struct flaw){.offset = FLAW_NO_OFFSET};
	enum err e = reverse_types_rebuild(t->store, b->job.arena, b->type);
	return e != ERR_NOT_FOUND ? e
				  : flaw_set(&b->job.flaw, e, FLAW_NO_OFFSET, "type", "type-not-indexed",
					     "values of this type are not indexed here");
}

static void settled_rebuild(struct job *j)
{
	if (!j->err && j->shard->rs->builder) reverse_builder_kick(j->shard->rs->builder);
}

static void answer_rebuild(struct job *j)
{
	if (j->err)
		net_reply_err(j->req, j->err, &j->flaw);
	else
		net_reply(j->req, 202, MEDIA_JSON, STR("{\"state\":\"building\"}"));
}

static void post_rebuild(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct rebuild *b = job_begin(r, sizeof *b, FACE_BODY);
	json_t *j = NULL;
	if (!b) return;
	enum err e = r->body.n ? json_read(b->job.arena, r->body, &f, &j) : ERR_OK;
	if (!e && j && !json_is_object(j))
		e = flaw_set(&f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "", "object", "expected a JSON object");
	if (!e && j) e = json_str_opt(j, "", "type", &f, &b->type);
	if (e) {
		job_refuse(&b->job, e, &f);
		return;
	}
	b->job.cmd.apply = apply_rebuild;
	b->job.settled = settled_rebuild;
	b->job.answer = answer_rebuild;
	job_submit(&b->job);
}

const struct net_route face_find_rows[] = {
    {NET_GET, "/find", get_find, 0, 0, 0,
     "identifiers that have a value of this type and data, or data that begin so"},
    {NET_GET, "/find/types", get_types, REGISTRY_READERS | ROLE_OPERATOR, 0, 0,
     "types that can be searched for, and their state"},
    {NET_POST, "/find/rebuild", post_rebuild, ROLE_OPERATOR, 4096, 0, "builds the index of a type anew"},
};
const size_t face_find_rows_n = sizeof face_find_rows / sizeof *face_find_rows;
