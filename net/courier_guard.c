#include "net/courier_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

struct block {
	unsigned char prefix[16];
	unsigned bits;
};

static const struct block v4_special[] = {
    {{0}, 8},             /* this network */
    {{10}, 8},            /* private */
    {{100, 64}, 10},      /* shared by carriers */
    {{127}, 8},           /* loopback */
    {{169, 254}, 16},     /* link-local, cloud metadata */
    {{172, 16}, 12},      /* private */
    {{192, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2}, 24},    /* documentation */
    {{192, 88, 99}, 24},  /* 6to4 relays */
    {{192, 168}, 16},     /* private */
    {{198, 18}, 15},      /* benchmarks */
    {{198, 51, 100}, 24}, /* documentation */
    {{203, 0, 113}, 24},  /* documentation */
    {{224}, 4},           /* multicast */
    {{240}, 4},           /* reserved, broadcast */
};

static const struct block v6_special[] = {
    {{0}, 96},                                  /* unspecified, loopback, IPv4-compatible */
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48}, /* local NAT64 */
    {{0x01, 0x00}, 64},                         /* discard */
    {{0x20, 0x01, 0x00}, 23},                   /* protocol assignments, Teredo among them */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},             /* documentation */
    {{0x3f, 0xff, 0x00}, 20},                   /* documentation */
    {{0x5f, 0x00}, 16},                         /* segment routing */
    {{0xfc}, 7},                                /* unique local */
    {{0xfe, 0x80}, 10},                         /* link-local */
    {{0xfe, 0xc0}, 10},                         /* site-local */
    {{0xff}, 8},                                /* multicast */
};

/* Networks of one's own, where partners may live: opened by allow_private. */
static const struct block v4_inner[] = {{{10}, 8},       {{100, 64}, 10},  {{127}, 8},
					{{172, 16}, 12}, {{192, 168}, 16}, {{198, 18}, 15}};
static const struct block v6_inner[] = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128},
					{{0xfc}, 7}};

/* Inside an inner network, but a cloud's metadata, which hands out keys: never a partner. */
static const struct block v4_metadata[] = {{{100, 100, 100, 200}, 32}};
static const struct block v6_metadata[] = {
    {{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}, 128}};

/* IPv6 blocks that carry an IPv4 address, and where in it. */
static const struct {
	struct block block;
	unsigned at;
} v6_carriers[] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12}, /* IPv4-mapped */
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},                   /* NAT64 */
    {{{0x20, 0x02}, 16}, 2},                                /* 6to4 */
};

static bool inside(const unsigned char *address, const struct block *b)
{
	unsigned whole = b->bits / 8, rest = b->bits % 8;
	if (memcmp(address, b->prefix, whole) != 0) return false;
	return !rest || ((address[whole] ^ b->prefix[whole]) >> (8 - rest)) == 0;
}

static bool inside_any(const unsigned char *address, const struct block *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (inside(address, &b[i])) return true;
	return false;
}

#define IN(address, blocks) inside_any((address), (blocks), sizeof(blocks) / sizeof *(blocks))

static enum courier_place v4_place(const unsigned char *address)
{
	if (!IN(address, v4_special)) return COURIER_PUBLIC;
	return IN(address, v4_inner) && !IN(address, v4_metadata) ? COURIER_INNER : COURIER_NOWHERE;
}

static enum courier_place v6_place(const unsigned char *address)
{
	for (size_t i = 0; i < sizeof v6_carriers / sizeof *v6_carriers; i++)
		if (inside(address, &v6_carriers[i].block)) return v4_place(address + v6_carriers[i].at);
	if (!IN(address, v6_special)) return COURIER_PUBLIC;
	return IN(address, v6_inner) && !IN(address, v6_metadata) ? COURIER_INNER : COURIER_NOWHERE;
}

enum courier_place courier_guard_place(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, a, sizeof in);
		return v4_place((const unsigned char *)&in.sin_addr);
	}
	if (a->sa_family == AF_INET6) {
		struct sockaddr_in6 in;
		memcpy(&in, a, sizeof in);
		return v6_place(in.sin6_addr.s6_addr);
	}
	return COURIER_NOWHERE;
}

bool courier_guard_public(const struct sockaddr *a)
{
	return courier_guard_place(a) == COURIER_PUBLIC;
}

char *courier_guard_print(const struct sockaddr *a, char out[COURIER_GUARD_TEXT])
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	const char *p = NULL;
	if (a->sa_family == AF_INET) {
		memcpy(&in, a, sizeof in);
		p = inet_ntop(AF_INET, &in.sin_addr, out, COURIER_GUARD_TEXT);
	} else if (a->sa_family == AF_INET6) {
		memcpy(&in6, a, sizeof in6);
		p = inet_ntop(AF_INET6, &in6.sin6_addr, out, COURIER_GUARD_TEXT);
	}
	if (!p) snprintf(out, COURIER_GUARD_TEXT, "family %d", a->sa_family);
	return out;
}
