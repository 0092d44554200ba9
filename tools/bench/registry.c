/* bench-registry: records for tools/bench/registry, and LMDB's own loops with the same ones.
 *
 *   generate FORM N ORDER        N records as csv, ndjson or protobuf on standard output, sorted or random
 *   lmdb FOLDER N ORDER BATCH    puts what the registry keeps of them, key and value, into a fresh
 * environment: sorted by appending; BATCH to a transaction, each durable stat FOLDER tables of an
 * environment: entries, octets of keys and values, of pages ids N COUNT                  COUNT identifiers
 * of N at random, a line each
 *
 * The mix, in order of the keys: of ten records five are serial-numbered products (address, name), two are
 * machines with attributes (indexes from 2000), three are GS1 serials with a link. Numbers are permuted by
 * a prime. */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "proto/bulk/bulk.h"
#include "proto/id/id.h"

enum { TEXT = 256, LEAF = 8, ARENA = 1 << 20 };
#define PRIME UINT64_C(2654435761)
#define MAP ((size_t)1 << 40)

struct made {
	char texts[10][TEXT];
	struct value values[8];
	struct record record;
};

static void add(struct made *m, uint32_t index, const char *type, const char *text)
{
	m->values[m->record.values_n++] = (struct value){.index = index,
							 .type = str_of(type),
							 .data = str_of(text),
							 .ttl = VALUE_TTL,
							 .permissions = VALUE_PERMISSIONS};
}

static int check_digit(const char *digits)
{
	int sum = 0;
	for (int i = 0; i < 13; i++) sum += (digits[i] - '0') * (i % 2 ? 1 : 3);
	return (10 - sum % 10) % 10;
}

/* Record i of n; i grows with the key. */
static void make(uint64_t i, uint64_t n, struct made *m)
{
	unsigned long long k = i;
	m->record = (struct record){.values = m->values};
	if (i < n / 2) {
		snprintf(m->texts[0], TEXT, "88.900.1/SN-%010llu", k);
		snprintf(m->texts[1], TEXT, "https://things.example/serial/%llu", k * 7919 % 1000003);
		add(m, 1, "URL", m->texts[1]);
		add(m, 2, "DESC", k % 3 ? "Centrifugal pump P-22" : "Gear motor GM-400, 5.5 kW");
	} else if (i < n / 10 * 7) {
		snprintf(m->texts[0], TEXT, "88.900.2/MACHINE-%010llu", k);
		snprintf(m->texts[1], TEXT, "https://machines.example/%llu", k);
		snprintf(m->texts[2], TEXT, "2026-%02llu-%02llu", k % 12 + 1, k % 28 + 1);
		snprintf(m->texts[3], TEXT, "%llu", k * 31 % 100000);
		add(m, 1, "URL", m->texts[1]);
		add(m, 2000, "MADE", m->texts[2]);
		add(m, 2001, "BATCH", m->texts[3]);
		add(m, 2002, "MATERIAL", "X5CrNi18-10 stainless steel");
		add(m, 2003, "PLANT", "Suzhou, hall 4, line 7");
	} else {
		char gtin[15];
		snprintf(gtin, sizeof gtin, "0950600%06llu", k / 1000 % 1000000);
		gtin[13] = (char)('0' + check_digit(gtin));
		gtin[14] = 0;
		snprintf(m->texts[0], TEXT, "01/%s/21/%08llu", gtin, k);
		snprintf(
		    m->texts[1], TEXT,
		    "{\"href\":\"https://brand.example/%s/%llu\",\"title\":\"Product page\",\"hreflang\":"
		    "[\"en\"]}",
		    gtin, k);
		add(m, 1, "gs1:pip", m->texts[1]);
	}
	m->record.id = str_of(m->texts[0]);
}

static uint64_t place(uint64_t i, uint64_t n, bool sorted)
{
	return sorted ? i : i * PRIME % n;
}

static int generate(const char *form_name, uint64_t n, bool sorted)
{
	static char all[] = "id,1:URL,2:DESC,2000:MADE,2001:BATCH,2002:MATERIAL,2003:PLANT,1:gs1:pip";
	enum bulk_form form;
	struct arena *a = arena_new(ARENA), *scratch = arena_new(ARENA);
	struct bulk_columns columns = {0};
	struct buf out = BUF_INIT(8 << 20), packed = BUF_INIT(RECORD_PACKED_MAX);
	struct made m;
	must(a && scratch);
	if (bulk_form_find(str_of(form_name), &form)) return 2;
	/* two types have index 1: the second is of the column `values` */
	if (form == BULK_CSV) {
		all[sizeof all - 1 - sizeof "1:gs1:pip"] = 0;
		must(!bulk_columns_parse(a, arena_printf(a, "%s,timestamp,values", all), NULL, &columns));
		bulk_write_header(&columns, &out);
	}
	for (uint64_t i = 0; i < n; i++) {
		make(place(i, n, sorted), n, &m);
		buf_clear(&packed);
		must(!record_pack(&m.record, &packed));
		must(!bulk_write(scratch, form, &columns, buf_str(&packed), &out) && !buf_err(&out));
		arena_reset(scratch);
		if (out.n < 1 << 20 && i + 1 < n) continue;
		must(fwrite(out.p, 1, out.n, stdout) == out.n);
		buf_clear(&out);
	}
	buf_done(&out);
	buf_done(&packed);
	arena_free(a);
	arena_free(scratch);
	return fflush(stdout) ? 1 : 0;
}

/* ---- LMDB ------------------------------------------------------------------------------- */

/* What the registry keeps: key, and leaf index with the packed record. */
static void row_of(struct made *m, struct arena *a, struct buf *row, struct id *id)
{
	struct id_prefix authority;
	must(!id_parse(a, m->record.id, NULL, id));
	must(!id_prefix_parse(a, id->scheme == ID_GS1 ? STR("gs1:950600") : STR("88.900"), NULL,
			      &authority));
	m->record.owner = authority.key;
	m->record.revision = 1;
	m->record.created = m->record.modified = INT64_C(1790000000123456);
	for (size_t i = 0; i < m->record.values_n; i++) m->values[i].timestamp = 1790000000;
	buf_clear(row);
	buf_add(row, STR("\0\0\0\0\0\1\2\3"));
	must(!record_pack(&m->record, row));
}

static double now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct peer {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi table;
};

static void open_peer(struct peer *p, const char *folder)
{
	must(mdb_env_create(&p->env) == 0 && mdb_env_set_mapsize(p->env, MAP) == 0);
	must(mdb_env_set_maxdbs(p->env, 64) == 0);
	mkdir(folder, 0700);
	must(mdb_env_open(p->env, folder, 0, 0600) == 0);
	must(mdb_txn_begin(p->env, NULL, 0, &p->txn) == 0);
	must(mdb_dbi_open(p->txn, "record", MDB_CREATE, &p->table) == 0);
	must(mdb_txn_commit(p->txn) == 0);
}

/* The rows are made outside of the time, BATCH at once. */
static int run_lmdb(const char *folder, uint64_t n, bool sorted, uint64_t batch)
{
	struct peer p;
	struct made m;
	struct arena *a = arena_new((size_t)4 << 30);
	double wall = 0, cpu = 0;
	uint64_t octets = 0;
	MDB_val *keys = calloc(batch, sizeof *keys), *rows = calloc(batch, sizeof *rows);
	must(a && keys && rows && batch);
	open_peer(&p, folder);
	for (uint64_t i = 0; i < n;) {
		size_t k = 0;
		for (; k < batch && i < n; k++, i++) {
			struct buf row = BUF_INIT(RECORD_PACKED_MAX + LEAF);
			struct id id;
			make(place(i, n, sorted), n, &m);
			row_of(&m, a, &row, &id);
			struct str kept = arena_dup(a, buf_str(&row));
			must(kept.p != NULL);
			keys[k] = (MDB_val){id.key.n, (void *)(uintptr_t)id.key.p};
			rows[k] = (MDB_val){kept.n, (void *)(uintptr_t)kept.p};
			octets += id.key.n + kept.n;
			buf_done(&row);
		}
		double from = now(CLOCK_MONOTONIC), from_cpu = now(CLOCK_PROCESS_CPUTIME_ID);
		must(mdb_txn_begin(p.env, NULL, 0, &p.txn) == 0);
		for (size_t x = 0; x < k; x++)
			must(mdb_put(p.txn, p.table, &keys[x], &rows[x], sorted ? MDB_APPEND : 0) == 0);
		must(mdb_txn_commit(p.txn) == 0);
		wall += now(CLOCK_MONOTONIC) - from;
		cpu += now(CLOCK_PROCESS_CPUTIME_ID) - from_cpu;
		arena_reset(a);
	}
	MDB_envinfo info;
	must(mdb_env_info(p.env, &info) == 0);
	printf("{\"seconds\":%.3f,\"cpu_seconds\":%.3f,\"octets\":%llu,\"file_octets\":%llu}\n", wall, cpu,
	       (unsigned long long)octets, (unsigned long long)(info.me_last_pgno + 1) * 4096);
	mdb_env_close(p.env);
	arena_free(a);
	free(keys);
	free(rows);
	return 0;
}

static void stat_table(MDB_txn *t, const char *name, bool first)
{
	MDB_dbi table;
	MDB_stat st;
	MDB_cursor *c;
	MDB_val k, v;
	uint64_t octets = 0;
	if (mdb_dbi_open(t, name, 0, &table) || mdb_stat(t, table, &st)) return;
	must(mdb_cursor_open(t, table, &c) == 0);
	while (mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0) octets += k.mv_size + v.mv_size;
	mdb_cursor_close(c);
	printf("%s\"%s\":{\"entries\":%zu,\"octets\":%llu,\"page_octets\":%llu}", first ? "" : ",", name,
	       st.ms_entries, (unsigned long long)octets,
	       (unsigned long long)(st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages) *
		   st.ms_psize);
}

static int run_stat(const char *folder)
{
	static const char *const names[] = {"record", "reverse", "history",    "feed",
					    "leaf",   "import",  "import_flaw"};
	MDB_env *env;
	MDB_txn *t;
	MDB_envinfo info;
	must(mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 64) == 0);
	must(mdb_env_set_mapsize(env, MAP) == 0);
	must(mdb_env_open(env, folder, MDB_RDONLY, 0600) == 0 &&
	     mdb_txn_begin(env, NULL, MDB_RDONLY, &t) == 0);
	must(mdb_env_info(env, &info) == 0);
	printf("{\"used_octets\":%llu,\"tables\":{", (unsigned long long)(info.me_last_pgno + 1) * 4096);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) stat_table(t, names[i], i == 0);
	printf("}}\n");
	mdb_txn_abort(t);
	mdb_env_close(env);
	return 0;
}

static int ids(uint64_t n, uint64_t count)
{
	uint64_t s = UINT64_C(0x9e3779b97f4a7c15);
	struct made m;
	for (uint64_t i = 0; i < count; i++) { /* xorshift64* */
		s ^= s >> 12;
		s ^= s << 25;
		s ^= s >> 27;
		make(s * UINT64_C(2685821657736338717) % n, n, &m);
		printf("%s\n", m.texts[0]);
	}
	return 0;
}

static uint64_t number(const char *s)
{
	uint64_t n = 0;
	if (str_u64(str_of(s), &n)) return 0;
	return n;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	if (argc == 5 && !strcmp(what, "generate"))
		return generate(argv[2], number(argv[3]), !strcmp(argv[4], "sorted"));
	if (argc == 6 && !strcmp(what, "lmdb"))
		return run_lmdb(argv[2], number(argv[3]), !strcmp(argv[4], "sorted"), number(argv[5]));
	if (argc == 3 && !strcmp(what, "stat")) return run_stat(argv[2]);
	if (argc == 4 && !strcmp(what, "ids")) return ids(number(argv[2]), number(argv[3]));
	fprintf(stderr,
		"usage: bench-registry generate FORM N sorted|random | lmdb FOLDER N sorted|random BATCH | "
		"stat FOLDER | ids N COUNT\n");
	return 2;
}
