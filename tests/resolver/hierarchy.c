#include "tests/resolver/hierarchy.h"

#include <stdio.h>
#include <stdlib.h>

#define NOON INT64_C(1800000000000000) /* 2027-01-15T08:00:00Z */

static enum err take_question(void *ctx, const struct upstream_question *asked)
{
	struct fake_net *n = ctx;
	if (n->refuse) return n->refuse;
	must(n->waiting_n < FAKE_QUESTIONS && asked->deadline > 0);
	struct fake_question *q = &n->waiting[n->waiting_n++];
	*q = (struct fake_question){.walk = asked->walk, .turn = asked->turn, .deadline = asked->deadline};
	snprintf(q->url, sizeof q->url, "%.*s", STR_ARG(asked->url));
	snprintf(q->id, sizeof q->id, "%.*s", STR_ARG(asked->id->text));
	n->asked++;
	return ERR_OK;
}

struct fake_net *fake_net_new(size_t cache_octets)
{
	struct fake_net *n = calloc(1, sizeof *n);
	must(n && !sign_setup());
	n->now = NOON;
	clock_fake(&n->now);
	n->stranger = sign_key_new();
	n->waiting = calloc(FAKE_QUESTIONS, sizeof *n->waiting);
	n->cache = cache_new(cache_octets);
	n->arena = arena_new((size_t)64 << 20);
	must(n->stranger && n->waiting && n->cache && n->arena);
	return n;
}

void fake_net_free(struct fake_net *n)
{
	walker_free(n->walker);
	cache_free(n->cache);
	for (size_t i = 0; i < n->nodes_n; i++) sign_key_free(n->nodes[i].key);
	sign_key_free(n->stranger);
	free(n->waiting);
	arena_free(n->arena);
	free(n);
	clock_fake(NULL);
}

struct id fake_id(struct fake_net *n, const char *text)
{
	struct id id;
	must(!id_parse(n->arena, str_of(text), NULL, &id));
	return id;
}

static struct id_prefix prefix_of(struct fake_net *n, const char *text)
{
	struct id_prefix p;
	must(!id_prefix_parse(n->arena, str_of(text), NULL, &p));
	return p;
}

struct fake_node *fake_node_add(struct fake_net *n, const char *prefix)
{
	must(n->nodes_n < FAKE_NODES);
	struct fake_node *node = &n->nodes[n->nodes_n++];
	*node = (struct fake_node){
	    .prefix = prefix, .ttl = 3600, .ttl_negative = 60, .takes = 3 * USEC_PER_MSEC};
	snprintf(node->url, sizeof node->url, "https://n%zu.example", n->nodes_n - 1);
	snprintf(node->did, sizeof node->did, "did:web:n%zu.example", n->nodes_n - 1);
	node->key = sign_key_new();
	must(node->key);
	return node;
}

struct fake_child *fake_delegate(struct fake_node *parent, const char *prefix, struct fake_node *child)
{
	must(parent->children_n < FAKE_CHILDREN);
	struct fake_child *c = &parent->children[parent->children_n++];
	*c = (struct fake_child){.prefix = prefix, .node = child};
	return c;
}

void fake_walker(struct fake_net *n, struct fake_node *anchor)
{
	n->anchor.prefix = prefix_of(n, anchor->prefix);
	n->anchor.url = str_of(anchor->url);
	memcpy(n->anchor.key, sign_public(anchor->key), SIGN_PUBLIC);
	struct walker_options o = {.anchors = &n->anchor,
				   .anchors_n = 1,
				   .cache = n->cache,
				   .upstream = {n, take_question},
				   .node = STR("did:web:here.example"),
				   .url = STR("https://here.example"),
				   .counters = &n->counters};
	n->walker = walker_new(&o);
	must(n->walker);
}

void fake_four_levels(struct fake_net *n)
{
	struct fake_node *top = fake_node_add(n, "88"), *second = fake_node_add(n, "88.118"),
			 *maker = fake_node_add(n, "88.118.8"), *plant = fake_node_add(n, "88.118.8.1");
	fake_delegate(top, "88.118", second);
	fake_delegate(second, "88.118.8", maker);
	fake_delegate(maker, "88.118.8.1", plant);
	maker->records[0] = "88.118.8/lathe";
	maker->retired = "88.118.8/scrap";
	plant->records[0] = "88.118.8.1/pump";
	fake_walker(n, top);
}

static struct str kid_of(struct fake_net *n, const struct fake_node *node)
{
	char key[SIGN_MULTIBASE];
	sign_public_multibase(sign_public(node->key), key);
	return arena_printf(n->arena, "%s#%s", node->did, key);
}

static struct str delegation_octets(struct fake_net *n, struct fake_node *parent,
				    const struct fake_child *c)
{
	struct id_prefix p = prefix_of(n, c->prefix);
	struct node_key key = {SIGN_SUITE_ED25519, str_n(sign_public(c->node->key), SIGN_PUBLIC),
			       kid_of(n, c->node)};
	struct endpoint ends[2] = {{STR("https"), str_of(c->node->url)}};
	size_t ends_n = 1;
	if (c->second_url) {
		ends[1] = ends[0];
		ends[0] = (struct endpoint){STR("https"), str_of(c->second_url)};
		ends_n = 2;
	}
	struct delegation d = {.scheme = p.scheme,
			       .prefix = p.key,
			       .prefix_text = p.text,
			       .parent = str_of(parent->did),
			       .child = str_of(c->node->did),
			       .keys = &key,
			       .keys_n = 1,
			       .endpoints = ends,
			       .endpoints_n = ends_n,
			       .not_before = c->not_before ? c->not_before : n->now - USEC_PER_DAY,
			       .not_after = c->not_after ? c->not_after : n->now + USEC_PER_DAY,
			       .serial = 1};
	struct buf payload = BUF_INIT(DELEGATION_PACKED_MAX), out = BUF_INIT(ENVELOPE_PACKED_MAX);
	must(!delegation_pack(&d, &payload));
	must(!envelope_sign(ENVELOPE_DELEGATION, buf_str(&payload), c->signer ? c->signer : parent->key,
			    kid_of(n, parent), &out));
	struct str octets = arena_dup(n->arena, buf_str(&out));
	buf_done(&payload);
	buf_done(&out);
	return octets;
}

static struct str record_octets(struct fake_net *n, struct str id, bool retired)
{
	struct value v = {.index = 1,
			  .type = STR("URL"),
			  .data = STR("https://maker.example/lathe"),
			  .ttl = 86400,
			  .timestamp = 1,
			  .permissions = VALUE_PERMISSIONS};
	struct record r = {.id = id,
			   .values = &v,
			   .values_n = retired ? 0 : 1,
			   .created = n->now,
			   .modified = n->now,
			   .revision = retired ? 2 : 1,
			   .status = retired ? RECORD_RETIRED : RECORD_ACTIVE};
	struct buf out = BUF_INIT(RECORD_PACKED_MAX);
	must(!record_pack(&r, &out));
	struct str octets = arena_dup(n->arena, buf_str(&out));
	buf_done(&out);
	return octets;
}

static const struct fake_child *child_for(struct fake_net *n, const struct fake_node *node,
					  const struct id *id)
{
	const struct fake_child *best = NULL;
	for (size_t i = 0; i < node->children_n; i++) {
		struct id_prefix p = prefix_of(n, node->children[i].prefix);
		bool deeper = !best || strlen(node->children[i].prefix) > strlen(best->prefix);
		/* a faulty node refers to children that do not cover the question, too */
		bool covers = id_prefix_covers(p.key, id->key) || node->fault == FAKE_OTHER_PREFIX;
		if (covers && deeper) best = &node->children[i];
	}
	return best;
}

static void fill(struct fake_net *n, struct fake_node *node, const struct id *id, struct answer *m,
		 struct str *delegation)
{
	const struct fake_child *c = child_for(n, node, id);
	m->kind = ANSWER_NOT_FOUND;
	m->ttl = node->ttl_negative;
	if (c) {
		*delegation = delegation_octets(n, node, c);
		m->kind = ANSWER_REFERRAL;
		m->delegations = delegation;
		m->delegations_n = 1;
		m->ttl = node->ttl;
	}
	for (size_t i = 0; i < FAKE_RECORDS; i++)
		if (node->records[i] && str_is(id->text, node->records[i])) m->kind = ANSWER_RECORD;
	if (node->retired && str_is(id->text, node->retired)) m->kind = ANSWER_RETIRED;
	if (m->kind != ANSWER_RECORD && m->kind != ANSWER_RETIRED) return;
	m->delegations_n = 0;
	m->ttl = node->ttl;
	m->record = record_octets(n, node->fault == FAKE_OTHER_RECORD ? STR("88.118.8.1/other") : id->text,
				  m->kind == ANSWER_RETIRED);
	if (node->fault == FAKE_RETIRED_ALIVE) m->kind = ANSWER_RETIRED;
}

void fake_answer(struct fake_net *n, struct fake_node *node, struct str text, struct buf *out)
{
	struct str delegation;
	struct id id = fake_id(n, arena_strdup(n->arena, text));
	struct answer m = {.key = id.key,
			   .id = id.text,
			   .authority = prefix_of(n, node->prefix).key,
			   .node = str_of(node->did),
			   .inception = n->now - USEC_PER_SEC,
			   .expiry = n->now + 7200 * USEC_PER_SEC,
			   .feed_position = 7};
	fill(n, node, &id, &m, &delegation);
	if (node->fault == FAKE_OTHER_ID) {
		struct id other = fake_id(n, "88.118.8.1/other");
		m.key = other.key;
		m.id = other.text;
		m.kind = ANSWER_NOT_FOUND;
		m.record = STR_NONE;
		m.delegations_n = 0;
	}
	if (node->fault == FAKE_OLD_ANSWER) m.expiry = n->now - 1;
	if (node->fault == FAKE_OLD_ANSWER) m.inception = n->now - USEC_PER_DAY;
	if (node->fault == FAKE_EARLY_ANSWER) m.inception = n->now + 365 * USEC_PER_DAY;
	if (node->fault == FAKE_EARLY_ANSWER) m.expiry = n->now + 366 * USEC_PER_DAY;
	struct buf payload = BUF_INIT(ANSWER_PACKED_MAX);
	must(!answer_pack(&m, &payload));
	enum envelope_kind kind =
	    node->fault == FAKE_DELEGATION_AS_ANSWER ? ENVELOPE_DELEGATION : ENVELOPE_ANSWER;
	must(!envelope_sign(kind, buf_str(&payload),
			    node->fault == FAKE_WRONG_KEY ? n->stranger : node->key, kid_of(n, node), out));
	buf_done(&payload);
	if (node->fault == FAKE_FLIPPED) out->p[out->n / 2] ^= 1;
}

static struct fake_node *node_at(struct fake_net *n, const char *url)
{
	for (size_t i = 0; i < n->nodes_n; i++)
		if (strcmp(n->nodes[i].url, url) == 0) return &n->nodes[i];
	return NULL;
}

static void reply_to(struct fake_net *n, const struct fake_question *q)
{
	struct fake_node *node = node_at(n, q->url);
	struct buf body = BUF_INIT(ENVELOPE_PACKED_MAX);
	struct upstream_reply r = {.status = 200,
				   .content_type = STR("application/vnd.kanhe.answer+protobuf")};
	if (node) node->asked++;
	if (!node || node->fault == FAKE_SILENT) {
		n->now += q->deadline;
		r.err = ERR_TIMEOUT;
	} else {
		n->now += node->takes;
		fake_answer(n, node, str_of(q->id), &body);
	}
	if (node && node->fault == FAKE_REFUSES) r.status = 421;
	if (node && node->fault == FAKE_HTML) r.content_type = STR("text/html");
	if (node && node->fault == FAKE_GARBAGE) memset(body.p, 0xff, body.n);
	r.body = buf_str(&body);
	walker_reply(n->walker, q->walk, q->turn, &r);
	buf_done(&body);
}

void fake_run(struct fake_net *n)
{
	while (n->waiting_n) {
		struct fake_question q = n->waiting[0];
		memmove(n->waiting, n->waiting + 1, --n->waiting_n * sizeof q);
		reply_to(n, &q);
	}
}

void fake_done(void *arg, struct finding *f)
{
	struct fake_result *r = arg;
	finding_release(r->finding);
	r->finding = f;
	r->called++;
}

struct fake_result fake_ask(struct fake_net *n, const char *text)
{
	struct fake_result r = {.called = 0};
	struct id id = fake_id(n, text);
	r.refused = walker_ask(n->walker, &id, STR_NONE, fake_done, &r);
	fake_run(n);
	return r;
}

void fake_result_done(struct fake_result *r)
{
	finding_release(r->finding);
	r->finding = NULL;
}
