/* Every setting of a node, in one table: base/conf.h checks, documents and explains them. */
#ifndef TOOLS_KANHED_SETTINGS_H
#define TOOLS_KANHED_SETTINGS_H

#include "base/conf.h"

extern const struct conf_row settings_rows[];
extern const size_t settings_n;

#endif
