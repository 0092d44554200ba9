#include "tools/kanhed/storage.h"

#include <stdio.h>

#include "base/log.h"

/* Near its end a map has room for a small change and none for a larger one: that is no end of it. Nor is
 * what comes and goes told more often. */
#define CALM (60 * USEC_PER_SEC)

static const char *advice(struct storage *s, enum err e)
{
	if (e == ERR_NO_MEMORY) return "give the node more memory";
	if (e != ERR_NO_SPACE) return "look at the disk and at the kernel's log";
	switch (store_room(s->store)) {
	case STORE_MAP_FULL: return "its map is full: raise store.map_max and restart the node";
	case STORE_DISK_FULL: return "its disk is full: make room on it, changes are taken again then";
	case STORE_ROOMY: break;
	}
	return "its disk has too little room, or long reads keep its map from growing: make room, or wait";
}

static void tell_failed(struct storage *s, enum err e)
{
	char map[32];
	snprintf(map, sizeof map, "%llu", (unsigned long long)s->map_max);
	log_line(LOG_ERROR, "store", NULL, "store", s->name, "error", err_name(e), "folder",
		 store_folder(s->store), "map_max", map, "msg",
		 "changes are refused, reads go on; said once, until changes are taken again", "do",
		 advice(s, e), NULL);
}

void storage_settled(void *arg, enum err e)
{
	struct storage *s = arg;
	if (!e && !s->refuses) return;
	usec_t now = clock_mono();
	if (e) {
		s->failed = now;
		s->refuses = true;
		if (s->told || (s->last_told && now - s->last_told < CALM)) return;
		tell_failed(s, e);
		s->told = true;
		s->last_told = now;
		return;
	}
	if (now - s->failed < CALM && store_room(s->store) != STORE_ROOMY) return;
	s->refuses = false;
	if (!s->told) return;
	s->told = false;
	log_line(LOG_INFO, "store", NULL, "store", s->name, "msg", "changes are accepted again", NULL);
}
