/* /api/v1/open: metadata templates, their classes and identifiers, identities and messages: what is read.
 */
#include <stdio.h>

#include "base/ledger.h"
#include "resolver/face_doip.h"

enum { SCAN_MAX = 100000 /* rows looked at for one page with a filter */ };

/* ---- pages ------------------------------------------------------------------------------ */

struct page {
	uint64_t number, size; /* number from 1 */
	usec_t from, to;       /* filter of times; 0: none */
	uint64_t seen;
	json_t *content;
	const char *bad; /* the parameter that is missing or wrong, NULL: none */
};

static enum err page_bad(struct page *p, const char *parameter)
{
	p->bad = parameter;
	return ERR_BAD_INPUT;
}

static enum err page_time(struct net_req *r, struct page *p, const char *name, usec_t *ret)
{
	struct str s;
	if (!net_query(r, name, &s) || !s.n) return ERR_OK;
	return china_time_parse(s, ret) ? page_bad(p, name) : ERR_OK;
}

static enum err page_read(struct net_req *r, struct page *p)
{
	uint64_t number = 0, size = DOIP_PAGE;
	*p = (struct page){.number = 1};
	if (net_query_number(r, "page", UINT32_MAX, NULL, &number)) return page_bad(p, "page");
	if (net_query_number(r, "size", DOIP_PAGE_MAX, NULL, &size)) return page_bad(p, "size");
	enum err e = page_time(r, p, "startTime", &p->from);
	if (!e) e = page_time(r, p, "endTime", &p->to);
	if (e) return e;
	/* the interface counts pages from 0 in some places and from 1 in others: both mean the first */
	p->number = number ? number : 1;
	p->size = size ? size : DOIP_PAGE;
	p->content = json_array();
	return ERR_OK;
}

static bool page_in_time(const struct page *p, usec_t t)
{
	return (!p->from || t >= p->from) && (!p->to || t <= p->to);
}

/* Counts one that fits; whether it stands on the page. */
static bool page_takes(struct page *p)
{
	uint64_t first = (p->number - 1) * p->size;
	uint64_t at = p->seen++;
	return at >= first && at - first < p->size;
}

static void page_reply(struct net_req *r, struct page *p)
{
	json_t *o = json_object();
	json_put_u64(o, "pageSize", p->size);
	json_put_u64(o, "pageNumber", p->number);
	json_put_u64(o, "totalCount", p->seen);
	json_put_u64(o, "totalPage", (p->seen + p->size - 1) / p->size);
	json_put(o, "content", p->content);
	doip_reply(r, DOIP_OK, NULL, o);
}

static void page_refuse(struct net_req *r, const struct page *p, enum err e)
{
	json_decref(p->content);
	if (p->bad)
		doip_refuse_parameter(r, p->bad);
	else
		doip_refuse(r, e, NULL);
}

/* ---- metadata --------------------------------------------------------------------------- */

/* A query parameter that people also write in quotes. */
static struct str parameter(struct net_req *r, const char *name)
{
	struct str s;
	if (!net_query(r, name, &s)) return STR_NONE;
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"') return str_n(s.p + 1, s.n - 2);
	return s;
}

static void get_info(struct net_req *r)
{
	struct session s;
	struct template t;
	struct doip_clock clock;
	struct str handle = parameter(r, "metaHandle");
	enum err e = doip_session(r, CHINA_READERS, &s);
	if (e) {
		doip_refuse(r, e, NULL);
		return;
	}
	if (!handle.n) {
		doip_refuse_parameter(r, "metaHandle");
		return;
	}
	e = templates_find_handle(rs__shard(r)->txn, r->arena, handle, &t);
	if (e) {
		doip_reply(r, DOIP_NO_META, NULL, NULL);
		return;
	}
	if (!doip_sees(r, &s, &t)) {
		doip_reply(r, DOIP_NO_META_RIGHT, NULL, NULL);
		return;
	}
	doip_clock_set(r, &t, &clock);
	doip_reply(r, DOIP_OK, NULL, doip_meta_info_write(&t, &clock.times));
}

struct metas {
	struct net_req *r;
	struct page page;
	struct str class, handle;
	uint64_t state;
	enum err err;
};

static bool one_meta(void *arg, struct str key, struct str json)
{
	struct metas *m = arg;
	struct doip_clock clock;
	struct template t;
	json_t *j;
	(void)key;
	struct arena_mark mark = arena_mark(m->r->arena);
	m->err = json_read_large(m->r->arena, json, NULL, &j);
	if (!m->err) m->err = template_read(m->r->arena, j, true, NULL, &t);
	if (m->err) return false;
	struct str class = t.classification.n ? t.classification : STR("UN_CLASSIFIED");
	struct str handle = arena_printf(m->r->arena, "%.*s/%.*s", STR_ARG(t.prefix), STR_ARG(t.version));
	bool fits = str_eq(class, m->class) && page_in_time(&m->page, t.created) &&
		    (!m->handle.n || str_eq(handle, m->handle)) &&
		    (m->state > 1 || m->state == t.published);
	if (fits && page_takes(&m->page)) {
		doip_clock_set(m->r, &t, &clock);
		must(!json_array_append_new(m->page.content, doip_meta_line_write(&t, &clock.times)));
	}
	arena_rollback(m->r->arena, mark);
	return true;
}

static void get_page(struct net_req *r)
{
	struct session s;
	struct id_prefix p;
	struct metas m = {.r = r,
			  .class = parameter(r, "classifyCode"),
			  .handle = parameter(r, "metaHandle"),
			  .state = 2};
	enum err e = doip_session(r, CHINA_READERS, &s);
	if (!e) e = page_read(r, &m.page);
	if (!e && net_query_number(r, "metaState", 1, NULL, &m.state)) e = page_bad(&m.page, "metaState");
	if (!e && !m.class.n) e = page_bad(&m.page, "classifyCode");
	struct str prefix = e ? STR_NONE : doip_prefix(r, &s);
	if (!e && (!prefix.p || id_prefix_parse(r->arena, prefix, NULL, &p))) e = ERR_FORBIDDEN;
	if (!e) e = templates_list(rs__shard(r)->txn, p.key, STR_NONE, one_meta, &m);
	if (!e) e = m.err;
	if (e)
		page_refuse(r, &m.page, e);
	else
		page_reply(r, &m.page);
}

static void get_classes(struct net_req *r)
{
	struct session s;
	struct id_prefix p;
	struct str json;
	json_t *list;
	enum err e = doip_session(r, CHINA_READERS, &s);
	struct str prefix = e ? STR_NONE : doip_prefix(r, &s);
	if (!e && (!prefix.p || id_prefix_parse(r->arena, prefix, NULL, &p))) e = ERR_FORBIDDEN;
	if (!e) e = templates_classes(rs__shard(r)->txn, p.key, &json);
	if (!e) e = json_read_large(r->arena, json, NULL, &list);
	if (e)
		doip_refuse(r, e, NULL);
	else
		doip_reply(r, DOIP_OK, NULL, doip_classes_write(list));
}

/* ---- identifiers of a template ---------------------------------------------------------- */

struct handles {
	struct net_req *r;
	struct page page;
	struct str only;
	uint64_t looked;
	enum err err;
};

static enum err first_leaf(void *arg, uint64_t leaf, struct str digests)
{
	(void)digests;
	*(uint64_t *)arg = leaf;
	return ERR_GONE; /* the first is enough */
}

/* Who registered it: the ledger says so. By its name, where its record has one. */
static struct str creator(struct net_req *r, const struct id *id)
{
	struct store_txn *txn = rs__shard(r)->txn;
	struct ledger_leaf entry;
	uint64_t leaf = 0;
	json_t *j;
	if (registry_history(txn, id, first_leaf, &leaf) != ERR_GONE || ledger_read(txn, leaf, &entry) ||
	    json_read(r->arena, entry.entry, NULL, &j))
		return STR("");
	struct str who = json_text(json_object_get(j, "who"));
	struct str handle = who.n ? session_handle(r->arena, who) : STR("");
	return handle.n ? doip_identity_text(r, handle, "NAME", handle) : STR("");
}

static void put_handle(struct handles *h, const struct id *id, const struct record_head *head)
{
	char updated[CHINA_TIME], made[CHINA_TIME];
	json_t *o = json_object();
	json_put_str(o, "handleName", head->id);
	json_put_str(o, "updateTime", str_of(china_time(head->modified, updated)));
	json_put_str(o, "createTime", str_of(china_time(head->created, made)));
	json_put_str(o, "createdBy", creator(h->r, id));
	must(!json_array_append_new(h->page.content, o));
}

static bool one_handle(void *arg, struct str text)
{
	struct handles *h = arg;
	struct arena_mark mark = arena_mark(h->r->arena);
	struct record_head head;
	struct str packed;
	struct id id;
	if (h->looked++ == SCAN_MAX) return false;
	if (h->only.n && !str_eq(text, h->only)) return true;
	h->err = id_parse(h->r->arena, text, NULL, &id);
	if (!h->err) h->err = registry_find(rs__shard(h->r)->txn, &id, &packed);
	if (!h->err) h->err = record_peek(packed, &head);
	if (!h->err && page_in_time(&h->page, head.modified) && page_takes(&h->page))
		put_handle(h, &id, &head);
	arena_rollback(h->r->arena, mark);
	return !h->err &&
	       h->page.seen < h->page.number * h->page.size + (h->page.from || h->page.to ? SCAN_MAX : 0);
}

/* Without a filter of times the count is known, and only the page itself is looked at. */
static enum err list_handles(struct handles *h, const struct template *t)
{
	struct store_txn *txn = rs__shard(h->r)->txn;
	bool all = h->only.n || h->page.from || h->page.to;
	uint64_t uses, skip = all ? 0 : (h->page.number - 1) * h->page.size;
	enum err e = templates_uses(txn, h->r->arena, t, &uses);
	h->page.seen = skip;
	if (!e && skip < uses) e = templates_each_use(txn, h->r->arena, t, skip, one_handle, h);
	if (!e) e = h->err;
	if (!all) h->page.seen = uses;
	return e;
}

static void get_handles(struct net_req *r)
{
	struct session s;
	struct template t;
	struct handles h = {.r = r, .only = parameter(r, "handleName")};
	enum err e = doip_session(r, CHINA_READERS, &s);
	struct str meta = parameter(r, "metaHandle");
	if (!e) e = page_read(r, &h.page);
	if (!e && !meta.n) e = page_bad(&h.page, "metaHandle");
	if (e) {
		page_refuse(r, &h.page, e);
		return;
	}
	e = templates_find_handle(rs__shard(r)->txn, r->arena, meta, &t);
	if (e) {
		json_decref(h.page.content);
		doip_reply(r, DOIP_NO_META, NULL, NULL);
		return;
	}
	if (!doip_owns(r, &s, &t)) {
		json_decref(h.page.content);
		doip_reply(r, DOIP_NO_META_RIGHT, NULL, NULL);
		return;
	}
	e = list_handles(&h, &t);
	if (e)
		page_refuse(r, &h.page, e);
	else
		page_reply(r, &h.page);
}

/* ---- identities and messages ------------------------------------------------------------ */

struct users {
	struct net_req *r;
	const struct session *s;
	json_t *list;
};

static enum err one_user(void *arg, const struct principal *p, struct str secret_sha256)
{
	struct users *u = arg;
	struct str handle = session_handle(u->r->arena, p->name);
	struct id id;
	(void)secret_sha256;
	if (!handle.p) return ERR_NO_MEMORY;
	size_t slash = str_find(handle, '/');
	if (slash == handle.n || id_parse(u->r->arena, handle, NULL, &id) ||
	    !china_covers(u->r, u->s, id.key))
		return ERR_OK;
	json_t *o = json_object();
	json_put_str(o, "name", doip_identity_text(u->r, handle, "NAME", str_skip(handle, slash + 1)));
	json_put_str(o, "userHandle", handle);
	json_put_str(o, "belongCompany",
		     doip_identity_text(u->r, handle, "COMPANY", str_first(handle, slash)));
	must(!json_array_append_new(u->list, o));
	return ERR_OK;
}

static void get_users(struct net_req *r)
{
	struct session s;
	struct users u = {.r = r, .s = &s, .list = json_array()};
	enum err e = doip_session(r, CHINA_READERS, &s);
	if (!e) e = access_each(rs__shard(r)->txn, rs_table_credential, one_user, &u);
	if (e) {
		json_decref(u.list);
		doip_refuse(r, e, NULL);
		return;
	}
	doip_reply(r, DOIP_DONE, NULL, u.list);
}

struct notices {
	struct net_req *r;
	struct page page;
};

static bool one_notice(void *arg, uint64_t number, struct str json)
{
	struct notices *n = arg;
	json_t *j;
	if (!page_takes(&n->page) || json_read(n->r->arena, json, NULL, &j)) return true;
	json_t *o = json_copy(j);
	json_put_u64(o, "id", number);
	must(!json_array_append_new(n->page.content, o));
	return true;
}

static void get_messages(struct net_req *r)
{
	struct session s;
	struct notices n = {.r = r};
	enum err e = doip_session(r, CHINA_READERS, &s);
	if (!e) e = page_read(r, &n.page);
	if (!e) e = templates_notices(rs__shard(r)->txn, s.handle, one_notice, &n);
	if (e)
		page_refuse(r, &n.page, e);
	else
		page_reply(r, &n.page);
}

const struct net_route face_meta_rows[] = {
    {NET_POST, "/api/v1/open/meta/create", doip_post_meta, 0, TEMPLATE_JSON_MAX, 0, "DOIP: makes metadata"},
    {NET_GET, "/api/v1/open/meta/info", get_info, 0, 0, 0, "DOIP: metadata in full"},
    {NET_PUT, "/api/v1/open/meta/update-basic-info", doip_put_meta_basic, 0, FACE_BODY, 0,
     "DOIP: changes the basic members of metadata"},
    {NET_PUT, "/api/v1/open/meta/update-item", doip_put_meta_items, 0, TEMPLATE_JSON_MAX, 0,
     "DOIP: changes the items of metadata"},
    {NET_PUT, "/api/v1/open/meta/publish-or-withdraw", doip_put_meta_state, 0, FACE_BODY, 0,
     "DOIP: publishes and withdraws metadata"},
    {NET_DELETE, "/api/v1/open/meta/delete", doip_delete_meta, 0, 0, 0,
     "DOIP: deletes metadata, all or none"},
    {NET_POST, "/api/v1/open/meta/baseon-create", doip_post_meta_copy, 0, FACE_BODY, 0,
     "DOIP: copies metadata"},
    {NET_POST, "/api/v1/open/meta/grant/info", doip_post_meta_grant, 0, FACE_BODY, 0,
     "DOIP: opens metadata to others"},
    {NET_GET, "/api/v1/open/meta/classify-query", get_classes, 0, 0, 0, "DOIP: the tree of classes"},
    {NET_GET, "/api/v1/open/meta/page", get_page, 0, 0, 0, "DOIP: metadata of a class"},
    {NET_GET, "/api/v1/open/handle/page", get_handles, 0, 0, 0, "DOIP: identifiers of metadata"},
    {NET_GET, "/api/v1/open/handle-user-group/list", get_users, 0, 0, 0,
     "DOIP: identities of the enterprise"},
    {NET_GET, "/api/v1/open/message/appMessage", get_messages, 0, 0, 0, "DOIP: what the identity was told"},
    {NET_POST, "/api/v1/open/classes-grant/item/batch-public", doip_post_public, 0, FACE_BODY, 0,
     "DOIP: opens attributes of a class to all"},
    {NET_POST, "/api/v1/open/classes-grant/authorization", doip_post_class_grant, 0, FACE_BODY, 0,
     "DOIP: opens attributes of a class to identities"},
    {NET_POST, "/api/v1/single-handle/authorization", doip_post_single_grant, 0, FACE_BODY, 0,
     "DOIP: opens one identifier to identities"},
};
const size_t face_meta_rows_n = sizeof face_meta_rows / sizeof *face_meta_rows;
