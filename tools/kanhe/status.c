/* kanhe status, config: what a node is, holds and was told. */
#include "tools/kanhe/client.h"

#include "base/conf.h"
#include "tools/kanhed/settings.h"

enum { OUTPUT_MAX = 1 << 20 };

static void print_environment(const char *name, const json_t *env)
{
	if (!json_is_object(env)) return;
	printf("  %-10s %s %lld, %s %lld, %lld %s\n", name, say(SAY_FEED_HEAD),
	       (long long)json_integer_value(json_object_get(env, "feed_head")), say(SAY_LEDGER_SIZE),
	       (long long)json_integer_value(json_object_get(env, "ledger_size")),
	       (long long)json_integer_value(json_object_get(env, "file_octets")), say(SAY_OCTETS));
}

int command_status(struct cli *c, int argc, char **argv)
{
	struct words w;
	struct reply r;
	int status = options_read(c, argc, argv, NULL, 0, &w);
	if (status) return status;
	if (w.n) return usage_error(c, SAY_EXTRA_WORD, w.word[0]);
	status = client_call(c, &(struct call){.method = "GET", .path = "/status"}, &r);
	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	printf("%s  %s\n%s\n", text_of(r.json, "name"), text_of(r.json, "url"), text_of(r.json, "did"));
	if (text_of(r.json, "test_mode")[0]) {
		printf("  ");
		print_said(stdout, text_of(r.json, "test_mode"));
		putchar('\n');
	}
	printf("  kanhed %s, pid %lld, %lld s\n", text_of(r.json, "version"),
	       (long long)json_integer_value(json_object_get(r.json, "pid")),
	       (long long)json_integer_value(json_object_get(r.json, "uptime_seconds")));
	double memory = (double)json_integer_value(json_object_get(r.json, "memory_octets")) / 1048576;
	double all = (double)json_integer_value(json_object_get(r.json, "resident_octets")) / 1048576;
	printf(say(SAY_STATUS_MEMORY), memory, all - memory);
	print_environment("registry", json_object_get(r.json, "registry"));
	print_environment("space", json_object_get(r.json, "space"));
	if (text_of(r.json, "certificate_expires")[0])
		printf("  %s %s\n", say(SAY_CERTIFICATE_UNTIL), text_of(r.json, "certificate_expires"));
	return CLI_OK;
}

int command_config(struct cli *c, int argc, char **argv)
{
	bool explain = false;
	const char *sets[1] = {NULL};
	struct words w;
	struct buf out = BUF_INIT(OUTPUT_MAX), errors = BUF_INIT(OUTPUT_MAX);
	struct conf *conf;
	const struct option_row own[] = {{"explain", NULL, &explain}, {"set", &sets[0], NULL}};
	int status = options_read(c, argc, argv, own, 2, &w);
	if (status) return status;
	if (w.n > 1) return usage_error(c, SAY_EXTRA_WORD, w.word[1]);
	const char *file = w.n ? w.word[0] : client_path(c, "%s/kanhed.conf", c->node);
	enum err e = conf_load(settings_rows, settings_n, file, sets, sets[0] ? 1 : 0, &errors, &conf);
	if (e) {
		fprintf(stderr, "%.*s", STR_ARG(buf_str(&errors)));
		print_error(c, "%s: %s", file, err_text(e));
		status = CLI_FAILED;
	} else {
		if (c->json)
			conf_print_json(conf, &out);
		else
			conf_print(conf, explain, &out);
		printf("%.*s%s", STR_ARG(buf_str(&out)), c->json ? "\n" : "");
		conf_free(conf);
	}
	buf_done(&out);
	buf_done(&errors);
	return status;
}
