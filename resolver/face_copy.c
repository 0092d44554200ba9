/* GET /copies/{reporter}?table=record|series|template|classification|enterprise: what a copy holds, as
 * JSON; and whose rows a reporter may hand up. */
#include "resolver/face_copy.h"

#include "base/text64.h"
#include "proto/bulk/bulk.h"
#include "proto/template/template.h"
#include "resolver/account.h"
#include "resolver/allocation.h"
#include "resolver/series.h"

enum { LIST_OCTETS = 16 << 20, ROW_ARENA = 4 << 20 };

/* ---- whose rows ------------------------------------------------------------------------- */

static bool enterprise_covered(const struct scope *scope, const struct copy_op *op)
{
	struct enterprise x;
	if (enterprise_unpack(op->key, op->value, &x)) return false;
	for (size_t i = 0; i < x.prefixes_n; i++)
		if (!scope_covers(scope, x.prefixes[i])) return false;
	return true;
}

/* `0.NA/PREFIX`, which a node keeps for each Handle prefix that it gives to an enterprise. */
static bool prefix_record_covered(const struct scope *scope, const struct copy_op *op)
{
	struct arena *a = arena_new(ROW_ARENA);
	struct record_head head;
	struct id_prefix p;
	struct id id;
	bool covered = a && op->value.n > 8 && !record_peek(str_skip(op->value, 8), &head) &&
		       str_starts(head.id, STR("0.NA/")) &&
		       !id_parse_as(ID_HANDLE, a, head.id, NULL, &id) && str_eq(id.key, op->key) &&
		       !id_prefix_parse_as(ID_HANDLE, a, str_skip(head.id, 5), NULL, &p) &&
		       scope_covers(scope, p.key);
	arena_free(a);
	return covered;
}

/* What names an enterprise's code alone is of the reporter's own copy, and says nothing about prefixes.
 * What takes a row out of it tells of nobody. */
bool copies_op_covered(const struct scope *scope, const struct copy_op *op)
{
	char room[STORE_KEY_MAX];
	struct str key = op->key;
	if (op->remove) return true;
	switch ((enum report_table)op->table) {
	case REPORT_SERIES:
		/* the key of its row begins with less than its members' keys have alike */
		return !series_row_member(op->key, op->value, room, &key) && scope_covers(scope, key);
	case REPORT_ENTERPRISE: return enterprise_covered(scope, op);
	case REPORT_ALLOCATION:
		return key.n > 1 ? scope_covers(scope, str_skip(key, 1)) : op->value.n == sizeof(uint64_t);
	case REPORT_ACCOUNT: return key.n > CREDIT_CODE;
	case REPORT_USAGE: return op->value.n == sizeof(uint64_t);
	case REPORT_RECORD: return scope_covers(scope, key) || prefix_record_covered(scope, op);
	case REPORT_DELEGATION:
	case REPORT_TEMPLATE:
	case REPORT_CLASSIFICATION: return scope_covers(scope, key);
	}
	return false;
}

/* ---- what a copy holds ------------------------------------------------------------------ */

struct listing {
	struct net_req *r;
	struct str reporter;
	unsigned table;
	struct arena *arena; /* of one row */
	struct buf *out;
	uint64_t left;
	struct str last;
	bool any, more;
	enum err err;
};

static enum err put_record(struct listing *l, struct str row)
{
	/* its leaf first */
	return row.n > 8 ? record_write_json(str_skip(row, 8), RECORD_ADMIN, l->out) : ERR_CORRUPT;
}

static enum err put_series(struct listing *l, struct str key, struct str row)
{
	struct series s;
	enum err e = series_row_read(key, row, &s);
	if (!e) e = bulk_write_series(l->arena, BULK_NDJSON, NULL, s.packed, l->out);
	if (!e) e = buf_err(l->out);
	if (!e) l->out->n--; /* the end of the line */
	return e;
}

struct accounts {
	struct str code;
	json_t *all;
};

static bool put_account(void *arg, struct str key, struct str row)
{
	struct accounts *k = arg;
	struct account x;
	if (!str_starts(key, k->code) || account_row_read(key, row, &x)) return false;
	struct buf rights = BUF_INIT(64);
	account_rights_print(x.rights, &rights);
	json_t *o = json_object();
	json_put_str(o, "name", x.name);
	json_put_str(o, "rights", buf_str(&rights));
	if (x.parent.n) json_put_str(o, "issuer", x.parent);
	must(!json_array_append_new(k->all, o));
	buf_done(&rights);
	return true;
}

static void put_time(json_t *o, const char *name, usec_t t)
{
	char time[CLOCK_TEXT];
	if (t) json_put_str(o, name, str_of(clock_print(t, false, time)));
}

static enum err enterprise_json(struct listing *l, const struct enterprise *x, json_t *o)
{
	struct store_txn *t = rs__shard(l->r)->txn;
	struct accounts k = {enterprise_code(x), json_array()};
	json_t *prefixes = json_array();
	struct str used;
	json_put_str(o, "code", enterprise_code(x));
	json_put_str(o, "name", x->name);
	json_put_str(o, "state", str_of(enterprise_state_word(x->state)));
	if (x->withheld) json_put(o, "resolve", json_false());
	if (x->node.n) json_put_str(o, "node", x->node);
	put_time(o, "applied", x->applied);
	put_time(o, "changed", x->changed);
	json_put_u64(o, "quota", x->quota);
	enum err e = copies_row(t, l->reporter, REPORT_USAGE, enterprise_code(x), &used);
	json_put_u64(o, "registered", !e && used.n == 8 ? store_u64(used) : 0);
	for (size_t i = 0; i < x->prefixes_n; i++) {
		struct id_prefix p;
		if (id_prefix_from_key(l->arena, x->prefixes[i], NULL, &p)) continue;
		must(!json_array_append_new(prefixes, json_stringn(p.text.p, p.text.n)));
	}
	json_put(o, "prefixes", prefixes);
	json_put(o, "accounts", k.all);
	if (e && e != ERR_NOT_FOUND) return e;
	return copies_rows(t, l->reporter, REPORT_ACCOUNT, k.code, put_account, &k);
}

static enum err put_enterprise(struct listing *l, struct str key, struct str row)
{
	struct enterprise x;
	json_t *o = json_keep(l->arena, json_object());
	enum err e = o ? enterprise_unpack(key, row, &x) : ERR_NO_MEMORY;
	if (!e) e = enterprise_json(l, &x, o);
	struct str text = e ? STR_NONE : json_write(l->arena, o, false);
	if (!e && !text.p) e = ERR_NO_MEMORY;
	if (!e) buf_add(l->out, text);
	return e;
}

static enum err put_json(struct listing *l, json_t *o)
{
	struct str text = json_keep(l->arena, o) ? json_write(l->arena, o, false) : STR_NONE;
	if (!text.p) return ERR_NO_MEMORY;
	buf_add(l->out, text);
	return ERR_OK;
}

/* As PUT /templates takes it. */
static enum err put_template(struct listing *l, struct str row)
{
	struct template t;
	json_t *j;
	enum err e = json_read_large(l->arena, row, NULL, &j);
	if (!e) e = template_read(l->arena, j, true, NULL, &t);
	return e ? e : put_json(l, template_write(&t, false));
}

/* As PUT /classifications takes it, with its prefix. */
static enum err put_classes(struct listing *l, struct str key, struct str row)
{
	struct id_prefix p;
	json_t *classes, *o;
	enum err e = json_read_large(l->arena, row, NULL, &classes);
	if (!e) e = id_prefix_from_key(l->arena, key, NULL, &p);
	if (e) return e;
	o = json_object();
	json_put_str(o, "prefix", p.text);
	json_put(o, "classes", json_incref(classes));
	return put_json(l, o);
}

static enum err put_any(struct listing *l, struct str key, struct str row)
{
	switch ((enum report_table)l->table) {
	case REPORT_SERIES: return put_series(l, key, row);
	case REPORT_ENTERPRISE: return put_enterprise(l, key, row);
	case REPORT_TEMPLATE: return put_template(l, row);
	case REPORT_CLASSIFICATION: return put_classes(l, key, row);
	default: return put_record(l, row);
	}
}

static bool put_row(void *arg, struct str key, struct str row)
{
	struct listing *l = arg;
	if (!l->left) {
		l->more = true;
		return false;
	}
	l->left--;
	l->last = key;
	if (l->any) buf_byte(l->out, ',');
	l->any = true;
	l->err = put_any(l, key, row);
	arena_reset(l->arena);
	return !l->err;
}

/* Contents: for who handed them up, and for auditors. */
static enum err may_see(struct net_req *r, struct str name, struct flaw *f)
{
	const struct principal *p = r->principal;
	struct copy_state s;
	if ((p->roles & ROLE_AUDITOR) || str_eq(p->name, name)) {
		enum err e = name.n && name.n <= ACCESS_NAME_MAX ? copies_state(rs__shard(r)->txn, name, &s)
								 : ERR_NOT_FOUND;
		if (e != ERR_NOT_FOUND) return e;
		return flaw_set(f, e, FLAW_NO_OFFSET, "name", "reporter",
				"nobody of that name has handed anything up");
	}
	return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "authorization", "own-copy",
			"a copy is for who handed it up, and for auditors");
}

static enum err read_table(struct net_req *r, struct flaw *f, unsigned *ret, const char **ret_member)
{
	static const struct {
		const char *name, *member;
		enum report_table table;
	} all[] = {{"record", "records", REPORT_RECORD},
		   {"series", "series", REPORT_SERIES},
		   {"template", "templates", REPORT_TEMPLATE},
		   {"classification", "classifications", REPORT_CLASSIFICATION},
		   {"enterprise", "enterprises", REPORT_ENTERPRISE}};
	struct str text = STR("record");
	(void)net_query(r, "table", &text);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (!str_is(text, all[i].name)) continue;
		*ret = all[i].table;
		*ret_member = all[i].member;
		return ERR_OK;
	}
	return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "table", "table",
			"the table is one of record, series, template, classification, enterprise");
}

enum err copies_read_after(struct net_req *r, const char *name, struct flaw *f, struct str *ret)
{
	struct str text;
	*ret = STR("");
	if (!net_query(r, name, &text) || !text.n) return ERR_OK;
	if (text.n > 2 * STORE_KEY_MAX || base64url_parse(r->arena, text, ret) || ret->n > STORE_KEY_MAX)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, name, "cursor",
				"%s is no key that was given out", name);
	return ERR_OK;
}

void get_copy(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct listing l = {
	    .r = r, .out = face_buf(r, LIST_OCTETS), .left = FACE_LIST, .arena = arena_new(ROW_ARENA)};
	const char *member;
	struct str after;
	enum err e = l.out && l.arena ? net_decode(r->arena, r->param[0], &f, &l.reporter) : ERR_NO_MEMORY;
	if (!e) e = may_see(r, l.reporter, &f);
	if (!e) e = read_table(r, &f, &l.table, &member);
	if (!e) e = net_query_number(r, "limit", FACE_LIST_MAX, &f, &l.left);
	if (!e) e = copies_read_after(r, "cursor", &f, &after);
	if (!e) {
		buf_printf(l.out, "{\"%s\":[", member);
		e = copies_rows(rs__shard(r)->txn, l.reporter, l.table, after, put_row, &l);
		if (!e) e = l.err;
		buf_byte(l.out, ']');
		if (l.more) {
			buf_add(l.out, STR(",\"next\":"));
			buf_json(l.out, base64url_write(r->arena, l.last));
		}
		buf_byte(l.out, '}');
	}
	arena_free(l.arena);
	face_answer(r, e, &f, l.out);
}
