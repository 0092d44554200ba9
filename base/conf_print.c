#include <inttypes.h>

#include "base/conf_value.h"

static bool first_of_section(const struct conf *c, size_t row)
{
	for (size_t i = 0; i < row; i++)
		if (strcmp(c->rows[i].section, c->rows[row].section) == 0) return false;
	return true;
}

/* The next row of the section of row `at`, from `at` on; c->n at the end. */
static size_t next_of_section(const struct conf *c, size_t first, size_t at)
{
	while (at < c->n && strcmp(c->rows[at].section, c->rows[first].section) != 0) at++;
	return at;
}

static void comment(struct buf *out, struct str text)
{
	struct str line;
	while (str_split(&text, '\n', &line)) buf_printf(out, "# %.*s\n", STR_ARG(line));
}

static void print_origin(const struct conf *c, size_t row, struct buf *out)
{
	const struct conf_value *v = &c->values[row];
	buf_add(out, STR("# "));
	switch (v->source) {
	case CONF_STANDARD: buf_add(out, str_of(say(SAY_CONF_FROM_STANDARD))); break;
	case CONF_FILE: buf_printf(out, say(SAY_CONF_FROM_FILE), c->file, v->line); break;
	case CONF_ENVIRONMENT: {
		struct arena *a = arena_new(CONF_WHY * 2);
		const char *name = a ? conf__variable(a, &c->rows[row]) : NULL;
		buf_printf(out, say(SAY_CONF_FROM_ENVIRONMENT), name ? name : "");
		arena_free(a);
		break;
	}
	case CONF_ARGUMENT: buf_add(out, str_of(say(SAY_CONF_FROM_ARGUMENT))); break;
	}
	buf_byte(out, '\n');
}

void conf_print(const struct conf *c, bool help, struct buf *out)
{
	for (size_t s = 0; s < c->n; s++) {
		if (!first_of_section(c, s)) continue;
		buf_printf(out, "%s[%s]\n", s ? "\n" : "", c->rows[s].section);
		for (size_t i = s; i < c->n; i = next_of_section(c, s, i + 1)) {
			const struct conf_row *row = &c->rows[i];
			const char *text = say_language() == SAY_ZH ? row->help_zh : row->help;
			if (help && text) comment(out, str_of(text));
			print_origin(c, i, out);
			buf_printf(out, "%s = %s\n", row->key, c->values[i].text);
		}
	}
}

static void print_json_value(const struct conf_row *row, const struct conf_value *v, struct buf *out)
{
	switch (row->kind) {
	case CONF_NUMBER:
	case CONF_SIZE:
	case CONF_DURATION: buf_printf(out, "%" PRId64, v->number); break;
	case CONF_SWITCH: buf_add(out, v->number ? STR("true") : STR("false")); break;
	case CONF_LIST:
		for (size_t i = 0; i < v->list_n; i++) {
			buf_byte(out, i ? ',' : '[');
			buf_json(out, str_of(v->list[i]));
		}
		buf_add(out, v->list_n ? STR("]") : STR("[]"));
		break;
	case CONF_TEXT:
	case CONF_PATH:
	case CONF_LISTEN:
	case CONF_CHOICE: buf_json(out, str_of(v->text)); break;
	}
}

void conf_print_json(const struct conf *c, struct buf *out)
{
	static const char *const sources[] = {"default", "file", "environment", "argument"};
	buf_byte(out, '{');
	for (size_t s = 0; s < c->n; s++) {
		if (!first_of_section(c, s)) continue;
		if (s) buf_byte(out, ',');
		buf_json(out, str_of(c->rows[s].section));
		buf_add(out, STR(":{"));
		for (size_t i = s; i < c->n; i = next_of_section(c, s, i + 1)) {
			if (i != s) buf_byte(out, ',');
			buf_json(out, str_of(c->rows[i].key));
			buf_add(out, STR(":{\"value\":"));
			print_json_value(&c->rows[i], &c->values[i], out);
			buf_printf(out, ",\"source\":\"%s\"}", sources[c->values[i].source]);
		}
		buf_byte(out, '}');
	}
	buf_byte(out, '}');
}
