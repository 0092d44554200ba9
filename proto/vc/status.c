#include "proto/vc/status.h"

#include <zlib.h>

#include "base/text64.h"

enum { GZIP = 16 + MAX_WBITS };

static enum err refuse(struct flaw *f, enum err e, const char *rule, const char *why)
{
	return flaw_set(f, e, FLAW_NO_OFFSET, "encodedList", rule, "the list %s", why);
}

static enum err decode(struct arena *a, struct str text, struct flaw *f, struct str *ret)
{
	if (text.n > VC_STATUS_TEXT_MAX) return refuse(f, ERR_TOO_LARGE, "size", "is longer than 1 MiB");
	if (str_starts(text, STR("u"))) text = str_skip(text, 1);
	enum err e = base64url_parse(a, text, ret);
	if (e == ERR_BAD_INPUT) e = base64_parse(a, text, ret);
	if (e == ERR_BAD_INPUT) return refuse(f, e, "base64url", "is not base64url");
	return e;
}

/* A bomb is found by the room it gets: octets that would not fit are never made. */
enum err vc_status_unpack(struct arena *a, struct str text, struct flaw *f, struct str *ret)
{
	struct str packed;
	enum err e = decode(a, text, f, &packed);
	if (e) return e;
	char *out = arena_bytes(a, VC_STATUS_OCTETS_MAX);
	z_stream z = {.next_in = (unsigned char *)(uintptr_t)packed.p,
		      .avail_in = (unsigned)packed.n,
		      .next_out = (unsigned char *)out,
		      .avail_out = VC_STATUS_OCTETS_MAX};
	if (!out || inflateInit2(&z, GZIP) != Z_OK) return ERR_NO_MEMORY;
	int status = inflate(&z, Z_FINISH);
	size_t n = z.total_out;
	bool all = !z.avail_in;
	inflateEnd(&z);
	if (status == Z_BUF_ERROR && n == VC_STATUS_OCTETS_MAX)
		return refuse(f, ERR_TOO_LARGE, "size", "is larger than 2 MiB when unpacked");
	if (status != Z_STREAM_END || !all) return refuse(f, ERR_BAD_INPUT, "gzip", "is not gzip");
	*ret = str_n(out, n);
	return ERR_OK;
}

struct str vc_status_pack(struct arena *a, struct str octets, bool multibase)
{
	z_stream z = {0};
	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return STR_NONE;
	size_t room = deflateBound(&z, octets.n);
	char *out = arena_bytes(a, room);
	if (!out) {
		deflateEnd(&z);
		return STR_NONE;
	}
	z.next_in = (unsigned char *)(uintptr_t)octets.p;
	z.avail_in = (unsigned)octets.n;
	z.next_out = (unsigned char *)out;
	z.avail_out = (unsigned)room;
	must(deflate(&z, Z_FINISH) == Z_STREAM_END);
	size_t n = z.total_out;
	deflateEnd(&z);
	if (!multibase) return base64_write(a, str_n(out, n));
	struct str text = base64url_write(a, str_n(out, n));
	return text.p ? arena_printf(a, "u%.*s", STR_ARG(text)) : STR_NONE;
}

enum err vc_status_value(struct str octets, uint64_t index, unsigned size, struct flaw *f, unsigned *ret)
{
	uint64_t entries = size ? octets.n * 8 / size : 0;
	unsigned value = 0;

	if (entries < VC_STATUS_BITS)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "encodedList", "list-short",
				"the list has fewer than 131072 entries");
	if (index >= entries)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "statusListIndex", "list-index",
				"the status list has no such entry");
	for (uint64_t i = index * size; i < (index + 1) * size; i++)
		value = value << 1 | (((unsigned char)octets.p[i / 8] >> (7 - i % 8)) & 1);
	*ret = value;
	return ERR_OK;
}
