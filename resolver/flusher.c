#include "resolver/flusher.h"

#include <stdlib.h>

struct flushing {
	struct writer_cmd cmd;
	struct flush flush;
};

static enum err apply(struct writer_cmd *c, struct writer_txn *t)
{
	return flush_take(&((struct flushing *)c)->flush, t);
}

static void done(struct writer_cmd *c, enum err result)
{
	struct flushing *f = (struct flushing *)c;
	flush_settle(&f->flush, result);
	free(f);
}

static void begin_day(struct rs_shard *s)
{
	usec_t now = clock_wall();
	uint32_t day = (uint32_t)(now / USEC_PER_DAY);
	if (day == s->top_day) return;
	top_clear(s->top);
	s->top_day = day;
	s->top_since = now;
}

static void on_time(void *arg)
{
	struct rs_shard *s = arg;
	begin_day(s);
	struct flushing *f = net_shard_index(s->net) ? NULL : calloc(1, sizeof *f);
	if (f) {
		f->cmd = (struct writer_cmd){.apply = apply, .done = done};
		f->flush.rs = s->rs;
		/* a full queue: the next minute takes it all */
		if (writer_submit(s->rs->o.writer, &f->cmd)) free(f);
	}
	flusher_start(s, s->net);
}

void flusher_start(struct rs_shard *s, struct net_shard *net)
{
	if (!net_timer_start(net, FLUSH_SECONDS * USEC_PER_SEC, on_time, s)) return;
}

enum err rs_flush(struct rs *r)
{
	struct flushing f = {.cmd = {.apply = apply}, .flush = {.rs = r}};
	enum err e = writer_run(r->o.writer, &f.cmd);
	flush_settle(&f.flush, e);
	return e;
}
