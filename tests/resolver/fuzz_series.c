/* Patterns and templates as anybody may send them: first line the pattern, second a serial, the rest a
 * template. What is read prints and reads again as the same; members are decided alike by their text and by
 * their serial; halves add up. */
#include <stdlib.h>

#include "resolver/series_pattern.h"
#include "resolver/series_template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void split_holds(struct arena *a, const struct series_pattern *p, struct str serial)
{
	struct series_pattern halves[2], again;
	enum err e = series_pattern_split(a, p, serial, NULL, halves);
	must(!e || e == ERR_BAD_INPUT || e == ERR_NOT_FOUND || e == ERR_TOO_LARGE);
	if (e) return;
	must(halves[0].members + halves[1].members == p->members);
	must(!series_range_has(&halves[0].range, serial) && series_range_has(&halves[1].range, serial));
	for (int i = 0; i < 2; i++) {
		if (series_pattern_parse(a, halves[i].text, NULL, &again)) continue; /* too long by now */
		must(str_eq(again.text, halves[i].text) && again.members == halves[i].members);
		must(again.head == p->head && again.rest == p->rest);
	}
}

static void member_holds(struct arena *a, const struct series_pattern *p, struct str serial)
{
	struct id id;
	struct str found;
	enum err e = series_pattern_member(a, p, serial, &id);
	must(!e || e == ERR_NOT_FOUND);
	must(e || series_range_has(&p->range, serial));
	if (e) return;
	must(id.key.n == p->first.key.n && id.text.n == p->first.text.n);
	must(str_cmp(p->first.key, id.key) <= 0 && str_cmp(id.key, p->last.key) <= 0);
	must(str_eq(str_first(str_skip(id.key, p->head), serial.n), serial));
	must(!series_pattern_find(a, p, id.text, NULL, &found) && str_eq(found, serial));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(16 << 20);
	struct str rest = str_n(data, size), text = STR(""), serial = STR(""), filled;
	struct series_pattern p, again;
	struct flaw f = {0};
	must(a);
	(void)(str_split(&rest, '\n', &text) && str_split(&rest, '\n', &serial));
	if (!rest.p) rest = STR("");
	enum err e = series_pattern_parse(a, text, &f, &p);
	must(!e || (e == ERR_BAD_ID && f.rule[0]));
	must(!e || f.offset == FLAW_NO_OFFSET || f.offset <= text.n);
	if (!e) {
		must(!series_pattern_parse(a, p.text, &f, &again) && str_eq(again.text, p.text));
		must(again.members == p.members && str_eq(again.last.key, p.last.key));
		must(p.members && p.members <= SERIES_MEMBERS_MAX && p.scope <= p.head);
		member_holds(a, &p, p.range.from);
		member_holds(a, &p, p.range.to);
		member_holds(a, &p, serial);
		split_holds(a, &p, serial);
		split_holds(a, &p, p.range.to);
	}
	if (!template_check(rest, true, NULL) && rest.n < 4096) {
		struct template_words w = {.id = STR("88.1/a b"), .serial = STR("007")};
		if (template_is(rest)) must(!template_fill(a, rest, &w, &filled));
	}
	arena_free(a);
	return 0;
}
