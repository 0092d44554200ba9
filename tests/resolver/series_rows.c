#include "tests/resolver/series_rows.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/writer.h"
#include "resolver/resolver.h"

static char folder[64];
struct store *store;
struct writer *writer;

void open_all(void)
{
	struct store_options so = {.folder = folder,
				   .tables = rs_tables,
				   .tables_n = rs_tables_n,
				   .told = rs_table_told,
				   .format = 1};
	struct flaw f = {0};
	must(!store_open(&so, &f, &store));
	struct writer_options wo = {.store = store, .origin = "test.example/registry"};
	must(!writer_start(&wo, &writer));
}

void close_all(void)
{
	writer_stop(writer);
	store_close(store);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *w)
{
	(void)st;
	(void)kind;
	(void)w;
	return remove(path);
}

int begin(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/kanhe-series-XXXXXX");
	must(mkdtemp(folder));
	open_all();
	return 0;
}

int end(void **state)
{
	(void)state;
	close_all();
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

struct cmd {
	struct writer_cmd cmd;
	struct series_change c;
	struct arena *arena;
	struct flaw flaw;
};

static enum err apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct cmd *m = (struct cmd *)c;
	m->flaw = (struct flaw){.offset = FLAW_NO_OFFSET};
	return series_apply(&m->c, t, m->arena, &m->flaw);
}

struct value one_value = {.index = 1,
			  .type = {"URL", 3},
			  .data = {"https://s.example/{serial}", 26},
			  .ttl = 60,
			  .permissions = 14};

enum err change(struct arena *a, enum series_act act, const char *pattern, const char *at, struct flaw *f)
{
	struct cmd m = {.cmd.apply = apply, .arena = a};
	m.c.act = act;
	m.c.who = STR("test");
	m.c.record = (struct record){.values = &one_value, .values_n = 1};
	enum err e = series_pattern_parse(a, str_of(pattern), f, &m.c.pattern);
	if (!e && at) e = series_pattern_split(a, &m.c.pattern, str_of(at), f, m.c.halves);
	if (e) return e;
	m.c.authority = str_first(m.c.pattern.first.key, m.c.pattern.scope);
	e = writer_run(writer, &m.cmd);
	if (f) *f = m.flaw;
	return e;
}

struct str series_of(struct arena *a, struct store_txn *t, struct str text)
{
	struct id id;
	struct series s;
	struct record_head head;
	enum err e = id_parse(a, text, NULL, &id);
	if (e == ERR_BAD_ID) return STR("");
	must(!e);
	e = series_find(t, &id, &s);
	if (e == ERR_NOT_FOUND) return STR("");
	must(!e && !record_peek(s.packed, &head));
	return head.id;
}
