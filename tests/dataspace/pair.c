#include "tests/dataspace/pair.h"

#include <stdio.h>
#include <unistd.h>

#include "base/hash.h"

struct pair pair;

int pair_setup(void **state)
{
	const char *m = "maker", *b = "buyer";

	(void)state;
	node_open(&pair.maker, &m, 1, 2);
	node_open(&pair.buyer, &b, 1, 2);
	pair.maker_owner = node_token(&pair.maker, "maker-owner", ROLE_OWNER, "@maker");
	pair.buyer_owner = node_token(&pair.buyer, "buyer-owner", ROLE_OWNER, "@buyer");
	return 0;
}

int pair_teardown(void **state)
{
	(void)state;
	node_close(&pair.maker);
	node_close(&pair.buyer);
	return 0;
}

const char *text(const char *fmt, ...)
{
	va_list ap;
	struct str s;

	va_start(ap, fmt);
	s = arena_vprintf(pair.buyer.arena, fmt, ap);
	va_end(ap);
	assert_non_null(s.p);
	return s.p;
}

struct answer maker_call(const char *method, const char *path, const char *body)
{
	return node_manage(&pair.maker, pair.maker_owner, method, text("/participants/maker%s", path),
			   body);
}

struct answer buyer_call(const char *method, const char *path, const char *body)
{
	return node_manage(&pair.buyer, pair.buyer_owner, method, text("/participants/buyer%s", path),
			   body);
}

const char *digest_text(struct str content)
{
	unsigned char d[HASH_SHA256];
	char hex[2 * HASH_SHA256 + 1] = {0};

	hash_sha256(content, d);
	hex_write(d, sizeof d, hex);
	return text("sha256:%s", hex);
}

struct str octets(size_t n, unsigned seed)
{
	char *p = arena_bytes(pair.buyer.arena, n + 1);
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	assert_non_null(p);
	for (size_t i = 0; i < n; i++) {
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		p[i] = (char)('A' + (x >> 33) % 26);
	}
	p[n] = 0; /* node_call takes text */
	return str_n(p, n);
}

void publish(const char *id, const char *constraints, struct str content)
{
	const char *body =
	    text("{\"title\":\"T\",\"media_type\":\"text/csv\",\"policy\":{\"permission\":[{\"action\":"
		 "\"use\"%s%s%s}]}}",
		 constraints[0] ? ",\"constraint\":[" : "", constraints, constraints[0] ? "]" : "");
	struct answer a = maker_call("PUT", text("/datasets/%s/content", id), content.p);

	assert_int_equal(a.status, 200);
	assert_int_equal(count(&a, "size"), content.n);
	a = maker_call("PUT", text("/datasets/%s", id), body);
	assert_true(a.status == 200 || a.status == 201);
}

const char *agree(const char *dataset)
{
	struct answer a = buyer_call(
	    "POST", "/negotiations",
	    text("{\"provider\":\"%s\",\"dataset\":\"%s\"}", node_did(&pair.maker, "maker"), dataset));

	assert_int_equal(a.status, 202);
	a = node_await(&pair.buyer, pair.buyer_owner,
		       text("/participants/buyer/negotiations/%s", answer_text(&a, "pid")),
		       "FINALIZED,TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "FINALIZED");
	return answer_text(&a, "agreement");
}

const char *pull(const char *agreement, const char *more)
{
	struct answer a =
	    buyer_call("POST", "/transfers", text("{\"agreement\":\"%s\"%s}", agreement, more));

	assert_int_equal(a.status, 202);
	return answer_text(&a, "pid");
}

struct answer await(const char *pid, const char *states)
{
	return node_await(&pair.buyer, pair.buyer_owner, text("/participants/buyer/transfers/%s", pid),
			  states);
}

struct answer await_maker(const char *pid, const char *states)
{
	return node_await(&pair.maker, pair.maker_owner, text("/participants/maker/transfers/%s", pid),
			  states);
}

uint64_t count(const struct answer *a, const char *member)
{
	return (uint64_t)json_integer_value(json_object_get(a->json, member));
}

uint64_t await_octets(const char *pid, uint64_t at_least)
{
	usec_t until = clock_mono() + NODE_PATIENCE_SECONDS * USEC_PER_SEC;

	while (clock_mono() < until) {
		struct answer a = buyer_call("GET", text("/transfers/%s", pid), NULL);

		if (count(&a, "octets") >= at_least) return count(&a, "octets");
		usleep(20000);
	}
	fail_msg("never came to %llu octets", (unsigned long long)at_least);
	return 0;
}

json_t *await_meter(struct answer (*call)(const char *, const char *, const char *), const char *agreement,
		    const char *state)
{
	usec_t until = clock_mono() + NODE_PATIENCE_SECONDS * USEC_PER_SEC;
	struct answer a;

	do {
		json_t *m;

		a = call("GET", text("/meters?agreement=%s", agreement), NULL);
		assert_int_equal(a.status, 200);
		m = json_array_get(json_object_get(a.json, "meters"), 0);
		if (m && str_is(json_text(json_object_get(m, "state")), state)) return m;
		usleep(50000);
	} while (clock_mono() < until);
	fail_msg("meter never %s: %.*s", state, STR_ARG(a.body));
	return NULL;
}

void assert_meters(const char *agreement, uint64_t transfers, uint64_t requests, uint64_t octets_n)
{
	json_t *both[2] = {await_meter(maker_call, agreement, "agreed"),
			   await_meter(buyer_call, agreement, "agreed")};

	for (int i = 0; i < 2; i++) {
		assert_int_equal(json_integer_value(json_object_get(both[i], "transfers")), transfers);
		assert_int_equal(json_integer_value(json_object_get(both[i], "requests")), requests);
		assert_int_equal(json_integer_value(json_object_get(both[i], "octets")), octets_n);
	}
}
