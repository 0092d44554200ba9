/* /.well-known: who this node is, for people, parents and verifiers. */
#include "proto/did/document.h"
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

static void get_did(struct net_req *r)
{
	const struct rs *rs = rs__shard(r)->rs;
	struct did_document d = {.id = rs->did, .keys_n = 1, .services_n = 1};
	d.keys[0] = (struct did_key){.id = rs->kid, .purposes = DID_ASSERTION | DID_AUTHENTICATION};
	memcpy(d.keys[0].pub, sign_public(rs->o.key), SIGN_PUBLIC);
	d.services[0] = (struct did_service){arena_printf(r->arena, "%.*s#resolver", STR_ARG(rs->did)),
					     STR("KanheResolver"), rs->url};
	json_t *o = did_doc_make(r->arena, &d);
	struct str body = o ? json_write(r->arena, o, false) : STR_NONE;
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
