#include "base/conf_value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

enum {
	TEXT_MAX = 1024, /* of a row that names no maximum: longer than any path or URL in use here */
	ITEMS_MAX = 256, /* items of a list: more belong into a file of their own */
};

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit size_units[] = {{"TiB", INT64_C(1) << 40},
					 {"GiB", INT64_C(1) << 30},
					 {"MiB", INT64_C(1) << 20},
					 {"KiB", INT64_C(1) << 10},
					 {NULL, 1}};
static const struct unit duration_units[] = {{"d", INT64_C(86400000000)},
					     {"h", INT64_C(3600000000)},
					     {"m", INT64_C(60000000)},
					     {"s", INT64_C(1000000)},
					     {"ms", INT64_C(1000)},
					     {"us", INT64_C(1)},
					     {NULL, 0}};
static const struct unit no_units[] = {{NULL, 1}};

enum err conf__refuse(char why[CONF_WHY], enum say name, ...)
{
	va_list ap;
	va_start(ap, name);
	vsnprintf(why, CONF_WHY, say(name), ap);
	va_end(ap);
	return ERR_BAD_CONF;
}

const char *conf__variable(struct arena *a, const struct conf_row *row)
{
	struct str s = arena_printf(a, "KANHE_%s_%s", row->section, row->key);
	if (!s.p) return NULL;
	char *p = arena_strdup(a, s);
	for (size_t i = 0; p && p[i]; i++) p[i] = isalnum((unsigned char)p[i]) ? (char)toupper(p[i]) : '_';
	return p;
}

static const struct unit *units_of(enum conf_kind kind)
{
	return kind == CONF_SIZE ? size_units : kind == CONF_DURATION ? duration_units : no_units;
}

/* v in the largest unit that divides it. */
static const char *quantity(enum conf_kind kind, int64_t v, char out[32])
{
	const struct unit *u = units_of(kind);
	while (u->name && (v == 0 || v % u->factor)) u++;
	if (u->name)
		snprintf(out, 32, "%" PRId64 " %s", v / u->factor, u->name);
	else
		snprintf(out, 32, "%" PRId64, v);
	return out;
}

/* Digits, an optional minus sign (numbers only), blanks, a unit of the kind. Zero needs no unit. */
static bool quantity_parse(enum conf_kind kind, struct str s, int64_t *ret)
{
	bool minus = kind == CONF_NUMBER && str_starts(s, STR("-"));
	if (minus) s = str_skip(s, 1);
	size_t digits = 0;
	while (digits < s.n && isdigit((unsigned char)s.p[digits])) digits++;
	uint64_t v;
	if (str_u64(str_first(s, digits), &v) || v > INT64_MAX) return false;
	struct str unit = str_trim(str_skip(s, digits));
	const struct unit *u = units_of(kind);
	while (u->name && !str_is(unit, u->name)) u++;
	if (!u->name && unit.n) return false;
	if (!u->name && u->factor == 0 && v) return false;
	int64_t product;
	if (__builtin_mul_overflow((int64_t)v, u->factor, &product)) return false;
	*ret = minus ? -product : product;
	return true;
}

static enum err read_quantity(const struct conf_row *row, struct str text, char *why, struct conf_value *v)
{
	char least[32], most[32];
	enum say sentence = row->kind == CONF_NUMBER ? SAY_CONF_NOT_NUMBER
			    : row->kind == CONF_SIZE ? SAY_CONF_NOT_SIZE
						     : SAY_CONF_NOT_DURATION;
	if (!quantity_parse(row->kind, text, &v->number)) return conf__refuse(why, sentence);
	bool open = row->max == 0 && row->min >= 0;
	if (open && v->number < row->min)
		return conf__refuse(why, SAY_CONF_LEAST, quantity(row->kind, row->min, least));
	if (!open && (v->number < row->min || v->number > row->max))
		return conf__refuse(why, SAY_CONF_RANGE, quantity(row->kind, row->min, least),
				    quantity(row->kind, row->max, most));
	return ERR_OK;
}

static bool host_ok(struct str host)
{
	for (size_t i = 0; i < host.n; i++)
		if (!isalnum((unsigned char)host.p[i]) && !strchr(".-_", host.p[i])) return false;
	return host.n > 0;
}

static bool listen_ok(struct str s)
{
	char v6[INET6_ADDRSTRLEN];
	unsigned char address[16];
	uint64_t port;
	if (str_is(s, "off")) return true;
	size_t colon = str_rfind(s, ':');
	if (colon == s.n || str_u64(str_skip(s, colon + 1), &port) || port > 65535) return false;
	struct str host = str_first(s, colon);
	if (!str_starts(host, STR("["))) return host_ok(host);
	if (!str_ends(host, STR("]")) || host.n - 2 >= sizeof v6) return false;
	memcpy(v6, host.p + 1, host.n - 2);
	v6[host.n - 2] = 0;
	return inet_pton(AF_INET6, v6, address) == 1;
}

static bool choice_ok(const char *choices, struct str s)
{
	struct str rest = str_of(choices), one;
	while (str_split(&rest, '|', &one))
		if (str_eq(one, s)) return true;
	return false;
}

static bool item_end(char c)
{
	return c == ',' || c == ' ' || c == '\t';
}

static enum err read_list(struct conf *c, struct str text, char *why, struct conf_value *v)
{
	const char *items[ITEMS_MAX];
	size_t n = 0;
	for (size_t i = 0; i < text.n;) {
		size_t from = i;
		while (i < text.n && !item_end(text.p[i])) i++;
		if (i > from) {
			if (n == ITEMS_MAX) return conf__refuse(why, SAY_CONF_ITEMS, (int)ITEMS_MAX);
			items[n++] = arena_strdup(c->arena, str_n(text.p + from, i - from));
		}
		while (i < text.n && item_end(text.p[i])) i++;
	}
	v->list = ARENA_ARRAY(c->arena, const char *, n);
	v->list_n = n;
	if (v->list && n) memcpy(v->list, items, n * sizeof *items);
	return arena_overflowed(c->arena) ? ERR_NO_MEMORY : ERR_OK;
}

static enum err check_length(const struct conf_row *row, struct str text, char *why)
{
	int64_t most = row->max ? row->max : TEXT_MAX, least = row->min;
	if (!row->standard && least == 0 && row->kind != CONF_LIST) least = 1;
	if ((int64_t)text.n >= least && (int64_t)text.n <= most) return ERR_OK;
	return conf__refuse(why, SAY_CONF_TEXT_LENGTH, (long long)least, (long long)most);
}

/* What no file could say again is refused wherever it comes from: control characters, and a
 * semicolon that would begin a comment. */
static enum err check_sayable(struct str text, char *why)
{
	if (!str_utf8_ok(text, NULL)) return conf__refuse(why, SAY_CONF_CONTROL);
	for (size_t i = 0; i < text.n; i++) {
		unsigned char ch = (unsigned char)text.p[i];
		if ((ch < 0x20 && ch != '\t') || ch == 0x7f) return conf__refuse(why, SAY_CONF_CONTROL);
		if (ch == ';' && (i == 0 || text.p[i - 1] == ' ' || text.p[i - 1] == '\t'))
			return conf__refuse(why, SAY_CONF_COMMENT);
	}
	return ERR_OK;
}

/* Only texts and paths may have a '#' after a blank: elsewhere somebody meant a comment. */
static enum err check_hash(enum conf_kind kind, struct str text, char *why)
{
	if (kind == CONF_TEXT || kind == CONF_PATH) return ERR_OK;
	for (size_t i = 1; i < text.n; i++)
		if (text.p[i] == '#' && (text.p[i - 1] == ' ' || text.p[i - 1] == '\t'))
			return conf__refuse(why, SAY_CONF_HASH);
	return ERR_OK;
}

static const char *absolute(struct conf *c, struct str path)
{
	while (str_starts(path, STR("./"))) path = str_skip(path, 2);
	if (!path.n || path.p[0] == '/') return arena_strdup(c->arena, path);
	const char *slash = strcmp(c->folder, "/") == 0 ? "" : "/";
	return arena_printf(c->arena, "%s%s%.*s", c->folder, slash, STR_ARG(path)).p;
}

enum err conf__value(struct conf *c, const struct conf_row *row, struct str text, char why[CONF_WHY],
		     struct conf_value *ret)
{
	struct conf_value v = {0};
	text = str_trim(text);
	enum err e = check_sayable(text, why);
	if (!e) e = check_hash(row->kind, text, why);
	if (e) return e;
	switch (row->kind) {
	case CONF_TEXT:
	case CONF_PATH: e = check_length(row, text, why); break;
	case CONF_NUMBER:
	case CONF_SIZE:
	case CONF_DURATION: e = read_quantity(row, text, why, &v); break;
	case CONF_SWITCH:
		v.number = str_is(text, "yes");
		if (!v.number && !str_is(text, "no")) e = conf__refuse(why, SAY_CONF_NOT_SWITCH);
		break;
	case CONF_LISTEN:
		if (!listen_ok(text)) e = conf__refuse(why, SAY_CONF_NOT_LISTEN);
		break;
	case CONF_CHOICE:
		if (!choice_ok(row->choices, text))
			e = conf__refuse(why, SAY_CONF_NOT_CHOICE, row->choices);
		break;
	case CONF_LIST:
		e = check_length(row, text, why);
		if (!e) e = read_list(c, text, why, &v);
		break;
	}
	if (e) return e;
	v.text = row->kind == CONF_PATH ? absolute(c, text) : arena_strdup(c->arena, text);
	if (!v.text) return ERR_NO_MEMORY;
	*ret = v;
	return ERR_OK;
}
