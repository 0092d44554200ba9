/* kanhe statistics: registrations and resolutions by day, by prefix, and what is asked for most. */
#include "tools/kanhe/client.h"

static long long number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static void print_sums(const char *label, const json_t *x)
{
	printf("%-20s %10lld %10lld %10lld %12lld %12lld %7.3f%%\n", label, number(x, "registered"),
	       number(x, "replaced"), number(x, "retired"), number(x, "resolutions"), number(x, "records"),
	       json_real_value(json_object_get(x, "error_rate")) * 100);
}

static const char *with_term(struct cli *c, const char *path, const char *from, const char *to)
{
	return client_path(c, "%s?%s%s%s%s%s", path, from ? "from=" : "",
			   from ? path_word(c, from, false) : "", from && to ? "&" : "", to ? "to=" : "",
			   to ? path_word(c, to, false) : "");
}

static int by_day(struct cli *c, const char *prefix, const char *from, const char *to)
{
	struct reply r;
	size_t i;
	const json_t *x;
	const char *path = with_term(c, "/statistics", from, to);
	if (prefix)
		path = client_path(c, "%s%sprefix=%s", path, from || to ? "&" : "",
				   path_word(c, prefix, false));
	int status = client_call(c, &(struct call){.method = "GET", .path = path}, &r);
	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	printf("%s", say(SAY_STATISTICS_HEAD));
	json_array_foreach(json_object_get(r.json, "days"), i, x) print_sums(text_of(x, "day"), x);
	print_sums(say(SAY_STATISTICS_TOTAL), json_object_get(r.json, "total"));
	return CLI_OK;
}

static int by_prefix(struct cli *c, const char *from, const char *to)
{
	json_t *all;
	size_t i;
	const json_t *x;
	int status = client_list(c, with_term(c, "/statistics/prefixes", from, to), "prefixes", &all);
	if (status) return status;
	if (c->json) {
		print_json(all);
		return CLI_OK;
	}
	printf("%s", say(SAY_STATISTICS_HEAD));
	json_array_foreach(json_object_get(all, "prefixes"), i, x) print_sums(text_of(x, "prefix"), x);
	return CLI_OK;
}

static int top(struct cli *c, const char *limit)
{
	struct reply r;
	size_t i;
	const json_t *x;
	uint64_t n = 20;
	if (limit && str_u64(str_of(limit), &n)) return usage_error(c, SAY_NOT_NUMBER, limit);
	const char *path = client_path(c, "/statistics/top?limit=%llu", (unsigned long long)n);
	int status = client_call(c, &(struct call){.method = "GET", .path = path}, &r);
	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	printf(say(SAY_STATISTICS_SINCE), text_of(r.json, "since"));
	json_array_foreach(json_object_get(r.json, "top"), i, x)
	{
		printf("%10lld ", number(x, "count"));
		if (number(x, "error")) printf("(±%lld) ", number(x, "error"));
		print_safe(stdout, str_of(text_of(x, "id")));
		putchar('\n');
	}
	return CLI_OK;
}

int command_statistics(struct cli *c, int argc, char **argv)
{
	const char *prefix = NULL, *from = NULL, *to = NULL, *limit = NULL;
	bool prefixes = false, most = false;
	struct words w;
	const struct option_row own[] = {
	    {"prefix", &prefix, NULL}, {"from", &from, NULL},         {"to", &to, NULL},
	    {"limit", &limit, NULL},   {"prefixes", NULL, &prefixes}, {"top", NULL, &most}};
	int status = options_read(c, argc, argv, own, 6, &w);
	if (status) return status;
	if (w.n) return usage_error(c, SAY_EXTRA_WORD, w.word[0]);
	if (most) return top(c, limit);
	return prefixes ? by_prefix(c, from, to) : by_day(c, prefix, from, to);
}
