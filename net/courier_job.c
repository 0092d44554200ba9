#include "net/courier_job.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sign.h"
#include "net/courier_guard.h"

#ifndef KANHE_VERSION
#define KANHE_VERSION "0"
#endif

enum { LATE_MSEC = 50 }; /* how late the thread may be without a stream losing of its rate */
enum { UNSENT = 128 << 10 };
enum { WINDOW = 65535 }; /* of a stream at first (RFC 9113 6.9.2) */
enum { UPLOAD_PIECE = 256 << 10 };

/* libcurl 7.88 fails every second request over a clear-text HTTP/2 connection. */
static bool prior_works;

void courier_job_set_up(void)
{
	prior_works = curl_version_info(CURLVERSION_NOW)->version_num >= 0x080000;
}

static bool is_token(const char *s)
{
	if (!*s) return false;
	for (; *s; s++) {
		bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');
		if (!letter && !(*s >= '0' && *s <= '9') && !strchr("!#$%&'*+-.^_`|~", *s)) return false;
	}
	return true;
}

/* A line end inside a value would be another header. */
static bool is_field_value(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f) return false;
	return true;
}

static bool add_header(struct courier_job *j, const char *line)
{
	struct curl_slist *all = curl_slist_append(j->headers, line);
	if (all) j->headers = all;
	return all != NULL;
}

static enum err copy_headers(struct courier_job *j, const struct courier_req *q)
{
	bool typed = false;
	enum { LINE_MAX_OCTETS = 32 * 1024 }; /* a bearer token is the longest header sent */
	for (size_t i = 0; i < q->headers_n; i++) {
		const struct courier_header *h = &q->headers[i];
		if (!h->name || !h->value || !is_token(h->name) || !is_field_value(h->value))
			return ERR_BAD_INPUT;
		if (str_eq_nocase(str_of(h->name), STR("content-type"))) typed = true;
		struct buf line = BUF_INIT(LINE_MAX_OCTETS);
		/* "name;" is how libcurl sends a field without a value */
		buf_printf(&line, *h->value ? "%s: %s" : "%s;", h->name, h->value);
		buf_byte(&line, 0);
		enum err e = buf_err(&line);
		if (!e && !add_header(j, line.p)) e = ERR_NO_MEMORY;
		buf_done(&line);
		if (e) return e == ERR_TOO_LARGE ? ERR_BAD_INPUT : e;
	}
	/* libcurl's own ideas: a form's media type, and waiting for 100 Continue */
	if (!typed && !add_header(j, "Content-Type:")) return ERR_NO_MEMORY;
	return add_header(j, "Expect:") ? ERR_OK : ERR_NO_MEMORY;
}

static enum err copy(struct courier_job *j, const struct courier_req *q)
{
	if (!q->method || !q->url || !is_token(q->method)) return ERR_BAD_INPUT;
	j->method = strdup(q->method);
	j->url = strdup(q->url);
	if (q->body_file) j->body_file = strdup(q->body_file);
	bool copied = q->body.n && !q->body_stays;
	if (copied) j->body = malloc(q->body.n);
	if (!j->method || !j->url || (q->body_file && !j->body_file) || (copied && !j->body))
		return ERR_NO_MEMORY;
	if (copied) memcpy(j->body, q->body.p, q->body.n);
	if (copied) j->q.body = str_n(j->body, q->body.n);
	return copy_headers(j, q);
}

static size_t piece_of(uint64_t rate)
{
	if (!rate || rate / 8 > COURIER_PIECE_MAX) return COURIER_PIECE_MAX;
	return rate / 8 < 1024 ? 1024 : (size_t)(rate / 8);
}

enum err courier_job_new(const struct courier_req *q, bool allow_private, struct courier_job **ret)
{
	struct courier_job *j = calloc(1, sizeof *j);
	if (!j) return ERR_NO_MEMORY;
	must(q->done);
	j->q = *q;
	j->allow_private = allow_private;
	if (!j->q.deadline) j->q.deadline = COURIER_DEADLINE * USEC_PER_SEC;
	if (!j->q.body_max) j->q.body_max = q->data ? SIZE_MAX / 2 : COURIER_BODY_MAX;
	j->piece = piece_of(q->rate);
	j->born = clock_mono();
	j->deadline = j->born + j->q.deadline;
	j->moved = j->born;
	buf_init(&j->content, j->q.body_max);
	buf_init(&j->content_type, COURIER_FIELD_MAX);
	buf_init(&j->location, COURIER_FIELD_MAX);
	buf_init(&j->retry_after, COURIER_FIELD_MAX);
	buf_init(&j->etag, COURIER_FIELD_MAX);
	buf_init(&j->link, COURIER_LINK_MAX);
	enum err e = copy(j, q);
	if (e)
		courier_job_free(j);
	else
		*ret = j;
	return e;
}

static void close_file(struct courier_job *j)
{
	if (j->file) fclose(j->file);
	j->file = NULL;
}

void courier_job_free(struct courier_job *j)
{
	if (!j) return;
	close_file(j);
	curl_slist_free_all(j->headers);
	buf_done(&j->content);
	buf_done(&j->content_type);
	buf_done(&j->location);
	buf_done(&j->retry_after);
	buf_done(&j->etag);
	buf_done(&j->link);
	free(j->method);
	free(j->url);
	free(j->body);
	free(j->body_file);
	free(j);
}

/* Its deadline is for standing still. */
static bool is_stream(const struct courier_job *j)
{
	return j->q.data || j->q.stream;
}

/* ---- what libcurl calls -------------------------------------------------------------------- */

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct courier_job *j = arg;
	(void)purpose;
	/* the address itself, whatever name or redirection of names it came from */
	enum courier_place place = courier_guard_place(&a->addr);
	if (place == COURIER_NOWHERE || (place == COURIER_INNER && !j->allow_private)) {
		j->refused_address = true;
		courier_guard_print(&a->addr, j->address);
		return CURL_SOCKET_BAD;
	}
	int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	/* what waits for the peer's window waits in our memory: the system sends all that it has at once
	 * when that opens, for milliseconds on a fast way */
	static const int unsent = UNSENT;
	if (fd >= 0) (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
	return fd;
}

static void keep_field(struct buf *to, struct str line, struct str name)
{
	if (!str_starts_nocase(line, name)) return;
	buf_clear(to);
	buf_add(to, str_trim(str_skip(line, name.n)));
}

/* A field that may come several times (RFC 9110 5.3). */
static void join_field(struct buf *to, struct str line, struct str name)
{
	if (!str_starts_nocase(line, name)) return;
	if (to->n) buf_add(to, STR(", "));
	buf_add(to, str_trim(str_skip(line, name.n)));
}

static void refresh(struct courier_job *j)
{
	long status = 0;
	curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
	j->result.status = (int)status;
	j->result.content_type = buf_str(&j->content_type);
	j->result.location = buf_str(&j->location);
	j->result.retry_after = buf_str(&j->retry_after);
	j->result.etag = buf_str(&j->etag);
	j->result.link = buf_str(&j->link);
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct courier_job *j = arg;
	struct str line = str_n(p, size * n);
	j->moved = clock_mono();
	if (str_starts(line, STR("HTTP/"))) { /* also after an interim answer */
		buf_clear(&j->content_type);
		buf_clear(&j->location);
		buf_clear(&j->retry_after);
		buf_clear(&j->etag);
		buf_clear(&j->link);
	}
	keep_field(&j->content_type, line, STR("content-type:"));
	keep_field(&j->location, line, STR("location:"));
	keep_field(&j->retry_after, line, STR("retry-after:"));
	keep_field(&j->etag, line, STR("etag:"));
	join_field(&j->link, line, STR("link:"));
	return size * n;
}

static bool may_retry_status(const struct courier_job *j, int status)
{
	return (status == 502 || status == 503 || status == 504) && !j->body_file &&
	       j->result.attempts <= j->q.retries;
}

/* libcurl's own limit lets a hundred of its reads through before it looks at the clock. Here each
 * piece moves the time at which the next one may come; true when that is not yet. */
static bool too_early(struct courier_job *j, size_t n, usec_t now)
{
	if (!j->q.rate) return false;
	if (now < j->due) {
		j->resume_at = j->due;
		return true;
	}
	/* time not used is not saved up, but for what a busy thread was late by */
	if (now - j->due > LATE_MSEC * USEC_PER_MSEC) j->due = now;
	j->due += (usec_t)(n * (uint64_t)USEC_PER_SEC / j->q.rate);
	return false;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct courier_job *j = arg;
	struct str piece = str_n(p, size * n);
	usec_t now = clock_mono();
	if (too_early(j, piece.n, now)) return CURL_WRITEFUNC_PAUSE;
	j->moved = now;
	refresh(j);
	if (!j->q.data) {
		buf_add(&j->content, piece);
		j->err = buf_err(&j->content);
		return j->err ? 0 : piece.n;
	}
	if (may_retry_status(j, j->result.status)) return piece.n; /* not what was asked for */
	if (piece.n > j->q.body_max)
		j->err = ERR_TOO_LARGE;
	else
		j->q.body_max -= piece.n;
	j->delivered = true;
	if (!j->err) j->err = j->q.data(j->q.arg, &j->result, piece);
	return j->err ? 0 : piece.n;
}

static size_t on_upload(char *p, size_t size, size_t n, void *arg)
{
	struct courier_job *j = arg;
	size_t got = fread(p, 1, size * n, j->file);
	j->moved = clock_mono();
	if (!got && ferror(j->file)) {
		j->err = ERR_IO;
		return CURL_READFUNC_ABORT;
	}
	return got;
}

static int on_rewind(void *arg, curl_off_t offset, int origin)
{
	struct courier_job *j = arg;
	if (origin == SEEK_SET) offset += (curl_off_t)j->q.body_from;
	return fseeko(j->file, offset, origin) ? CURL_SEEKFUNC_FAIL : CURL_SEEKFUNC_OK;
}

/* ---- one attempt ----------------------------------------------------------------------------- */

/* curl_easy_setopt fails without memory or for an option this libcurl was built without. */
#define SET(option, value)                                                                                 \
	do {                                                                                               \
		if (curl_easy_setopt(e, (option), (value))) return false;                                  \
	} while (0)

static bool set_security(CURL *e, struct courier_job *j, const struct courier_options *o)
{
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(CURLOPT_PROXY, ""); /* an address behind a proxy could not be checked */
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, j);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (o->ca_file) {
		SET(CURLOPT_CAINFO, o->ca_file);
		SET(CURLOPT_CAPATH, NULL); /* that authority, not the system's besides */
	}
	if (o->client_cert) {
		SET(CURLOPT_SSLCERT, o->client_cert);
		SET(CURLOPT_SSLKEY, o->client_key);
	}
	return true;
}

static long version_of(const struct courier_job *j)
{
	/* a slow reader would hold up its neighbours on a shared connection */
	if (j->q.rate || j->body_file || j->q.body.n > WINDOW) return CURL_HTTP_VERSION_1_1;
	if (str_starts_nocase(str_of(j->url), STR("https:"))) return CURL_HTTP_VERSION_2TLS;
	return j->q.h2_prior && prior_works ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE : CURL_HTTP_VERSION_1_1;
}

unsigned courier_job_lane(const struct courier_job *j)
{
	return version_of(j) == CURL_HTTP_VERSION_1_1 ? COURIER_H1 : COURIER_H2;
}

static bool set_transport(CURL *e, struct courier_job *j, usec_t now)
{
	usec_t left = j->deadline - now, connect = COURIER_CONNECT_MAX * USEC_PER_SEC;
	if (left < USEC_PER_MSEC) left = USEC_PER_MSEC; /* 0 would mean for ever */
	if (connect > left) connect = left;
	SET(CURLOPT_HTTP_VERSION, version_of(j));
	SET(CURLOPT_PIPEWAIT, (long)(version_of(j) != CURL_HTTP_VERSION_1_1));
	if (!is_stream(j)) SET(CURLOPT_TIMEOUT_MS, (long)(left / USEC_PER_MSEC));
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(connect / USEC_PER_MSEC));
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TCP_NODELAY, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); /* a stuck name lookup must not hold up the stop */
	SET(CURLOPT_BUFFERSIZE, (long)j->piece);
	return true;
}

static bool set_upload(CURL *e, struct courier_job *j)
{
	struct stat s;
	if (fstat(fileno(j->file), &s)) return false;
	curl_off_t from = (curl_off_t)j->q.body_from, n = s.st_size > from ? s.st_size - from : 0;
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_PIECE);
	SET(CURLOPT_READFUNCTION, on_upload);
	SET(CURLOPT_READDATA, j);
	SET(CURLOPT_SEEKFUNCTION, on_rewind);
	SET(CURLOPT_SEEKDATA, j);
	SET(CURLOPT_INFILESIZE_LARGE, n);
	return true;
}

static bool set_message(CURL *e, struct courier_job *j)
{
	bool bodiless = str_is(str_of(j->method), "GET") || str_is(str_of(j->method), "DELETE");
	if (str_is(str_of(j->method), "HEAD")) {
		SET(CURLOPT_NOBODY, 1L);
	} else if (j->file) {
		if (!set_upload(e, j)) return false;
	} else if (j->q.body.n || !bodiless) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)j->q.body.n);
		SET(CURLOPT_POSTFIELDS, j->q.body.n ? j->q.body.p : "");
	}
	SET(CURLOPT_CUSTOMREQUEST, j->method);
	SET(CURLOPT_URL, j->url);
	SET(CURLOPT_HTTPHEADER, j->headers);
	SET(CURLOPT_USERAGENT, "kanhe/" KANHE_VERSION);
	if (j->q.gzip) SET(CURLOPT_ACCEPT_ENCODING, "gzip");
	if (!j->q.data) SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)j->q.body_max);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, j);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, j);
	SET(CURLOPT_ERRORBUFFER, j->why);
	SET(CURLOPT_PRIVATE, j);
	return true;
}

enum err courier_job_prepare(struct courier_job *j, const struct courier_options *o, usec_t now)
{
	j->result.attempts++;
	j->err = ERR_OK;
	j->refused_address = false;
	j->why[0] = 0;
	j->moved = now;
	j->resume_at = 0;
	buf_clear(&j->content);
	if (j->body_file) {
		close_file(j);
		j->file = fopen(j->body_file, "rbe");
		if (!j->file || fseeko(j->file, (off_t)j->q.body_from, SEEK_SET)) return err_errno(errno);
	}
	bool ok = set_security(j->easy, j, o) && set_transport(j->easy, j, now) && set_message(j->easy, j);
	return ok ? ERR_OK : ERR_NO_MEMORY;
}

/* ---- what came of it ----------------------------------------------------------------------- */

static enum err err_of(const struct courier_job *j, CURLcode code)
{
	if (j->err) return j->err;
	switch (code) {
	case CURLE_OK: return ERR_OK;
	case CURLE_OPERATION_TIMEDOUT: return ERR_TIMEOUT;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL: return ERR_BAD_INPUT;
	case CURLE_OUT_OF_MEMORY: return ERR_NO_MEMORY;
	case CURLE_FILESIZE_EXCEEDED: return ERR_TOO_LARGE;
	case CURLE_COULDNT_CONNECT: return j->refused_address ? ERR_FORBIDDEN : ERR_UPSTREAM;
	default: return ERR_UPSTREAM;
	}
}

/* With its port. */
static struct str host_of(const struct courier_job *j)
{
	struct str s = str_of(j->url);
	size_t at = str_find(s, ':');

	s = str_skip(s, at + 3 < s.n ? at + 3 : s.n);
	return str_first(s, str_find(s, '/') < 150 ? str_find(s, '/') : 150);
}

void courier_job_conclude(struct courier_job *j, CURLcode code, usec_t now)
{
	struct courier_result *r = &j->result;
	refresh(j);
	close_file(j);
	r->err = err_of(j, code);
	r->took = now - j->born;
	r->body = j->q.data ? STR_NONE : buf_str(&j->content);
	r->text[0] = 0;
	if (r->err == ERR_FORBIDDEN && j->refused_address)
		snprintf(r->text, sizeof r->text, "%s is not a public address", j->address);
	else if (r->err == ERR_TOO_LARGE)
		snprintf(r->text, sizeof r->text, "the answer is larger than allowed");
	else if (r->err && code == CURLE_COULDNT_CONNECT)
		snprintf(r->text, sizeof r->text, "no connection to %.*s", STR_ARG(host_of(j)));
	else if (r->err && code == CURLE_COULDNT_RESOLVE_HOST)
		snprintf(r->text, sizeof r->text, "no address is known of %.*s", STR_ARG(host_of(j)));
	else if (r->err)
		snprintf(r->text, sizeof r->text, "%.199s", j->why[0] ? j->why : curl_easy_strerror(code));
}

/* Failures after which the other side has surely not acted on the request. */
static bool failed_before_sending(const struct courier_job *j, CURLcode code)
{
	curl_off_t ready = 0; /* when the connection was ready for the request */
	curl_easy_getinfo(j->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
	return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT ||
	       code == CURLE_SSL_CONNECT_ERROR || (code == CURLE_OPERATION_TIMEDOUT && !ready);
}

static bool failed_on_the_way(CURLcode code)
{
	return code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING ||
	       code == CURLE_HTTP2 || code == CURLE_HTTP2_STREAM || code == CURLE_PARTIAL_FILE ||
	       code == CURLE_OPERATION_TIMEDOUT;
}

static bool worth_retrying(const struct courier_job *j, CURLcode code)
{
	if (j->body_file || j->delivered || j->refused_address || j->err) return false;
	if (j->result.attempts > j->q.retries) return false;
	if (code == CURLE_OK) return may_retry_status(j, j->result.status);
	return failed_before_sending(j, code) ||
	       (failed_on_the_way(code) && !str_is(str_of(j->method), "POST"));
}

static usec_t backoff(unsigned attempts)
{
	usec_t ms = COURIER_BACKOFF_MAX;
	if (attempts < 8) ms = (usec_t)COURIER_BACKOFF_FIRST << (attempts - 1);
	if (ms > COURIER_BACKOFF_MAX) ms = COURIER_BACKOFF_MAX;
	/* half of it by chance, so that those who failed together do not come back together */
	uint32_t chance;
	random_bytes(&chance, sizeof chance);
	return ms * USEC_PER_MSEC / 2 +
	       (usec_t)((uint64_t)chance * (uint64_t)(ms * USEC_PER_MSEC / 2) >> 32);
}

usec_t courier_job_retry(const struct courier_job *j, CURLcode code, usec_t now)
{
	uint64_t seconds;
	if (!worth_retrying(j, code)) return -1;
	usec_t wait = backoff(j->result.attempts);
	if (!str_u64(j->result.retry_after, &seconds) && seconds < 3600 &&
	    wait < (usec_t)seconds * USEC_PER_SEC)
		wait = (usec_t)seconds * USEC_PER_SEC;
	return now + wait < j->deadline ? wait : -1;
}

bool courier_job_overdue(const struct courier_job *j, usec_t now)
{
	if (j->state != COURIER_RUNNING) return now >= j->deadline;
	if (!is_stream(j)) return false; /* libcurl's own timer */
	return !j->resume_at && now - j->moved >= j->q.deadline;
}
