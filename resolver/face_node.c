/* /.well-known: who this node is, for people, parents and verifiers. */
#include "resolver/face.h"

static json_t *text(struct str s)
{
	json_t *j = json_stringn(s.p ? s.p : "", s.n);
	must(j);
	return j;
}

static void get_node(struct net_req *r)
{
	const struct rs *rs = rs__shard(r)->rs;
	char key[SIGN_MULTIBASE];
	json_t *o = json_keep(r->arena, json_object()), *keys = json_array(), *authority = json_array();
	if (!o || !keys || !authority) {
		json_decref(keys);
		json_decref(authority);
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	sign_public_multibase(sign_public(rs->o.key), key);
	json_array_append_new(keys, text(str_of(key)));
	for (size_t i = 0; i < rs->o.authority_n; i++)
		json_array_append_new(authority, text(rs->ours[i].text));
	json_put_str(o, "name", rs->name);
	json_put_str(o, "did", rs->did);
	json_put(o, "keys", keys);
	json_put_str(o, "url", rs->url);
	json_put(o, "authority", authority);
	json_put(o, "recursive", json_boolean(rs->o.recursive));
	json_put_str(o, "version", STR(KANHE_VERSION_TEXT));
	face_json(r, 200, o);
}

static json_t *method_of(const struct rs *rs, const char *key)
{
	json_t *m = json_object();
	must(m);
	json_put_str(m, "id", rs->kid);
	json_put_str(m, "type", STR("Multikey"));
	json_put_str(m, "controller", rs->did);
	json_put_str(m, "publicKeyMultibase", str_of(key));
	return m;
}

static json_t *one(json_t *item)
{
	json_t *list = json_array();
	must(list && !json_array_append_new(list, item));
	return list;
}

static json_t *service_of(const struct rs *rs)
{
	json_t *s = json_object();
	char id[2048];
	must(s);
	snprintf(id, sizeof id, "%.*s#resolver", STR_ARG(rs->did));
	json_put_str(s, "id", str_of(id));
	json_put_str(s, "type", STR("KanheResolver"));
	json_put_str(s, "serviceEndpoint", rs->url);
	return s;
}

/* The node's DID document (DID Core 1.0 5), key as a Multikey (Controlled Identifiers 1.0 2.2.2). */
static void get_did(struct net_req *r)
{
	const struct rs *rs = rs__shard(r)->rs;
	char key[SIGN_MULTIBASE];
	json_t *o = json_keep(r->arena, json_object());
	if (!o) {
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	json_t *context = one(text(STR("https://www.w3.org/ns/did/v1")));
	must(!json_array_append_new(context, text(STR("https://w3id.org/security/multikey/v1"))));
	sign_public_multibase(sign_public(rs->o.key), key);
	json_put(o, "@context", context);
	json_put_str(o, "id", rs->did);
	json_put(o, "verificationMethod", one(method_of(rs, key)));
	json_put(o, "assertionMethod", one(text(rs->kid)));
	json_put(o, "authentication", one(text(rs->kid)));
	json_put(o, "service", one(service_of(rs)));
	struct str body = json_write(r->arena, o, false);
	if (body.p)
		net_reply(r, 200, "application/did+json", body);
	else
		net_reply_err(r, ERR_NO_MEMORY, NULL);
}

const struct net_route face_node_rows[] = {
    {NET_GET, "/.well-known/kanhe-node", get_node, 0, 0, 0, "who this node is"},
    {NET_GET, "/.well-known/did.json", get_did, 0, 0, 0, "the node's DID document"},
};
const size_t face_node_rows_n = sizeof face_node_rows / sizeof *face_node_rows;
