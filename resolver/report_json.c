/* The driver `json`: our own form.
 *
 *   POST /reports
 * {"node","name","time","since","prefixes":[{"prefix","active","retired","days":[{"day",…}]}],
 *                   "enterprises":{STATE:n,…},"accounts","counters":{…},
 *                   "feed_position","ledger_size","ledger_root"}
 *   POST /sync
 * {"from","to","more"?,"full"?,"begin"?,"end"?,"ledger_size","ledger_root","ops":[{"t","k","v"?}]} t:
 * table; k: base64url of the key; v: of the value, absent: the row goes GET /sync {"position","partial"}
 *   GET /sync/digest?table=&after=  {"position","rows","digest","last","end"} */
#include <stdio.h>

#include "base/hash.h"
#include "base/text64.h"
#include "resolver/copies.h"
#include "resolver/enterprise.h"

enum { OP_ARENA = 1 << 20, CALL_MAX = 16 << 20 };

const char *report_table_name(unsigned table)
{
	switch (table) {
#define X(up, number, low)                                                                                 \
	case number: return #low;
		REPORT_TABLES(X)
#undef X
	}
	return NULL;
}

enum err report_table_find(struct str name, unsigned *ret)
{
#define X(up, number, low)                                                                                 \
	if (str_is(name, #low)) {                                                                          \
		*ret = number;                                                                             \
		return ERR_OK;                                                                             \
	}
	REPORT_TABLES(X)
#undef X
	return ERR_NOT_FOUND;
}

void report_digest_row(struct hash *h, struct str key, struct str value)
{
	unsigned char n[6] = {(unsigned char)(key.n >> 8),    (unsigned char)key.n,
			      (unsigned char)(value.n >> 24), (unsigned char)(value.n >> 16),
			      (unsigned char)(value.n >> 8),  (unsigned char)value.n};
	hash_add(h, str_n(n, 2));
	hash_add(h, key);
	hash_add(h, str_n(n + 2, 4));
	hash_add(h, value);
}

static void put_root(struct buf *b, uint64_t size, const unsigned char root[32])
{
	char hex[64];
	hex_write(root, 32, hex);
	buf_printf(b, "\"ledger_size\":%llu,\"ledger_root\":\"%.64s\"", (unsigned long long)size, hex);
}

static void begin(struct report_call *c, const char *method, const char *path)
{
	*c = (struct report_call){.method = method, .path = path, .content_type = "application/json"};
	buf_init(&c->body, CALL_MAX);
}

static void put_days(struct buf *b, const struct report_facts *f, const struct report_prefix *p)
{
	char time[CLOCK_TEXT];
	for (uint32_t d = 0; d < REPORT_DAYS; d++) {
		usec_t day = (usec_t)(f->today + 1 + d - REPORT_DAYS) * USEC_PER_DAY;
		buf_printf(b, "%s{\"day\":\"%.10s\"", d ? "," : "", clock_print(day, false, time));
		for (size_t k = 0; k < f->statistics_n; k++)
			buf_printf(b, ",\"%s\":%llu", f->statistic_names[k],
				   (unsigned long long)p->days[d][k]);
		buf_byte(b, '}');
	}
}

static void put_enterprises(struct buf *b, const struct report_enterprises *x)
{
	static const char *const words[] = {
#define X(name, word) word,
	    ENTERPRISE_STATES(X)
#undef X
	};
	enum { STATES = sizeof words / sizeof *words };
	_Static_assert(STATES < sizeof x->states / sizeof *x->states, "a count for each state, and none");
	buf_add(b, STR("\"enterprises\":{"));
	for (size_t i = 0; i < STATES; i++)
		buf_printf(b, "%s\"%s\":%llu", i ? "," : "", words[i],
			   (unsigned long long)x->states[i + 1]);
	buf_printf(b, "},\"accounts\":%llu", (unsigned long long)x->accounts);
}

static void json_report(const struct report_facts *f, struct report_call *ret)
{
	char time[CLOCK_TEXT];
	struct buf *b = &ret->body;
	begin(ret, "POST", "/reports");
	buf_add(b, STR("{\"node\":"));
	buf_json(b, f->node);
	buf_add(b, STR(",\"name\":"));
	buf_json(b, f->name);
	buf_printf(b, ",\"time\":\"%s\"", clock_print(f->at, false, time));
	buf_printf(b, ",\"since\":\"%s\",\"prefixes\":[", clock_print(f->since, false, time));
	for (size_t i = 0; i < f->prefixes_n; i++) {
		buf_add(b, i ? STR(",{\"prefix\":") : STR("{\"prefix\":"));
		buf_json(b, f->prefixes[i].text);
		buf_printf(b, ",\"active\":%llu,\"retired\":%llu,\"days\":[",
			   (unsigned long long)f->prefixes[i].active,
			   (unsigned long long)f->prefixes[i].retired);
		put_days(b, f, &f->prefixes[i]);
		buf_add(b, STR("]}"));
	}
	buf_add(b, STR("],"));
	put_enterprises(b, &f->enterprises);
	buf_add(b, STR(",\"counters\":{"));
	for (size_t i = 0; i < f->counters_n; i++)
		buf_printf(b, "%s\"%s\":%llu", i ? "," : "", f->counter_names[i],
			   (unsigned long long)f->counters[i]);
	buf_printf(b, "},\"feed_position\":%llu,", (unsigned long long)f->feed_position);
	put_root(b, f->ledger_size, f->ledger_root);
	buf_byte(b, '}');
}

static void json_batch_open(const struct report_batch *b, struct report_call *ret)
{
	(void)b;
	begin(ret, "POST", "/sync");
	buf_add(&ret->body, STR("{\"ops\":["));
}

static void put_octets(struct buf *b, struct str octets)
{
	struct arena *a = arena_new(OP_ARENA);
	struct str text = a ? base64url_write(a, octets) : STR_NONE;
	buf_byte(b, '"');
	if (text.p)
		buf_add(b, text);
	else
		b->err = ERR_NO_MEMORY;
	buf_byte(b, '"');
	arena_free(a);
}

static void json_batch_op(struct report_call *c, unsigned table, struct str key, const struct str *value)
{
	struct buf *b = &c->body;
	if (b->n && b->p[b->n - 1] == '}') buf_byte(b, ',');
	buf_printf(b, "{\"t\":\"%s\",\"k\":", report_table_name(table));
	put_octets(b, key);
	if (value) {
		buf_add(b, STR(",\"v\":"));
		put_octets(b, *value);
	}
	buf_byte(b, '}');
}

static void json_batch_close(struct report_call *c, const struct report_batch *b)
{
	buf_printf(&c->body, "],\"from\":%llu,\"to\":%llu,", (unsigned long long)b->from,
		   (unsigned long long)b->to);
	const struct {
		bool on;
		const char *name;
	} flags[] = {{b->more, "more"}, {b->full, "full"}, {b->begin, "begin"}, {b->end, "end"}};
	for (size_t i = 0; i < 4; i++)
		if (flags[i].on) buf_printf(&c->body, "\"%s\":true,", flags[i].name);
	put_root(&c->body, b->ledger_size, b->ledger_root);
	buf_byte(&c->body, '}');
}

static enum err bad(struct flaw *f, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s %s", at, text);
}

static enum err read_op(struct arena *a, json_t *j, size_t i, struct flaw *f, struct copy_op *op)
{
	char at[32];
	json_t *v = json_object_get(j, "v");
	snprintf(at, sizeof at, "ops[%zu]", i);
	if (report_table_find(json_text(json_object_get(j, "t")), &op->table))
		return bad(f, at, "table", "names no table");
	if (base64url_parse(a, json_text(json_object_get(j, "k")), &op->key) || !op->key.n ||
	    op->key.n > STORE_KEY_MAX)
		return bad(f, at, "key", "has no key");
	op->remove = !v;
	if (v && (!json_is_string(v) || base64url_parse(a, json_text(v), &op->value)))
		return bad(f, at, "value", "has no value");
	return ERR_OK;
}

enum err report_message_read(struct arena *a, json_t *j, struct flaw *f, struct copy_message *ret)
{
	struct copy_message m = {.n = 0};
	struct str root;
	json_t *list;
	if (!json_is_object(j)) return bad(f, "", "object", "expected a JSON object");
	enum err e = json_u64(j, "", "from", f, &m.from);
	if (!e) e = json_u64(j, "", "to", f, &m.to);
	if (!e) e = json_u64(j, "", "ledger_size", f, &m.ledger_size);
	if (!e) e = json_str(j, "", "ledger_root", f, &root);
	if (!e && hex_parse(root, m.ledger_root, 32)) e = bad(f, "ledger_root", "sha256", "is no SHA-256");
	if (!e) e = json_arr(j, "", "ops", f, &list);
	if (!e && m.from > m.to) e = bad(f, "from", "order", "lies behind to");
	if (!e && json_array_size(list) > COPY_OPS_MAX) e = bad(f, "ops", "count", "are too many");
	if (e) return e;
	m.more = json_is_true(json_object_get(j, "more"));
	m.full = json_is_true(json_object_get(j, "full"));
	m.begin = json_is_true(json_object_get(j, "begin"));
	m.end = json_is_true(json_object_get(j, "end"));
	m.n = json_array_size(list);
	m.ops = ARENA_ARRAY(a, struct copy_op, m.n + 1);
	if (!m.ops) return ERR_NO_MEMORY;
	for (size_t i = 0; i < m.n; i++) {
		e = read_op(a, json_array_get(list, i), i, f, &m.ops[i]);
		if (e) return e;
	}
	*ret = m;
	return ERR_OK;
}

static void json_where(struct report_call *ret)
{
	begin(ret, "GET", "/sync");
}

static void json_digest(unsigned table, struct str after, struct arena *a, struct report_call *ret)
{
	struct str text = base64url_write(a, after);
	struct str path =
	    arena_printf(a, "/sync/digest?table=%s&after=%.*s", report_table_name(table), STR_ARG(text));
	begin(ret, "GET", path.p ? path.p : "/sync/digest");
}

static enum err json_read_place(struct arena *a, struct str body, struct report_place *ret)
{
	struct report_place p = {.position = 0};
	json_t *j;
	if (json_read(a, body, NULL, &j) || json_u64(j, "", "position", NULL, &p.position))
		return ERR_UPSTREAM;
	p.partial = json_is_true(json_object_get(j, "partial"));
	*ret = p;
	return ERR_OK;
}

static enum err json_read_page(struct arena *a, struct str body, struct report_page *ret)
{
	struct report_page p = {.rows = 0};
	struct str digest, last;
	json_t *j;
	if (json_read(a, body, NULL, &j) || json_u64(j, "", "position", NULL, &p.position) ||
	    json_u64(j, "", "rows", NULL, &p.rows) || json_str(j, "", "digest", NULL, &digest) ||
	    digest.n != 64 || json_str(j, "", "last", NULL, &last) || base64url_parse(a, last, &p.last))
		return ERR_UPSTREAM;
	memcpy(p.digest, digest.p, 64);
	p.end = json_is_true(json_object_get(j, "end"));
	*ret = p;
	return ERR_OK;
}

static const struct report_driver json_driver = {
    .name = "json",
    .report = json_report,
    .batch_open = json_batch_open,
    .batch_op = json_batch_op,
    .batch_close = json_batch_close,
    .where = json_where,
    .digest = json_digest,
    .read_place = json_read_place,
    .read_page = json_read_page,
};

const struct report_driver *const report_drivers[] = {&json_driver};
const size_t report_drivers_n = sizeof report_drivers / sizeof *report_drivers;
