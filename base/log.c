#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

/* PIPE_BUF: a line of this size goes into a pipe whole or not at all. */
enum { LINE_MAX_OCTETS = 4096 };
static const struct str cut_mark = {" cut=yes", 8};

static atomic_int log_at = LOG_INFO;
static atomic_int log_fd = STDERR_FILENO;
static atomic_uint_fast64_t dropped;
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
static bool torn; /* under writing: the last line lacks its end */

static const char *const level_names[] = {"error", "warn", "info", "debug"};

/* One line in the making. */
struct line {
	char p[LINE_MAX_OCTETS];
	size_t n;
	bool cut;
};

void log_setup(enum log_level level, int fd)
{
	atomic_store(&log_at, (int)level);
	atomic_store(&log_fd, fd);
}

enum err log_level_parse(struct str s, enum log_level *ret)
{
	for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++)
		if (str_is(s, level_names[i])) {
			*ret = (enum log_level)i;
			return ERR_OK;
		}
	return ERR_BAD_INPUT;
}

bool log_on(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&log_at, memory_order_relaxed);
}

uint64_t log_dropped(void)
{
	return atomic_load(&dropped);
}

/* Appends s whole or, past the end, nothing from then on; room for `"`, the mark and LF is kept. */
static void add(struct line *l, struct str s)
{
	if (l->cut || s.n > sizeof l->p - l->n - cut_mark.n - 2) {
		l->cut = true;
		return;
	}
	memcpy(l->p + l->n, s.p, s.n);
	l->n += s.n;
}

/* Past the end, for what closes a line. */
static void add_last(struct line *l, struct str s)
{
	must(s.n <= sizeof l->p - l->n);
	memcpy(l->p + l->n, s.p, s.n);
	l->n += s.n;
}

/* Code points that move a cursor, break a line, hide or reorder text: C0, DEL, C1, zero-width and
 * bidirectional marks, line separators, byte order mark. */
static bool unsafe_point(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

/* The code point at the start of s and its length; length 0 when s does not start well-formed. */
static size_t point(struct str s, uint32_t *ret)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (len > s.n || !str_utf8_ok(str_first(s, len), NULL)) return 0;
	uint32_t v = len == 1 ? c : c & (0xffU >> (len + 1));
	for (size_t i = 1; i < len; i++) v = v << 6 | ((unsigned char)s.p[i] & 0x3f);
	*ret = v;
	return len;
}

static bool needs_quotes(struct str v)
{
	for (size_t i = 0; i < v.n;) {
		uint32_t c;
		size_t len = point(str_skip(v, i), &c);
		if (!len || unsafe_point(c) || c == ' ' || c == '"' || c == '=' || c == '\\') return true;
		i += len;
	}
	return v.n == 0;
}

static void add_point(struct line *l, struct str raw, uint32_t c)
{
	char u[16];
	if (c == '"' || c == '\\') {
		add(l, str_n((char[]){'\\', (char)c}, 2));
	} else if (c == '\n' || c == '\r' || c == '\t') {
		add(l, str_n((char[]){'\\', c == '\n' ? 'n' : c == '\r' ? 'r' : 't'}, 2));
	} else if (unsafe_point(c)) {
		snprintf(u, sizeof u, "\\u%04x", (unsigned)c);
		add(l, str_of(u));
	} else {
		add(l, raw);
	}
}

static void add_value(struct line *l, struct str v)
{
	if (!needs_quotes(v)) {
		for (uint32_t c; v.n;) {
			size_t len = point(v, &c);
			add(l, str_first(v, len));
			v = str_skip(v, len);
		}
		return;
	}
	add(l, STR("\""));
	bool open = !l->cut;
	while (v.n && !l->cut) {
		uint32_t c;
		size_t len = point(v, &c);
		if (len) {
			add_point(l, str_first(v, len), c);
		} else {
			char x[8];
			snprintf(x, sizeof x, "\\x%02x", (unsigned char)v.p[0]);
			add(l, str_of(x));
			len = 1;
		}
		v = str_skip(v, len);
	}
	if (open) add_last(l, STR("\""));
}

static void add_pair(struct line *l, const char *key, const char *value)
{
	add(l, STR(" "));
	add(l, str_of(key));
	add(l, STR("="));
	add_value(l, value ? str_of(value) : STR("-"));
}

static void begin(struct line *l, enum log_level level, const char *tag, const char *req)
{
	char at[CLOCK_TEXT];
	l->n = 0;
	l->cut = false;
	add(l, str_of(clock_print(clock_wall(), true, at)));
	add(l, STR(" "));
	add(l, str_of(level_names[level]));
	add_pair(l, "tag", tag);
	if (req) add_pair(l, "req", req);
}

/* Neither the lock nor the write waits on a reader of the log: nothing is written unless poll
 * says that a whole line fits. */
static void end(struct line *l)
{
	if (l->cut) add_last(l, cut_mark);
	add_last(l, STR("\n"));
	int fd = atomic_load(&log_fd);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	ssize_t n = -1;
	pthread_mutex_lock(&writing);
	if (poll(&p, 1, 0) == 1 && (p.revents & POLLOUT)) {
		if (torn && write(fd, "\n", 1) == 1) torn = false;
		do n = write(fd, l->p, l->n);
		while (n < 0 && errno == EINTR);
		if (n > 0 && (size_t)n < l->n) torn = true;
	}
	pthread_mutex_unlock(&writing);
	if (n < 0 || (size_t)n < l->n) atomic_fetch_add(&dropped, 1);
}

void log_line(enum log_level level, const char *tag, const char *req, ...)
{
	struct line l;
	if (!log_on(level)) return;
	begin(&l, level, tag, req);
	va_list ap;
	va_start(ap, req);
	for (const char *key; (key = va_arg(ap, const char *));)
		add_pair(&l, key, va_arg(ap, const char *));
	va_end(ap);
	end(&l);
}

void log_msg(enum log_level level, const char *tag, const char *req, const char *fmt, ...)
{
	struct line l;
	char text[LINE_MAX_OCTETS];
	if (!log_on(level)) return;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	begin(&l, level, tag, req);
	add_pair(&l, "msg", text);
	end(&l);
}
