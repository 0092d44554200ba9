/* Any octets as a configuration file: refused with reasons, or read, printed and read again as the
 * same. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct conf_row rows[] = {
    {"node", "name", CONF_TEXT, "kanhe", 0, 0, NULL, "name", "名称"},
    {"node", "data", CONF_PATH, "data", 0, 0, NULL, "folder", "目录"},
    {"net", "https", CONF_LISTEN, "127.0.0.1:8443", 0, 0, NULL, NULL, NULL},
    {"net", "shards", CONF_NUMBER, "1", -64, 64, NULL, NULL, NULL},
    {"net", "body_max", CONF_SIZE, "1 MiB", 0, 0, NULL, NULL, NULL},
    {"net", "patience", CONF_DURATION, "5 s", 0, 0, NULL, NULL, NULL},
    {"log", "level", CONF_CHOICE, "info", 0, 0, "error|warn|info|debug", NULL, NULL},
    {"log", "colour", CONF_SWITCH, "no", 0, 0, NULL, NULL, NULL},
    {"trust", "anchors", CONF_LIST, "", 0, 20000, NULL, NULL, NULL},
};

/* conf_load of these octets; NULL when refused. */
static struct conf *load(struct str text, struct buf *errors)
{
	char path[64];
	struct conf *c = NULL;
	int fd = memfd_create("conf", MFD_CLOEXEC);
	must(fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	enum err e = conf_load(rows, sizeof rows / sizeof *rows, path, NULL, 0, errors, &c);
	must((e == ERR_OK) == (c != NULL));
	must((e == ERR_OK) == (errors->n == 0));
	close(fd);
	return c;
}

static bool same(const struct conf *a, const struct conf *b)
{
	const char *const *x, *const *y;
	size_t n = conf_list(a, "trust", "anchors", &x);
	if (n != conf_list(b, "trust", "anchors", &y)) return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(x[i], y[i]) != 0) return false;
	return strcmp(conf_text(a, "node", "name"), conf_text(b, "node", "name")) == 0 &&
	       strcmp(conf_text(a, "node", "data"), conf_text(b, "node", "data")) == 0 &&
	       strcmp(conf_text(a, "net", "https"), conf_text(b, "net", "https")) == 0 &&
	       strcmp(conf_text(a, "log", "level"), conf_text(b, "log", "level")) == 0 &&
	       conf_number(a, "net", "shards") == conf_number(b, "net", "shards") &&
	       conf_number(a, "net", "body_max") == conf_number(b, "net", "body_max") &&
	       conf_number(a, "net", "patience") == conf_number(b, "net", "patience") &&
	       conf_switch(a, "log", "colour") == conf_switch(b, "log", "colour");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf errors = BUF_INIT(1 << 22), text = BUF_INIT(1 << 22);
	struct conf *c = load(str_n(data, n), &errors);
	if (c) {
		conf_print(c, true, &text);
		struct conf *again = load(buf_str(&text), &errors);
		must(again && same(c, again));
		conf_print_json(again, &text);
		conf_free(again);
	}
	conf_free(c);
	buf_done(&errors);
	buf_done(&text);
	return 0;
}
