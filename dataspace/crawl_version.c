/* Which version of the protocol a source speaks, as for any partner (partner.h). */
#include "dataspace/crawl_run.h"

#include <stdio.h>

#include "dataspace/dialect.h"
#include "dataspace/partner.h"

static void versions_back(void *arg)
{
	struct crawl *x = arg;
	struct str root = str_first(x->url, x->url.n - strlen(DS_VERSIONS_PATH));
	struct flaw f = {0};
	json_t *j;
	enum err e = x->err;

	x->url = STR_NONE;
	if (e) {
		crawl_end(x, x->text);
		return;
	}
	if (x->status != 200)
		e = flaw_set(&f, ERR_UPSTREAM, FLAW_NO_OFFSET, "", "answer", "the provider answered %d",
			     x->status);
	if (!e) e = json_read(x->page, x->body, &f, &j);
	if (!e) e = ds_dialect_choose(x->arena, x->c->d, j, root, &f, &x->dialect, &x->base);
	if (!e) {
		crawl_page_ask(x);
		return;
	}
	snprintf(x->text, sizeof x->text, "its versions: %s", f.err ? f.text : err_text(e));
	crawl_end(x, x->text);
}

void crawl_version_find(struct crawl *x, const struct ds_did *doc)
{
	struct courier_header h = {"accept", "application/json"};
	struct courier_req q = {.method = "GET", .headers = &h, .headers_n = 1};
	enum err e;

	if (partner_base_says(x->c->d, doc, &x->dialect)) {
		x->base = arena_dup(x->arena, str_of(doc->dsp));
		crawl_page_ask(x);
		return;
	}
	if (!doc->versions[0]) {
		crawl_end(x, "its DID document: it names no data space service");
		return;
	}
	x->url = arena_dup(x->arena, str_of(doc->versions));
	q.url = arena_strdup(x->page, x->url);
	e = q.url ? crawl_fetch(x, &q, versions_back) : ERR_NO_MEMORY;
	if (e) crawl_end(x, err_text(e));
}
