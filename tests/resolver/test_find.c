/* Finding by value: exact after every change, and only for whom may see. */
#include "tests/resolver/records.h"

#include <stdlib.h>
#include <unistd.h>

#include "resolver/registry.h"
#include "resolver/reverse_build.h"

/* "a b!" for {"id":a,"public":true},{"id":b,"public":false} */
static void expect_found(const char *token, const char *query, const char *want)
{
	char path[4096], got[2048] = "";
	size_t i, n = 0;
	const json_t *one;
	snprintf(path, sizeof path, "/find?%s", query);
	struct http_reply r = get(token, path);
	EXPECT(r, 200);
	json_array_foreach(json_object_get(r.json, "identifiers"), i, one) n += (size_t)snprintf(
	    got + n, sizeof got - n, "%s%s%s", i ? " " : "", json_string_value(json_object_get(one, "id")),
	    json_is_true(json_object_get(one, "public")) ? "" : "!");
	assert_string_equal(got, want);
	http_done(&r);
}

static void values_lead_to_their_identifiers(void **state)
{
	(void)state;
	made("88.118.8/f1", PUBLIC("URL", "https://f/1") "," PUBLIC("BATCH", "B1"));
	made("88.118.8.2/f2", PUBLIC("batch", "B1"));
	made("88.118.8/f3", PUBLIC("BATCH", "B1x") "," PUBLIC("BATCH", "B") "," PUBLIC("OTHER", "B1"));
	made("01/09506000134352", PUBLIC("BATCH", "B1"));
	expect_found(NULL, "type=URL&value=https%3A%2F%2Ff%2F1", "88.118.8/f1");
	expect_found(NULL, "type=Batch&value=B1",
		     "88.118.8/f1 88.118.8.2/f2 https://id.gs1.org/01/09506000134352");
	expect_found(NULL, "type=BATCH&value=B1&prefix=88.118.8.2", "88.118.8.2/f2");
	expect_found(NULL, "type=BATCH&value=B1&prefix=950600", "https://id.gs1.org/01/09506000134352");
	expect_found(NULL, "type=BATCH&value=b1", "");
	expect_found(NULL, "type=BATCH&value=", "");
	/* replaced, changed by value, retired */
	made("88.118.8/f1", PUBLIC("URL", "https://f/1"));
	struct http_reply r = http_call(
	    &node,
	    &(struct http_call){.method = "PATCH",
				.path = "/registry/88.118.8/f3",
				.token = registrar,
				.body = STR("{\"operations\":[{\"op\":\"modify\",\"value\":{\"index\":1,"
					    "\"type\":\"BATCH\",\"data\":\"B1\"}}]}")});
	EXPECT(r, 200);
	http_done(&r);
	r = del(registrar, "/registry/88.118.8.2/f2");
	EXPECT(r, 200);
	http_done(&r);
	expect_found(NULL, "type=BATCH&value=B1", "88.118.8/f3 https://id.gs1.org/01/09506000134352");
	expect_found(NULL, "type=BATCH&value=B1x", "");
}

static void hidden_values_are_found_by_whom_may_see_them(void **state)
{
	(void)state;
	made("88.118.8/h1", HIDDEN("SUPPLIER", "S"));
	made("88.118.8.2/h2", HIDDEN("SUPPLIER", "S"));
	made("88.118.8.2/h3", PUBLIC("SUPPLIER", "S") "," HIDDEN("SUPPLIER", "S"));
	made("01/09506000134369", HIDDEN("SUPPLIER", "S"));
	expect_found(NULL, "type=SUPPLIER&value=S", "88.118.8.2/h3");
	expect_found(owner, "type=SUPPLIER&value=S", "88.118.8.2/h3");
	expect_found(operator, "type=SUPPLIER&value=S", "88.118.8.2/h3");
	expect_found(enterprise, "type=SUPPLIER&value=S", "88.118.8.2/h3 88.118.8.2/h2!");
	expect_found(registrar, "type=SUPPLIER&value=S",
		     "88.118.8.2/h3 88.118.8/h1! 88.118.8.2/h2! https://id.gs1.org/01/09506000134369!");
	expect_found(auditor, "type=SUPPLIER&value=S",
		     "88.118.8.2/h3 88.118.8/h1! 88.118.8.2/h2! https://id.gs1.org/01/09506000134369!");
	expect_found(registrar, "type=SUPPLIER&value=S&prefix=88.118.8.2", "88.118.8.2/h3 88.118.8.2/h2!");
	expect_found(enterprise, "type=SUPPLIER&value=S&prefix=88.118.8", "88.118.8.2/h3 88.118.8.2/h2!");
	expect_found(enterprise, "type=SUPPLIER&value=S&prefix=950600", "");
	struct http_reply r =
	    get("kt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "/find?type=SUPPLIER&value=S");
	EXPECT(r, 401);
	http_done(&r);
	/* page by page the same, also where the public part ends with a page */
	char path[1024], next[512] = "";
	size_t seen = 0, pages = 0;
	for (int limit = 1; limit <= 4; limit++) {
		next[0] = 0;
		seen = pages = 0;
		do {
			snprintf(path, sizeof path, "/find?type=SUPPLIER&value=S&limit=%d&cursor=%s", limit,
				 next);
			r = get(registrar, path);
			EXPECT(r, 200);
			seen += json_array_size(json_object_get(r.json, "identifiers"));
			snprintf(next, sizeof next, "%s", http_text(&r, "next"));
			http_done(&r);
			assert_true(++pages < 10);
		} while (next[0]);
		assert_int_equal(seen, 4);
		assert_int_equal(pages, (4 + limit - 1) / limit);
	}
	/* somebody else's cursor gives him nothing that he may not see */
	snprintf(path, sizeof path, "/find?type=SUPPLIER&value=S&limit=2");
	r = get(registrar, path);
	snprintf(path, sizeof path, "type=SUPPLIER&value=S&cursor=%s", http_text(&r, "next"));
	http_done(&r);
	expect_found(NULL, path, "");
	expect_found(enterprise, path, "88.118.8.2/h2!");
}

/* All pages of a question, as expect_found tells them; no cursor may name what is not public. */
static void expect_pages(const char *token, const char *query, int limit, const char *want)
{
	char path[4096], got[2048] = "", next[1024] = "";
	size_t i, n = 0, pages = 0;
	const json_t *one;
	do {
		snprintf(path, sizeof path, "/find?%s&limit=%d&cursor=%s", query, limit, next);
		struct http_reply r = get(token, path);
		EXPECT(r, 200);
		json_array_foreach(json_object_get(r.json, "identifiers"), i, one)
		{
			n += (size_t)snprintf(got + n, sizeof got - n, "%s%s%s", n ? " " : "",
					      json_string_value(json_object_get(one, "id")),
					      json_is_true(json_object_get(one, "public")) ? "" : "!");
		}
		snprintf(next, sizeof next, "%s", http_text(&r, "next"));
		http_done(&r);
		assert_true(++pages < 20);
	} while (next[0]);
	assert_string_equal(got, want);
}

static void values_are_found_by_their_beginning(void **state)
{
	char body[1024], far[700], query[1024];
	(void)state;
	made("88.118.8/g1", PUBLIC("URL", "https://g/"));
	made("88.118.8.2/g2", PUBLIC("URL", "https://g/a"));
	made("88.118.8/g3", PUBLIC("URL", "https://g/a") "," PUBLIC("URL", "https://g/bcd"));
	made("88.118.8/g4", HIDDEN("URL", "https://g/b"));
	made("88.118.8.2/g5", HIDDEN("URL", "https://g/c"));
	made("88.118.8/g6", PUBLIC("URL", "https://h/a") "," PUBLIC("URL", "https://f/") "," PUBLIC(
				"OTHER", "https://g/x"));
	/* longer than what the index keeps: told apart behind its 64 octets */
	memset(far, 'y', sizeof far - 1);
	far[sizeof far - 1] = 0;
	snprintf(body, sizeof body, "{\"type\":\"URL\",\"data\":\"https://g/%s1\"}", far);
	made("88.118.8/g7", body);
	snprintf(body, sizeof body, "{\"type\":\"URL\",\"data\":\"https://g/%s2\"}", far);
	made("88.118.8/g8", body);
	for (int limit = 1; limit <= 9; limit += 2) {
		struct http_reply r = get(NULL, "/find?type=URL&begins=https%3A%2F%2Fg%2F&limit=1000");
		EXPECT(r, 200);
		const json_t *list = json_object_get(r.json, "identifiers");
		assert_int_equal(json_array_size(list), 6);
		const json_t *first = json_array_get(list, 0), *fourth = json_array_get(list, 3);
		assert_string_equal(json_string_value(json_object_get(first, "value")), "https://g/");
		assert_string_equal(json_string_value(json_object_get(fourth, "value")), "https://g/bcd");
		http_done(&r);
		expect_pages(NULL, "type=URL&begins=https%3A%2F%2Fg%2Fa", limit,
			     "88.118.8/g3 88.118.8.2/g2");
		expect_pages(NULL, "type=URL&begins=https%3A%2F%2Fg%2F&prefix=88.118.8.2", limit,
			     "88.118.8.2/g2");
		expect_pages(enterprise, "type=URL&begins=https%3A%2F%2Fg%2Fb", limit, "88.118.8/g3");
		expect_pages(registrar, "type=URL&begins=https%3A%2F%2Fg%2Fb", limit,
			     "88.118.8/g3 88.118.8/g4!");
		expect_pages(auditor, "type=URL&begins=https%3A%2F%2Fg%2Fc", limit, "88.118.8.2/g5!");
		expect_pages(NULL, "type=URL&begins=https%3A%2F%2Fg%2Fc", limit, "");
	}
	snprintf(query, sizeof query, "type=URL&begins=https%%3A%%2F%%2Fg%%2F%s2", far);
	expect_pages(NULL, query, 1, "88.118.8/g8");
	struct http_reply r = del(registrar, "/registry/88.118.8/g8");
	EXPECT(r, 200);
	http_done(&r);
	expect_pages(NULL, query, 1, "");
	/* a cursor of a hidden row is of no use to who may not see it */
	r = get(registrar, "/find?type=URL&begins=https%3A%2F%2Fg%2F&limit=6");
	snprintf(query, sizeof query, "/find?type=URL&begins=https%%3A%%2F%%2Fg%%2F&cursor=%s",
		 http_text(&r, "next"));
	http_done(&r);
	r = get(NULL, query);
	EXPECT(r, 200);
	assert_int_equal(json_array_size(json_object_get(r.json, "identifiers")), 0);
	http_done(&r);
	r = get(NULL, "/find?type=URL&begins=a&value=b");
	EXPECT(r, 400);
	assert_string_equal(http_text(&r, "rule"), "one-of");
	http_done(&r);
}

static void questions_are_checked(void **state)
{
	static const struct {
		const char *query, *field, *rule;
	} cases[] = {
	    {"value=x", "type", "required"},
	    {"type=URL", "value", "required"},
	    {"type=DESC&value=x", "type", "type-not-indexed"},
	    {"type=URL&value=x&limit=0", "limit", "number"},
	    {"type=URL&value=x&limit=1001", "limit", "number"},
	    {"type=URL&value=x&prefix=..", NULL, NULL},
	    {"type=URL&value=x&cursor=%2A", "cursor", "cursor"},
	    {"type=URL&value=x&cursor=eA", "cursor", "cursor"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char path[256];
		snprintf(path, sizeof path, "/find?%s", cases[i].query);
		struct http_reply r = get(registrar, path);
		if (r.status != 400) fprintf(stderr, "case %zu\n", i);
		EXPECT(r, 400);
		if (cases[i].field) assert_string_equal(http_text(&r, "field"), cases[i].field);
		if (cases[i].rule) assert_string_equal(http_text(&r, "rule"), cases[i].rule);
		http_done(&r);
	}
}

/* Long data are told apart by their digests, long identifiers by theirs. */
static void long_values_and_long_identifiers(void **state)
{
	char data[2][400], values[1024], id[2][700], query[1024];
	(void)state;
	for (int i = 0; i < 2; i++) {
		memset(data[i], 'u', 399);
		data[i][398] = (char)('a' + i); /* alike in all but the last octet */
		data[i][399] = 0;
		memset(id[i], 'x', 600);
		memcpy(id[i], "88.118.8/", 9);
		id[i][599] = (char)('a' + i);
		id[i][600] = 0;
		snprintf(values, sizeof values,
			 "{\"type\":\"URL\",\"data\":\"%s\"},{\"type\":\"URL\",\"data\":\"%.190s\"}",
			 data[i], data[i]);
		made(id[i], values);
	}
	for (int i = 0; i < 2; i++) {
		snprintf(query, sizeof query, "type=URL&value=%s", data[i]);
		expect_found(NULL, query, id[i]);
	}
	struct http_reply r;
	char both[1500], next[700];
	snprintf(query, sizeof query, "/find?type=URL&value=%.190s&prefix=88.118.8/&limit=1", data[0]);
	r = get(NULL, query);
	EXPECT(r, 200);
	snprintf(next, sizeof next, "%s", http_text(&r, "next"));
	const char *first = json_string_value(
	    json_object_get(json_array_get(json_object_get(r.json, "identifiers"), 0), "id"));
	snprintf(both, sizeof both, "%s", strcmp(first, id[0]) ? id[0] : id[1]);
	http_done(&r);
	snprintf(query, sizeof query, "type=URL&value=%.190s&cursor=%s", data[0], next);
	expect_found(NULL, query, both);
	snprintf(query, sizeof query, "/registry/%s", id[0]);
	r = del(registrar, query);
	EXPECT(r, 200);
	http_done(&r);
	snprintf(query, sizeof query, "type=URL&value=%.190s", data[0]);
	expect_found(NULL, query, id[1]);
}

static void what_was_given_away_is_not_answered_for(void **state)
{
	char body[512], key[SIGN_MULTIBASE];
	(void)state;
	made("88.118.8.7/gone", PUBLIC("EMAIL", "given@away"));
	expect_found(NULL, "type=EMAIL&value=given%40away", "88.118.8.7/gone");
	sign_public_multibase(sign_public(node.key), key);
	snprintf(
	    body, sizeof body,
	    "{\"prefix\":\"88.118.8.7\",\"did\":\"did:web:child.example\",\"keys\":[\"%s\"],\"endpoints\":"
	    "[{\"protocol\":\"https\",\"url\":\"https://child.example/\"}]}",
	    key);
	struct http_reply r = post(registrar, "/delegations", body);
	EXPECT(r, 201);
	http_done(&r);
	expect_found(registrar, "type=EMAIL&value=given%40away", "");
}

/* ---- against a model --------------------------------------------------------------------- */

enum { MODEL_IDS = 40, MODEL_DATA = 6, MODEL_STEPS = 600, MODEL_VALUES = 4 };

struct model {
	bool there, retired;
	int data[MODEL_VALUES]; /* by index - 1; -1: no such value */
	bool hidden[MODEL_VALUES];
	uint64_t revision;
} model[MODEL_IDS];

static unsigned seed = 20261126;

static unsigned pick(unsigned n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static const char *model_id(unsigned i)
{
	static char id[64];
	snprintf(id, sizeof id, "88.118.8%s/m%u", i % 3 ? "" : ".2", i);
	return id;
}

static void model_put(unsigned i)
{
	char path[128], header[64], body[1024];
	int n = snprintf(body, sizeof body, "{\"values\":[");
	bool first = true;
	for (int v = 0; v < MODEL_VALUES; v++) {
		model[i].data[v] = pick(3) ? (int)pick(MODEL_DATA) : -1;
		model[i].hidden[v] = pick(2);
		if (model[i].data[v] < 0) continue;
		n += snprintf(body + n, sizeof body - (size_t)n,
			      "%s{\"index\":%d,\"type\":\"LOT\",\"data\":\"%d\",\"permissions\":\"%s\"}",
			      first ? "" : ",", v + 1, model[i].data[v],
			      model[i].hidden[v] ? "1100" : "1110");
		first = false;
	}
	snprintf(body + n, sizeof body - (size_t)n, "]}");
	snprintf(path, sizeof path, "/registry/%s", model_id(i));
	snprintf(header, sizeof header, "if-match: %llu", (unsigned long long)model[i].revision);
	struct http_reply r = put(registrar, path, body, model[i].there ? header : NULL);
	EXPECT(r, model[i].there ? 200 : 201);
	model[i].revision = (uint64_t)json_integer_value(json_object_get(r.json, "revision"));
	model[i].there = true;
	model[i].retired = false;
	http_done(&r);
}

static void model_patch(unsigned i)
{
	char path[128], body[256];
	int v = (int)pick(MODEL_VALUES), data = (int)pick(MODEL_DATA);
	bool hidden = pick(2), had = model[i].data[v] >= 0, drop = had && pick(2);
	if (drop)
		snprintf(body, sizeof body, "{\"operations\":[{\"op\":\"remove\",\"index\":%d}]}", v + 1);
	else
		snprintf(
		    body, sizeof body,
		    "{\"operations\":[{\"op\":\"%s\",\"value\":{\"index\":%d,\"type\":\"lot\",\"data\":"
		    "\"%d\",\"permissions\":\"%s\"}}]}",
		    had ? "modify" : "add", v + 1, data, hidden ? "1100" : "1110");
	snprintf(path, sizeof path, "/registry/%s", model_id(i));
	struct http_reply r = http_call(
	    &node,
	    &(struct http_call){.method = "PATCH", .path = path, .token = registrar, .body = str_of(body)});
	EXPECT(r, 200);
	model[i].revision = (uint64_t)json_integer_value(json_object_get(r.json, "revision"));
	http_done(&r);
	model[i].data[v] = drop ? -1 : data;
	model[i].hidden[v] = hidden;
}

static void model_retire(unsigned i)
{
	char path[128];
	snprintf(path, sizeof path, "/registry/%s", model_id(i));
	struct http_reply r = del(registrar, path);
	EXPECT(r, 200);
	model[i].revision = (uint64_t)json_integer_value(json_object_get(r.json, "revision"));
	http_done(&r);
	model[i].retired = true;
}

static bool model_has(unsigned i, int data, bool hidden)
{
	bool public = false, any = false;
	for (int v = 0; v < MODEL_VALUES; v++) {
		if (model[i].data[v] != data) continue;
		any = true;
		public |= !model[i].hidden[v];
	}
	return model[i].there && !model[i].retired && any && public != hidden;
}

static void model_compare(void)
{
	for (int data = 0; data < MODEL_DATA; data++) {
		char path[128];
		size_t want = 0, k;
		const json_t *one;
		snprintf(path, sizeof path, "/find?type=LOT&value=%d&limit=1000", data);
		struct http_reply r = get(registrar, path);
		EXPECT(r, 200);
		const json_t *all = json_object_get(r.json, "identifiers");
		for (unsigned i = 0; i < MODEL_IDS; i++) {
			for (int hidden = 0; hidden < 2; hidden++) {
				if (!model_has(i, data, hidden)) continue;
				bool found = false;
				want++;
				json_array_foreach(all, k, one) found |=
				    !strcmp(json_string_value(json_object_get(one, "id")), model_id(i)) &&
				    json_is_true(json_object_get(one, "public")) == !hidden &&
				    model[i].data[json_integer_value(json_object_get(one, "index")) - 1] ==
					data;
				if (!found) fprintf(stderr, "%s %d missing\n", model_id(i), data);
				assert_true(found);
			}
		}
		assert_int_equal(json_array_size(all), want);
		http_done(&r);
	}
}

static void index_and_counts_follow_random_changes(void **state)
{
	uint64_t before[2][2];
	(void)state;
	counts_now(before);
	for (int step = 0; step < MODEL_STEPS; step++) {
		unsigned i = pick(MODEL_IDS), what = pick(10);
		if (!model[i].there || model[i].retired || what < 3)
			model_put(i);
		else if (what < 9)
			model_patch(i);
		else
			model_retire(i);
		if (step % 50 == 49) model_compare();
	}
	for (unsigned i = 0; i < MODEL_IDS; i++) {
		if (!model[i].there) continue;
		before[0][model[i].retired]++;
		if (i % 3 == 0) before[1][model[i].retired]++;
	}
	expect_count("88.118.8", before[0][0], before[0][1]);
	expect_count("88.118.8.2", before[1][0], before[1][1]);
	expect_count("88.118.8.2%2F", before[1][0], before[1][1]);
	/* a build from the records gives the index that the changes made */
	struct http_reply r = post(operator, "/find/rebuild", "{\"type\":\"lot\"}");
	EXPECT(r, 202);
	http_done(&r);
	for (bool ready = false; !ready;) {
		r = get(operator, "/find/types");
		EXPECT(r, 200);
		ready = !memmem(r.body.p, r.body.n, "building", 8) &&
			!memmem(r.body.p, r.body.n, "clearing", 8);
		http_done(&r);
		usleep(1000);
	}
	model_compare();
}

/* ---- types switched on and off ------------------------------------------------------------ */

static struct reverse_types types_now(struct store_txn *t)
{
	struct reverse_types types;
	assert_int_equal(reverse_types_read(t, &types), ERR_OK);
	return types;
}

static enum reverse_state state_of(const char *type)
{
	struct store_txn *t;
	assert_int_equal(store_read(node.store, &t), ERR_OK);
	struct reverse_types types = types_now(t);
	const struct reverse_type *found = reverse_type_find(&types, str_of(type));
	enum reverse_state s = found ? found->state : REVERSE_NONE;
	store_read_end(t);
	return s;
}

static void until_state(const char *type, enum reverse_state want)
{
	usec_t from = clock_mono();
	while (state_of(type) != want) {
		assert_true(clock_mono() - from < 60 * USEC_PER_SEC);
		usleep(1000);
	}
}

static void rows_of_number(unsigned char number, uint64_t *ret)
{
	struct store_txn *t;
	struct store_cursor *c;
	struct str key, value;
	*ret = 0;
	assert_int_equal(store_read(node.store, &t), ERR_OK);
	assert_int_equal(store_cursor_open(t, RS_TABLE_reverse, &c), ERR_OK);
	for (enum err e = store_cursor_seek(c, str_n(&number, 1), &key, &value);
	     !e && (unsigned char)key.p[0] == number; e = store_cursor_next(c, &key, &value))
		++*ret;
	store_cursor_close(c);
	store_read_end(t);
}

static void a_type_switched_on_is_built_and_off_is_dropped(void **state)
{
	static const char *const with_colour[] = {"URL", "Colour", "RETIRED"}, *const without[] = {"URL"};
	enum { COLOURS = 5000 };
	uint64_t rows;
	(void)state;
	load_colours(COLOURS);
	node.options.find_types = with_colour;
	node.options.find_types_n = 3;
	site_restart(&node);
	/* no answer while it would not be whole */
	struct http_reply r = get(NULL, "/find?type=COLOUR&value=7");
	if (r.status == 503) assert_string_equal(http_text(&r, "rule"), "index-building");
	http_done(&r);
	/* changes while it is being built: of what was looked at already, and of what was not yet */
	made("88.118.8/c4007", PUBLIC("COLOUR", "8007"));
	made("88.118.8/c1007", PUBLIC("COLOUR", "8007"));
	until_state("COLOUR", REVERSE_READY);
	expect_found(NULL, "type=COLOUR&value=8007", "88.118.8/c1007 88.118.8/c4007");
	expect_found(NULL, "type=COLOUR&value=7", "88.118.8/c2007 88.118.8/c3007 88.118.8/c7");
	/* what a tombstone says is not a value of the identifier */
	made("88.118.8/lost", PUBLIC("COLOUR", "10000"));
	r = del(registrar, "/registry/88.118.8/lost?reason=lost");
	EXPECT(r, 200);
	http_done(&r);
	expect_found(registrar, "type=RETIRED&value=lost", "");
	/* those that are not named any more: their rows go, and are not asked for */
	until_state("LOT", REVERSE_NONE);
	r = get(NULL, "/find?type=LOT&value=1");
	EXPECT(r, 400);
	assert_string_equal(http_text(&r, "rule"), "type-not-indexed");
	http_done(&r);
	node.options.find_types = without;
	node.options.find_types_n = 1;
	site_restart(&node);
	until_state("COLOUR", REVERSE_NONE);
	for (unsigned number = 1; number < 256; number++) {
		rows_of_number((unsigned char)number, &rows);
		if (rows) assert_int_equal(state_of("URL"), REVERSE_READY);
		/* 129: hidden ones of the first */
		if (number > 1 && number != 129) assert_int_equal(rows, 0);
	}
	/* off and on again in the middle of dropping */
	node.options.find_types = with_colour;
	node.options.find_types_n = 3;
	site_restart(&node);
	until_state("COLOUR", REVERSE_READY);
	expect_found(NULL, "type=COLOUR&value=8007", "88.118.8/c1007 88.118.8/c4007");
}

struct stepping {
	struct writer_cmd cmd;
	struct arena *arena;
	struct str type; /* to be built anew first */
	const char *const *wanted;
	size_t wanted_n;
	bool more;
};

static enum err apply_set(struct writer_cmd *c, struct writer_txn *t)
{
	struct stepping *s = (struct stepping *)c;
	return reverse_types_set(t->store, s->arena, s->wanted, s->wanted_n, &s->more);
}

static enum err apply_step(struct writer_cmd *c, struct writer_txn *t)
{
	struct stepping *s = (struct stepping *)c;
	enum err e = s->type.n ? reverse_types_rebuild(t->store, s->arena, s->type) : ERR_OK;
	return e ? e : reverse_build_step(t, s->arena, &s->more);
}

static enum err apply_old_layout(struct writer_cmd *c, struct writer_txn *t)
{
	static const char types[] = "\1\1\3url", hidden[] = "\1\3h:o\1x", index[4] = {0, 0, 0, 1};
	(void)c;
	enum err e =
	    store_put(t->store, RS_TABLE_reverse_type, STR("types"), str_n(types, sizeof types - 1));
	return e ? e
		 : store_put(t->store, RS_TABLE_reverse, str_n(hidden, sizeof hidden - 1),
			     str_n(index, sizeof index));
}

/* As older nodes left it: hidden rows among the public ones. */
static void an_index_of_the_older_layout_is_built_anew(void **state)
{
	static const char *const url[] = {"URL"};
	struct writer_cmd old = {.apply = apply_old_layout};
	uint64_t rows, hidden;
	(void)state;
	made("88.118.8/o1", HIDDEN("URL", "h:old"));
	made("88.118.8/o2", PUBLIC("URL", "h:old"));
	node.options.find_types = url;
	node.options.find_types_n = 1;
	site_restart(&node);
	until_state("COLOUR", REVERSE_NONE);
	until_state("RETIRED", REVERSE_NONE);
	rows_of_number(1, &rows);
	rows_of_number(129, &hidden);
	assert_true(rows && hidden);
	assert_int_equal(writer_run(node.writer, &old), ERR_OK);
	assert_int_equal(state_of("URL"), REVERSE_CLEARING);
	site_restart(&node);
	until_state("URL", REVERSE_READY);
	uint64_t rows2, hidden2;
	rows_of_number(1, &rows2);
	rows_of_number(129, &hidden2);
	assert_int_equal(rows2, rows);
	assert_int_equal(hidden2, hidden);
	expect_found(registrar, "type=URL&value=h%3Aold", "88.118.8/o2 88.118.8/o1!");
}

/* One step at a time and a stop between: the next start goes on where it stood. */
static void building_goes_on_after_a_stop(void **state)
{
	struct stepping s = {
	    .cmd = {.apply = apply_step}, .arena = arena_new(8 << 20), .type = STR("colour")};
	struct store_txn *t;
	struct reverse_place place;
	(void)state;
	until_state("RETIRED", REVERSE_READY); /* the node's own builder has come to rest */
	for (int i = 0; i < 5; i++) {          /* three drop its rows, two look at 2,000 records each */
		assert_int_equal(writer_run(node.writer, &s.cmd), ERR_OK);
		assert_true(s.more);
		s.type = STR_NONE;
	}
	assert_int_equal(state_of("COLOUR"), REVERSE_BUILDING);
	assert_int_equal(store_read(node.store, &t), ERR_OK);
	struct reverse_types types = types_now(t);
	unsigned char number = reverse_type_find(&types, STR("COLOUR"))->number;
	assert_int_equal(reverse_place_read(t, number, &place), ERR_OK);
	assert_int_equal(place.records, 2 * REVERSE_STEP);
	store_read_end(t);
	made("88.118.8/c4007", PUBLIC("COLOUR", "9007"));
	struct http_reply r = get(registrar, "/find?type=COLOUR&value=7");
	EXPECT(r, 503);
	assert_string_equal(http_text(&r, "rule"), "index-building");
	http_done(&r);
	site_restart(&node);
	until_state("COLOUR", REVERSE_READY);
	expect_found(NULL, "type=COLOUR&value=9007", "88.118.8/c4007");
	expect_found(NULL, "type=COLOUR&value=8007", "88.118.8/c1007");
	expect_found(NULL, "type=COLOUR&value=7", "88.118.8/c2007 88.118.8/c3007 88.118.8/c7");
	/* switched off and on again before a row was dropped: changes in between were not noted */
	s.cmd = (struct writer_cmd){.apply = apply_set};
	assert_int_equal(writer_run(node.writer, &s.cmd), ERR_OK);
	assert_int_equal(state_of("COLOUR"), REVERSE_LEAVING);
	made("88.118.8/c4007", PUBLIC("COLOUR", "10007"));
	s.cmd = (struct writer_cmd){.apply = apply_set};
	s.wanted = node.options.find_types;
	s.wanted_n = node.options.find_types_n;
	assert_int_equal(writer_run(node.writer, &s.cmd), ERR_OK);
	assert_true(s.more);
	site_restart(&node);
	until_state("COLOUR", REVERSE_READY);
	expect_found(NULL, "type=COLOUR&value=9007", "");
	expect_found(NULL, "type=COLOUR&value=10007", "88.118.8/c4007");
	arena_free(s.arena);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    cmocka_unit_test(values_lead_to_their_identifiers),
	    cmocka_unit_test(hidden_values_are_found_by_whom_may_see_them),
	    cmocka_unit_test(values_are_found_by_their_beginning),
	    cmocka_unit_test(questions_are_checked),
	    cmocka_unit_test(long_values_and_long_identifiers),
	    cmocka_unit_test(what_was_given_away_is_not_answered_for),
	    cmocka_unit_test(index_and_counts_follow_random_changes),
	    cmocka_unit_test(a_type_switched_on_is_built_and_off_is_dropped),
	    cmocka_unit_test(building_goes_on_after_a_stop),
	    cmocka_unit_test(an_index_of_the_older_layout_is_built_anew),
	};
	return cmocka_run_group_tests(cases, setup, teardown);
}
