/* kanhe export: all records under a prefix into a file, which gets its name once it is whole. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "proto/bulk/bulk.h"
#include "tools/kanhe/client.h"

#define NO_DATA_FOR (120 * USEC_PER_SEC)

static int choose_form(struct cli *c, const char *format, const char *to, enum bulk_form *ret)
{
	*ret = BULK_NDJSON;
	if (format)
		return bulk_form_find(str_of(format), ret) ? usage_error(c, SAY_IMPORT_FORM, format)
							   : CLI_OK;
	if (to && str_ends(str_of(to), STR(".csv"))) *ret = BULK_CSV;
	if (to && (str_ends(str_of(to), STR(".pb")) || str_ends(str_of(to), STR(".binpb"))))
		*ret = BULK_PROTOBUF;
	return CLI_OK;
}

static int fetch(struct cli *c, const char *path, const char *to)
{
	struct reply r;
	bool file = to && strcmp(to, "-") != 0;
	const char *part = file ? arena_printf(c->arena, "%s.part", to).p : "-";
	struct call call = {.method = "GET",
			    .path = path,
			    .accept = "*/*",
			    .to_file = part,
			    .expect = file ? CLIENT_EXPECT_ANY : 0,
			    .deadline = NO_DATA_FOR};
	int status = client_call(c, &call, &r);
	if (!file) return status;
	if (status) {
		unlink(part);
		return status;
	}
	if (!rename(part, to)) return CLI_OK;
	print_error(c, say(SAY_CANNOT_WRITE), to, strerror(errno));
	return CLI_FAILED;
}

static void tell(struct cli *c, const char *to, enum bulk_form form, double seconds)
{
	struct stat st = {0};
	if (!to || strcmp(to, "-") == 0 || c->quiet || stat(to, &st)) return;
	if (!c->json) {
		printf(say(SAY_EXPORTED), to, (unsigned long long)st.st_size, seconds);
		return;
	}
	json_t *o = json_object();
	json_put_str(o, "file", str_of(to));
	json_put_str(o, "format", str_of(bulk_form_name(form)));
	json_put_u64(o, "octets", (uint64_t)st.st_size);
	json_put(o, "seconds", json_real(seconds));
	print_json(o);
	json_decref(o);
}

int command_export(struct cli *c, int argc, char **argv)
{
	const char *format = NULL, *to = NULL, *columns = NULL, *status_of = NULL, *series = NULL;
	enum bulk_form form;
	struct words words;
	const struct option_row own[] = {{"format", &format, NULL},
					 {"to", &to, NULL},
					 {"columns", &columns, NULL},
					 {"status", &status_of, NULL},
					 {"series", &series, NULL}};
	int status = options_read(c, argc, argv, own, sizeof own / sizeof *own, &words);
	if (status) return status;
	if (!words.n) return usage_error(c, SAY_MISSING_WORD, "PREFIX");
	if (words.n > 1) return usage_error(c, SAY_EXTRA_WORD, words.word[1]);
	status = choose_form(c, format, to, &form);
	if (!status) status = client_open(c);
	if (status) return status;
	usec_t from = clock_mono();
	const char *path = client_path(
	    c, "/exports?prefix=%s&format=%s%s%s", path_word(c, words.word[0], false), bulk_form_name(form),
	    columns ? "&columns=" : "", columns ? path_word(c, columns, false) : "");
	if (status_of) path = client_path(c, "%s&status=%s", path, path_word(c, status_of, false));
	if (series) path = client_path(c, "%s&series=%s", path, path_word(c, series, false));
	status = fetch(c, path, to);
	if (!status) tell(c, to, form, (double)(clock_mono() - from) / USEC_PER_SEC);
	return status;
}
