#include "tools/kanhe/command.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/retell.h"

enum { BAR_WIDTH = 30, SAID_ROOM = 32 << 10 };
#define SHOW_EVERY (USEC_PER_SEC / 10)

bool colour_on(FILE *f)
{
	const char *no = getenv("NO_COLOR");
	return isatty(fileno(f)) && !(no && no[0]);
}

/* How many octets at p a terminal would act on: controls of ASCII and Latin-1 (in UTF-8), and the marks
 * that turn the direction of text, by which a line shows something else than it says. */
static size_t acts(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;

	if (u[0] < 0x20 || u[0] == 0x7f) return 1;
	if (n >= 2 && u[0] == 0xc2 && u[1] >= 0x80 && u[1] <= 0x9f) return 2;
	if (n >= 3 && u[0] == 0xe2 && u[1] == 0x80 &&
	    (u[2] == 0x8e || u[2] == 0x8f || (u[2] >= 0xaa && u[2] <= 0xae)))
		return 3;
	return n >= 3 && u[0] == 0xe2 && u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9 ? 3 : 0;
}

void print_safe(FILE *f, struct str s)
{
	for (size_t i = 0; i < s.n;) {
		size_t n = acts(s.p + i, s.n - i);

		if (!n) fputc(s.p[i++], f);
		for (; n; n--) fprintf(f, "\\x%02x", (unsigned char)s.p[i++]);
	}
}

void print_said(FILE *f, const char *text)
{
	struct arena *a = arena_new(SAID_ROOM);

	must(a != NULL);
	print_safe(f, retell(say_language(), a, str_of(text)));
	arena_free(a);
}

const char *safe(const char *text)
{
	static char ring[SAFE_RING][SAFE_MAX];
	static unsigned next;
	char *out = ring[next++ % SAFE_RING];
	FILE *f = fmemopen(out, SAFE_MAX, "w");

	must(f != NULL);
	print_safe(f, str_first(str_of(text), SAFE_MAX / 12)); /* three octets become twelve at most */
	fclose(f);
	return out;
}

/* What a terminal would act on stands in strings only, where JSON has another spelling for it. */
static void print_json_text(const char *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		const unsigned char *u = (const unsigned char *)p + i;
		size_t k = *u < 0x20 ? 0 : acts(p + i, n - i);

		if (!k)
			putchar(p[i++]);
		else if (k == 1)
			printf("\\u%04x", u[0]);
		else if (k == 2)
			printf("\\u%04x", (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu));
		else
			printf("\\u%04x", (u[0] & 0xfu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu));
		i += k;
	}
	putchar('\n');
}

static void json_out(const json_t *j, size_t flags)
{
	/* 15 digits: what a node wrote as 0.307692 stays so */
	char *text = json_dumps(j, flags | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	must(text != NULL);
	print_json_text(text, strlen(text));
	free(text);
}

void print_json(const json_t *j)
{
	json_out(j, JSON_COMPACT);
}

void print_json_pretty(const json_t *j)
{
	json_out(j, JSON_INDENT(2));
}

void print_error(const struct cli *c, const char *fmt, ...)
{
	va_list ap;
	fprintf(stderr, "kanhe %s: ", c->command ? c->command->name : "");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int exit_of(enum err e)
{
	switch (e) {
	case ERR_OK: return CLI_OK;
	case ERR_NOT_FOUND: return CLI_NOT_FOUND;
	case ERR_BOGUS:
	case ERR_BAD_SIGNATURE: return CLI_BOGUS;
	case ERR_TIMEOUT:
	case ERR_UPSTREAM: return CLI_UNREACHABLE;
	case ERR_UNAUTHORISED:
	case ERR_FORBIDDEN: return CLI_UNAUTHORISED;
	default: return CLI_FAILED;
	}
}

void progress_start(struct progress *p, const struct cli *c, const char *label, uint64_t total)
{
	*p = (struct progress){.cli = c, .label = label, .total = total, .started = clock_mono()};
	p->on = !c->quiet && isatty(STDERR_FILENO);
}

/* Octets a second: what bars count. */
static const char *rate_text(double rate, char out[32])
{
	static const struct {
		double unit;
		const char *name;
	} units[] = {{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}, {1, "B"}};
	size_t i = 0;
	while (i < 3 && rate < units[i].unit) i++;
	snprintf(out, 32, "%.*f %s/s", i < 3, rate / units[i].unit, units[i].name);
	return out;
}

void progress_show(struct progress *p, uint64_t done)
{
	char rate[32];
	usec_t now = clock_mono();
	if (!p->on || (now - p->shown < SHOW_EVERY && (!p->total || done < p->total))) return;
	p->shown = now;
	if (!p->total) {
		double took = (double)(now - p->started) / USEC_PER_SEC;
		fprintf(stderr, "\r%s %llu  %s ", p->label, (unsigned long long)done,
			rate_text(took > 0 ? (double)done / took : 0, rate));
		fflush(stderr);
		return;
	}
	double part = p->total ? (double)done / (double)p->total : 0;
	if (part > 1) part = 1;
	double seconds = (double)(now - p->started) / USEC_PER_SEC;
	int filled = (int)(part * BAR_WIDTH);
	fprintf(stderr, "\r%s [%.*s%*s] %3d%%", p->label, filled, "##############################",
		BAR_WIDTH - filled, "", (int)(part * 100));
	if (seconds > 0.2 && part > 0)
		fprintf(stderr, "  %s  ETA %.0f s ", rate_text((double)done / seconds, rate),
			seconds / part - seconds);
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->on) fprintf(stderr, "\r\033[K");
	p->on = false;
}
