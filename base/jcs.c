/* Writing JSON: compact, for people, and the canonical form of RFC 8785 (JCS). */
#include <stdlib.h>

#include "base/json.h"
#include "base/json_number.h"

enum {
	WRITE_DEPTH_MAX = 2 * JSON_DEPTH_MAX, /* what was read may be wrapped, not without end */
	EXACT_MAX_BITS = 53                   /* whole numbers that a double holds exactly */
};

enum style { COMPACT, PRETTY, CANONICAL };

struct writer_state {
	struct buf *out;
	enum style style;
	int depth;
};

static enum err write_value(struct writer_state *w, const json_t *j);

static void new_line(struct writer_state *w)
{
	if (w->style != PRETTY) return;
	buf_byte(w->out, '\n');
	for (int i = 0; i < w->depth; i++) buf_add(w->out, STR("  "));
}

static enum err write_real(struct writer_state *w, double v)
{
	char text[JSON_NUMBER_TEXT];
	size_t n = json_number_print(v, text);
	buf_add(w->out, str_n(text, n));
	/* only canonical text may turn 3.0 into a whole number, as the RFC says it */
	if (w->style != CANONICAL && !memchr(text, '.', n) && !memchr(text, 'e', n))
		buf_add(w->out, STR(".0"));
	return ERR_OK;
}

static enum err write_integer(struct writer_state *w, json_int_t v)
{
	const json_int_t most = (json_int_t)1 << EXACT_MAX_BITS;
	if (w->style == CANONICAL && (v > most || v < -most)) return ERR_BAD_JSON;
	buf_printf(w->out, "%" JSON_INTEGER_FORMAT, v);
	return ERR_OK;
}

static enum err write_array(struct writer_state *w, const json_t *j)
{
	size_t i;
	const json_t *item;
	enum err e = ERR_OK;
	buf_byte(w->out, '[');
	w->depth++;
	json_array_foreach(j, i, item)
	{
		if (i) buf_byte(w->out, ',');
		new_line(w);
		e = write_value(w, item);
		if (e) return e;
	}
	w->depth--;
	if (json_array_size(j)) new_line(w);
	buf_byte(w->out, ']');
	return e;
}

struct member {
	struct str key;
	const json_t *value;
};

/* RFC 8785 3.2.3: by UTF-16 code units. Of UTF-8 that is the order of octets, but for U+E000 to
 * U+FFFF (0xEE, 0xEF), which come after the surrogates of all that begins with 0xF0 to 0xF4. */
static int by_utf16(const void *x, const void *y)
{
	const struct member *a = x, *b = y;
	size_t n = a->key.n < b->key.n ? a->key.n : b->key.n;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)a->key.p[i], d = (unsigned char)b->key.p[i];
		if (c == d) continue;
		if (c >= 0xee && d >= 0xee && (c >= 0xf0) != (d >= 0xf0)) return c >= 0xf0 ? -1 : 1;
		return c < d ? -1 : 1;
	}
	return a->key.n < b->key.n ? -1 : a->key.n > b->key.n;
}

static enum err write_members(struct writer_state *w, const struct member *m, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i) buf_byte(w->out, ',');
		new_line(w);
		buf_json(w->out, m[i].key);
		buf_add(w->out, w->style == PRETTY ? STR(": ") : STR(":"));
		enum err e = write_value(w, m[i].value);
		if (e) return e;
	}
	return ERR_OK;
}

static enum err write_object(struct writer_state *w, const json_t *j)
{
	json_t *obj = (json_t *)(uintptr_t)j; /* iterators of objects are not const */
	size_t n = json_object_size(obj), i = 0;
	struct member *m = calloc(n ? n : 1, sizeof *m);
	const char *key;
	json_t *value;
	if (!m) return ERR_NO_MEMORY;
	json_object_foreach(obj, key, value) m[i++] = (struct member){str_of(key), value};
	if (w->style == CANONICAL) qsort(m, n, sizeof *m, by_utf16);
	buf_byte(w->out, '{');
	w->depth++;
	enum err e = write_members(w, m, n);
	w->depth--;
	free(m);
	if (n) new_line(w);
	buf_byte(w->out, '}');
	return e;
}

static enum err write_value(struct writer_state *w, const json_t *j)
{
	if (w->depth > WRITE_DEPTH_MAX) return ERR_BAD_JSON;
	if (buf_err(w->out)) return buf_err(w->out);
	if (!j) return ERR_BAD_JSON;
	switch (json_typeof(j)) {
	case JSON_OBJECT: return write_object(w, j);
	case JSON_ARRAY: return write_array(w, j);
	case JSON_STRING: buf_json(w->out, json_text(j)); break;
	case JSON_INTEGER: return write_integer(w, json_integer_value(j));
	case JSON_REAL: return write_real(w, json_real_value(j));
	case JSON_TRUE: buf_add(w->out, STR("true")); break;
	case JSON_FALSE: buf_add(w->out, STR("false")); break;
	case JSON_NULL: buf_add(w->out, STR("null")); break;
	}
	return ERR_OK;
}

enum err json_jcs(const json_t *j, struct buf *out)
{
	struct writer_state w = {out, CANONICAL, 0};
	enum err e = write_value(&w, j);
	return e ? e : buf_err(out);
}

struct str json_write(struct arena *a, const json_t *j, bool pretty)
{
	struct buf b = BUF_INIT(SIZE_MAX / 2);
	struct writer_state w = {&b, pretty ? PRETTY : COMPACT, 0};
	char *z = NULL;
	size_t n = 0;
	enum err e = write_value(&w, j);
	if (!e && !buf_err(&b)) z = arena_strdup(a, buf_str(&b));
	n = b.n;
	buf_done(&b);
	return z ? str_n(z, n) : STR_NONE;
}
