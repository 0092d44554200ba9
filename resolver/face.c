#include "resolver/face.h"

#include <stdio.h>

#include "base/retell.h"

enum { ROWS_MAX = 128, PROBLEM_MAX = 1 << 20 };

enum err face_routes(struct arena *a, bool china, struct net_routes *ret)
{
	const struct {
		const struct net_route *rows;
		size_t n;
	} parts[] = {{face_resolve_rows, face_resolve_rows_n},
		     {face_registry_rows, face_registry_rows_n},
		     {face_delegation_rows, face_delegation_rows_n},
		     {face_credential_rows, face_credential_rows_n},
		     {face_list_rows, face_list_rows_n},
		     {face_find_rows, face_find_rows_n},
		     {face_history_rows, face_history_rows_n},
		     {face_node_rows, face_node_rows_n},
		     {face_series_rows, face_series_rows_n},
		     {face_enterprise_rows, face_enterprise_rows_n},
		     {face_dossier_rows, face_dossier_rows_n},
		     {face_account_rows, face_account_rows_n},
		     {face_statistics_rows, face_statistics_rows_n},
		     {face_template_rows, face_template_rows_n},
		     {face_report_rows, face_report_rows_n},
		     {face_snms_rows, china ? face_snms_rows_n : 0},
		     {face_doip_rows, china ? face_doip_rows_n : 0},
		     {face_meta_rows, china ? face_meta_rows_n : 0},
		     {face_import_rows, face_import_rows_n},
		     {face_export_rows, face_export_rows_n}};
	struct net_route *rows = ARENA_ARRAY(a, struct net_route, ROWS_MAX);
	size_t n = 0;
	if (!rows) return ERR_NO_MEMORY;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		must(n + parts[i].n <= ROWS_MAX);
		memcpy(rows + n, parts[i].rows, parts[i].n * sizeof *rows);
		n += parts[i].n;
	}
	*ret = (struct net_routes){.rows = rows, .n = n};
	return ERR_OK;
}

enum err face_id(struct net_req *r, struct flaw *f, struct id *ret)
{
	struct str text;
	enum err e = net_decode(r->arena, r->param[0], f, &text);
	return e ? e : id_parse(r->arena, text, f, ret);
}

bool face_content(const struct net_req *r, const char *media_type)
{
	struct str type = net_header(r, "content-type");
	if (!type.n) return strcmp(media_type, MEDIA_JSON) == 0;
	type = str_trim(str_first(type, str_find(type, ';')));
	return str_eq_nocase(type, str_of(media_type));
}

enum err face_proto_err(enum err e, struct flaw *f)
{
	if (e != ERR_UNSUPPORTED) return e;
	f->err = ERR_BAD_PROTO;
	snprintf(f->rule, sizeof f->rule, "message-version");
	return ERR_BAD_PROTO;
}

static void free_buf(void *arg)
{
	buf_done(arg);
}

struct buf *face_buf(struct net_req *r, size_t max)
{
	struct buf *b = ARENA_NEW(r->arena, struct buf);
	if (!b) return NULL;
	buf_init(b, max);
	return arena_on_reset(r->arena, free_buf, b) ? NULL : b;
}

static void put_type(struct buf *b, enum err e)
{
	buf_add(b, STR("\"type\":\"urn:kanhe:problem:"));
	for (const char *p = err_name(e); *p; p++)
		buf_byte(b, *p == '_' ? '-' : (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p));
	buf_add(b, STR("\",\"title\":"));
}

void face_problem_members(struct net_req *r, enum err e, const struct flaw *f, struct buf *out)
{
	struct str header = net_header(r, "accept-language");
	bool zh = header.n && say_accepted(header) == SAY_ZH;
	put_type(out, e);
	buf_json(out, str_of(zh ? err_text_zh(e) : err_text(e)));
	buf_add(out, STR(",\"status\":"));
	buf_u64(out, (uint64_t)err_http(e));
	if (!f) return;
	if (f->text[0]) {
		buf_add(out, STR(",\"detail\":"));
		buf_json(out, retell_flaw(zh ? SAY_ZH : SAY_EN, r->arena, f));
	}
	if (f->offset != FLAW_NO_OFFSET) {
		buf_add(out, STR(",\"offset\":"));
		buf_u64(out, f->offset);
	}
	if (f->at[0]) {
		buf_add(out, STR(",\"field\":"));
		buf_json(out, str_of(f->at));
	}
	if (f->rule[0]) {
		buf_add(out, STR(",\"rule\":"));
		buf_json(out, str_of(f->rule));
	}
}

void face_problem(struct net_req *r, enum err e, const struct flaw *f, struct str more)
{
	struct buf *b = face_buf(r, PROBLEM_MAX);
	if (!b) {
		net_reply_err(r, e, f);
		return;
	}
	buf_byte(b, '{');
	face_problem_members(r, e, f, b);
	buf_add(b, STR(",\"request_id\":"));
	buf_json(b, r->id);
	if (more.n) buf_byte(b, ',');
	buf_add(b, more);
	buf_add(b, STR("}\n"));
	if (buf_err(b))
		net_reply_err(r, e, f);
	else
		net_reply(r, err_http(e), "application/problem+json", buf_str(b));
}

void face_json(struct net_req *r, int status, json_t *j)
{
	struct str text = j ? json_write(r->arena, j, false) : STR_NONE;
	if (text.p)
		net_reply(r, status, MEDIA_JSON, text);
	else
		net_reply_err(r, ERR_NO_MEMORY, NULL);
}

enum err face_scope(struct net_req *r, struct scope *ret)
{
	const struct principal *p = r->principal;
	must(p);
	return scope_parse(r->arena, p->scope, ret);
}

enum err scope_parse(struct arena *a, struct str text, struct scope *ret)
{
	struct scope s = {.all = false};
	struct str rest = text, part;
	size_t items = 1;
	for (size_t i = 0; i < text.n; i++) items += text.p[i] == ' ';
	s.prefixes = ARENA_ARRAY(a, struct id_prefix, items);
	if (!s.prefixes) return ERR_NO_MEMORY;
	while (str_split(&rest, ' ', &part)) {
		if (!part.n || part.p[0] == '@') continue;
		if (str_is(part, "*"))
			s.all = true;
		else if (!id_prefix_parse(a, part, NULL, &s.prefixes[s.n]))
			s.n++;
	}
	*ret = s;
	return ERR_OK;
}

bool scope_covers(const struct scope *s, struct str key)
{
	for (size_t i = 0; i < s->n; i++)
		if (id_prefix_covers(s->prefixes[i].key, key)) return true;
	return s->all;
}
