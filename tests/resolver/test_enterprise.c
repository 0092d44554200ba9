/* Enterprises over HTTP: credit codes, every step and every refusal, prefixes, quotas, hand-over. A
 * refusal changes nothing. */
#include "tests/resolver/enterprises.h"

#include <pthread.h>

#include "resolver/admission.h"

/* ---- codes and rows --------------------------------------------------------------------- */

static void credit_codes_are_checked(void **state)
{
	static const struct {
		const char *text, *rule;
		size_t offset;
	} bad[] = {{"", "credit-code-length", 0},
		   {"91350100M000100Y4", "credit-code-length", 17},
		   {"91350100M000100Y433", "credit-code-length", 18},
		   {"91350100M000100Y44", "credit-code-check", 17},
		   {"91350100M000100Z43", "credit-code-character", 15},
		   {"9I350100M000100Y43", "credit-code-character", 1},
		   {"91A50100M000100Y43", "credit-code-division", 2},
		   {"19350100M000100Y43", "credit-code-check", 17}};
	char out[CREDIT_CODE];
	(void)state;
	/* published codes of companies */
	static const char *const good[] = {CODE, OTHER, "91440300708461136T", "91330100799655058B"};
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(credit_code_parse(str_of(good[i]), NULL, out), ERR_OK);
		assert_memory_equal(out, good[i], CREDIT_CODE);
	}
	assert_int_equal(credit_code_parse(STR("91350100m000100y43"), NULL, out), ERR_OK);
	assert_memory_equal(out, CODE, CREDIT_CODE);
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct flaw f = {0};
		assert_int_equal(credit_code_parse(str_of(bad[i].text), &f, out), ERR_BAD_INPUT);
		assert_string_equal(f.rule, bad[i].rule);
		assert_int_equal(f.offset, bad[i].offset);
	}
	/* every change of one character is found */
	for (size_t i = 0; i < CREDIT_CODE; i++)
		for (const char *c = "0123456789ABCDEFGHJKLMNPQRTUWXY"; *c; c++) {
			char text[] = CODE;
			if (text[i] == *c) continue;
			text[i] = *c;
			assert_int_equal(credit_code_parse(str_of(text), NULL, out), ERR_BAD_INPUT);
		}
}

static void rows_are_read_as_written(void **state)
{
	struct enterprise x = {.state = ENTERPRISE_SUSPENDED,
			       .withheld = true,
			       .has_key = true,
			       .open = true,
			       .key = {1, 2, 3},
			       .applied = 4,
			       .changed = 5,
			       .proved = 6,
			       .quota = 7,
			       .name = STR("甲"),
			       .person = STR("乙"),
			       .phone = STR("1"),
			       .email = STR("a@b"),
			       .wanted = STR("88.118.8.5"),
			       .review = STR("r"),
			       .reason = STR("why"),
			       .node = STR("did:web:x"),
			       .prefixes = {STR("\x01"
						"88.118.8.5."),
					    STR("\x01"
						"88.118.8.6.")},
			       .prefixes_n = 2},
			  y;
	struct buf b = BUF_INIT(ENTERPRISE_PACKED_MAX);
	(void)state;
	memcpy(x.code, CODE, CREDIT_CODE);
	assert_int_equal(enterprise_pack(&x, &b), ERR_OK);
	assert_int_equal(enterprise_unpack(enterprise_code(&x), buf_str(&b), &y), ERR_OK);
	assert_int_equal(y.state, x.state);
	assert_true(y.withheld && y.has_key && y.open && y.quota == 7 && y.proved == 6 &&
		    y.prefixes_n == 2);
	assert_str(y.node, "did:web:x");
	assert_true(str_eq(y.prefixes[1], x.prefixes[1]));
	for (size_t n = 0; n < b.n; n++)
		assert_int_equal(enterprise_unpack(enterprise_code(&x), str_first(buf_str(&b), n), &y),
				 ERR_CORRUPT);
	buf_done(&b);
}

/* Each pair of state and step, by the table itself. */
static void steps_lead_only_where_the_table_says(void **state)
{
	unsigned allowed = 0;
	(void)state;
	for (enum enterprise_step s = STEP_APPLY; s <= STEP_CLOSE; s++)
		for (enum enterprise_state from = ENTERPRISE_NONE; from <= ENTERPRISE_CLOSED; from++) {
			struct flaw f = {0};
			enum err e = enterprise_step_check(s, from, &f);
			allowed += !e;
			if (e && from) assert_string_equal(f.rule, "enterprise-state");
			if (e && !from) assert_int_equal(e, ERR_NOT_FOUND);
		}
	assert_int_equal(allowed, 3 + 1 + 1 + 1 + 1 + 3 + 3);
	assert_int_equal(enterprise_step_check(STEP_APPROVE, ENTERPRISE_APPLIED, NULL), ERR_OK);
	assert_int_equal(enterprise_step_check(STEP_APPROVE, ENTERPRISE_REJECTED, NULL), ERR_CONFLICT);
	assert_int_equal(enterprise_step_check(STEP_HAND_OVER, ENTERPRISE_CLOSED, NULL), ERR_CONFLICT);
}

/* ---- applications ----------------------------------------------------------------------- */

static void bad_applications_name_the_member(void **state)
{
	static const struct {
		const char *body, *rule;
	} bad[] = {
	    {"{}", "required"},
	    {"[]", "object"},
	    {"{\"code\":\"91350100M000100Y44\",\"name\":\"x\"}", "credit-code-check"},
	    {"{\"code\":\"" CODE "\",\"name\":\" \",\"contact\":{\"person\":\"L\",\"phone\":\"1\"}}",
	     "text"},
	    {"{\"code\":\"" CODE "\",\"name\":\"a\\u0007\",\"contact\":{\"person\":\"L\",\"phone\":\"1\"}}",
	     "text"},
	    {"{\"code\":\"" CODE "\",\"name\":\"x\"}", "object"},
	    {"{\"code\":\"" CODE "\",\"name\":\"x\",\"contact\":{\"person\":\"L\"}}", "reachable"},
	    {"{\"code\":\"" CODE
	     "\",\"name\":\"x\",\"contact\":{\"person\":\"L\",\"phone\":\"1\"},\"prefix\":\"88..1\"}",
	     NULL},
	    {"{\"code\":\"" CODE
	     "\",\"name\":\"x\",\"contact\":{\"person\":\"L\",\"phone\":\"1\"},\"key\":\"z6\"}",
	     "key"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct http_reply r = expect(400, "POST", NULL, "", "applications", bad[i].body);
		if (bad[i].rule && strcmp(bad[i].rule, "required") != 0)
			assert_string_equal(http_text(&r, "rule"), bad[i].rule);
		http_done(&r);
	}
	/* the node of the other tests takes none from anybody */
	struct http_reply r = post(NULL, "/enterprises/applications", "{}");
	EXPECT(r, 403);
	assert_string_equal(http_text(&r, "rule"), "applications-closed");
	http_done(&r);
	done(404, "GET", reg, CODE, "", NULL);
}

/* ---- a whole life, in chapters of which each goes on where the one before ended ---- */

static char main_token[ACCESS_TOKEN_TEXT];

static void waits_for_a_decision(void **state)
{
	(void)state;
	done(202, "POST", NULL, "", "applications",
	     "{\"code\":\"91350100m000100y43\",\"name\":\"福州某厂\",\"contact\":{\"person\":\"李\","
	     "\"email\":\"l@x\"},"
	     "\"prefix\":\"88.118.8.5\"}");
	refused(409, "enterprise-state", "POST", NULL, "", "applications",
		"{\"code\":\"" CODE "\",\"name\":\"x\",\"contact\":{\"person\":\"L\",\"phone\":\"1\"}}");
	/* nothing but a decision is possible */
	refused(409, "enterprise-state", "POST", reg, CODE, "suspend", "{\"reason\":\"r\"}");
	refused(409, "enterprise-state", "POST", reg, CODE, "reinstate", NULL);
	refused(409, "enterprise-state", "POST", reg, CODE, "accounts", "{\"label\":\"a\"}");
	refused(409, "enterprise-state", "PUT", reg, CODE, "quota", "{\"identifiers\":1}");
	refused(409, "enterprise-state", "POST", reg, CODE, "prefixes", "{}");
	struct http_reply r = expect(400, "POST", reg, CODE, "approve", "{}"); /* the review is missing */
	assert_string_equal(http_text(&r, "field"), "review");
	http_done(&r);
	done(400, "POST", reg, CODE, "reject", "{}");
	done(200, "POST", reg, CODE, "reject", "{\"reason\":\"licence unreadable\"}");
	refused(409, "enterprise-state", "POST", reg, CODE, "approve", "{\"review\":\"x\"}");
}

static void is_approved_and_registers(void **state)
{
	(void)state;
	apply_as(CODE, "福州某厂", ",\"prefix\":\"88.118.8.5\"");
	refused(403, "scope", "POST", narrow, CODE, "approve", "{\"review\":\"x\"}");
	struct http_reply r =
	    expect(200, "POST", reg, CODE, "approve", "{\"review\":\"营业执照\",\"quota\":3}");
	assert_string_equal(http_text(&r, "state"), "approved");
	assert_string_equal(json_string_value(json_array_get(json_object_get(r.json, "prefixes"), 0)),
			    "88.118.8.5");
	http_done(&r);
	refused(403, "scope", "POST", narrow, CODE, "suspend", "{\"reason\":\"r\"}");
	account(reg, CODE, "{\"label\":\"main\"}", main_token);
	register_as(main_token, "88.118.8.5/a", 201, NULL);
	register_as(main_token, "88.118.8.6/a", 403, "scope");
	register_as(main_token, "88.118.8/a", 403, "scope");
}

static void is_suspended(void **state)
{
	(void)state;
	/* no change of any kind, but it resolves */
	done(200, "POST", reg, CODE, "suspend", "{\"reason\":\"fees\"}");
	register_as(main_token, "88.118.8.5/b", 403, "enterprise-suspended");
	register_as(main_token, "88.118.8.5/a", 403, "enterprise-suspended");
	refused(409, "enterprise-state", "POST", main_token, CODE, "accounts", "{\"label\":\"x\"}");
	refused(409, "enterprise-state", "PATCH", main_token, CODE, "", "{\"contact\":{\"phone\":\"2\"}}");
	assert_int_equal(resolve("88.118.8.5/a"), 200);
	register_as(reg, "88.118.8.5/a", 200, NULL); /* the registrar still may */
	done(200, "POST", reg, CODE, "reinstate", NULL);
	register_as(main_token, "88.118.8.5/b", 201, NULL);
	/* suspended so that nothing of it is told */
	done(200, "POST", reg, CODE, "suspend", "{\"reason\":\"court\",\"resolve\":false}");
	assert_int_equal(resolve("88.118.8.5/a"), 404);
	struct http_reply r = http_get(&desk, "/resolve/88.118.8.5/a");
	assert_string_equal(http_text(&r, "rule"), "withheld");
	http_done(&r);
	done(200, "POST", reg, CODE, "reinstate", NULL);
	assert_int_equal(resolve("88.118.8.5/a"), 200);
}

static void is_closed_and_comes_back(void **state)
{
	(void)state;
	/* its credentials are gone, its prefix stays its own */
	done(200, "POST", reg, CODE, "close", "{\"reason\":\"merged\"}");
	register_as(main_token, "88.118.8.5/c", 401, NULL);
	assert_int_equal(resolve("88.118.8.5/a"), 200);
	refused(409, "enterprise-state", "POST", reg, CODE, "reinstate", NULL);
	apply_as(OTHER, "B", "");
	refused(409, "prefix-allocated", "POST", reg, OTHER, "approve",
		"{\"review\":\"x\",\"prefix\":\"88.118.8.5\"}");
	refused(409, "prefix-allocated", "POST", reg, OTHER, "approve",
		"{\"review\":\"x\",\"prefix\":\"88.118.8.5.1\"}");
	done(200, "POST", reg, OTHER, "reject", "{\"reason\":\"r\"}");
	/* it comes back, and has what it had */
	apply_as(CODE, "福州某厂", "");
	done(200, "POST", reg, CODE, "approve", "{\"review\":\"again\"}");
	assert_int_equal(number_of(CODE, "used"), 2);
	account(reg, CODE, "{\"label\":\"main\"}", main_token);
	register_as(main_token, "88.118.8.5/c", 201, NULL);
}

struct waiting {
	struct writer_cmd cmd;
	int more;
};

static enum err wait_more(struct writer_cmd *c, struct writer_txn *t)
{
	return admission_wait(t, ((struct waiting *)c)->more);
}

static void a_full_desk_takes_no_more_applications(void **state)
{
	struct waiting w = {{.apply = wait_more}, ENTERPRISE_WAITING_MAX - 1};
	const char *code = code_from("91350100M000900A1");
	char body[BODY];
	(void)state;
	assert_int_equal(writer_run(desk.writer, &w.cmd), ERR_OK);
	apply_as(OTHER, "B", ""); /* the last place; those decided before have left theirs */
	snprintf(body, sizeof body,
		 "{\"code\":\"%s\",\"name\":\"x\",\"contact\":{\"person\":\"L\",\"phone\":\"1\"}}", code);
	refused(429, "applications-waiting", "POST", reg, "", "", body);
	done(200, "POST", reg, OTHER, "reject", "{\"reason\":\"r\"}");
	done(202, "POST", reg, "", "", body);
	done(200, "POST", reg, code, "reject", "{\"reason\":\"r\"}");
	w = (struct waiting){{.apply = wait_more}, -(ENTERPRISE_WAITING_MAX - 1)};
	assert_int_equal(writer_run(desk.writer, &w.cmd), ERR_OK);
}

/* ---- quotas ----------------------------------------------------------------------------- */

static void batch_of(const char *prefix, unsigned from, unsigned n, char *out, size_t room)
{
	size_t at = (size_t)snprintf(out, room, "{\"records\":[");
	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, room - at, "%s{\"id\":\"%s/q%u\",\"values\":[]}",
				       i ? "," : "", prefix, from + i);
	snprintf(out + at, room - at, "]}");
}

static int register_batch(const char *token, const char *body)
{
	struct http_reply r = http_call(
	    &desk, &(struct http_call){
		       .method = "POST", .path = "/registry", .token = token, .body = str_of(body)});
	int status = r.status;
	if (status == 429) assert_string_equal(http_text(&r, "rule"), "enterprise-quota");
	http_done(&r);
	return status;
}

struct racer {
	const char *token, *prefix;
	unsigned from, done, refused;
};

static void *race(void *arg)
{
	struct racer *x = arg;
	for (unsigned i = 0; i < 40; i++) {
		char id[PATH];
		snprintf(id, sizeof id, "%s/r%u", x->prefix, x->from + i);
		struct http_reply r = put_id(x->token, id);
		x->done += r.status == 201;
		x->refused += r.status == 429;
		http_done(&r);
	}
	return NULL;
}

static void quotas_hold_to_the_last_identifier(void **state)
{
	char mine[CREDIT_CODE + 1], token[ACCESS_TOKEN_TEXT], body[BODY * 8];
	(void)state;
	snprintf(mine, sizeof mine, "%s", code_from("91350100M000500A1"));
	admit(mine, "88.118.8.40", 10);
	account(reg, mine, "{\"label\":\"main\"}", token);
	batch_of("88.118.8.40", 0, 11, body, sizeof body);
	assert_int_equal(register_batch(token, body), 429);
	assert_int_equal(number_of(mine, "used"), 0);
	batch_of("88.118.8.40", 0, 9, body, sizeof body);
	assert_int_equal(register_batch(token, body), 200);
	/* what is there already costs nothing */
	assert_int_equal(register_batch(token, body), 200);
	assert_int_equal(number_of(mine, "used"), 9);
	batch_of("88.118.8.40", 8, 3, body, sizeof body);
	assert_int_equal(register_batch(token, body), 429);
	register_as(token, "88.118.8.40/last", 201, NULL);
	register_as(token, "88.118.8.40/more", 429, "enterprise-quota");
	register_as(token, "88.118.8.40/last", 200, NULL);
	/* a tombstone keeps its place */
	struct http_reply r = http_call(
	    &desk,
	    &(struct http_call){.method = "DELETE", .path = "/registry/88.118.8.40/last", .token = token});
	EXPECT(r, 200);
	http_done(&r);
	register_as(token, "88.118.8.40/more", 429, "enterprise-quota");
	register_as(reg, "88.118.8.40/more", 429, "enterprise-quota"); /* nor for the registrar */
	/* two clients run for the last 30 places */
	done(200, "PUT", reg, mine, "quota", "{\"identifiers\":40}");
	struct racer racers[2] = {{token, "88.118.8.40", 0, 0, 0}, {token, "88.118.8.40", 1000, 0, 0}};
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
	assert_int_equal(racers[0].done + racers[1].done, 30);
	assert_int_equal(racers[0].refused + racers[1].refused, 50);
	assert_int_equal(number_of(mine, "used"), 40);
	/* 0: as many as it likes */
	done(200, "PUT", reg, mine, "quota", "{\"identifiers\":0}");
	register_as(token, "88.118.8.40/more", 201, NULL);
}

/* A batch that touches two enterprises is whole or not at all, and each is counted for itself. */
static void one_batch_of_two_enterprises(void **state)
{
	char a[CREDIT_CODE + 1], b[CREDIT_CODE + 1], body[BODY];
	(void)state;
	snprintf(a, sizeof a, "%s", code_from("91350100M000600A1"));
	snprintf(b, sizeof b, "%s", code_from("91350100M000600B1"));
	admit(a, "88.118.8.50", 2);
	admit(b, "88.118.8.51", 1);
	snprintf(body, sizeof body,
		 "{\"records\":[{\"id\":\"88.118.8.51/1\",\"values\":[]},{\"id\":\"88.118.8.50/"
		 "1\",\"values\":[]},"
		 "{\"id\":\"88.118.8.51/2\",\"values\":[]},{\"id\":\"88.118.8.50/2\",\"values\":[]}]}");
	assert_int_equal(register_batch(reg, body), 429);
	assert_int_equal(number_of(a, "used") + number_of(b, "used"), 0);
	done(200, "PUT", reg, b, "quota", "{\"identifiers\":2}");
	assert_int_equal(register_batch(reg, body), 200);
	assert_int_equal(number_of(a, "used"), 2);
	assert_int_equal(number_of(b, "used"), 2);
}

/* ---- hand-over -------------------------------------------------------------------------- */

/* Its records by pages, as the other node takes them. */
static void check_pages(const char *token, const char *code)
{
	struct http_reply r = expect(200, "GET", token, code, "records?limit=1", NULL);
	char next[PATH];
	assert_int_equal(json_array_size(json_object_get(r.json, "records")), 1);
	snprintf(next, sizeof next, "records?cursor=%s", http_text(&r, "next"));
	http_done(&r);
	r = expect(200, "GET", token, code, next, NULL);
	const json_t *last = json_array_get(json_object_get(r.json, "records"), 0);
	assert_string_equal(json_string_value(json_object_get(last, "id")), "88.118.8.60/b");
	assert_string_equal(http_text(&r, "next"), "");
	http_done(&r);
}

static void a_handed_over_enterprise_is_found_at_the_other_node(void **state)
{
	char mine[CREDIT_CODE + 1], token[ACCESS_TOKEN_TEXT], body[BODY], key[SIGN_MULTIBASE],
	    there[ACCESS_TOKEN_TEXT];
	struct site other, client;
	(void)state;
	site_open(&(struct site_options){.name = "other", .authority = {"88.118.8.60"}}, &other);
	site_open(&(struct site_options){.name = "client", .recursive = true, .anchor = &desk}, &client);
	site_grant(&other, "reg", ROLE_REGISTRAR, "88.118.8.60", there);
	snprintf(mine, sizeof mine, "%s", code_from("91350100M000700A1"));
	admit(mine, "88.118.8.60", 10);
	account(reg, mine, "{\"label\":\"main\"}", token);
	register_as(token, "88.118.8.60/a", 201, NULL);
	register_as(token, "88.118.8.60/b", 201, NULL);
	check_pages(token, mine);
	assert_int_equal(site_register(&other, there, "88.118.8.60/a", "https://moved/"), 201);
	sign_public_multibase(sign_public(other.key), key);
	snprintf(
	    body, sizeof body,
	    "{\"did\":\"%s\",\"keys\":[\"%s\"],\"endpoints\":[{\"protocol\":\"http\",\"url\":\"%s\"}]}",
	    other.did, key, other.url);
	done(400, "POST", reg, mine, "hand-over", "{}");
	struct http_reply r = http_get(&client, "/resolve/88.118.8.60/a"); /* before: from here */
	assert_null(memmem(r.body.p, r.body.n, "moved", 5));
	http_done(&r);
	done(200, "POST", reg, mine, "hand-over", body);
	r = http_get(&desk, "/resolve/88.118.8.60/a?rd=0");
	EXPECT(r, 421);
	assert_string_equal(json_string_value(json_object_get(json_object_get(r.json, "referral"), "url")),
			    other.url);
	http_done(&r);
	r = http_get(&client, "/resolve/88.118.8.60/new"); /* followed: the other says not found */
	EXPECT(r, 404);
	assert_str(http_header(&r, "kanhe-state"), "secure");
	http_done(&r);
	/* nothing changes here any more, by nobody */
	register_as(token, "88.118.8.60/a", 401, NULL);
	register_as(reg, "88.118.8.60/a", 421, "delegated");
	refused(409, "enterprise-state", "POST", reg, mine, "suspend", "{\"reason\":\"r\"}");
	done(200, "POST", reg, mine, "hand-over", body);
	memcpy(strstr(body, "127"), "128", 3); /* another node */
	refused(409, "handed-over", "POST", reg, mine, "hand-over", body);
	refused(409, "enterprise-state", "POST", reg, mine, "prefixes", "{}");
	/* also when the delegation is taken back by hand */
	r = http_call(&desk, &(struct http_call){
				 .method = "DELETE", .path = "/delegations/88.118.8.60", .token = reg});
	EXPECT(r, 204);
	http_done(&r);
	register_as(reg, "88.118.8.60/a", 421, "handed-over");
	site_close(&client);
	site_close(&other);
}

static void its_history_is_told(void **state)
{
	static const char *const kinds[] = {"enterprise.applied", "enterprise.rejected",
					    "enterprise.applied", "enterprise.approved",
					    "enterprise.suspended"};
	size_t i, n = 0;
	const json_t *x;
	char rest[PATH] = "history?limit=2";
	(void)state;
	for (bool more = true; more;) {
		struct http_reply r = expect(200, "GET", aud, CODE, rest, NULL);
		json_array_foreach(json_object_get(r.json, "history"), i, x)
		{
			const char *kind =
			    json_string_value(json_object_get(json_object_get(x, "entry"), "kind"));
			if (n < COUNT(kinds)) assert_string_equal(kind, kinds[n]);
			n++;
		}
		more = http_text(&r, "next")[0];
		snprintf(rest, sizeof rest, "history?limit=2&cursor=%s", http_text(&r, "next"));
		http_done(&r);
	}
	assert_int_equal(n, 11);
}

/* ---- lists ------------------------------------------------------------------------------ */

static void lists_have_states_cursors_and_scopes(void **state)
{
	size_t seen = 0, all;
	char rest[PATH] = "?limit=2", last[CREDIT_CODE + 1] = "";
	(void)state;
	struct http_reply r = http_call(&desk, &(struct http_call){.path = "/enterprises", .token = aud});
	EXPECT(r, 200);
	all = json_array_size(json_object_get(r.json, "enterprises"));
	assert_true(all >= 6);
	http_done(&r);
	for (bool more = true; more;) {
		char path[PATH + 16];
		snprintf(path, sizeof path, "/enterprises%s", rest);
		r = http_call(&desk, &(struct http_call){.path = path, .token = aud});
		EXPECT(r, 200);
		size_t i;
		const json_t *x;
		json_array_foreach(json_object_get(r.json, "enterprises"), i, x)
		{
			const char *code = json_string_value(json_object_get(x, "code"));
			assert_true(strcmp(last, code) < 0);
			snprintf(last, sizeof last, "%s", code);
			seen++;
		}
		more = http_text(&r, "next")[0];
		snprintf(rest, sizeof rest, "?limit=2&cursor=%s", http_text(&r, "next"));
		http_done(&r);
	}
	assert_int_equal(seen, all);
	r = http_call(&desk, &(struct http_call){.path = "/enterprises?state=handed-over", .token = aud});
	assert_int_equal(json_array_size(json_object_get(r.json, "enterprises")), 1);
	http_done(&r);
	r = http_call(&desk, &(struct http_call){.path = "/enterprises?state=sleepy", .token = aud});
	EXPECT(r, 400);
	http_done(&r);
	r = http_call(&desk, &(struct http_call){.path = "/enterprises?state=approved", .token = narrow});
	assert_int_equal(json_array_size(json_object_get(r.json, "enterprises")), 0);
	http_done(&r);
}

static int open_both(void **state)
{
	return setup(state) || open_desk(state);
}

static int close_both(void **state)
{
	return close_desk(state) || teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(credit_codes_are_checked),
	    cmocka_unit_test(rows_are_read_as_written),
	    cmocka_unit_test(steps_lead_only_where_the_table_says),
	    cmocka_unit_test(bad_applications_name_the_member),
	    cmocka_unit_test(waits_for_a_decision),
	    cmocka_unit_test(is_approved_and_registers),
	    cmocka_unit_test(is_suspended),
	    cmocka_unit_test(is_closed_and_comes_back),
	    cmocka_unit_test(a_full_desk_takes_no_more_applications),
	    cmocka_unit_test(quotas_hold_to_the_last_identifier),
	    cmocka_unit_test(one_batch_of_two_enterprises),
	    cmocka_unit_test(a_handed_over_enterprise_is_found_at_the_other_node),
	    cmocka_unit_test(its_history_is_told),
	    cmocka_unit_test(lists_have_states_cursors_and_scopes),
	};
	return cmocka_run_group_tests(tests, open_both, close_both);
}
