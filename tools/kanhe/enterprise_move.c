/* kanhe enterprise export, hand-over: an enterprise goes to another node. */
#include "tools/kanhe/enterprise.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "proto/id/id.h"

enum { DAYS_STANDARD = 365, DAYS_MAX = 36500 };
#define NO_DATA_FOR (120 * USEC_PER_SEC)

/* ---- export ----------------------------------------------------------------------------- */

static int append_file(struct cli *c, FILE *to, const char *part)
{
	char piece[1 << 16];
	size_t n;
	FILE *f = fopen(part, "re");
	bool ok = f != NULL;
	while (ok && (n = fread(piece, 1, sizeof piece, f)) > 0) ok = fwrite(piece, 1, n, to) == n;
	ok = ok && !ferror(f);
	if (!ok) print_error(c, say(SAY_CANNOT_READ), part, strerror(errno));
	if (f) fclose(f);
	return ok ? CLI_OK : CLI_FAILED;
}

static int write_prefix(struct cli *c, const char *prefix, FILE *to, const char *part)
{
	struct reply r;
	struct call call = {.method = "GET",
			    .path = client_path(c, "/exports?format=ndjson&status=all&prefix=%s",
						path_word(c, prefix, false)),
			    .accept = "*/*",
			    .to_file = part,
			    .expect = CLIENT_EXPECT_ANY,
			    .deadline = NO_DATA_FOR};
	int status = client_call(c, &call, &r);
	if (!status && strcmp(part, "-") != 0) status = append_file(c, to, part);
	if (strcmp(part, "-") != 0) unlink(part);
	return status;
}

int enterprise_records(struct cli *c, const char *code, const char *file)
{
	struct reply r;
	size_t i;
	const json_t *p;
	bool out = strcmp(file, "-") == 0;
	int status = enterprise_call(c, "GET", code, "", NULL, &r);
	if (status) return status;
	const char *part = out ? "-" : arena_printf(c->arena, "%s.part", file).p;
	FILE *f = out ? stdout : fopen(file, "we");
	if (!f) {
		print_error(c, say(SAY_CANNOT_WRITE), file, strerror(errno));
		return CLI_FAILED;
	}
	json_array_foreach(json_object_get(r.json, "prefixes"), i, p)
	{
		if (!status) status = write_prefix(c, json_string_value(p), f, part);
	}
	if (fflush(f) || (!out && fclose(f))) {
		print_error(c, say(SAY_CANNOT_WRITE), file, strerror(errno));
		status = CLI_FAILED;
	}
	return status;
}

int enterprise_export(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	if (w->n < 2) return usage_error(c, SAY_MISSING_WORD, "CODE");
	return enterprise_records(c, w->word[1], o->out ? o->out : "-");
}

/* ---- hand-over -------------------------------------------------------------------------- */

/* A node that does not answer for the prefixes would be led to in vain. */
static int check_authority(struct cli *c, const json_t *node, const json_t *prefixes)
{
	size_t i, k;
	const json_t *p, *a;
	json_array_foreach(prefixes, i, p)
	{
		struct id_prefix want, has;
		bool covered = false;
		if (id_prefix_parse(c->arena, json_text(p), NULL, &want)) continue;
		json_array_foreach(json_object_get(node, "authority"), k, a)
		{
			if (!id_prefix_parse(c->arena, json_text(a), NULL, &has))
				covered |= id_prefix_covers(has.key, want.key);
		}
		if (covered) continue;
		print_error(c, say(SAY_ENTERPRISE_NOT_THERE), text_of(node, "name"), STR_ARG(want.text));
		return CLI_FAILED;
	}
	return CLI_OK;
}

int enterprise_hand_over(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	struct reply own, node;
	uint64_t days = DAYS_STANDARD;
	if (w->n < 2) return usage_error(c, SAY_MISSING_WORD, "CODE");
	if (!o->to) return usage_error(c, SAY_MISSING_WORD, "--to NODE");
	if (o->days && (str_u64(str_of(o->days), &days) || !days || days > DAYS_MAX))
		return usage_error(c, SAY_NOT_DAYS, o->days);
	/* before this node is opened: each folder has an authority of its own */
	int status = client_ask_node(c, o->to, &node);
	if (!status) status = enterprise_call(c, "GET", w->word[1], "", NULL, &own);
	if (!status) status = check_authority(c, node.json, json_object_get(own.json, "prefixes"));
	if (!status && o->out) status = enterprise_records(c, w->word[1], o->out);
	usec_t until = clock_wall() + (usec_t)days * USEC_PER_DAY;
	return status
		   ? status
		   : enterprise_show(c, "POST", w->word[1], "hand-over", delegation_of(node.json, until));
}
