/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The links of a site: bridges, pairs, macvlan interfaces, devices of the host's, and their addresses. */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "calibrate/site.h"

struct site_links {
	uint32_t base; /* of the networks: 198.18.0.0/15 is for benchmarks (RFC 2544) */
	char missing[SITE_PATHS][160]; /* why a path is not there; empty: it is */
	const char *devices
		[SITE_DEVICES];	 /* given, borrowed: handed over to a and b; NULL: a pair is */
	bool lent[SITE_DEVICES]; /* or perhaps lent, and not returned yet */
};

/* NETNS by workspace, -EBADF: the host's. After a failure site_links_remove takes back what was made. */
int site_links_make(const int netns[static SITE_WORKSPACES], struct site_links *links,
		    struct error *err);

/* Gives the host its devices back, as they were: switched off, under their names. */
int site_links_return_devices(const int netns[static SITE_WORKSPACES], struct site_links *links,
			      struct error *err);

/* PATH is not there after all. */
void site_links_miss(struct site_links *links, enum site_path path, const char *why);

/* Removes whatever links of that name there are. */
int site_links_remove(struct error *err);

/* In host byte order; 0: not reached that way. */
uint32_t site_links_address(const struct site_links *links, enum site_workspace workspace,
			    enum site_path path);
