/* kanhe catalog: what partners offer, what we offer in several forms, and what crawled catalogs offer. */
#include <stdio.h>

#include "tools/kanhe/client.h"

struct asked {
	const char *format, *text, *keyword, *crawl, *forget, *every, *provider, *who;
	bool federated, sources;
};

static json_t *filter_of(const struct asked *q)
{
	json_t *filter = json_array();
	if (q->text) json_array_append_new(filter, json_pack("{s:s}", "text", q->text));
	if (q->keyword) json_array_append_new(filter, json_pack("{s:s}", "keyword", q->keyword));
	return filter;
}

static void print_all(const json_t *list)
{
	size_t i;
	json_t *d;
	json_array_foreach(list, i, d) print_dataset(d);
}

/* Catalogs inside the catalog, each under whom it belongs to: its own participant or its parent's. */
static void print_nested(const json_t *catalog, const char *of)
{
	const json_t *inner;
	size_t i;
	json_array_foreach(json_object_get(catalog, "catalog"), i, inner)
	{
		const char *own = text_of(inner, "participantId");
		if (!own[0]) own = of;
		if (json_array_size(json_object_get(inner, "dataset"))) {
			printf("%s ", say(SAY_CATALOG_OF));
			print_safe(stdout, str_of(own));
			putchar('\n');
		}
		print_all(json_object_get(inner, "dataset"));
		print_nested(inner, own);
	}
}

static bool offers_any(const json_t *datasets, const json_t *catalogs)
{
	const json_t *inner;
	size_t i;
	if (json_array_size(datasets)) return true;
	json_array_foreach(catalogs, i, inner)
	{
		if (offers_any(json_object_get(inner, "dataset"), json_object_get(inner, "catalog")))
			return true;
	}
	return false;
}

/* Every page of a partner's catalog, joined. */
static int of_partner(struct cli *c, const struct asked *q)
{
	json_t *all = NULL, *list = json_keep(c->arena, json_array()),
	       *nested = json_keep(c->arena, json_array());
	const char *next = "";
	do {
		json_t *body = json_pack("{s:s}", "provider", q->provider), *filter = filter_of(q);
		struct reply r;
		if (json_array_size(filter))
			json_put(body, "filter", filter);
		else
			json_decref(filter);
		if (next[0]) json_put_str(body, "next", str_of(next));
		struct call other = {.method = "POST",
				     .path = client_path(c, "/participants/%s/catalog", q->who),
				     .json = body};
		int status = client_call(c, &other, &r);
		if (status) return status;
		next = client_path(c, "%s", text_of(r.json, "kanhe:next"));
		if (!all) all = r.json;
		json_array_extend(list, json_object_get(r.json, "dataset"));
		json_array_extend(nested, json_object_get(r.json, "catalog"));
	} while (next[0]);
	json_object_del(all, "kanhe:next");
	if (json_array_size(list)) json_put(all, "dataset", json_incref(list));
	if (json_array_size(nested)) json_put(all, "catalog", json_incref(nested));
	if (c->json) {
		print_json(all);
		return CLI_OK;
	}
	printf("%s %s\n", say(SAY_CATALOG_OF), safe(text_of(all, "participantId")));
	print_all(list);
	print_nested(all, text_of(all, "participantId"));
	if (!offers_any(list, nested))
		printf("%s", say(q->text || q->keyword ? SAY_CATALOG_NOTHING_MATCHES
						       : SAY_CATALOG_OFFERS_NOTHING));
	return CLI_OK;
}

static int own(struct cli *c, const struct asked *q)
{
	json_t *all;
	int status = client_list(c, client_path(c, "/participants/%s/datasets", q->who), "datasets", &all);
	if (status) return status;
	if (c->json)
		print_json(all);
	else
		print_all(json_object_get(all, "datasets"));
	return CLI_OK;
}

/* The whole catalog as one document, or one dataset. */
static int exported(struct cli *c, const struct asked *q)
{
	const char *format = path_word(c, q->format, false), *next = "", *key;
	json_t *all = NULL, *list = json_keep(c->arena, json_array());
	struct reply r;
	if (q->provider) {
		struct call one = {.method = "GET",
				   .path = client_path(c, "/participants/%s/catalog/%s?format=%s", q->who,
						       path_word(c, q->provider, false), format),
				   .accept = "*/*"};
		int status = client_call(c, &one, &r);
		if (!status) print_json(r.json);
		return status;
	}
	key = strcmp(q->format, "dcat-ap") ? "dataset" : "dcat:dataset";
	do {
		struct call page = {.method = "GET",
				    .path = client_path(c, "/participants/%s/catalog?format=%s%s%s", q->who,
							format, next[0] ? "&cursor=" : "", next),
				    .accept = "*/*"};
		int status = client_call(c, &page, &r);
		if (status) return status;
		next = path_word(c, text_of(r.json, "kanhe:next"), false);
		if (!all) all = r.json;
		json_array_extend(list, json_object_get(r.json, key));
	} while (next[0]);
	json_object_del(all, "kanhe:next");
	if (json_array_size(list)) json_put(all, key, json_incref(list));
	print_json(all);
	return CLI_OK;
}

static int federated(struct cli *c, const struct asked *q)
{
	size_t i;
	json_t *all, *x;
	const char *path =
	    client_path(c, "/participants/%s/federated?%s%s%s%s", q->who, q->text ? "text=" : "",
			q->text ? path_word(c, q->text, false) : "", q->keyword ? "&keyword=" : "",
			q->keyword ? path_word(c, q->keyword, false) : "");
	int status = client_list(c, path, "entries", &all);
	if (status) return status;
	if (c->json) {
		print_json(all);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(all, "entries"), i, x)
	{
		print_safe(stdout, str_of(text_of(x, "origin"))); /* a peer's text */
		printf("  %s\n  ", text_of(x, "fresh"));
		print_dataset(json_object_get(x, "dataset"));
	}
	return CLI_OK;
}

static int sources(struct cli *c, const struct asked *q)
{
	size_t i;
	json_t *s;
	struct reply r;
	struct call list = {.method = "GET", .path = client_path(c, "/participants/%s/sources", q->who)};
	int status = client_call(c, &list, &r);
	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	if (!json_array_size(json_object_get(r.json, "sources")) && !c->quiet)
		printf("%s\n", say(SAY_CRAWLS_NOTHING));
	json_array_foreach(json_object_get(r.json, "sources"), i, s)
	{
		printf(say(SAY_SOURCE_LINE), safe(text_of(s, "source")),
		       (unsigned long long)json_integer_value(json_object_get(s, "entries")),
		       safe(text_of(s, "fresh")));
		if (text_of(s, "error")[0]) printf("\n    ! ");
		print_said(stdout, text_of(s, "error"));
		putchar('\n');
	}
	return CLI_OK;
}

static int crawl(struct cli *c, const struct asked *q)
{
	uint64_t every = 0;
	struct reply r;
	if (q->every && str_u64(str_of(q->every), &every)) return usage_error(c, SAY_NOT_NUMBER, q->every);
	json_t *body = json_pack("{s:s}", "provider", q->crawl);
	if (every) json_put_u64(body, "interval", every);
	struct call add = {
	    .method = "POST", .path = client_path(c, "/participants/%s/sources", q->who), .json = body};
	int status = client_call(c, &add, &r);
	if (!status && c->json) print_json(r.json);
	if (!status && !c->json && !c->quiet) fprintf(stderr, "%s\n", say(SAY_CRAWLS));
	return status;
}

/* The node forgets some thousands at a time: 202 until all are gone. */
static int forget(struct cli *c, const struct asked *q)
{
	struct reply r = {0};
	int status;
	do {
		struct call drop = {.method = "DELETE",
				    .path = client_path(c, "/participants/%s/sources/%s", q->who,
							path_word(c, q->forget, false))};
		status = client_call(c, &drop, &r);
	} while (!status && json_is_object(r.json) && json_object_get(r.json, "removed"));
	return status;
}

int command_catalog(struct cli *c, int argc, char **argv)
{
	struct asked q = {0};
	struct words words;
	const struct option_row rows[] = {{"format", &q.format, NULL},       {"text", &q.text, NULL},
					  {"keyword", &q.keyword, NULL},     {"crawl", &q.crawl, NULL},
					  {"forget", &q.forget, NULL},       {"every", &q.every, NULL},
					  {"federated", NULL, &q.federated}, {"sources", NULL, &q.sources}};
	int status = options_read(c, argc, argv, rows, sizeof rows / sizeof *rows, &words);
	if (status) return status;
	if (words.n > 1) return usage_error(c, SAY_EXTRA_WORD, words.word[1]);
	if (q.format && words.n && str_find(str_of(words.word[0]), ':') < strlen(words.word[0]))
		return usage_error(c, SAY_FORMAT_IS_OWN, words.word[0]);
	q.who = client_participant(c);
	if (!q.who) return CLI_USAGE;
	if (words.n) q.provider = words.word[0];
	if (q.crawl) return crawl(c, &q);
	if (q.forget) return forget(c, &q);
	if (q.sources) return sources(c, &q);
	if (q.federated) return federated(c, &q);
	if (q.format) return exported(c, &q);
	return q.provider ? of_partner(c, &q) : own(c, &q);
}
