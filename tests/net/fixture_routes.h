#ifndef TESTS_NET_FIXTURE_ROUTES_H
#define TESTS_NET_FIXTURE_ROUTES_H

#include "tests/net/fixture.h"

extern const struct net_routes fixture_routes;
int chmod_600(const char *path);

#endif
