#include "dataspace/link.h"

/* "https://host:port" of an URL; empty when it has none. */
static struct str origin(struct str url)
{
	size_t i = str_starts(url, STR("https://")) ? 8 : str_starts(url, STR("http://")) ? 7 : 0, n = i;

	while (n < url.n && url.p[n] != '/' && url.p[n] != '?' && url.p[n] != '#') n++;
	return n > i && i ? str_first(url, n) : STR_NONE;
}

bool link_allowed(struct str url, struct str base)
{
	struct str o = origin(url);

	if (!o.n || url.n > DS_URL_MAX || str_find(o, '@') < o.n || !str_eq_nocase(o, origin(base)))
		return false;
	for (size_t i = 0; i < url.n; i++)
		if ((unsigned char)url.p[i] <= ' ' || (unsigned char)url.p[i] >= 0x7f) return false;
	return true;
}

static bool rel_next(struct str params)
{
	struct str p;

	while (str_split(&params, ';', &p)) {
		size_t eq;

		p = str_trim(p);
		eq = str_find(p, '=');
		if (!str_eq_nocase(str_trim(str_first(p, eq)), STR("rel"))) continue;
		p = str_trim(str_skip(p, eq + 1));
		if (p.n >= 2 && p.p[0] == '"' && p.p[p.n - 1] == '"') p = str_n(p.p + 1, p.n - 2);
		return str_eq_nocase(p, STR("next"));
	}
	return false;
}

enum err link_next(struct arena *a, struct str field, struct str base, struct flaw *f, struct str *ret)
{
	*ret = STR("");
	while (field.n) {
		size_t open = str_find(field, '<'), close, end;
		struct str url;

		if (open == field.n) break;
		field = str_skip(field, open + 1);
		close = str_find(field, '>');
		if (close == field.n) break;
		url = str_first(field, close);
		field = str_skip(field, close + 1);
		end = str_find(field, '<'); /* parameters of this link end before the next one */
		if (!rel_next(str_first(field, str_find(str_first(field, end), ',')))) continue;
		if (url.n && url.p[0] == '/' && !str_starts(url, STR("//")))
			url = arena_printf(a, "%.*s%.*s", STR_ARG(origin(base)), STR_ARG(url));
		if (!link_allowed(url, base))
			return flaw_set(f, ERR_UPSTREAM, FLAW_NO_OFFSET, "link", "link",
					"the next page lies outside the partner's address");
		*ret = arena_dup(a, url);
		return ret->p ? ERR_OK : ERR_NO_MEMORY;
	}
	return ERR_OK;
}
