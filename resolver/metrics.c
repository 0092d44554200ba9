/* The resolver's lines of /metrics. */
#include "resolver/import_run.h"
#include "resolver/series.h"
#include "resolver/registry.h"
#include "resolver/report.h"
#include "resolver/state.h"

static void line(struct buf *out, const char *name, const char *kind, const char *help, uint64_t value)
{
	buf_printf(out, "# HELP kanhe_resolver_%s %s\n# TYPE kanhe_resolver_%s %s\nkanhe_resolver_%s ",
		   name, help, name, kind, name);
	buf_u64(out, value);
	buf_byte(out, '\n');
}

void rs__counters(struct rs *r, struct rs_counters *ret)
{
	for (unsigned i = 0; i < atomic_load(&r->shards_n); i++) {
		struct rs_shard *s = atomic_load(&r->shards[i]);
		if (!s) continue;
#define X(name, help) ret->name += atomic_load_explicit(&s->counters.name, memory_order_relaxed);
		RS_COUNTERS(X)
#undef X
	}
}

static void cache_lines(struct rs *r, struct buf *out)
{
	static const char *const names[CACHE_CLASSES] = {"positive", "negative", "delegation"};
	struct cache_stat st;
	cache_stat(r->cache, &st);
	buf_printf(out, "# HELP kanhe_resolver_cache_entries findings kept\n"
			"# TYPE kanhe_resolver_cache_entries gauge\n");
	for (size_t i = 0; i < CACHE_CLASSES; i++)
		buf_printf(out, "kanhe_resolver_cache_entries{class=\"%s\"} %llu\n", names[i],
			   (unsigned long long)st.entries[i]);
	buf_printf(out, "# HELP kanhe_resolver_cache_bytes memory of the findings kept\n"
			"# TYPE kanhe_resolver_cache_bytes gauge\n");
	for (size_t i = 0; i < CACHE_CLASSES; i++)
		buf_printf(out, "kanhe_resolver_cache_bytes{class=\"%s\"} %llu\n", names[i],
			   (unsigned long long)st.octets[i]);
	line(out, "cache_evicted_total", "counter", "findings dropped for want of room", st.evicted);
}

static void label(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\') buf_byte(out, '\\');
		if (s.p[i] == '\n')
			buf_add(out, STR("\\n"));
		else
			buf_byte(out, s.p[i]);
	}
}

static uint64_t types_not_ready(struct store_txn *t)
{
	struct reverse_types types;
	uint64_t n = 0;
	if (reverse_types_read(t, &types)) return 0;
	for (size_t i = 0; i < types.n; i++) n += types.type[i].state != REVERSE_READY;
	return n;
}

static void series_line(struct rs *r, struct store_txn *t, bool members, struct buf *out)
{
	const char *name = members ? "series_members" : "series";
	buf_printf(out, "# HELP kanhe_resolver_%s %s\n# TYPE kanhe_resolver_%s gauge\n", name,
		   members ? "identifiers that series stand for" : "series registered", name);
	for (size_t i = 0; i < r->o.authority_n; i++) {
		struct series_count n;
		if (series_count(t, r->ours[i].key, &n)) continue;
		for (int retired = 0; retired < 2; retired++) {
			uint64_t value = members   ? retired ? n.members_retired : n.members
					 : retired ? n.retired
						   : n.active;
			buf_printf(out, "kanhe_resolver_%s{prefix=\"", name);
			label(out, r->ours[i].text);
			buf_printf(out, "\",status=\"%s\"} %llu\n", retired ? "retired" : "active",
				   (unsigned long long)value);
		}
	}
}

static void series_lines(struct rs *r, struct store_txn *t, struct buf *out)
{
	series_line(r, t, false, out);
	series_line(r, t, true, out);
}

static void registry_lines(struct rs *r, struct buf *out)
{
	struct store_txn *t;
	if (store_read(r->o.store, &t)) return;
	line(out, "delegations", "gauge", "prefixes given to children",
	     store_count(t, RS_TABLE_delegation));
	line(out, "find_types_building", "gauge", "value types whose index is being built or dropped",
	     types_not_ready(t));
	uint64_t rows = store_count(t, RS_TABLE_template); /* one of them counts numbers (templates.c) */
	line(out, "templates", "gauge", "metadata templates", rows ? rows - 1 : 0);
	line(out, "flushes_total", "counter", "times that counts of resolutions went to disk",
	     statistics_flushes(r->statistics));
	if (r->reporter) {
		struct report_status st;
		reporter_status(r->reporter, t, &st);
		line(out, "reports_total", "counter", "reports that the superior has taken", st.reports);
		line(out, "report_failures_total", "counter", "attempts to report or hand up that failed",
		     st.failures);
		line(out, "handed_up_position", "gauge",
		     "position of the change feed that the superior has", st.position);
	}
	buf_printf(out, "# HELP kanhe_resolver_identifiers identifiers registered\n"
			"# TYPE kanhe_resolver_identifiers gauge\n");
	for (size_t i = 0; i < r->o.authority_n; i++) {
		struct registry_count n;
		if (registry_count(t, r->ours[i].key, &n)) continue;
		for (int retired = 0; retired < 2; retired++) {
			buf_add(out, STR("kanhe_resolver_identifiers{prefix=\""));
			label(out, r->ours[i].text);
			buf_printf(out, "\",status=\"%s\"} %llu\n", retired ? "retired" : "active",
				   (unsigned long long)(retired ? n.retired : n.active));
		}
	}
	series_lines(r, t, out);
	store_read_end(t);
}

void rs_metrics(struct rs *r, struct buf *out)
{
	struct rs_counters all = {0};
	rs__counters(r, &all);
#define X(name, help) line(out, #name "_total", "counter", help, all.name);
	RS_COUNTERS(X)
#undef X
	cache_lines(r, out);
	registry_lines(r, out);
	line(out, "imports_running", "gauge", "imports under way", imports_running(r->imports));
}
