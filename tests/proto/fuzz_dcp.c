/* Messages of DCP: what a reader accepts, its writer writes and it accepts again, alike. */
#include <stdint.h>

#include "proto/dcp/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_offers(struct arena *a, json_t *j)
{
	struct dcp_objects *m = ARENA_NEW(a, struct dcp_objects), *again = ARENA_NEW(a, struct dcp_objects);
	struct flaw f = {0};
	must(m && again);
	if (!dcp_metadata_read(j, &f, m)) {
		must(!dcp_metadata_read(dcp_metadata_write(a, m), &f, again));
		must(again->items_n == m->items_n && str_eq(again->issuer, m->issuer));
	}
	if (dcp_offer_read(j, &f, m)) return;
	for (size_t i = 0; i < m->items_n; i++)
		if (!m->items[i].type.n) return; /* only ids: we write no such offers */
	must(!dcp_offer_read(dcp_offer_write(a, m), &f, again) && again->items_n == m->items_n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(64 << 20);
	struct dcp_query q;
	struct dcp_request r, r2;
	struct dcp_delivery *d, *d2;
	struct dcp_status s, s2;
	struct dcp_response p, p2;
	struct flaw f = {0};
	json_t *j;
	must(a && (d = ARENA_NEW(a, struct dcp_delivery)) && (d2 = ARENA_NEW(a, struct dcp_delivery)));
	if (!json_read(a, str_n(data, n), NULL, &j)) {
		if (dcp_query_read(j, &f, &q))
			must(f.err == ERR_BAD_MESSAGE && f.rule[0]);
		else
			must(q.definition || q.scopes_n);
		if (dcp_response_read(j, &f, &p)) {
			must(f.err == ERR_BAD_MESSAGE && f.rule[0]);
		} else {
			must(!dcp_response_read(dcp_response_write(a, &p), &f, &p2));
			must(p2.presentations_n == p.presentations_n);
		}
		if (!dcp_request_read(j, &f, &r)) {
			must(!dcp_request_read(dcp_request_write(a, &r), &f, &r2));
			must(r2.ids_n == r.ids_n && str_eq(r2.holder_pid, r.holder_pid));
		}
		if (!dcp_delivery_read(j, &f, d)) {
			must(!dcp_delivery_read(dcp_delivery_write(a, d), &f, d2));
			must(d2->issued == d->issued && d2->items_n == d->items_n);
		}
		if (!dcp_status_read(j, &f, &s)) {
			must(!dcp_status_read(dcp_status_write(a, &s), &f, &s2));
			must(str_eq(s2.status, s.status));
		}
		check_offers(a, j);
	}
	arena_free(a);
	return 0;
}
