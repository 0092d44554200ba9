/* Names of GTINs in the Object Name Service (ONS 2.0.1). */
#include "proto/id/gs1_message.h"

static struct str gtin_of(const struct gs1_message *m)
{
	if (m->key == GS1_NONE || !str_is(m->elements[m->key].ai, "01")) return STR_NONE;
	return m->elements[m->key].value;
}

/* Without the check digit: the first digit stays first, those behind it come in reverse. */
enum err gs1_write_ons(struct arena *a, const struct gs1_message *m, struct str *ret)
{
	static const char zone[] = "gtin.gs1.id.onsepc.com.";
	struct str gtin = gtin_of(m);
	if (!gtin.p) return ERR_UNSUPPORTED;
	size_t n = 0, digits = gtin.n - 1;
	char *to = arena_bytes(a, 2 * digits + sizeof zone);
	if (!to) return ERR_NO_MEMORY;
	to[n++] = gtin.p[0];
	to[n++] = '.';
	for (size_t i = digits; i-- > 1;) {
		to[n++] = gtin.p[i];
		to[n++] = '.';
	}
	memcpy(to + n, zone, sizeof zone);
	*ret = str_n(to, n + sizeof zone - 1);
	return ERR_OK;
}

enum err gs1_write_aus(struct arena *a, const struct gs1_message *m, struct str language, struct str *ret)
{
	struct str gtin = gtin_of(m);
	if (!gtin.p) return ERR_UNSUPPORTED;
	*ret = arena_printf(a, "|%.*s|gtin|%.*s", STR_ARG(language), STR_ARG(gtin));
	return ret->p ? ERR_OK : ERR_NO_MEMORY;
}
