#include "net/zip.h"

#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16 /* the largest window, and a gzip header instead of zlib's own */ };

static bool refused(struct str params)
{
	struct str p;

	while (str_split(&params, ';', &p)) {
		p = str_trim(p);
		if (p.n < 3 || (p.p[0] | 0x20) != 'q' || p.p[1] != '=') continue;
		for (size_t i = 2; i < p.n; i++)
			if (p.p[i] >= '1' && p.p[i] <= '9') return false;
		return true;
	}
	return false;
}

bool net_takes_gzip(const struct net_req *r)
{
	struct str left = net_header(r, "accept-encoding"), part;
	bool any = false;

	if (!left.p) return false;
	while (str_split(&left, ',', &part)) {
		size_t n = str_find(part, ';');
		struct str name = str_trim(str_first(part, n));
		struct str params = n < part.n ? str_skip(part, n + 1) : STR_NONE;

		if (str_eq_nocase(name, STR("gzip"))) return !refused(params);
		if (str_is(name, "*")) any = !refused(params);
	}
	return any;
}

enum err zip_pack(struct arena *a, struct str s, struct str *ret)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)s.p, .avail_in = (uInt)s.n};
	uLong room;
	char *out;
	int done;

	if (s.n > UINT32_MAX / 2) return ERR_TOO_LARGE;
	if (deflateInit2(&z, ZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return ERR_NO_MEMORY;
	room = deflateBound(&z, (uLong)s.n);
	out = arena_bytes(a, room);
	if (!out) {
		deflateEnd(&z);
		return ERR_NO_MEMORY;
	}
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)room;
	done = deflate(&z, Z_FINISH);
	*ret = str_n(out, room - z.avail_out);
	deflateEnd(&z);
	return done == Z_STREAM_END ? ERR_OK : ERR_INTERNAL;
}

void net_reply_zip(struct net_req *r, int status, const char *type, struct str body)
{
	struct str packed;

	net_set(r, "vary", STR("accept-encoding, authorization"));
	if (body.n >= ZIP_LEAST && net_takes_gzip(r) && !zip_pack(r->arena, body, &packed)) {
		net_set(r, "content-encoding", STR("gzip"));
		body = packed;
	}
	net_reply(r, status, type, body);
}
