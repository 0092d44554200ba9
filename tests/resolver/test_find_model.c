/* Finding by value against a model: after random changes the index and the counts are what they must be. */
#include "tests/resolver/records.h"

#include <stdlib.h>
#include <unistd.h>

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

int main(void)
{
	const struct CMUnitTest cases[] = {cmocka_unit_test(index_and_counts_follow_random_changes)};
	return cmocka_run_group_tests(cases, setup, teardown);
}
