#include "proto/dsp/pointer.h"

#include <string.h>

struct str dsp_pointer(struct arena *a, const char *at)
{
	size_t n = strlen(at);
	char *p = arena_bytes(a, 2 * n + 2); /* each octet becomes at most two */
	struct str out = {p, 0};

	if (!p) return STR_NONE;
	if (n) p[out.n++] = '/';
	for (size_t i = 0; i < n; i++) {
		if (at[i] == '.')
			p[out.n++] = '/';
		else if (at[i] == '[' && out.n > 1)
			p[out.n++] = '/';
		else if (at[i] == '~' || at[i] == '/') {
			p[out.n++] = '~';
			p[out.n++] = at[i] == '~' ? '0' : '1';
		} else if (at[i] != '[' && at[i] != ']')
			p[out.n++] = at[i];
	}
	p[out.n] = 0;
	return out;
}
