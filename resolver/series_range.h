/* Reading and joining ranges: between series_range.c and series_pattern.c. Private to them. */
#ifndef RESOLVER_SERIES_RANGE_H
#define RESOLVER_SERIES_RANGE_H

#include "resolver/series_pattern.h"

/* inner: between the braces; at: of the opening one. ERR_BAD_ID. */
enum err series_range_parse(struct arena *a, struct str inner, size_t at, struct flaw *f,
			    struct series_range *ret) MUST_USE;
/* The alphabets of `from` in their shortest form, for a range with the ends of *r. */
enum err series_range_alphabet(struct arena *a, const struct series_range *from,
			       struct series_range *r) MUST_USE;
/* The alphabets and parts of *r, whose ends are those of the window, from the ranges of its parts. */
enum err series_range_join(struct arena *a, const struct series_range *all, const struct series_part *parts,
			   size_t n, struct series_range *r) MUST_USE;
/* Makes the first part of the serial the one before. */
void series_range_back(const struct series_range *r, char *serial);
/* Whether the scheme may fold the character: a letter or digit, and of which kind; 0: none of them. */
unsigned series_class_of(char c);

#endif
