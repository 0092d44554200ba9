#include "net/courier_lane.h"

#include <errno.h>

enum { CONNECTIONS_MAX = 256 /* open at once, and kept open for the next request */ };

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	struct courier_lane *l = arg;
	struct epoll_event e = {.data.u64 = (uint64_t)l->index << 32 | (uint32_t)fd};
	(void)easy, (void)unused;
	if (what == CURL_POLL_REMOVE) {
		/* an error only says that it was closed before, which removes it as well */
		epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN) e.events |= EPOLLIN;
	if (what & CURL_POLL_OUT) e.events |= EPOLLOUT;
	if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &e) == 0) return 0;
	return errno == ENOENT && epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : -1;
}

static int on_timer(CURLM *multi, long msec, void *arg)
{
	struct courier_lane *l = arg;
	(void)multi;
	l->timer = msec < 0 ? 0 : clock_mono() + msec * USEC_PER_MSEC;
	return 0;
}

bool courier_lane_open(struct courier_lane *l, int epoll, unsigned index, long per_host)
{
	l->epoll = epoll;
	l->index = index;
	l->multi = curl_multi_init();
	return l->multi && !curl_multi_setopt(l->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX) &&
	       !curl_multi_setopt(l->multi, CURLMOPT_MAX_HOST_CONNECTIONS, per_host) &&
	       !curl_multi_setopt(l->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONNECTIONS_MAX) &&
	       !curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX) &&
	       !curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, on_socket) &&
	       !curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l) &&
	       !curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, on_timer) &&
	       !curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
}

void courier_lane_close(struct courier_lane *l)
{
	if (l->multi) curl_multi_cleanup(l->multi);
}

static void act(struct courier_lane *l, curl_socket_t fd, int what)
{
	int running;
	CURLMcode code = curl_multi_socket_action(l->multi, fd, what, &running);
	must(code == CURLM_OK || code == CURLM_OUT_OF_MEMORY || code == CURLM_BAD_SOCKET);
}

void courier_lane_event(struct courier_lane *l, const struct epoll_event *e)
{
	int what = 0;
	if (e->events & EPOLLIN) what |= CURL_CSELECT_IN;
	if (e->events & EPOLLOUT) what |= CURL_CSELECT_OUT;
	if (e->events & (EPOLLERR | EPOLLHUP)) what |= CURL_CSELECT_ERR;
	act(l, (curl_socket_t)(uint32_t)e->data.u64, what);
}

void courier_lane_tick(struct courier_lane *l, usec_t now)
{
	if (!l->timer || now < l->timer) return;
	l->timer = 0; /* libcurl sets the next one inside */
	act(l, CURL_SOCKET_TIMEOUT, 0);
}
