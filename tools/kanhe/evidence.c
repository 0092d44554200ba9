/* kanhe audit, prove, verify: what happened, and the proof of it. */
#include "tools/kanhe/audit.h"

#include "base/retell.h"
#include "dataspace/bundle.h"

enum { PINS_MAX = 16 };
/* What a verification keeps beside the bundle itself (dataspace/bundle.h). */
#define VERIFY_ARENA ((size_t)8 * BUNDLE_SIZE_MAX)

static void print_entry(const json_t *e)
{
	static const char *const more[] = {"agreement", "transfer", "negotiation",
					   "dataset",   "peer",     "detail"};
	printf("%6lld  %s  %-24s ", (long long)json_integer_value(json_object_get(e, "index")),
	       text_of(e, "time"), text_of(e, "kind"));
	print_safe(stdout, str_of(text_of(e, "who")));
	for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
		if (!text_of(e, more[i])[0]) continue;
		printf("  %s=", more[i]);
		print_safe(stdout, str_of(text_of(e, more[i])));
	}
	putchar('\n');
}

int command_audit(struct cli *c, int argc, char **argv)
{
	const char *agreement = NULL, *since = NULL, *cursor = NULL, *limit = NULL;
	bool registry = false;
	struct words words;
	struct reply r;
	size_t i;
	json_t *e;
	const struct option_row own[] = {{"agreement", &agreement, NULL},
					 {"since", &since, NULL},
					 {"cursor", &cursor, NULL},
					 {"limit", &limit, NULL},
					 {"registry", NULL, &registry}};
	int status = options_read(c, argc, argv, own, sizeof own / sizeof *own, &words);
	if (status) return status;
	if (words.n) return usage_error(c, SAY_EXTRA_WORD, words.word[0]);
	if (registry && agreement) return usage_error(c, SAY_EXTRA_WORD, "--agreement");
	if (registry)
		return audit_registry(
		    c, &(struct audit_options){.since = since, .cursor = cursor, .limit = limit});
	const char *who = client_participant(c);
	if (!who) return CLI_USAGE;
	const char *path =
	    client_path(c, "/participants/%s/audit?limit=%s%s%s%s%s%s%s", who,
			limit ? path_word(c, limit, false) : "1000", agreement ? "&agreement=" : "",
			agreement ? path_word(c, agreement, false) : "", since ? "&since=" : "",
			since ? path_word(c, since, false) : "", cursor ? "&cursor=" : "",
			cursor ? path_word(c, cursor, false) : "");
	status = client_call(c, &(struct call){.method = "GET", .path = path}, &r);
	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(r.json, "entries"), i, e) print_entry(e);
	const json_t *next = json_object_get(r.json, "next");
	if (json_is_string(next)) printf(say(SAY_MORE_ENTRIES), json_string_value(next));
	return CLI_OK;
}

int command_prove(struct cli *c, int argc, char **argv)
{
	const char *to = NULL;
	bool brief = false;
	struct words words;
	struct reply r;
	const struct option_row own[] = {{"to", &to, NULL}, {"brief", NULL, &brief}};
	int status = options_read(c, argc, argv, own, 2, &words);
	if (status) return status;
	if (words.n != 1) return words_wrong(c, &words, 1, "AGREEMENT");
	const char *who = client_participant(c);
	if (!who) return CLI_USAGE;
	struct call call = {.method = "GET",
			    .path =
				client_path(c, "/participants/%s/agreements/%s/proof%s", who,
					    path_word(c, words.word[0], false), brief ? "?brief=yes" : ""),
			    .to_file = to ? to : "-"};
	status = client_call(c, &call, &r);
	if (status) return status;
	if (to && !c->quiet) fprintf(stderr, say(SAY_PROVED), to);
	return CLI_OK;
}

static int pin_of(const struct cli *c, const char *text, struct bundle_pin *ret)
{
	struct str s = str_of(text);
	size_t equals = str_rfind(s, '=');
	if (equals == s.n || sign_public_parse(str_skip(s, equals + 1), ret->key))
		return usage_error(c, SAY_NOT_DID_KEY, text);
	ret->did = str_first(s, equals);
	return CLI_OK;
}

static json_t *report_json(const struct bundle_report *r)
{
	json_t *o = json_object(), *checks = json_array();
	json_put(o, "verified", json_boolean(r->ok));
	json_put_str(o, "agreement", r->agreement);
	json_put_str(o, "provider", r->provider);
	json_put_str(o, "consumer", r->consumer);
	json_put_str(o, "node", r->node);
	json_put_u64(o, "entries", r->entries);
	json_put(o, "brief", json_boolean(r->brief));
	json_put_u64(o, "receipts", r->receipts);
	json_put_u64(o, "evidence", r->evidence);
	json_put(o, "signed_by_provider", json_boolean(r->provider_signed));
	json_put(o, "signed_by_consumer", json_boolean(r->consumer_signed));
	json_put_u64(o, "tree_size", r->tree_size);
	for (size_t i = 0; i < r->checks_n; i++) {
		json_t *check = json_object();
		json_put_str(check, "name", r->check[i].name);
		json_put_str(check, "detail", r->check[i].detail);
		json_put(check, "ok", json_boolean(r->check[i].ok));
		json_put(check, "proves", json_boolean(r->check[i].ok && !r->check[i].open));
		json_array_append_new(checks, check);
	}
	json_put(o, "checks", checks);
	return o;
}

static void print_report(struct arena *a, const struct bundle_report *r)
{
	for (size_t i = 0; i < r->checks_n; i++) {
		printf("%s ", !r->check[i].ok ? "✗" : r->check[i].open ? "–" : "✓");
		print_safe(stdout, retell(say_language(), a, r->check[i].name));
		if (r->check[i].detail.n) printf("  ");
		print_safe(stdout, retell(say_language(), a, r->check[i].detail));
		putchar('\n');
	}
}

int bundle_tell(struct cli *c, const char *file, const struct bundle_pin *pins, size_t pins_n)
{
	struct str text;
	struct bundle_report report = {.ok = false};
	int status = file_read(c, file, BUNDLE_SIZE_MAX, &text);
	if (status) return status;
	struct arena *a = arena_new(VERIFY_ARENA);
	if (!a) {
		print_error(c, "%s", err_text(ERR_NO_MEMORY));
		return CLI_FAILED;
	}
	enum err e = ds_bundle_verify(a, text, pins, pins_n, &report);
	if (c->json) {
		json_t *o = report_json(&report);
		print_json(o);
		json_decref(o);
	} else {
		print_report(a, &report);
		printf(say(e                                                  ? SAY_VERIFY_BAD
			   : report.provider_signed && report.consumer_signed ? SAY_VERIFY_OK
									      : SAY_VERIFY_ONE_SIDE),
		       file);
	}
	arena_free(a);
	return e == ERR_NO_MEMORY ? CLI_FAILED : e ? CLI_BOGUS : CLI_OK;
}

int command_verify(struct cli *c, int argc, char **argv)
{
	struct words words;
	struct bundle_pin pins[PINS_MAX];
	size_t pins_n = 0;
	int status = options_read(c, argc, argv, NULL, 0, &words);
	if (status) return status;
	if (!words.n) return usage_error(c, SAY_MISSING_WORD, "BUNDLE");
	for (size_t i = 1; i < words.n; i++) {
		if (pins_n == PINS_MAX) return usage_error(c, SAY_TOO_MANY_WORDS, words.word[i]);
		status = pin_of(c, words.word[i], &pins[pins_n++]);
		if (status) return status;
	}
	return bundle_tell(c, words.word[0], pins, pins_n);
}
