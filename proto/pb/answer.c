#include "proto/pb/answer.h"

#include "proto/id/id.h"
#include "proto/pb/kanhe.pb-c.h"
#include "proto/pb/message.h"

/* Field numbers of kanhe.proto. */
enum {
	VERSION = 1,
	KEY,
	ID,
	KIND,
	RECORD,
	DELEGATIONS,
	AUTHORITY,
	NODE,
	INCEPTION,
	EXPIRY,
	TTL,
	FEED_POSITION
};

enum { NODE_MAX = 2048 /* a DID */ };

static const struct pb_kind message_kind = {&kanhe__answer__descriptor, ANSWER_VERSION, ANSWER_PACKED_MAX};

const char *answer_kind_name(enum answer_kind k)
{
	switch (k) {
	case ANSWER_RECORD: return "record";
	case ANSWER_NOT_FOUND: return "not-found";
	case ANSWER_REFERRAL: return "referral";
	case ANSWER_RETIRED: return "retired";
	}
	return "";
}

/* What each kind carries: a record, a referral, or nothing. */
static enum err parts_check(const struct answer *m, struct flaw *f)
{
	bool record = m->kind == ANSWER_RECORD || m->kind == ANSWER_RETIRED;
	if (!*answer_kind_name(m->kind)) return pb_flaw(f, "value", "kind");
	if (!m->key.n || m->key.n > ID_KEY_MAX) return pb_flaw(f, "length", "key");
	if (!m->id.n || m->id.n > RECORD_ID_MAX) return pb_flaw(f, "length", "id");
	if (!m->authority.n || !id_prefix_covers(m->authority, m->key))
		return pb_flaw(f, "authority", "authority");
	if (!m->node.n || m->node.n > NODE_MAX) return pb_flaw(f, "length", "node");
	if (m->inception < 0 || m->expiry <= m->inception) return pb_flaw(f, "validity", "expiry");
	if (record != (m->record.n > 0)) return pb_flaw(f, record ? "missing" : "not-allowed", "record");
	if ((m->kind == ANSWER_REFERRAL) != (m->delegations_n > 0) ||
	    m->delegations_n > ANSWER_DELEGATIONS_MAX)
		return pb_flaw(f, "count", "delegations");
	return ERR_OK;
}

enum err answer_pack(const struct answer *m, struct buf *out)
{
	size_t from = out->n;
	must(!parts_check(m, NULL));
	pb_put_u64(out, VERSION, ANSWER_VERSION);
	pb_put_bytes(out, KEY, m->key);
	pb_put_bytes(out, ID, m->id);
	pb_put_u64(out, KIND, m->kind);
	pb_put_bytes(out, RECORD, m->record);
	for (size_t i = 0; i < m->delegations_n; i++) pb_put_element(out, DELEGATIONS, m->delegations[i]);
	pb_put_bytes(out, AUTHORITY, m->authority);
	pb_put_bytes(out, NODE, m->node);
	pb_put_u64(out, INCEPTION, (uint64_t)m->inception);
	pb_put_u64(out, EXPIRY, (uint64_t)m->expiry);
	pb_put_u64(out, TTL, m->ttl);
	pb_put_u64(out, FEED_POSITION, m->feed_position);
	return pb_done(out, from, ANSWER_PACKED_MAX);
}

/* Prepends where the inner message stood, so that "id" reads "record.id". */
static enum err within(struct flaw *f, const char *member, enum err e)
{
	char inner[sizeof f->at];
	if (!e || !f) return e;
	memcpy(inner, f->at, sizeof inner);
	f->at[0] = 0;
	size_t n = strlen(member), m = strlen(inner);
	if (n + 1 + m >= sizeof f->at) m = sizeof f->at - n - 2;
	memcpy(f->at, member, n);
	f->at[n] = '.';
	memcpy(f->at + n + 1, inner, m);
	f->at[n + 1 + m] = 0;
	f->offset = FLAW_NO_OFFSET; /* it counted from the inner message */
	return e;
}

static enum err inner_check(struct arena *a, const struct answer *m, struct flaw *f)
{
	struct record r;
	struct envelope env;
	enum err e = m->record.n ? record_unpack(a, m->record, f, &r) : ERR_OK;
	if (e) return within(f, "record", e);
	if (m->record.n && !str_eq(r.id, m->id)) return pb_flaw(f, "other-id", "record.id");
	if (m->record.n && (r.status == RECORD_RETIRED) != (m->kind == ANSWER_RETIRED))
		return pb_flaw(f, "other-status", "record.status");
	for (size_t i = 0; i < m->delegations_n; i++) {
		e = envelope_unpack(m->delegations[i], f, &env);
		if (e) return within(f, "delegations", e);
		if (env.kind != ENVELOPE_DELEGATION) return pb_flaw(f, "kind", "delegations[%zu].kind", i);
	}
	return ERR_OK;
}

/* The key and the text must name one identifier; a shortened key is checked the long way as well. */
static enum err id_check(struct arena *a, const struct answer *m, struct flaw *f)
{
	struct id id;
	enum err e = id_parse(a, m->id, NULL, &id);
	if (e == ERR_NO_MEMORY) return flaw_set(f, e, FLAW_NO_OFFSET, "id", "memory", "%s", err_text(e));
	if (e || !str_eq(id.text, m->id)) return pb_flaw(f, "not-canonical", "id");
	if (!str_eq(id.key, m->key)) return pb_flaw(f, "other-id", "key");
	return ERR_OK;
}

enum err answer_unpack(struct arena *a, struct str packed, struct flaw *f, struct answer *ret)
{
	struct pb_cursor c = pb_cursor(packed);
	struct pb_field p;
	struct answer m = {0};
	enum err e = pb_check(&message_kind, packed, f);
	if (e) return e;
	struct str *delegations = ARENA_ARRAY(a, struct str, ANSWER_DELEGATIONS_MAX);
	if (!delegations)
		return flaw_set(f, ERR_NO_MEMORY, FLAW_NO_OFFSET, "", "memory", "%s",
				err_text(ERR_NO_MEMORY));
	m.delegations = delegations;
	while (!pb_next(&c, &p)) {
		switch (p.id) {
		case KEY: m.key = p.bytes; break;
		case ID: m.id = p.bytes; break;
		case KIND: m.kind = (enum answer_kind)p.number; break;
		case RECORD: m.record = p.bytes; break;
		case DELEGATIONS:
			if (m.delegations_n == ANSWER_DELEGATIONS_MAX)
				return pb_flaw(f, "count", "delegations");
			m.delegations[m.delegations_n++] = p.bytes;
			break;
		case AUTHORITY: m.authority = p.bytes; break;
		case NODE: m.node = p.bytes; break;
		case INCEPTION: m.inception = (usec_t)p.number; break;
		case EXPIRY: m.expiry = (usec_t)p.number; break;
		case TTL: m.ttl = (uint32_t)p.number; break;
		case FEED_POSITION: m.feed_position = p.number; break;
		default: break;
		}
	}
	e = parts_check(&m, f);
	if (!e) e = id_check(a, &m, f);
	if (!e) e = inner_check(a, &m, f);
	if (!e) *ret = m;
	return e;
}
