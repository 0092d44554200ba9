/* POST /enterprises/{code}/dossier: notes in the ledger what of a suspended enterprise was written down,
 * and gives the dossier for the node that takes over (dossier.h). */
#include <stdio.h>

#include "base/ledger.h"
#include "base/text64.h"
#include "resolver/dossier.h"
#include "resolver/face_enterprise.h"

/* ---- the answer ------------------------------------------------------------------------- */

struct gathering {
	struct store_txn *txn;
	struct arena *arena;
	struct buf *out;
	uint64_t size, skip; /* of the tree; older entries left out */
	bool any;
	enum err err;
};

static bool count_entry(void *arg, uint64_t leaf)
{
	(void)leaf;
	++*(uint64_t *)arg;
	return true;
}

static void put_octets(struct gathering *g, const void *p, size_t n)
{
	buf_json(g->out, base64_write(g->arena, str_n(p, n)));
}

static bool put_entry(void *arg, uint64_t index)
{
	struct gathering *g = arg;
	struct ledger_leaf leaf;
	struct merkle_proof proof;
	if (g->skip) {
		g->skip--;
		return true;
	}
	struct arena_mark mark = arena_mark(g->arena);
	g->err = ledger_read(g->txn, index, &leaf);
	if (!g->err) g->err = ledger_prove(g->txn, index, g->size, &proof);
	if (g->err) return false;
	buf_printf(g->out, "%s{\"index\":%llu,\"salt\":", g->any ? "," : "", (unsigned long long)index);
	put_octets(g, leaf.salt, LEDGER_SALT);
	buf_add(g->out, STR(",\"entry\":"));
	buf_json(g->out, leaf.entry);
	buf_add(g->out, STR(",\"proof\":["));
	for (size_t i = 0; i < proof.n; i++) {
		if (i) buf_byte(g->out, ',');
		put_octets(g, proof.hash[i].b, MERKLE_HASH);
	}
	buf_add(g->out, STR("]}"));
	arena_rollback(g->arena, mark);
	g->any = true;
	return true;
}

static enum err put_row(struct gathering *g, const struct enterprise *x)
{
	struct buf row = BUF_INIT(ENTERPRISE_PACKED_MAX);
	enum err e = enterprise_pack(x, &row);
	if (!e) put_octets(g, row.p, row.n);
	buf_done(&row);
	return e;
}

static enum err write_dossier(struct gathering *g, const struct rs *rs, struct str code)
{
	char key[SIGN_MULTIBASE];
	struct enterprise x;
	struct str note;
	uint64_t n = 0;
	enum err e = enterprise_find(g->txn, g->arena, code, &x);
	if (e) return e;
	sign_public_multibase(sign_public(rs->o.key), key);
	buf_printf(g->out, "{\"version\":1,\"code\":\"%.*s\",\"node\":", STR_ARG(code));
	buf_json(g->out, rs->did);
	buf_printf(g->out, ",\"key\":\"%s\",\"enterprise\":", key);
	e = enterprise_write_json(g->txn, g->arena, &x, g->out);
	buf_add(g->out, STR(",\"row\":"));
	if (!e) e = put_row(g, &x);
	if (!e) e = enterprise_history(g->txn, code, 0, count_entry, &n);
	g->skip = n > DOSSIER_ENTRIES_MAX ? n - DOSSIER_ENTRIES_MAX : 0;
	buf_add(g->out, STR(",\"entries\":["));
	if (!e) e = enterprise_history(g->txn, code, 0, put_entry, g);
	if (!e) e = g->err;
	if (!e) e = ledger_checkpoint(writer_ledger(rs->o.writer), g->txn, rs->o.key, g->arena, &note);
	if (e) return e;
	buf_add(g->out, STR("],\"checkpoint\":"));
	buf_json(g->out, note);
	buf_byte(g->out, '}');
	return buf_err(g->out);
}

static void answer(struct job *j)
{
	struct enterprise_job *e_job = (struct enterprise_job *)j;
	if (enterprise_answer_failure(j)) return;
	struct gathering g = {.txn = j->shard->txn,
			      .arena = j->req->arena,
			      .out = face_buf(j->req, DOSSIER_SIZE_MAX),
			      .size = ledger_size(j->shard->txn)};
	enum err e =
	    g.out ? write_dossier(&g, j->shard->rs, enterprise_code(&e_job->act.x)) : ERR_NO_MEMORY;
	face_answer(j->req, e, NULL, g.out);
}

/* ---- the request ------------------------------------------------------------------------ */

static enum err read_file(json_t *j, const char *name, struct flaw *f, struct enterprise_file *ret)
{
	json_t *o;
	struct str hex;
	enum err e = json_obj(j, "", name, f, &o);
	if (!e) e = json_u64(o, name, "lines", f, &ret->lines);
	if (!e) e = json_str(o, name, "sha256", f, &hex);
	if (!e && hex_parse(hex, ret->sha256, sizeof ret->sha256))
		e = flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, name, "sha256",
			     "%s: expected lines, and sha256 as 64 hexadecimal digits", name);
	return e;
}

static void post_dossier(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct enterprise_job *g = enterprise_job_new(r, enterprise_note_export);
	json_t *j;
	if (!g) return;
	enum err e = enterprise_param(r, &f, g->act.x.code);
	if (!e) e = enterprise_body(r, g->job.arena, &f, &j);
	if (!e) e = read_file(j, "records", &f, &g->act.records);
	if (!e) e = read_file(j, "templates", &f, &g->act.templates);
	if (e) {
		enterprise_refuse(g, e, &f);
		return;
	}
	g->act.scope = &g->scope;
	g->job.answer = answer;
	enterprise_submit(g);
}

const struct net_route face_dossier_rows[] = {
    {NET_POST, "/enterprises/{code}/dossier", post_dossier, ROLE_REGISTRAR, FACE_BODY, 0,
     "notes what of it was written down, and gives the proof"},
};
const size_t face_dossier_rows_n = sizeof face_dossier_rows / sizeof *face_dossier_rows;
